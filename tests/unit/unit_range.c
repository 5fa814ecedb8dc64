// SPDX-License-Identifier: MIT
/*
 * What applying a change does to the map of ranges, case by case.
 */
#include "unit_range.h"

START_TEST(empty_map)
{
	struct svm_range range;

	expect("");
	expect_at(0, 0, ULONG_MAX, DEFAULT);
	expect_at(12345, 0, ULONG_MAX, DEFAULT);
	ck_assert(!svm_range_map_next(&map, 0, ULONG_MAX, &range));
	ck_assert(!svm_range_map_overlaps(&map, 0, ULONG_MAX));
	clear(0, SPACE);
	set(10, 20, DEFAULT);
	expect("");
}
END_TEST

/* Inside, at the head, at the tail, all of it, more than it. */
START_TEST(overwriting_one_range)
{
	static const struct {
		unsigned long first, last;
		const char *expected;
	} cases[] = {
		{ 13, 16, "10-12=1 13-16=2 17-19=1" },
		{ 15, 15, "10-14=1 15-15=2 16-19=1" },
		{ 10, 10, "10-10=2 11-19=1" },
		{ 10, 14, "10-14=2 15-19=1" },
		{ 15, 19, "10-14=1 15-19=2" },
		{ 19, 19, "10-18=1 19-19=2" },
		{ 10, 19, "10-19=2" },
		{ 5, 14, "5-14=2 15-19=1" },
		{ 15, 25, "10-14=1 15-25=2" },
		{ 5, 25, "5-25=2" },
		{ 9, 10, "9-10=2 11-19=1" },
		{ 19, 20, "10-18=1 19-20=2" },
		{ 5, 9, "5-9=2 10-19=1" },
		{ 20, 25, "10-19=1 20-25=2" },
		{ 5, 8, "5-8=2 10-19=1" },
	};

	set(10, 19, 1);
	set(cases[_i].first, cases[_i].last, 2);
	expect(cases[_i].expected);
}
END_TEST

START_TEST(around_two_ranges)
{
	static const struct {
		unsigned long first, last;
		const char *expected;
	} cases[] = {
		{ 5, 45, "5-45=3" },
		{ 10, 39, "10-39=3" },
		{ 15, 34, "10-14=1 15-34=3 35-39=2" },
		{ 20, 29, "10-19=1 20-29=3 30-39=2" },
		{ 19, 30, "10-18=1 19-30=3 31-39=2" },
		{ 10, 30, "10-30=3 31-39=2" },
	};

	set(10, 19, 1);
	set(30, 39, 2);
	set(cases[_i].first, cases[_i].last, 3);
	expect(cases[_i].expected);
}
END_TEST

START_TEST(single_pages)
{
	set(7, 7, 1);
	set(9, 9, 1);
	expect("7-7=1 9-9=1");
	set(8, 8, 2);
	expect("7-7=1 8-8=2 9-9=1");
	set(8, 8, 1);
	expect("7-9=1");
}
END_TEST

START_TEST(merges_with_left)
{
	set(10, 19, 1);
	set(20, 29, 1);
	expect("10-29=1");
	/* The head of another range joins as well. */
	set(30, 39, 2);
	set(30, 34, 1);
	expect("10-34=1 35-39=2");
}
END_TEST

START_TEST(merges_with_right)
{
	set(20, 29, 1);
	set(10, 19, 1);
	expect("10-29=1");
	set(0, 9, 2);
	set(5, 9, 1);
	expect("0-4=2 5-29=1");
}
END_TEST

START_TEST(merges_with_both)
{
	set(10, 19, 1);
	set(30, 39, 1);
	set(20, 29, 1);
	expect("10-39=1");
	set(20, 29, 2);
	expect("10-19=1 20-29=2 30-39=1");
	set(20, 29, 1);
	expect("10-39=1");
}
END_TEST

/* The same where several ranges are changed in one call. */
START_TEST(many_pieces_merge)
{
	set(0, 9, 1);
	set(20, 29, 2);
	set(30, 39, 3);
	set(50, 59, 1);
	set(10, 49, 1);
	expect("0-59=1");
	set(5, 14, 2);
	set(25, 34, 3);
	set(8, 30, 2);
	expect("0-4=1 5-30=2 31-34=3 35-59=1");
	set(7, 33, 1);
	expect("0-4=1 5-6=2 7-33=1 34-34=3 35-59=1");
}
END_TEST

/* Touching equal ranges does not pull in what lies behind a gap. */
START_TEST(gaps_are_not_bridged)
{
	set(10, 19, 1);
	set(21, 29, 1);
	expect("10-19=1 21-29=1");
	set(10, 29, 2);
	expect("10-29=2");
	set(31, 39, 2);
	expect("10-29=2 31-39=2");
}
END_TEST

START_TEST(defaults_remove_entries)
{
	set(10, 39, 1);
	set(20, 29, DEFAULT);
	expect("10-19=1 30-39=1");
	set(10, 10, DEFAULT);
	set(39, 39, DEFAULT);
	expect("11-19=1 30-38=1");
	set(30, 38, DEFAULT);
	expect("11-19=1");
	set(40, 49, 2);
	set(5, 60, DEFAULT);
	expect("");
	ck_assert_uint_eq(map.interned.nelems, 0);
	ck_assert_int_eq(shim.objects, 0);
}
END_TEST

/* A change that brings only some of many pieces back to the defaults. */
START_TEST(some_pieces_become_defaults)
{
	const struct amdsvm_ioctl_svm_attribute ro = { ATTR(SET_FLAGS), FLAG(GPU_RO) };

	set(10, 19, 1);
	set(20, 29, 2);
	ck_assert_int_eq(map_apply(15, 34, &ro, 1), 0);
	map_check_merged();
	ck_assert_int_eq(map_set(15, 34, ATTR(GRANULARITY), DEFAULT), 0);
	map_check_merged();
	expect("10-14=1 15-34=9");
	ck_assert_int_eq(map_set(0, 100, ATTR(CLR_FLAGS), FLAG(GPU_RO)), 0);
	map_check_merged();
	expect("10-14=1");
}
END_TEST

START_TEST(no_change_costs_nothing)
{
	set(10, 19, 1);
	shim.allocations = 0;
	set(10, 19, 1);
	set(12, 14, 1);
	set(30, 35, DEFAULT);
	clear(30, 35);
	ck_assert_uint_eq(shim.allocations, 0);
	expect("10-19=1");
	/* Over entry and gap alike. */
	ck_assert_int_eq(map_set(0, 100, ATTR(SET_FLAGS), FLAG(COHERENT)), 0);
	map_check_merged();
	expect("10-19=1");
}
END_TEST

START_TEST(attributes_of_pieces_stay_apart)
{
	struct svm_range range;

	ck_assert_int_eq(map_set(0, 99, ATTR(PREFERRED_LOC), GPU(1)), 0);
	ck_assert_int_eq(map_set(50, 149, ATTR(SET_FLAGS), FLAG(GPU_EXEC)), 0);
	ck_assert_int_eq(map_set(25, 124, ATTR(NO_ACCESS), GPU(0)), 0);
	map_check_merged();

	range = at(24);
	ck_assert_uint_eq(range.attrs.preferred_loc, GPU(1));
	ck_assert_uint_eq(range.attrs.access, DEFAULT_ACCESS);
	range = at(60);
	ck_assert_uint_eq(range.first, 50);
	ck_assert_uint_eq(range.last, 99);
	ck_assert_uint_eq(range.attrs.preferred_loc, GPU(1));
	ck_assert_uint_eq(range.attrs.flags, DEFAULT_FLAGS | FLAG(GPU_EXEC));
	ck_assert_uint_eq(range.attrs.access, DEFAULT_ACCESS & ~1ULL);
	range = at(149);
	ck_assert_uint_eq(range.first, 125);
	ck_assert_uint_eq(range.attrs.preferred_loc, UNDEFINED);
	ck_assert_uint_eq(range.attrs.flags, DEFAULT_FLAGS | FLAG(GPU_EXEC));
	ck_assert_uint_eq(range.attrs.access, DEFAULT_ACCESS);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *suite = suite_create("unit_range");
	TCase *tc = tcase_create("range");

	tcase_add_checked_fixture(tc, map_setup, map_teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, empty_map);
	tcase_add_loop_test(tc, overwriting_one_range, 0, 15);
	tcase_add_loop_test(tc, around_two_ranges, 0, 6);
	tcase_add_test(tc, single_pages);
	tcase_add_test(tc, merges_with_left);
	tcase_add_test(tc, merges_with_right);
	tcase_add_test(tc, merges_with_both);
	tcase_add_test(tc, many_pieces_merge);
	tcase_add_test(tc, gaps_are_not_bridged);
	tcase_add_test(tc, defaults_remove_entries);
	tcase_add_test(tc, some_pieces_become_defaults);
	tcase_add_test(tc, no_change_costs_nothing);
	tcase_add_test(tc, attributes_of_pieces_stay_apart);
	suite_add_tcase(suite, tc);
	return suite;
}
