// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Changes of the interval map from pages to attributes (range.c).
 *
 * Every change is all or nothing: what can fail (splitting an entry, filling a
 * gap, interning a value) is done first and changes no attribute; what then
 * changes them overwrites entries of exactly the same extent, which allocates
 * nothing in a maple tree. Joining equal neighbours comes last; when that runs
 * out of memory the map is larger than it could be, and still right.
 *
 * Locking: map->lock. All may sleep. Also compiled for the unit tests.
 */
#include <linux/bug.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "range.h"
#include "rangepiece.h"
#include "value.h"

static int store(struct svm_range_map *map, unsigned long first,
		 unsigned long last, struct svm_value *value)
{
	MA_STATE(mas, &map->tree, first, last);

	return mas_store_gfp(&mas, value, GFP_KERNEL_ACCOUNT);
}

static bool may_grow(const struct svm_range_map *map, long growth)
{
	return growth <= 0 || map->count + growth <= map->limit;
}

/*
 * All of [first, last] lies in one piece: one store does it, joined with equal
 * neighbours at once.
 */
static int apply_one(struct svm_range_map *map, const struct piece *old,
		     unsigned long first, unsigned long last,
		     const struct svm_attr_change *change)
{
	unsigned long lo = first, hi = last;
	long fragments = 0, joined = 0, growth;
	struct svm_value *value = NULL;
	struct svm_attrs attrs;
	struct piece side;
	int ret;

	svm_attrs_apply(piece_attrs(map, old), change, &attrs);
	if (svm_attrs_equal(&attrs, piece_attrs(map, old)))
		return 0;

	if (!svm_attrs_equal(&attrs, &map->defaults)) {
		value = svm_value_get(&map->interned, &attrs);
		if (IS_ERR(value))
			return PTR_ERR(value);
	}

	if (value && first == old->first && first > 0) {
		side = piece_at(map, first - 1);
		if (side.value == value) {
			lo = side.first;
			joined++;
		}
	}
	if (value && last == old->last && last < ULONG_MAX) {
		side = piece_at(map, last + 1);
		if (side.value == value) {
			hi = side.last;
			joined++;
		}
	}

	/* Of the old entry none to two parts stay. */
	growth = !!value - joined;
	if (old->value) {
		fragments = (first > old->first) + (last < old->last);
		growth += fragments - 1;
	}

	ret = may_grow(map, growth) ? store(map, lo, hi, value) : -ENOMEM;
	if (ret) {
		if (value)
			svm_value_put(&map->interned, value, 1);
		return ret;
	}

	map->count += growth;
	if (joined)
		svm_value_put(&map->interned, value, joined);
	if (old->value)
		svm_value_put(&map->interned, old->value, 1 - fragments);
	return 0;
}

/* Make an entry begin at @page if one reaches over it. Changes no attribute. */
static int split_at(struct svm_range_map *map, unsigned long page)
{
	struct piece piece = piece_at(map, page);
	int ret;

	if (!piece.value || piece.first == page)
		return 0;

	if (!may_grow(map, 1))
		return -ENOMEM;
	piece.value->refs++;
	ret = store(map, page, piece.last, piece.value);
	if (ret)
		svm_value_put(&map->interned, piece.value, 1);
	else
		map->count++;
	return ret;
}

/* Give a gap explicit defaults, so that it can be overwritten in place. */
static int fill_gap(struct svm_range_map *map, unsigned long first,
		    unsigned long last)
{
	struct svm_value *value;
	int ret;

	if (!may_grow(map, 1))
		return -ENOMEM;
	value = svm_value_get(&map->interned, &map->defaults);
	if (IS_ERR(value))
		return PTR_ERR(value);
	ret = store(map, first, last, value);
	if (ret)
		svm_value_put(&map->interned, value, 1);
	else
		map->count++;
	return ret;
}

/* Replace a run of @n entries of one value; a failure leaves it as it was. */
static void merge_run(struct svm_range_map *map, const struct piece *run, long n)
{
	struct svm_value *value = run->value;
	long gone = n - 1;

	if (!value)
		return;
	if (svm_attrs_equal(&value->attrs, &map->defaults)) {
		value = NULL;
		gone = n;
	}
	if (!gone || store(map, run->first, run->last, value))
		return;
	map->count -= gone;
	svm_value_put(&map->interned, run->value, gone);
}

/* Join equal neighbours from the one before @first to the one after @last. */
static void merge(struct svm_range_map *map, unsigned long first,
		  unsigned long last)
{
	struct piece run = piece_at(map, first ? first - 1 : 0);
	long n = 1;

	while (run.last < ULONG_MAX && run.last <= last) {
		struct piece next = piece_at(map, run.last + 1);

		if (next.value == run.value) {
			run.last = next.last;
			n++;
		} else {
			merge_run(map, &run, n);
			run = next;
			n = 1;
		}
		cond_resched();
	}
	merge_run(map, &run, n);
}

/* Drop what apply_prepare() took for the pieces in front of @end. */
static void apply_unprepare(struct svm_range_map *map, unsigned long first,
			    unsigned long end,
			    const struct svm_attr_change *change)
{
	unsigned long page = first;
	struct svm_attrs attrs;

	while (page < end) {
		struct piece piece = piece_at(map, page);

		svm_attrs_apply(piece_attrs(map, &piece), change, &attrs);
		svm_value_put(&map->interned, svm_value_find(&map->interned, &attrs), 1);
		page = piece.last + 1;
	}
}

/*
 * After this, entries begin at @first and end at @last, there are no gaps
 * between, and every value that the change leads to is interned and held once
 * for each entry it is for. On error nothing has changed in meaning.
 */
static int apply_prepare(struct svm_range_map *map, unsigned long first,
			 unsigned long last,
			 const struct svm_attr_change *change)
{
	unsigned long page = first;
	struct svm_value *value;
	struct svm_attrs attrs;
	int ret;

	ret = split_at(map, first);
	if (!ret)
		ret = split_at(map, last + 1);
	if (ret)
		return ret;

	while (page <= last) {
		struct piece piece = piece_at(map, page);

		if (!piece.value) {
			piece.first = page;
			piece.last = min(piece.last, last);
			ret = fill_gap(map, piece.first, piece.last);
			if (ret)
				goto unprepare;
		}
		svm_attrs_apply(piece_attrs(map, &piece), change, &attrs);
		value = svm_value_get(&map->interned, &attrs);
		if (IS_ERR(value)) {
			ret = PTR_ERR(value);
			goto unprepare;
		}
		page = piece.last + 1;
		cond_resched();
	}
	return 0;

unprepare:
	apply_unprepare(map, first, page, change);
	return ret;
}

/* Overwrite every entry with its new value: no allocation, cannot fail. */
static void apply_commit(struct svm_range_map *map, unsigned long first,
			 unsigned long last,
			 const struct svm_attr_change *change)
{
	unsigned long page = first;
	struct svm_value *value;
	struct svm_attrs attrs;

	while (page <= last) {
		struct piece piece = piece_at(map, page);

		svm_attrs_apply(piece_attrs(map, &piece), change, &attrs);
		value = svm_value_find(&map->interned, &attrs);
		if (WARN_ON_ONCE(store(map, piece.first, piece.last, value)))
			svm_value_put(&map->interned, value, 1);
		else
			svm_value_put(&map->interned, piece.value, 1);
		page = piece.last + 1;
		cond_resched();
	}
}

/**
 * svm_range_map_apply() - change attributes of pages
 * @map: the map
 * @first: first page
 * @last: last page, inclusive, below ULONG_MAX
 * @change: what to set
 *
 * Return: 0, or -ENOMEM with no attribute changed.
 */
int svm_range_map_apply(struct svm_range_map *map, unsigned long first,
			unsigned long last,
			const struct svm_attr_change *change)
{
	struct piece piece = piece_at(map, first);
	int ret;

	if (piece.last >= last)
		return apply_one(map, &piece, first, last, change);

	ret = apply_prepare(map, first, last, change);
	if (!ret)
		apply_commit(map, first, last, change);
	merge(map, first, last);
	return ret;
}

/* Note in each value how many references a cleared interval gives up. */
static struct svm_value *clear_collect(struct svm_range_map *map,
				       unsigned long first, unsigned long last)
{
	MA_STATE(mas, &map->tree, first, first);
	struct svm_value *touched = NULL, *value;

	for (value = mas_find(&mas, last); value; value = mas_find(&mas, last)) {
		long fragments = (mas.index < first) + (mas.last > last);

		if (!value->pending && fragments != 1) {
			value->touched = touched;
			touched = value;
		}
		value->pending += 1 - fragments;
	}
	return touched;
}

/**
 * svm_range_map_clear() - attributes of pages back to the defaults
 * @map: the map
 * @first: first page
 * @last: last page, inclusive, below ULONG_MAX
 *
 * One store whatever lies between, so it works or changes nothing.
 *
 * Return: 0 or -ENOMEM.
 */
int svm_range_map_clear(struct svm_range_map *map, unsigned long first,
			unsigned long last)
{
	struct svm_value *value, *next;
	int ret;

	if (!svm_range_map_overlaps(map, first, last))
		return 0;

	value = clear_collect(map, first, last);
	ret = store(map, first, last, NULL);
	for (; value; value = next) {
		long pending = value->pending;

		next = value->touched;
		value->touched = NULL;
		value->pending = 0;
		if (ret)
			continue;
		map->count -= pending;
		svm_value_put(&map->interned, value, pending);
	}
	return ret;
}

/**
 * svm_range_map_unset() - svm_range_map_clear() on request of a user
 * @map: the map
 * @first: first page
 * @last: last page, inclusive, below ULONG_MAX
 *
 * What is unmapped must go whatever it costs; a request may be refused.
 *
 * Return: 0; -ENOMEM, also when a hole in an entry would make one too many.
 */
int svm_range_map_unset(struct svm_range_map *map, unsigned long first,
			unsigned long last)
{
	struct piece piece = piece_at(map, first);

	if (piece.value && piece.first < first && piece.last > last &&
	    !may_grow(map, 1))
		return -ENOMEM;
	return svm_range_map_clear(map, first, last);
}
