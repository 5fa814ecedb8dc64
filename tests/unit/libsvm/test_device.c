// SPDX-License-Identifier: MIT
/*
 * Capabilities, devices, counters.
 */
#include <stdlib.h>

#include "test.h"

START_TEST(caps_are_passed_on)
{
	struct amdsvm_context *ctx = open_fake();
	struct amdsvm_ioctl_get_caps_args caps;

	ck_assert_int_eq(amdsvm_get_caps(ctx, &caps), 0);
	ck_assert_uint_eq(fake.request, AMDSVM_IOC_GET_CAPS);
	ck_assert_uint_eq(caps.features, fake.features);
	ck_assert_uint_eq(caps.num_devices, 2);
	ck_assert_uint_eq(caps.memory_kind, AMDSVM_MEMORY_PRIVATE);
	ck_assert_str_eq(caps.driver_version, FAKE_DRIVER_VERSION);
	amdsvm_close(ctx);
}
END_TEST

START_TEST(devices_of_any_number)
{
	static const unsigned int numbers[] = { 1, 2, FAKE_MAX_DEVICES };
	struct amdsvm_context *ctx = open_fake();
	struct amdsvm_device_info *devices;
	size_t count, i;

	fake.num_devices = numbers[_i];
	ck_assert_int_eq(amdsvm_get_devices(ctx, &devices, &count), 0);
	ck_assert_uint_eq(count, numbers[_i]);
	for (i = 0; i < count; i++) {
		ck_assert_uint_eq(devices[i].gpu_id, fake_gpu_id(i));
		ck_assert_uint_eq(devices[i].index, i);
	}
	/* Once for the number, once for the devices. */
	ck_assert_uint_eq(fake.calls, 2);
	amdsvm_free_devices(devices);
	amdsvm_close(ctx);
}
END_TEST

START_TEST(no_devices)
{
	struct amdsvm_context *ctx = open_fake();
	struct amdsvm_device_info *devices = (void *)1;
	size_t count = 1;

	fake.num_devices = 0;
	ck_assert_int_eq(amdsvm_get_devices(ctx, &devices, &count), 0);
	ck_assert_uint_eq(count, 0);
	ck_assert_ptr_null(devices);
	amdsvm_free_devices(devices);
	amdsvm_close(ctx);
}
END_TEST

START_TEST(devices_error_writes_nothing)
{
	struct amdsvm_context *ctx = open_fake();
	struct amdsvm_device_info *devices = (void *)1;
	size_t count = 7;

	fake.call_error = EFAULT;
	ck_assert_int_eq(amdsvm_get_devices(ctx, &devices, &count), -EFAULT);
	ck_assert_ptr_eq(devices, (void *)1);
	ck_assert_uint_eq(count, 7);
	amdsvm_close(ctx);
}
END_TEST

START_TEST(counters_are_passed_on)
{
	struct amdsvm_ioctl_get_counters_args counters;
	struct amdsvm_context *ctx = open_fake();

	memset(&fake.counters, 0x5a, sizeof(fake.counters));
	ck_assert_int_eq(amdsvm_get_counters(ctx, &counters), 0);
	ck_assert_uint_eq(fake.request, AMDSVM_IOC_GET_COUNTERS);
	ck_assert_mem_eq(&counters, &fake.counters, sizeof(counters));
	amdsvm_close(ctx);
}
END_TEST

TCase *device_case(void)
{
	TCase *tc = tcase_create("device");

	tcase_add_test(tc, caps_are_passed_on);
	tcase_add_loop_test(tc, devices_of_any_number, 0, 3);
	tcase_add_test(tc, no_devices);
	tcase_add_test(tc, devices_error_writes_nothing);
	tcase_add_test(tc, counters_are_passed_on);
	return tc;
}
