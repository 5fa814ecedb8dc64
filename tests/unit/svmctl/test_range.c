// SPDX-License-Identifier: MIT
/*
 * RANGE on the command line.
 */
#include "range.h"
#include "test.h"

#define PAGE 4096

START_TEST(ranges)
{
	static const struct {
		const char *text;
		uint64_t start, size;
	} good[] = {
		{ "0x7f0000000000+64M", 0x7f0000000000, 64ULL << 20 },
		{ "0x7f0000000000-0x7f0000002000", 0x7f0000000000, 0x2000 },
		{ "4096+4096", 4096, 4096 },
		{ "4K-12K", 4096, 8192 },
		{ "0x1000", 0x1000, PAGE },
		{ "0x1fff", 0x1000, PAGE },
		{ "0+4K", 0, PAGE },
		{ "0-0x1000000000000", 0, 1ULL << 48 },
		{ "0xfffffffff000", 0xfffffffff000, PAGE },
	};
	struct range range;

	ck_assert_ptr_null(parse_range(good[_i].text, PAGE, &range));
	ck_assert_uint_eq(range.start, good[_i].start);
	ck_assert_uint_eq(range.size, good[_i].size);
}
END_TEST

START_TEST(no_ranges)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
		{ "", "begin" },
		{ "7f0000000000-7f0000001000", "hexadecimal needs 0x" },
		{ "heap", "begin" },
		{ "0x1000:0x2000", "START+SIZE" },
		{ "0x1000+", "end with a number" },
		{ "0x1000-", "end with a number" },
		{ "0x1000+4096x", "end with a number" },
		{ "0x1000+0", "empty" },
		{ "0x1000-0x1000", "empty" },
		{ "0x2000-0x1000", "before it starts" },
		{ "0x1001+4096", "whole pages" },
		{ "0x1000+4095", "whole pages" },
		{ "0x1000000000000", "48 bits" },
		{ "0xfffffffff000+8192", "48 bits" },
		{ "4096+0xfffffffffffff000", "48 bits" },
		{ "0xfffffffffffff000+4096", "48 bits" },
	};
	struct range range;
	const char *why = parse_range(bad[_i].text, PAGE, &range);

	ck_assert_msg(why, "%s was taken", bad[_i].text);
	ck_assert_msg(strstr(why, bad[_i].why), "%s: %s", bad[_i].text, why);
}
END_TEST

TCase *range_case(void)
{
	TCase *tc = tcase_create("range");

	tcase_add_loop_test(tc, ranges, 0, 9);
	tcase_add_loop_test(tc, no_ranges, 0, 16);
	return tc;
}
