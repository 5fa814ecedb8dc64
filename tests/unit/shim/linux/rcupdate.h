/* SPDX-License-Identifier: MIT */
/*
 * There is one thread, so nobody reads while a writer frees: memory goes at
 * once, and a writer that uses it afterwards meets the address sanitizer.
 */
#ifndef SHIM_LINUX_RCUPDATE_H
#define SHIM_LINUX_RCUPDATE_H

#include <linux/types.h>

struct rcu_head {
	void *next;
	void (*func)(struct rcu_head *head);
};

void kfree(const void *ptr);
void rcu_read_lock(void);
void rcu_read_unlock(void);

#define kfree_rcu(ptr, member) \
	do { \
		(void)&(ptr)->member; \
		kfree(ptr); \
	} while (0)

#endif /* SHIM_LINUX_RCUPDATE_H */
