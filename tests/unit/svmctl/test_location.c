// SPDX-License-Identifier: MIT
/*
 * LOCATION and DEVICE on the command line.
 */
#include "location.h"
#include "test.h"

START_TEST(locations)
{
	static const struct {
		const char *text;
		enum location_kind kind;
		uint32_t value;
	} good[] = {
		{ "system", LOCATION_SYSTEM, 0 },
		{ "all", LOCATION_ALL, 0 },
		{ "0", LOCATION_INDEX, 0 },
		{ "12", LOCATION_INDEX, 12 },
		{ "0x1234", LOCATION_GPU_ID, 0x1234 },
		{ "0xffffffff", LOCATION_GPU_ID, 0xffffffff },
	};
	struct location location;

	ck_assert_ptr_null(parse_location(good[_i].text, &location));
	ck_assert_int_eq(location.kind, good[_i].kind);
	ck_assert_uint_eq(location.value, good[_i].value);
}
END_TEST

START_TEST(no_locations)
{
	static const char *const bad[] = {
		"", "System", "gpu0", "-1", "0x", "0x0", "0x100000000", "1 ", "4294967296",
	};
	struct location location;

	ck_assert_msg(parse_location(bad[_i], &location), "%s was taken", bad[_i]);
}
END_TEST

START_TEST(devices_by_index_and_id)
{
	const struct amdsvm_device_info devices[] = {
		{ .gpu_id = 0x77, .index = 0 },
		{ .gpu_id = 0x1, .index = 3 },
	};
	struct location by_index = { LOCATION_INDEX, 3 }, by_id = { LOCATION_GPU_ID, 0x77 };

	ck_assert_ptr_eq(find_device(&by_index, devices, 2), &devices[1]);
	ck_assert_ptr_eq(find_device(&by_id, devices, 2), &devices[0]);

	/* Index 1 is no device, though gpu_id 1 is one. */
	by_index.value = 1;
	ck_assert_ptr_null(find_device(&by_index, devices, 2));
	ck_assert_ptr_null(find_device(&by_id, NULL, 0));
}
END_TEST

START_TEST(formats)
{
	char text[DEVICE_MASK_TEXT];

	ck_assert_str_eq(format_location(0, text), "system");
	ck_assert_str_eq(format_location(0xffffffff, text), "undefined");
	ck_assert_str_eq(format_location(0x1000, text), "0x1000");

	ck_assert_str_eq(format_device_mask(0, text), "-");
	ck_assert_str_eq(format_device_mask(1, text), "0");
	ck_assert_str_eq(format_device_mask(1ULL << 63 | 5, text), "0,2,63");
	ck_assert_uint_lt(strlen(format_device_mask(UINT64_MAX, text)), DEVICE_MASK_TEXT);
	ck_assert_ptr_nonnull(strstr(text, "62,63"));
}
END_TEST

TCase *location_case(void)
{
	TCase *tc = tcase_create("location");

	tcase_add_loop_test(tc, locations, 0, 6);
	tcase_add_loop_test(tc, no_locations, 0, 9);
	tcase_add_test(tc, devices_by_index_and_id);
	tcase_add_test(tc, formats);
	return tc;
}
