// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The interval map from pages to attributes.
 *
 * A maple tree of pointers to interned, counted sets of attributes: its cost
 * depends on the number of distinct intervals only, not on their size. Page
 * numbers are addresses >> PAGE_SHIFT, intervals are inclusive.
 *
 * Here: its life, and questions to it. What changes it is in rangeset.c.
 *
 * Locking: all functions need map->lock, except svm_range_map_overlaps()
 * and svm_range_map_at(), which may also be called under rcu_read_lock(). All but
 * those two may sleep. Also compiled for the unit tests.
 */
#include <linux/bug.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "range.h"
#include "rangepiece.h"
#include "value.h"

/*
 * ALLOC_RANGE is for the shape of the inner nodes, not for searching gaps: in a
 * tree with readers under RCU, mt_free_walk() takes the metadata of an inner
 * node of the plain shape for a child when the node has 15 of its 16 (seen as a
 * crash with a million entries on 7.2; 6.1 and 6.12 have the same lines).
 * The address space's own tree has this shape, too.
 */
#define TREE_FLAGS (MT_FLAGS_LOCK_EXTERN | MT_FLAGS_USE_RCU | \
		    MT_FLAGS_ALLOC_RANGE)

/**
 * svm_range_map_init() - make an empty map
 * @map: the map
 * @defaults: attributes of all pages to begin with; copied
 * @lock: the lock that the callers of all other functions hold
 *
 * Return: 0 or -ENOMEM.
 */
int svm_range_map_init(struct svm_range_map *map,
		       const struct svm_attrs *defaults, struct mutex *lock)
{
	mt_init_flags(&map->tree, TREE_FLAGS);
	mt_set_external_lock(&map->tree, lock);
	map->lock = lock;
	map->count = 0;
	map->limit = LONG_MAX;
	map->defaults = *defaults;
	return svm_values_init(&map->interned);
}

/**
 * svm_range_map_reset() - all pages back to the defaults, at once
 * @map: the map; readers under RCU may be about
 *
 * Allocates nothing that can fail, unlike svm_range_map_clear().
 *
 * Context: map->lock held; may sleep.
 */
void svm_range_map_reset(struct svm_range_map *map)
{
	__mt_destroy(&map->tree);
	/* 6.1 leaves the tree without its flags. The lock stays as it was. */
	mt_init_flags(&map->tree, TREE_FLAGS);
	map->count = 0;
	svm_values_destroy(&map->interned);
	WARN_ON_ONCE(svm_values_init(&map->interned));
}

/**
 * svm_range_map_destroy() - drop all attributes and free the map's memory
 * @map: the map; nobody else uses it any more
 *
 * Takes map->lock itself, for the sake of the tree's lock checks.
 */
void svm_range_map_destroy(struct svm_range_map *map)
{
	mutex_lock(map->lock);
	__mt_destroy(&map->tree);
	mutex_unlock(map->lock);
	svm_values_destroy(&map->interned);
}

/**
 * svm_range_map_at() - attributes of one page
 * @map: the map
 * @page: the page
 * @range: result: the attributes, and the pages around that share the entry
 *
 * Context: map->lock or rcu_read_lock(); does not sleep.
 */
void svm_range_map_at(struct svm_range_map *map, unsigned long page,
		      struct svm_range *range)
{
	struct piece piece = piece_at(map, page);

	range->first = piece.first;
	range->last = piece.last;
	range->attrs = *piece_attrs(map, &piece);
}

/**
 * svm_range_map_next() - next interval whose attributes are not the defaults
 * @map: the map
 * @page: where to begin
 * @last: last page to look at, inclusive
 * @range: result, not clipped to the window
 *
 * Return: false when there is none.
 */
bool svm_range_map_next(struct svm_range_map *map, unsigned long page,
			unsigned long last, struct svm_range *range)
{
	MA_STATE(mas, &map->tree, page, page);
	struct svm_value *value;

	/* Explicit defaults are left where merge() ran out of memory. */
	do {
		value = mas_find(&mas, last);
		if (!value)
			return false;
	} while (svm_attrs_equal(&value->attrs, &map->defaults));

	range->first = mas.index;
	range->last = mas.last;
	range->attrs = value->attrs;
	return true;
}

/**
 * svm_range_map_overlaps() - does any page here have attributes of its own
 * @map: the map
 * @first: first page
 * @last: last page, inclusive
 *
 * Context: map->lock or rcu_read_lock(); does not sleep.
 */
bool svm_range_map_overlaps(struct svm_range_map *map, unsigned long first,
			    unsigned long last)
{
	/*
	 * Step by step: going on to the next entry inside the tree has been seen to
	 * follow a node that went meanwhile (mas_next_slot(), 7.2).
	 */
	for (;;) {
		MA_STATE(mas, &map->tree, first, first);

		if (mas_walk(&mas))
			return true;
		if (mas.last >= last)
			return false;
		first = mas.last + 1;
	}
}
