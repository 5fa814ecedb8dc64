/* SPDX-License-Identifier: MIT */
/*
 * The calls of the kernel's hash table that the driver uses, for keys that are
 * compared as bytes. The kernel counts its elements in nelems as well.
 */
#ifndef SHIM_LINUX_RHASHTABLE_H
#define SHIM_LINUX_RHASHTABLE_H

#include <linux/err.h>
#include <linux/types.h>

struct rhash_head {
	struct rhash_head *next;
};

struct rhashtable_params {
	u16 key_len;
	u16 key_offset;
	u16 head_offset;
	bool automatic_shrinking;
};

struct rhashtable {
	struct rhash_head **buckets;
	struct rhashtable_params p;
	unsigned int nelems;
};

int rhashtable_init(struct rhashtable *ht,
		    const struct rhashtable_params *params);
void *rhashtable_lookup_fast(struct rhashtable *ht, const void *key,
			     const struct rhashtable_params params);
int rhashtable_insert_fast(struct rhashtable *ht, struct rhash_head *obj,
			   const struct rhashtable_params params);
int rhashtable_remove_fast(struct rhashtable *ht, struct rhash_head *obj,
			   const struct rhashtable_params params);
void rhashtable_free_and_destroy(struct rhashtable *ht,
				 void (*free_fn)(void *ptr, void *arg),
				 void *arg);

#endif /* SHIM_LINUX_RHASHTABLE_H */
