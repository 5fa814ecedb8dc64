// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Maple trees under an external lock, for the range map.
 * define: SVM_HAVE_POLICY
 * symbols: mas_find mas_walk mas_store_gfp __mt_destroy
 * symbols: rhashtable_free_and_destroy
 * required: maple trees with MT_FLAGS_LOCK_EXTERN, for modules (Linux 6.1 or later)
 */
#include <linux/maple_tree.h>
#include <linux/mutex.h>

static __used int probe(struct maple_tree *tree, struct mutex *lock)
{
	MA_STATE(mas, tree, 0, 1);

	mt_init_flags(tree, MT_FLAGS_LOCK_EXTERN | MT_FLAGS_USE_RCU);
	mt_set_external_lock(tree, lock);
	return mas_store_gfp(&mas, NULL, GFP_KERNEL);
}
