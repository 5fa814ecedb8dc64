// SPDX-License-Identifier: MIT
/*
 * Attributes: defaults, what SET_ATTR stores, what GET_ATTR makes of several
 * intervals. Nothing here moves a page or changes a byte: the teardown looks.
 */
#include "vmtest.h"

#define SIZE (16 * PAGE)
/* One half has bytes before the test, the other nobody ever touches. */
#define WRITTEN (SIZE / 2)

static char *memory, *untouched;
/* SYSMEM once devices had it brought in, as only GPU_ALWAYS_MAPPED does. */
static uint32_t untouched_location = ABSENT;

static void setup(void)
{
	vm_setup();
	memory = vm_anon_small(SIZE);
	untouched = memory + WRITTEN;
	vm_fill(memory, WRITTEN, 1);
}

static void teardown(void)
{
	expect_location(memory, WRITTEN, SYSMEM);
	expect_location(untouched, SIZE - WRITTEN, untouched_location);
	expect_eq(vm_counters().pages_in, 0);
	expect_eq(vm_counters().pages_cleared, 0);
	expect_bytes(memory, WRITTEN, 1);
	expect_zero(untouched, SIZE - WRITTEN);
}

static void expect_defaults(void)
{
	uint32_t i;

	expect_eq(get(memory, SIZE, ATTR(PREFERRED_LOC)), UNDEFINED);
	expect_eq(get(memory, SIZE, ATTR(PREFETCH_LOC)), UNDEFINED);
	expect_eq(get(memory, SIZE, ATTR(GRANULARITY)), DEFAULT_GRANULARITY);
	expect_eq(get(memory, SIZE, ATTR(SET_FLAGS)), DEFAULT_FLAGS);
	expect_eq(get(memory, SIZE, ATTR(CLR_FLAGS)) & ALL_FLAGS, ALL_FLAGS & ~DEFAULT_FLAGS);
	for (i = 0; i < vm.devices; i++)
		expect_eq(get_access(memory, SIZE, vm.gpu[i]), ATTR(ACCESS));
}

START_TEST(memory_without_attributes_has_defaults)
{
	expect_defaults();
	expect_eq(vm_range_count(), 0);
	expect_eq(vm_counters().ranges, 0);
}
END_TEST

START_TEST(preferred_location_is_kept)
{
	uint32_t i;

	for (i = 0; i < vm.devices; i++) {
		expect_eq(set(memory, SIZE, { ATTR(PREFERRED_LOC), vm.gpu[i] }), 0);
		expect_eq(get(memory, SIZE, ATTR(PREFERRED_LOC)), vm.gpu[i]);
	}
	expect_eq(set(memory, SIZE, { ATTR(PREFERRED_LOC), SYSMEM }), 0);
	expect_eq(get(memory, SIZE, ATTR(PREFERRED_LOC)), SYSMEM);
	expect_eq(set(memory, SIZE, { ATTR(PREFERRED_LOC), UNDEFINED }), 0);
	expect_defaults();
	expect_eq(vm_range_count(), 0);
	/* Preferring never moves or populates. */
	expect_location(memory, WRITTEN, SYSMEM);
	expect_location(untouched, SIZE - WRITTEN, ABSENT);
}
END_TEST

START_TEST(prefetch_location_is_kept_and_is_no_residency)
{
	expect_eq(set(memory, SIZE, { ATTR(PREFETCH_LOC), SYSMEM }), 0);
	expect_eq(get(memory, SIZE, ATTR(PREFETCH_LOC)), SYSMEM);
	expect_eq(vm_range_count(), 1);
	expect_location(untouched, SIZE - WRITTEN, ABSENT);
	expect_eq(vm_unset_on(vm.fd, memory, SIZE), 0);
	expect_defaults();
}
END_TEST

START_TEST(prefetch_location_undefined_is_refused)
{
	expect_eq(set(memory, SIZE, { ATTR(PREFETCH_LOC), UNDEFINED }), -EINVAL);
	expect_eq(vm_range_count(), 0);
}
END_TEST

START_TEST(access_changes_one_device)
{
	expect_eq(set(memory, SIZE, { ATTR(NO_ACCESS), vm.gpu[0] }), 0);
	expect_eq(get_access(memory, SIZE, vm.gpu[0]), ATTR(NO_ACCESS));
	expect_eq(get_access(memory, SIZE, vm.gpu[1]), ATTR(ACCESS));
	expect_mapped(memory, SIZE, 0);
	expect_eq(set(memory, SIZE, { ATTR(ACCESS_IN_PLACE), vm.gpu[0] }), 0);
	expect_eq(get_access(memory, SIZE, vm.gpu[0]), ATTR(ACCESS_IN_PLACE));
	expect_eq(get_access(memory, SIZE, vm.gpu[1]), ATTR(ACCESS));
	expect_mapped(memory, WRITTEN, 1);
	expect_mapped(untouched, SIZE - WRITTEN, 0);
	expect_eq(set(memory, SIZE, { ATTR(ACCESS), vm.gpu[0] }), 0);
	expect_mapped(memory, SIZE, 0);
	expect_defaults();
	expect_eq(vm_range_count(), 0);
}
END_TEST

START_TEST(access_masks_are_listed)
{
	struct amdsvm_range_info range;

	expect_eq(set(memory, SIZE, { ATTR(NO_ACCESS), vm.gpu[0] }), 0);
	expect_eq(vm_list(memory, SIZE, &range, 1), 1);
	expect_eq(range.access, vm.device_mask & ~1ULL);
	expect_eq(range.access_in_place, 0);
	expect_eq(set(memory, SIZE, { ATTR(ACCESS_IN_PLACE), vm.gpu[1] }), 0);
	expect_eq(vm_list(memory, SIZE, &range, 1), 1);
	expect_eq(range.access, vm.device_mask & ~3ULL);
	expect_eq(range.access_in_place, 2);
	expect_mapped(memory, WRITTEN, 2);
}
END_TEST

START_TEST(each_flag_is_set_and_cleared)
{
	uint32_t flag;

	for (flag = 1; flag <= FLAG(EXT_COHERENT); flag <<= 1) {
		bool kept = flag == FLAG(GPU_ALWAYS_MAPPED);

		expect_eq(set(memory, SIZE, { ATTR(SET_FLAGS), flag }), 0);
		expect_eq(get(memory, SIZE, ATTR(SET_FLAGS)), DEFAULT_FLAGS | flag);
		expect_eq(get(memory, SIZE, ATTR(CLR_FLAGS)) & ALL_FLAGS,
			  ALL_FLAGS & ~(DEFAULT_FLAGS | flag));
		if (kept)
			untouched_location = SYSMEM;
		expect_mapped(memory, SIZE, kept ? vm.device_mask : 0);
		expect_location(untouched, SIZE - WRITTEN, untouched_location);
		expect_eq(set(memory, SIZE, { ATTR(CLR_FLAGS), flag }), 0);
		expect_eq(get(memory, SIZE, ATTR(SET_FLAGS)), DEFAULT_FLAGS & ~flag);
		expect_mapped(memory, SIZE, 0);
		expect_eq(set(memory, SIZE, { ATTR(SET_FLAGS), DEFAULT_FLAGS }), 0);
	}
	expect_eq(vm_range_count(), 0);
}
END_TEST

START_TEST(unknown_flag_bits_are_refused)
{
	uint32_t bit;

	for (bit = FLAG(EXT_COHERENT) << 1; bit; bit <<= 1) {
		expect_eq(set(memory, SIZE, { ATTR(SET_FLAGS), bit | FLAG(GPU_RO) }), -EINVAL);
		expect_eq(set(memory, SIZE, { ATTR(CLR_FLAGS), bit | FLAG(COHERENT) }), -EINVAL);
	}
	expect_defaults();
}
END_TEST

START_TEST(granularity_is_kept_up_to_63)
{
	const uint32_t values[] = { 0, 1, 8, 10, 0x3e, 0x3f };
	unsigned int i;

	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		expect_eq(set(memory, SIZE, { ATTR(GRANULARITY), values[i] }), 0);
		expect_eq(get(memory, SIZE, ATTR(GRANULARITY)), values[i]);
	}
	/* KFD's rule: stored as the smaller of the value and 0x3f, never refused. */
	expect_eq(set(memory, SIZE, { ATTR(GRANULARITY), 0x40 }), 0);
	expect_eq(get(memory, SIZE, ATTR(GRANULARITY)), 0x3f);
	expect_eq(set(memory, SIZE, { ATTR(GRANULARITY), 0xffffffff }), 0);
	expect_eq(get(memory, SIZE, ATTR(GRANULARITY)), 0x3f);
	expect_eq(set(memory, SIZE, { ATTR(GRANULARITY), DEFAULT_GRANULARITY }), 0);
	expect_eq(vm_range_count(), 0);
}
END_TEST

START_TEST(attributes_apply_in_order)
{
	expect_eq(set(memory, SIZE, { ATTR(GRANULARITY), 3 }, { ATTR(SET_FLAGS), FLAG(GPU_RO) },
		      { ATTR(NO_ACCESS), vm.gpu[1] }, { ATTR(GRANULARITY), 5 },
		      { ATTR(CLR_FLAGS), FLAG(GPU_RO) | FLAG(COHERENT) },
		      { ATTR(ACCESS_IN_PLACE), vm.gpu[1] }),
		  0);
	expect_eq(get(memory, SIZE, ATTR(GRANULARITY)), 5);
	expect_eq(get(memory, SIZE, ATTR(SET_FLAGS)), FLAG(HOST_ACCESS));
	expect_eq(get_access(memory, SIZE, vm.gpu[1]), ATTR(ACCESS_IN_PLACE));
	expect_mapped(memory, WRITTEN, 2);
}
END_TEST

START_TEST(an_error_in_a_later_attribute_changes_nothing)
{
	/* R8: the first two are right. */
	expect_eq(set(memory, SIZE, { ATTR(GRANULARITY), 3 }, { ATTR(SET_FLAGS), FLAG(GPU_RO) },
		      { ATTR(ACCESS), 0 }),
		  -EINVAL);
	expect_defaults();
	expect_eq(vm_range_count(), 0);
}
END_TEST

START_TEST(several_attributes_are_read_at_once)
{
	struct amdsvm_ioctl_svm_attribute attrs[] = {
		{ ATTR(GRANULARITY), 77 },   { ATTR(ACCESS), vm.gpu[1] },
		{ ATTR(SET_FLAGS), 0 },	     { ATTR(ACCESS), vm.gpu[0] },
		{ ATTR(PREFERRED_LOC), 0 },
	};

	expect_eq(set(memory, SIZE, { ATTR(GRANULARITY), 4 }, { ATTR(NO_ACCESS), vm.gpu[1] },
		      { ATTR(PREFERRED_LOC), vm.gpu[0] }),
		  0);
	expect_eq(vm_attr_on(vm.fd, AMDSVM_IOCTL_SVM_OP_GET_ATTR, memory, SIZE, attrs, 5), 0);
	expect_eq(attrs[0].value, 4);
	expect_eq(attrs[1].type, ATTR(NO_ACCESS));
	expect_eq(attrs[1].value, vm.gpu[1]);
	expect_eq(attrs[2].value, DEFAULT_FLAGS);
	expect_eq(attrs[3].type, ATTR(ACCESS));
	expect_eq(attrs[4].value, vm.gpu[0]);
}
END_TEST

START_TEST(as_many_attributes_as_the_call_can_carry)
{
	static struct amdsvm_ioctl_svm_attribute attrs[AMDSVM_IOCTL_SVM_MAX_ATTRS];
	uint32_t i;

	for (i = 0; i < AMDSVM_IOCTL_SVM_MAX_ATTRS; i++)
		attrs[i] = (struct amdsvm_ioctl_svm_attribute){ ATTR(GRANULARITY), i % 8 };
	expect_eq(vm_attr_on(vm.fd, AMDSVM_IOCTL_SVM_OP_SET_ATTR, memory, SIZE, attrs,
			     AMDSVM_IOCTL_SVM_MAX_ATTRS), 0);
	expect_eq(get(memory, SIZE, ATTR(GRANULARITY)), (AMDSVM_IOCTL_SVM_MAX_ATTRS - 1) % 8);
}
END_TEST

START_TEST(locations_intersect)
{
	expect_eq(set(memory, SIZE / 2, { ATTR(PREFERRED_LOC), vm.gpu[0] },
		      { ATTR(PREFETCH_LOC), SYSMEM }), 0);
	/* The other half has the default, UNDEFINED. */
	expect_eq(get(memory, SIZE, ATTR(PREFERRED_LOC)), UNDEFINED);
	expect_eq(get(memory, SIZE, ATTR(PREFETCH_LOC)), UNDEFINED);
	expect_eq(set(memory + SIZE / 2, SIZE / 2, { ATTR(PREFERRED_LOC), vm.gpu[1] },
		      { ATTR(PREFETCH_LOC), SYSMEM }), 0);
	expect_eq(get(memory, SIZE, ATTR(PREFERRED_LOC)), UNDEFINED);
	expect_eq(get(memory, SIZE, ATTR(PREFETCH_LOC)), SYSMEM);
	expect_eq(set(memory, SIZE / 2, { ATTR(PREFERRED_LOC), vm.gpu[1] }), 0);
	expect_eq(get(memory, SIZE, ATTR(PREFERRED_LOC)), vm.gpu[1]);
}
END_TEST

START_TEST(access_intersects)
{
	uint32_t gpu = vm.gpu[0];

	expect_eq(set(memory, SIZE / 2, { ATTR(ACCESS_IN_PLACE), gpu }), 0);
	/* Neither in all: mixed ACCESS and ACCESS_IN_PLACE is NO_ACCESS, as in KFD. */
	expect_eq(get_access(memory, SIZE, gpu), ATTR(NO_ACCESS));
	expect_eq(set(memory + SIZE / 2, SIZE / 2, { ATTR(ACCESS_IN_PLACE), gpu }), 0);
	expect_eq(get_access(memory, SIZE, gpu), ATTR(ACCESS_IN_PLACE));
	expect_eq(set(memory + PAGE, PAGE, { ATTR(NO_ACCESS), gpu }), 0);
	expect_eq(get_access(memory, SIZE, gpu), ATTR(NO_ACCESS));
	expect_eq(get_access(memory + 2 * PAGE, SIZE - 2 * PAGE, gpu), ATTR(ACCESS_IN_PLACE));
	expect_eq(set(memory, SIZE, { ATTR(ACCESS), gpu }), 0);
	expect_eq(get_access(memory, SIZE, gpu), ATTR(ACCESS));
}
END_TEST

START_TEST(flags_intersect)
{
	expect_eq(set(memory, SIZE / 2, { ATTR(SET_FLAGS), FLAG(GPU_RO) | FLAG(GPU_EXEC) },
		      { ATTR(CLR_FLAGS), FLAG(HOST_ACCESS) }), 0);
	expect_eq(set(memory + SIZE / 2, SIZE / 2, { ATTR(SET_FLAGS), FLAG(GPU_RO) | FLAG(HIVE_LOCAL) }),
		  0);
	/* Set in all, and clear in all. */
	expect_eq(get(memory, SIZE, ATTR(SET_FLAGS)), FLAG(COHERENT) | FLAG(GPU_RO));
	expect_eq(get(memory, SIZE, ATTR(CLR_FLAGS)) & ALL_FLAGS,
		  FLAG(GPU_READ_MOSTLY) | FLAG(GPU_ALWAYS_MAPPED) | FLAG(EXT_COHERENT));
}
END_TEST

START_TEST(granularity_intersects_to_the_minimum)
{
	expect_eq(set(memory, 4 * PAGE, { ATTR(GRANULARITY), 12 }), 0);
	expect_eq(get(memory, 4 * PAGE, ATTR(GRANULARITY)), 12);
	/* The gap behind it counts with its default. */
	expect_eq(get(memory, SIZE, ATTR(GRANULARITY)), DEFAULT_GRANULARITY);
	expect_eq(set(memory + 8 * PAGE, PAGE, { ATTR(GRANULARITY), 2 }), 0);
	expect_eq(get(memory, SIZE, ATTR(GRANULARITY)), 2);
}
END_TEST

/* KFD's code ignores gaps between ranges, its text does not; the text wins. */
START_TEST(gaps_count_with_the_defaults)
{
	expect_eq(set(memory, PAGE, { ATTR(NO_ACCESS), vm.gpu[0] }, { ATTR(PREFERRED_LOC), SYSMEM },
		      { ATTR(CLR_FLAGS), FLAG(COHERENT) }, { ATTR(SET_FLAGS), FLAG(GPU_RO) }), 0);
	expect_eq(set(memory + 2 * PAGE, PAGE, { ATTR(NO_ACCESS), vm.gpu[0] },
		      { ATTR(PREFERRED_LOC), SYSMEM }, { ATTR(CLR_FLAGS), FLAG(COHERENT) },
		      { ATTR(SET_FLAGS), FLAG(GPU_RO) }), 0);
	expect_eq(get(memory, 3 * PAGE, ATTR(PREFERRED_LOC)), UNDEFINED);
	expect_eq(get(memory, 3 * PAGE, ATTR(SET_FLAGS)), FLAG(HOST_ACCESS));
	expect_eq(get(memory, 3 * PAGE, ATTR(CLR_FLAGS)) & ALL_FLAGS,
		  ALL_FLAGS & ~(DEFAULT_FLAGS | FLAG(GPU_RO)));
	expect_eq(get_access(memory, 3 * PAGE, vm.gpu[0]), ATTR(NO_ACCESS));
}
END_TEST

START_TEST(access_kinds_that_cannot_be_asked)
{
	struct amdsvm_ioctl_svm_attribute attrs[2] = {
		{ ATTR(GRANULARITY), 99 }, { ATTR(ACCESS_IN_PLACE), vm.gpu[0] } };

	expect_eq(vm_attr_on(vm.fd, AMDSVM_IOCTL_SVM_OP_GET_ATTR, memory, SIZE, attrs, 2), -EINVAL);
	/* The array is as it was, the entry before the wrong one too. */
	expect_eq(attrs[0].value, 99);
	attrs[1].type = ATTR(NO_ACCESS);
	expect_eq(vm_attr_on(vm.fd, AMDSVM_IOCTL_SVM_OP_GET_ATTR, memory, SIZE, attrs, 2), -EINVAL);
	expect_eq(attrs[0].value, 99);
}
END_TEST

START_TEST(xnack_is_on_until_it_is_switched_off)
{
	struct amdsvm_ioctl_set_xnack_mode_args args = { -1 };

	expect_eq(vm_ioctl(vm.fd, AMDSVM_IOC_SET_XNACK_MODE, &args), 0);
	expect_eq(args.xnack_enabled, 1);
	args.xnack_enabled = 1;
	expect_eq(vm_ioctl(vm.fd, AMDSVM_IOC_SET_XNACK_MODE, &args), 0);
	expect_eq(args.xnack_enabled, 1);
	args.xnack_enabled = 0;
	expect_eq(vm_ioctl(vm.fd, AMDSVM_IOC_SET_XNACK_MODE, &args), 0);
	args.xnack_enabled = -7;
	expect_eq(vm_ioctl(vm.fd, AMDSVM_IOC_SET_XNACK_MODE, &args), 0);
	expect_eq(args.xnack_enabled, 0);
	args.xnack_enabled = 2;
	expect_eq(vm_ioctl(vm.fd, AMDSVM_IOC_SET_XNACK_MODE, &args), -EINVAL);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("attributes");
	TCase *t = vm_case_with(s, "set", setup, teardown);

	tcase_add_test(t, memory_without_attributes_has_defaults);
	tcase_add_test(t, preferred_location_is_kept);
	tcase_add_test(t, prefetch_location_is_kept_and_is_no_residency);
	tcase_add_test(t, prefetch_location_undefined_is_refused);
	tcase_add_test(t, access_changes_one_device);
	tcase_add_test(t, access_masks_are_listed);
	tcase_add_test(t, each_flag_is_set_and_cleared);
	tcase_add_test(t, unknown_flag_bits_are_refused);
	tcase_add_test(t, granularity_is_kept_up_to_63);
	tcase_add_test(t, attributes_apply_in_order);
	tcase_add_test(t, an_error_in_a_later_attribute_changes_nothing);
	t = vm_case_with(s, "get", setup, teardown);
	tcase_add_test(t, several_attributes_are_read_at_once);
	tcase_add_test(t, as_many_attributes_as_the_call_can_carry);
	tcase_add_test(t, locations_intersect);
	tcase_add_test(t, access_intersects);
	tcase_add_test(t, flags_intersect);
	tcase_add_test(t, granularity_intersects_to_the_minimum);
	tcase_add_test(t, gaps_count_with_the_defaults);
	tcase_add_test(t, access_kinds_that_cannot_be_asked);
	t = vm_case_with(s, "xnack", setup, teardown);
	tcase_add_test(t, xnack_is_on_until_it_is_switched_off);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
