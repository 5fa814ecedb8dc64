/* SPDX-License-Identifier: MIT */
/* A warning fails the test that runs. */
#ifndef SHIM_LINUX_BUG_H
#define SHIM_LINUX_BUG_H

#include <linux/types.h>

void shim_warn(const char *file, int line, const char *what);

#define WARN_ON_ONCE(condition) \
	({ \
		bool warn_ = !!(condition); \
		if (warn_) \
			shim_warn(__FILE__, __LINE__, #condition); \
		warn_; \
	})

#endif /* SHIM_LINUX_BUG_H */
