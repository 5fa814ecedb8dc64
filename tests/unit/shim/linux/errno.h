/* SPDX-License-Identifier: MIT */
/* The numbers are in the user headers; the C library reads this name as well. */
#ifndef SHIM_LINUX_ERRNO_H
#define SHIM_LINUX_ERRNO_H

#include_next <linux/errno.h>

#endif /* SHIM_LINUX_ERRNO_H */
