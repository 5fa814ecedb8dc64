/* SPDX-License-Identifier: MIT */
/* min() and max() insist on equal types, as the kernel's do. */
#ifndef SHIM_LINUX_KERNEL_H
#define SHIM_LINUX_KERNEL_H

#include <limits.h>

#include <linux/types.h>

#define SHIM_PICK(a, b, op) \
	({ \
		__typeof__(a) a_ = (a); \
		__typeof__(b) b_ = (b); \
		(void)(&a_ == &b_); \
		a_ op b_ ? a_ : b_; \
	})

#define min(a, b) SHIM_PICK(a, b, <)
#define max(a, b) SHIM_PICK(a, b, >)

#endif /* SHIM_LINUX_KERNEL_H */
