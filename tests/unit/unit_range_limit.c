// SPDX-License-Identifier: MIT
/*
 * The limit on entries: what would exceed it is refused as if memory were out,
 * and the count is the number of entries whatever happens.
 */
#include "unit_world.h"

#define CELLS 64
#define OPERATIONS 20000

static void set(unsigned long first, unsigned long last, u32 granularity,
		int expected)
{
	ck_assert_int_eq(map_set(first, last, ATTR(GRANULARITY), granularity),
			 expected);
	map_check_merged();
}

START_TEST(no_entry_beyond_the_limit)
{
	set(10, 19, 1, 0);
	set(30, 39, 2, 0);
	map.limit = 2;
	set(50, 59, 3, -ENOMEM);
	set(15, 15, 3, -ENOMEM);
	set(10, 14, 3, -ENOMEM);
	ck_assert_int_eq(map.count, 2);
	/* What needs no entry more goes on. */
	set(10, 19, 3, 0);
	set(20, 29, 3, 0);
	ck_assert_int_eq(map.count, 2);
	set(30, 39, 3, 0);
	ck_assert_int_eq(map.count, 1);
	set(50, 59, 3, 0);
	set(50, 59, 9, 0);
	ck_assert_int_eq(map.count, 1);
	/* Holes may lead beyond it; the way back is open. */
	ck_assert_int_eq(svm_range_map_clear(&map, 15, 35), 0);
	map.limit = 0;
	set(10, 14, 9, 0);
	set(36, 39, 4, 0);
	ck_assert_int_eq(map.count, 1);
}
END_TEST

/* A request for a hole is refused at the limit; what is unmapped goes anyway. */
START_TEST(holes_on_request_are_limited)
{
	set(10, 39, 1, 0);
	map.limit = 1;
	ck_assert_int_eq(svm_range_map_unset(&map, 20, 25), -ENOMEM);
	ck_assert_int_eq(map.count, 1);
	ck_assert_int_eq(svm_range_map_unset(&map, 30, 50), 0);
	ck_assert_int_eq(svm_range_map_unset(&map, 0, 12), 0);
	ck_assert_int_eq(map.count, 1);
	ck_assert_int_eq(svm_range_map_clear(&map, 20, 25), 0);
	ck_assert_int_eq(map.count, 2);
	ck_assert_int_eq(svm_range_map_unset(&map, 0, 100), 0);
	ck_assert_int_eq(map.count, 0);
	map_check_merged();
}
END_TEST

START_TEST(refused_changes_leave_all)
{
	unsigned long refused = 0;
	struct operation op;
	int ret;

	unit_random_from(200);
	world_init(1000, 1, CELLS);
	for (world.step = 0; world.step < OPERATIONS; world.step++) {
		world_random_operation(&op);
		map.limit = map.count + unit_random(4);
		ret = world_do_map(&op);
		world_expect(ret == 0 || ret == -ENOMEM);
		refused += ret != 0;
		if (!ret)
			world_do_model(&op);
		world_expect(op.clear || map.count <= map.limit);
		world_compare_merged();
	}
	world_expect(refused > OPERATIONS / 20);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *suite = suite_create("unit_range_limit");
	TCase *tc = tcase_create("limit");

	tcase_add_checked_fixture(tc, map_setup, map_teardown);
	tcase_set_timeout(tc, 300);
	tcase_add_test(tc, no_entry_beyond_the_limit);
	tcase_add_test(tc, holes_on_request_are_limited);
	tcase_add_test(tc, refused_changes_leave_all);
	suite_add_tcase(suite, tc);
	return suite;
}
