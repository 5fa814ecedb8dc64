/* SPDX-License-Identifier: MIT */
/*
 * The calls of the kernel's maple tree that the driver uses, over a sorted
 * array of the entries that are not NULL. What a caller can see is as there:
 * a walk to a gap gives the bounds of the gap, a store overwrites and splits
 * what lies under it and never joins equal entries, NULL makes a gap.
 */
#ifndef SHIM_LINUX_MAPLE_TREE_H
#define SHIM_LINUX_MAPLE_TREE_H

#include <linux/err.h>
#include <linux/mutex.h>
#include <linux/types.h>

#define MT_FLAGS_USE_RCU 0x02
#define MT_FLAGS_ALLOC_RANGE 0x01
#define MT_FLAGS_LOCK_EXTERN 0x300

struct maple_tree {
	unsigned int flags;
	const struct mutex *lock;
	struct shim_entry *entries;
	size_t count;
	size_t room;
};

struct ma_state {
	struct maple_tree *tree;
	unsigned long index;
	unsigned long last;
	bool walked;
};

#define MA_STATE(name, mt, first, end) \
	struct ma_state name = { \
		.tree = (mt), \
		.index = (first), \
		.last = (end), \
	}

void mt_init_flags(struct maple_tree *mt, unsigned int flags);
void mt_set_external_lock(struct maple_tree *mt, const struct mutex *lock);
void __mt_destroy(struct maple_tree *mt);

void *mas_walk(struct ma_state *mas);
void *mas_find(struct ma_state *mas, unsigned long max);
int mas_store_gfp(struct ma_state *mas, void *entry, gfp_t gfp);

#endif /* SHIM_LINUX_MAPLE_TREE_H */
