/* SPDX-License-Identifier: MIT */
/* A mutex of one thread: it only knows whether it is held. */
#ifndef SHIM_LINUX_MUTEX_H
#define SHIM_LINUX_MUTEX_H

#include <linux/types.h>

struct mutex {
	bool held;
};

void mutex_init(struct mutex *lock);
void mutex_lock(struct mutex *lock);
void mutex_unlock(struct mutex *lock);

#endif /* SHIM_LINUX_MUTEX_H */
