// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * kobj_type.get_ownership of an object it might change.
 * define: SVM_HAVE_OWNERSHIP_PLAIN
 * one-of: callback for the owner of a kobject
 */
#include <linux/kobject.h>

static void probe(struct kobject *kobj, kuid_t *uid, kgid_t *gid)
{
}

static const __used struct kobj_type type = { .get_ownership = probe };
