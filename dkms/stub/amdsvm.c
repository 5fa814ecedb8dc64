// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * What takes the driver's place on a kernel that it does not build for, under a
 * dkms that cannot skip a kernel (see dkms/build). It never loads.
 */
#include <linux/init.h>
#include <linux/module.h>

static int __init amdsvm_stub_init(void)
{
	pr_err("amdsvm: the driver does not build for this kernel; install a newer amdsvm, or start another kernel\n");
	return -EOPNOTSUPP;
}
module_init(amdsvm_stub_init);

MODULE_AUTHOR("The amdsvm developers");
MODULE_DESCRIPTION("Not the driver: amdsvm does not build for this kernel");
MODULE_LICENSE("Dual MIT/GPL");
