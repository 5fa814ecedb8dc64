// SPDX-License-Identifier: MIT
/*
 * Numbers as people write and read them.
 */
#include "test.h"
#include "units.h"

START_TEST(numbers)
{
	static const struct {
		const char *text;
		uint64_t value;
		const char *rest;
	} good[] = {
		{ "0", 0, "" },
		{ "4096", 4096, "" },
		{ "0x1000", 0x1000, "" },
		{ "0XfF", 255, "" },
		{ "010", 10, "" },
		{ "4K", 4096, "" },
		{ "4k", 4096, "" },
		{ "64M", 64ULL << 20, "" },
		{ "3G", 3ULL << 30, "" },
		{ "0x10K", 0x4000, "" },
		{ "18446744073709551615", UINT64_MAX, "" },
		{ "0xffffffffffffffff", UINT64_MAX, "" },
		{ "1+2", 1, "+2" },
		{ "1KB", 1024, "B" },
	};
	const char *end;
	uint64_t value;

	ck_assert_msg(parse_number(good[_i].text, &end, &value), "%s", good[_i].text);
	ck_assert_uint_eq(value, good[_i].value);
	ck_assert_str_eq(end, good[_i].rest);
}
END_TEST

START_TEST(no_numbers)
{
	static const char *const bad[] = {
		"", " 1", "-1", "+1", "x", "0x", "0xg", "K", "18446744073709551616",
		"18014398509481984K", "0x1ffffffffffffffff",
	};
	const char *end;
	uint64_t value;

	ck_assert_msg(!parse_number(bad[_i], &end, &value), "%s", bad[_i]);
}
END_TEST

START_TEST(bytes)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} good[] = {
		{ 0, "0B" },
		{ 1023, "1023B" },
		{ 1024, "1K" },
		{ 1536, "1.5K" },
		{ (1 << 20) - 1, "1M" },
		{ 256ULL << 20, "256M" },
		{ UINT64_MAX, "16E" },
	};
	char text[UNITS_TEXT];

	ck_assert_str_eq(format_bytes(good[_i].bytes, text), good[_i].text);
}
END_TEST

TCase *units_case(void)
{
	TCase *tc = tcase_create("units");

	tcase_add_loop_test(tc, numbers, 0, 14);
	tcase_add_loop_test(tc, no_numbers, 0, 11);
	tcase_add_loop_test(tc, bytes, 0, 7);
	return tc;
}
