// SPDX-License-Identifier: MIT
/*
 * The map that the tests of ranges work on, and what must hold of it at any
 * time.
 */
#include <stdlib.h>

#include "unit_test.h"

struct svm_range_map map;
struct mutex map_lock;

void map_setup(void)
{
	struct svm_attrs defaults;

	shim_fail(0, 0);
	svm_attrs_default(&defaults, DEFAULT_ACCESS);
	mutex_init(&map_lock);
	ck_assert_int_eq(svm_range_map_init(&map, &defaults, &map_lock), 0);
	mutex_lock(&map_lock);
}

void map_teardown(void)
{
	mutex_unlock(&map_lock);
	svm_range_map_destroy(&map);
	ck_assert_int_eq(shim.objects, 0);
	ck_assert_int_eq(shim.rcu_depth, 0);
}

int map_apply(unsigned long first, unsigned long last,
	      const struct amdsvm_ioctl_svm_attribute *attr, unsigned int nattr)
{
	struct svm_attr_change change;

	ck_assert_int_eq(svm_attr_change_parse(&change, attr, nattr), 0);
	return svm_range_map_apply(&map, first, last, &change);
}

int map_set(unsigned long first, unsigned long last, u32 type, u32 value)
{
	const struct amdsvm_ioctl_svm_attribute attr = { type, value };

	return map_apply(first, last, &attr, 1);
}

static int compare_pointers(const void *a, const void *b)
{
	uintptr_t x = (uintptr_t)*(void *const *)a;
	uintptr_t y = (uintptr_t)*(void *const *)b;

	return (x > y) - (x < y);
}

static size_t count_distinct(void **values, size_t n)
{
	size_t i, distinct = n > 0;

	qsort(values, n, sizeof(*values), compare_pointers);
	for (i = 1; i < n; i++)
		distinct += values[i] != values[i - 1];
	return distinct;
}

/* Every interned value is in the tree, and no object is lost. */
void map_check_interned(void)
{
	void **values = calloc(map.tree.count + 1, sizeof(*values));
	MA_STATE(mas, &map.tree, 0, 0);
	size_t n = 0;
	void *value;

	while ((value = mas_find(&mas, ULONG_MAX)))
		values[n++] = value;
	ck_assert_uint_eq(n, map.tree.count);
	ck_assert_int_eq(map.count, n);
	ck_assert_uint_eq(map.interned.nelems, count_distinct(values, n));
	ck_assert_int_eq(shim.objects, map.interned.nelems);
	free(values);
}

/* What is promised as long as memory does not run out. */
void map_check_merged(void)
{
	struct svm_range range, before = {};
	unsigned long page = 0;
	bool any = false;
	size_t n = 0;

	while (svm_range_map_next(&map, page, ULONG_MAX, &range)) {
		ck_assert_uint_le(range.first, range.last);
		ck_assert(!svm_attrs_equal(&range.attrs, &map.defaults));
		ck_assert(!any || range.first > before.last);
		ck_assert(!any || range.first > before.last + 1 ||
			  !svm_attrs_equal(&range.attrs, &before.attrs));
		before = range;
		any = true;
		n++;
		page = range.last + 1;
	}
	ck_assert_uint_eq(n, map.tree.count);
	map_check_interned();
}
