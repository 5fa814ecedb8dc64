/* SPDX-License-Identifier: MIT */
#ifndef SHIM_LINUX_SLAB_H
#define SHIM_LINUX_SLAB_H

#include <linux/types.h>

#define GFP_KERNEL 1u
#define GFP_KERNEL_ACCOUNT 2u

void *kzalloc(size_t size, gfp_t gfp);
void kfree(const void *ptr);

#endif /* SHIM_LINUX_SLAB_H */
