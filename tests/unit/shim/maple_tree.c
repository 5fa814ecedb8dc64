// SPDX-License-Identifier: MIT
/*
 * A sorted array in the place of a maple tree: the order of growth is worse,
 * and at the few thousand entries of a test it is fast.
 *
 * Allocation: the kernel's tree overwrites an entry or a gap of exactly the
 * same extent in place, and may need memory for every other store. Here such a
 * store asks shim_allocation_fails(), and nothing else does.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <linux/bug.h>
#include <linux/errno.h>
#include <linux/maple_tree.h>

#include "shim.h"

struct shim_entry {
	unsigned long first;
	unsigned long last;
	void *value;
};

/* An external lock is not this function's to touch. */
void mt_init_flags(struct maple_tree *mt, unsigned int flags)
{
	mt->flags = flags;
	mt->entries = NULL;
	mt->count = 0;
	mt->room = 0;
}

void mt_set_external_lock(struct maple_tree *mt, const struct mutex *lock)
{
	mt->lock = lock;
}

static bool write_allowed(const struct maple_tree *mt)
{
	return mt->lock && mt->lock->held;
}

static bool read_allowed(const struct maple_tree *mt)
{
	return write_allowed(mt) || shim.rcu_depth;
}

void __mt_destroy(struct maple_tree *mt)
{
	WARN_ON_ONCE(!write_allowed(mt));
	free(mt->entries);
	mt->entries = NULL;
	mt->count = 0;
	mt->room = 0;
	/* As 6.1 does: who goes on with the tree must initialize it again. */
	mt->flags = 0;
}

/* Number of the first entry that ends at @index or behind it. */
static size_t lower(const struct maple_tree *mt, unsigned long index)
{
	size_t low = 0, high = mt->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (mt->entries[middle].last < index)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The entry or gap that @index is in. */
static struct shim_entry piece_at(const struct maple_tree *mt,
				  unsigned long index)
{
	size_t i = lower(mt, index);
	struct shim_entry gap = { .last = ULONG_MAX };

	if (i < mt->count) {
		if (mt->entries[i].first <= index)
			return mt->entries[i];
		gap.last = mt->entries[i].first - 1;
	}
	if (i)
		gap.first = mt->entries[i - 1].last + 1;
	return gap;
}

void *mas_walk(struct ma_state *mas)
{
	struct shim_entry piece;

	WARN_ON_ONCE(!read_allowed(mas->tree));
	piece = piece_at(mas->tree, mas->index);
	mas->index = piece.first;
	mas->last = piece.last;
	mas->walked = true;
	return piece.value;
}

void *mas_find(struct ma_state *mas, unsigned long max)
{
	const struct maple_tree *mt = mas->tree;
	unsigned long from = mas->index;
	const struct shim_entry *entry;
	size_t i;

	WARN_ON_ONCE(!read_allowed(mt));
	if (mas->walked) {
		if (mas->last >= max)
			return NULL;
		from = mas->last + 1;
	}
	if (from > max)
		return NULL;

	mas->walked = true;
	i = lower(mt, from);
	entry = i < mt->count ? &mt->entries[i] : NULL;
	if (!entry || entry->first > max) {
		mas->last = max;
		return NULL;
	}
	mas->index = entry->first;
	mas->last = entry->last;
	return entry->value;
}

/* NULL joins the gaps that it touches: what the store really covers. */
static void extend_null(const struct maple_tree *mt, unsigned long *first,
			unsigned long *last)
{
	struct shim_entry side;

	side = piece_at(mt, *first ? *first - 1 : 0);
	if (!side.value)
		*first = side.first;
	side = piece_at(mt, *last < ULONG_MAX ? *last + 1 : ULONG_MAX);
	if (!side.value)
		*last = side.last;
}

static bool fits_exactly(const struct maple_tree *mt, unsigned long first,
			 unsigned long last)
{
	struct shim_entry piece = piece_at(mt, first);

	return piece.first == first && piece.last == last;
}

/* Put @n entries in the place of those from @from up to, not with, @to. */
static void splice(struct maple_tree *mt, size_t from, size_t to,
		   const struct shim_entry *entries, size_t n)
{
	size_t count = mt->count - (to - from) + n;

	if (count > mt->room) {
		mt->room = 2 * count;
		mt->entries = realloc(mt->entries,
				      mt->room * sizeof(*mt->entries));
		if (!mt->entries)
			abort();
	}
	if (!count)
		goto counted;
	memmove(mt->entries + from + n, mt->entries + to,
		(mt->count - to) * sizeof(*entries));
	memcpy(mt->entries + from, entries, n * sizeof(*entries));
counted:
	mt->count = count;
}

int mas_store_gfp(struct ma_state *mas, void *entry, gfp_t gfp)
{
	unsigned long first = mas->index, last = mas->last;
	struct maple_tree *mt = mas->tree;
	struct shim_entry parts[3];
	size_t from, to, n = 0;

	(void)gfp;
	shim_might_sleep();
	WARN_ON_ONCE(!write_allowed(mt));
	/* Readers under RCU, and no unlocking to wait for memory. */
	WARN_ON_ONCE(~mt->flags & (MT_FLAGS_USE_RCU | MT_FLAGS_LOCK_EXTERN));
	WARN_ON_ONCE(first > last);

	if (!entry)
		extend_null(mt, &first, &last);
	if (!fits_exactly(mt, first, last) && shim_allocation_fails())
		return -ENOMEM;

	from = lower(mt, first);
	to = lower(mt, last);
	if (from < mt->count && mt->entries[from].first < first) {
		parts[n] = mt->entries[from];
		parts[n++].last = first - 1;
	}
	if (entry)
		parts[n++] = (struct shim_entry){ first, last, entry };
	if (to < mt->count && mt->entries[to].first <= last) {
		if (mt->entries[to].last > last) {
			parts[n] = mt->entries[to];
			parts[n++].first = last + 1;
		}
		to++;
	}
	splice(mt, from, to, parts, n);
	return 0;
}
