// SPDX-License-Identifier: MIT
/*
 * The map of ranges: clearing, reading, the edges of the space, and the values
 * that ranges share.
 */
#include "unit_range.h"

START_TEST(clearing)
{
	static const struct {
		unsigned long first, last;
		const char *expected;
	} cases[] = {
		{ 0, 9, "10-19=1 20-29=2 40-49=1 60-69=3" },
		{ 30, 39, "10-19=1 20-29=2 40-49=1 60-69=3" },
		{ 70, SPACE, "10-19=1 20-29=2 40-49=1 60-69=3" },
		{ 10, 19, "20-29=2 40-49=1 60-69=3" },
		{ 13, 15, "10-12=1 16-19=1 20-29=2 40-49=1 60-69=3" },
		{ 5, 14, "15-19=1 20-29=2 40-49=1 60-69=3" },
		{ 15, 19, "10-14=1 20-29=2 40-49=1 60-69=3" },
		{ 15, 45, "10-14=1 46-49=1 60-69=3" },
		{ 10, 49, "60-69=3" },
		{ 19, 60, "10-18=1 61-69=3" },
		{ 25, 65, "10-19=1 20-24=2 66-69=3" },
		{ 10, 69, "" },
		{ 0, SPACE - 1, "" },
		{ 0, ULONG_MAX - 1, "" },
	};

	set(10, 19, 1);
	set(20, 29, 2);
	set(40, 49, 1);
	set(60, 69, 3);
	clear(cases[_i].first, cases[_i].last);
	expect(cases[_i].expected);
	clear(cases[_i].first, cases[_i].last);
	expect(cases[_i].expected);
}
END_TEST

/* What clearing gives up and keeps must leave the counts right. */
START_TEST(cleared_pieces_die_once)
{
	set(0, 99, 1);
	clear(10, 19);
	clear(30, 39);
	clear(50, 59);
	expect("0-9=1 20-29=1 40-49=1 60-99=1");
	ck_assert_uint_eq(map.interned.nelems, 1);
	clear(5, 70);
	expect("0-4=1 71-99=1");
	clear(0, 4);
	ck_assert_uint_eq(map.interned.nelems, 1);
	clear(71, 99);
	ck_assert_uint_eq(map.interned.nelems, 0);
	ck_assert_int_eq(shim.objects, 0);
}
END_TEST

START_TEST(huge_ranges)
{
	const unsigned long half = 1UL << 35;

	set(0, half - 1, 1);
	set(half, SPACE - 1, 2);
	expect_at(half - 1, 0, half - 1, 1);
	expect_at(half, half, SPACE - 1, 2);
	expect_at(SPACE, SPACE, ULONG_MAX, DEFAULT);
	set(half - 1, half, 3);
	expect_at(0, 0, half - 2, 1);
	expect_at(SPACE - 1, half + 1, SPACE - 1, 2);
	set(1, SPACE - 1, 1);
	expect_at(1, 0, SPACE - 1, 1);
	ck_assert_uint_eq(map.tree.count, 1);
	clear(0, SPACE - 1);
	expect("");
}
END_TEST

/* The first page there is and the last that a call can name. */
START_TEST(edges_of_the_space)
{
	const unsigned long top = ULONG_MAX - 1;

	set(0, 0, 1);
	set(top, top, 2);
	expect_at(0, 0, 0, 1);
	expect_at(1, 1, top - 1, DEFAULT);
	expect_at(top, top, top, 2);
	expect_at(ULONG_MAX, ULONG_MAX, ULONG_MAX, DEFAULT);
	set(1, top - 1, 1);
	expect_at(0, 0, top - 1, 1);
	set(0, top, 4);
	expect_at(5, 0, top, 4);
	ck_assert_uint_eq(map.tree.count, 1);
	clear(1, top - 1);
	ck_assert_uint_eq(map.tree.count, 2);
	set(0, top, DEFAULT);
	expect("");
}
END_TEST

START_TEST(next_does_not_clip)
{
	struct svm_range range;

	set(10, 19, 1);
	set(30, 39, 2);
	ck_assert(svm_range_map_next(&map, 15, 15, &range));
	ck_assert_uint_eq(range.first, 10);
	ck_assert_uint_eq(range.last, 19);
	ck_assert(svm_range_map_next(&map, 20, 30, &range));
	ck_assert_uint_eq(range.first, 30);
	ck_assert_uint_eq(range.last, 39);
	ck_assert_uint_eq(range.attrs.granularity, 2);
	ck_assert(!svm_range_map_next(&map, 20, 29, &range));
	ck_assert(!svm_range_map_next(&map, 40, ULONG_MAX, &range));
	ck_assert(!svm_range_map_next(&map, 35, 34, &range));
}
END_TEST

/* Both work with nothing but RCU: the shim refuses everything else there. */
START_TEST(readers_need_no_lock)
{
	struct svm_range range;

	set(10, 19, 1);
	set(30, 39, 20);
	mutex_unlock(&map_lock);
	rcu_read_lock();
	ck_assert(!svm_range_map_overlaps(&map, 0, 9));
	ck_assert(svm_range_map_overlaps(&map, 0, 10));
	ck_assert(svm_range_map_overlaps(&map, 12, 13));
	ck_assert(svm_range_map_overlaps(&map, 19, 19));
	ck_assert(!svm_range_map_overlaps(&map, 20, 29));
	ck_assert(svm_range_map_overlaps(&map, 0, ULONG_MAX));

	svm_range_map_at(&map, 15, &range);
	ck_assert_uint_eq(svm_attrs_granule(&range.attrs), 2);
	ck_assert_uint_eq(range.first, 10);
	ck_assert_uint_eq(range.last, 19);
	svm_range_map_at(&map, 25, &range);
	ck_assert_uint_eq(svm_attrs_granule(&range.attrs), 512);
	ck_assert_uint_eq(range.first, 20);
	ck_assert_uint_eq(range.last, 29);
	svm_range_map_at(&map, 39, &range);
	ck_assert_uint_eq(svm_attrs_granule(&range.attrs), 512);
	ck_assert_uint_eq(range.first, 30);
	rcu_read_unlock();
	mutex_lock(&map_lock);
}
END_TEST

/* Equal ranges share one value, however many and however often they come. */
START_TEST(values_are_shared)
{
	unsigned long i;

	for (i = 0; i < 1000; i++)
		ck_assert_int_eq(map_set(i * 10, i * 10 + 4,
					 ATTR(GRANULARITY), i % 5), 0);
	map_check_merged();
	ck_assert_uint_eq(map.tree.count, 1000);
	ck_assert_uint_eq(map.interned.nelems, 5);
	set(0, 9999, 7);
	ck_assert_uint_eq(map.tree.count, 1);
	ck_assert_uint_eq(map.interned.nelems, 1);
}
END_TEST

START_TEST(reset_forgets_all)
{
	/* What resets has no way to fail. */
	set(10, 19, 1);
	set(30, 39, 2);
	shim_fail(1, ULONG_MAX);
	svm_range_map_reset(&map);
	svm_range_map_reset(&map);
	ck_assert_uint_eq(shim.failed, 0);
	shim_fail(0, 0);
	map_check_merged();
	expect("");
	expect_at(15, 0, ULONG_MAX, DEFAULT);

	set(10, 19, 3);
	set(15, 29, 4);
	expect("10-14=3 15-29=4");
}
END_TEST

START_TEST(no_device_may_access_by_default)
{
	const struct amdsvm_ioctl_svm_attribute access = { ATTR(ACCESS), GPU(1) };
	struct svm_range_map other;
	struct svm_attrs defaults;
	struct svm_attr_change change;
	struct svm_range range;

	svm_attrs_default(&defaults, 0);
	ck_assert_int_eq(svm_range_map_init(&other, &defaults, &map_lock), 0);
	/* Copied, as the caller's may go. */
	memset(&defaults, 0x5a, sizeof(defaults));
	ck_assert_int_eq(svm_attr_change_parse(&change, &access, 1), 0);
	ck_assert_int_eq(svm_range_map_apply(&other, 5, 9, &change), 0);
	svm_range_map_at(&other, 9, &range);
	ck_assert_uint_eq(range.attrs.access, 2);
	svm_range_map_at(&other, 10, &range);
	ck_assert_uint_eq(range.attrs.access, 0);
	mutex_unlock(&map_lock);
	svm_range_map_destroy(&other);
	mutex_lock(&map_lock);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *suite = suite_create("unit_range_clear");
	TCase *tc = tcase_create("range");

	tcase_add_checked_fixture(tc, map_setup, map_teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_loop_test(tc, clearing, 0, 14);
	tcase_add_test(tc, cleared_pieces_die_once);
	tcase_add_test(tc, huge_ranges);
	tcase_add_test(tc, edges_of_the_space);
	tcase_add_test(tc, next_does_not_clip);
	tcase_add_test(tc, readers_need_no_lock);
	tcase_add_test(tc, values_are_shared);
	tcase_add_test(tc, reset_forgets_all);
	tcase_add_test(tc, no_device_may_access_by_default);
	suite_add_tcase(suite, tc);
	return suite;
}
