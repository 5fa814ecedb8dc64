/* SPDX-License-Identifier: MIT */
/*
 * Debian's kernel headers have <linux/kfd_ioctl.h> without the <drm/drm.h> that
 * it includes only for the fixed-size types. For abi_check.c, searched last.
 */
#include <linux/types.h>
#include <linux/ioctl.h>
