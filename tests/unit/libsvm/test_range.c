// SPDX-License-Identifier: MIT
/*
 * Walking ranges over several calls, and giving them up.
 */
#include "test.h"

START_TEST(lists_ranges_of_any_number)
{
	static const size_t numbers[] = { 0, 1, 63, 64, 65, 128, 200, 1000 };
	struct amdsvm_context *ctx = open_fake();
	struct amdsvm_range_info *ranges;
	size_t count, i;

	fake_add_ranges(numbers[_i]);
	ck_assert_int_eq(amdsvm_list_ranges(ctx, 0, 0, &ranges, &count), 0);
	ck_assert_uint_eq(count, numbers[_i]);
	for (i = 0; i < count; i++)
		ck_assert_mem_eq(&ranges[i], &fake.ranges[i], sizeof(ranges[i]));
	if (!count)
		ck_assert_ptr_null(ranges);
	amdsvm_free_ranges(ranges);
	amdsvm_close(ctx);
}
END_TEST

START_TEST(window_stays_a_window)
{
	struct amdsvm_context *ctx = open_fake();
	struct amdsvm_range_info *ranges;
	size_t count;

	/* Ranges 10 to 109: two calls, and the second must end where the first had to. */
	fake_add_ranges(500);
	ck_assert_int_eq(amdsvm_list_ranges(ctx, FAKE_RANGES_START + 20 * PAGE, 200 * PAGE,
					    &ranges, &count), 0);
	ck_assert_uint_eq(count, 100);
	ck_assert_uint_eq(ranges[0].start, FAKE_RANGES_START + 20 * PAGE);
	ck_assert_uint_eq(ranges[99].start, FAKE_RANGES_START + 218 * PAGE);
	ck_assert_uint_eq(fake.calls, 2);
	ck_assert_uint_eq(arguments(struct amdsvm_ioctl_list_ranges_args)->start +
			  arguments(struct amdsvm_ioctl_list_ranges_args)->size,
			  FAKE_RANGES_START + 220 * PAGE);
	amdsvm_free_ranges(ranges);
	amdsvm_close(ctx);
}
END_TEST

static int stop_at_third(const struct amdsvm_range_info *range, void *data)
{
	unsigned int *seen = data;

	(void)range;
	return ++*seen == 3 ? 33 : 0;
}

START_TEST(callback_ends_the_walk)
{
	struct amdsvm_context *ctx = open_fake();
	unsigned int seen = 0;

	fake_add_ranges(200);
	ck_assert_int_eq(amdsvm_for_each_range(ctx, 0, 0, stop_at_third, &seen), 33);
	ck_assert_uint_eq(seen, 3);
	ck_assert_uint_eq(fake.calls, 1);
	amdsvm_close(ctx);
}
END_TEST

START_TEST(list_error_writes_nothing)
{
	struct amdsvm_range_info *ranges = (void *)1;
	struct amdsvm_context *ctx = open_fake();
	size_t count = 7;

	/* A window that wraps is for the driver to refuse. */
	ck_assert_int_eq(amdsvm_list_ranges(ctx, 2 * PAGE, -PAGE, &ranges, &count), -EINVAL);
	ck_assert_ptr_eq(ranges, (void *)1);
	ck_assert_uint_eq(count, 7);
	amdsvm_close(ctx);
}
END_TEST

START_TEST(unset_passes_the_range)
{
	struct amdsvm_context *ctx = open_fake();

	fake_add_ranges(3);
	ck_assert_int_eq(amdsvm_unset_range(ctx, FAKE_RANGES_START, PAGE), 0);
	ck_assert_uint_eq(fake.request, AMDSVM_IOC_UNSET_RANGE);
	ck_assert_uint_eq(arguments(struct amdsvm_ioctl_unset_range_args)->size, PAGE);
	ck_assert_uint_eq(fake.num_ranges, 2);

	fake.call_error = EINVAL;
	ck_assert_int_eq(amdsvm_unset_range(ctx, 1, PAGE), -EINVAL);
	amdsvm_close(ctx);
}
END_TEST

TCase *range_case(void)
{
	TCase *tc = tcase_create("range");

	tcase_add_loop_test(tc, lists_ranges_of_any_number, 0, 8);
	tcase_add_test(tc, window_stays_a_window);
	tcase_add_test(tc, callback_ends_the_walk);
	tcase_add_test(tc, list_error_writes_nothing);
	tcase_add_test(tc, unset_passes_the_range);
	return tc;
}
