/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The interval map from pages to attributes: policy, and nothing but policy.
 */
#ifndef SVM_RANGE_H
#define SVM_RANGE_H

#include <linux/maple_tree.h>
#include <linux/mutex.h>
#include <linux/rhashtable.h>
#include <linux/types.h>

#include "attr.h"

/*
 * struct svm_range_map - attributes of one address space, by page number
 * @tree: from page numbers to interned attributes; absence means @defaults
 * @interned: every distinct value once
 * @defaults: what absence means
 * @count: entries of @tree
 * @limit: @count may not grow beyond; set after svm_range_map_init()
 * @lock: protects everything here, owned by the user of the map
 *
 * Invariants between calls, unless memory ran out: no entry equals the
 * defaults, no two adjacent entries are equal.
 */
struct svm_range_map {
	struct maple_tree tree;
	struct rhashtable interned;
	struct svm_attrs defaults;
	long count;
	long limit;
	struct mutex *lock; /* policy_lock of the process */
};

/* struct svm_range - pages @first..@last (inclusive) and their attributes */
struct svm_range {
	unsigned long first;
	unsigned long last;
	struct svm_attrs attrs;
};

int svm_range_map_init(struct svm_range_map *map,
		       const struct svm_attrs *defaults, struct mutex *lock);
void svm_range_map_reset(struct svm_range_map *map);
void svm_range_map_destroy(struct svm_range_map *map);

int svm_range_map_apply(struct svm_range_map *map, unsigned long first,
			unsigned long last,
			const struct svm_attr_change *change);
int svm_range_map_clear(struct svm_range_map *map, unsigned long first,
			unsigned long last);
int svm_range_map_unset(struct svm_range_map *map, unsigned long first,
			unsigned long last);

void svm_range_map_at(struct svm_range_map *map, unsigned long page,
		      struct svm_range *range);
bool svm_range_map_next(struct svm_range_map *map, unsigned long page,
			unsigned long last, struct svm_range *range);
bool svm_range_map_overlaps(struct svm_range_map *map, unsigned long first,
			    unsigned long last);

#endif /* SVM_RANGE_H */
