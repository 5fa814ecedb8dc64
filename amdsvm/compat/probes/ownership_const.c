// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * kobj_type.get_ownership of an object it does not change (Linux 6.2).
 * define: SVM_HAVE_OWNERSHIP_CONST
 * one-of: callback for the owner of a kobject
 */
#include <linux/kobject.h>

static void probe(const struct kobject *kobj, kuid_t *uid, kgid_t *gid)
{
}

static const __used struct kobj_type type = { .get_ownership = probe };
