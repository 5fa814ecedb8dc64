// SPDX-License-Identifier: MIT
/*
 * The rules by which calls are carried, for every call alike: sizes that differ
 * from the header's, reserved fields, pointers that lead nowhere, and calls that
 * do not exist. What the arguments mean is suite_badinput's subject.
 */
#include <sched.h>
#include <sys/syscall.h>

#include "vmtest.h"

#define RESIZED(request, size) \
	(((request) & ~((unsigned long)_IOC_SIZEMASK << _IOC_SIZESHIFT)) | \
	 ((unsigned long)(size) << _IOC_SIZESHIFT))

/* An argument that ends where its page ends; the next page cannot be touched. */
static void *at_page_end(size_t size)
{
	char *area = vm_reserve(2 * PAGE);

	expect(!mprotect(area, PAGE, PROT_READ | PROT_WRITE));
	return area + PAGE - size;
}

START_TEST(unknown_calls_are_enotty)
{
	char buffer[256] = { 0 };
	int i;

	for (i = 0; i < 256; i++) {
		if (i == 0x01 || (i >= 0x1f && i <= 0x21) || (i >= 0x80 && i <= 0x8b))
			continue;
		expect_eq(vm_ioctl(vm.fd, _IOWR('K', i, buffer), buffer), -ENOTTY);
		expect_eq(vm_ioctl(vm.fd, _IO('K', i), NULL), -ENOTTY);
		expect_witness();
	}
}
END_TEST

START_TEST(calls_of_other_types_are_enotty)
{
	char buffer[256] = { 0 };
	int type;

	for (type = 0; type < 256; type++) {
		/* 'T' and 'f' have numbers that the kernel answers for any file. */
		if (type == 'K' || type == 'T' || type == 'f')
			continue;
		expect_eq(vm_ioctl(vm.fd, _IOWR(type, 0x01, buffer), buffer), -ENOTTY);
		expect_eq(vm_ioctl(vm.fd, _IOWR(type, 0x80, buffer), buffer), -ENOTTY);
	}
}
END_TEST

START_TEST(nattr_beyond_the_size_of_the_call_is_einval)
{
	const size_t size = sizeof(struct amdsvm_ioctl_svm_args) +
			    sizeof(struct amdsvm_ioctl_svm_attribute);
	struct amdsvm_ioctl_svm_args *args = at_page_end(size);
	const uint32_t counts[] = { 2, 3, 512, 0x10000, 0x1fffffff, 0x20000001, 0xffffffff };
	/* In a range of the witness, whose granularity is 4. */
	char *memory = vm_witness;
	unsigned int i, op;

	/* The attribute behind the first is in memory that cannot be read. */
	for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		for (op = 0; op < 2; op++) {
			*args = (struct amdsvm_ioctl_svm_args){ (uintptr_t)memory, PAGE, op, counts[i] };
			args->attrs[0] = (struct amdsvm_ioctl_svm_attribute){ ATTR(GRANULARITY), 2 };
			expect_eq(vm_ioctl(vm.fd, RESIZED(AMDSVM_IOC_SVM, size), args), -EINVAL);
			expect_eq(args->attrs[0].value, 2);
			/* Not even the attribute that could be read was set. */
			expect_witness();
		}
	}
	/* The size alone without room for one. */
	args->nattr = 1;
	expect_eq(vm_ioctl(vm.fd, AMDSVM_IOC_SVM, args), -EINVAL);
	expect_witness();
	/* And one that fits is read and nothing behind it. */
	args->op = AMDSVM_IOCTL_SVM_OP_SET_ATTR;
	expect_eq(vm_ioctl(vm.fd, RESIZED(AMDSVM_IOC_SVM, size), args), 0);
	expect_eq(get(memory, PAGE, ATTR(GRANULARITY)), 2);
	args->attrs[0] = (struct amdsvm_ioctl_svm_attribute){ ATTR(GRANULARITY), 4 };
	expect_eq(vm_ioctl(vm.fd, RESIZED(AMDSVM_IOC_SVM, size), args), 0);
}
END_TEST

START_TEST(no_attribute_changes_nothing)
{
	struct amdsvm_ioctl_svm_args args = { 0 };
	char *memory = vm_anon(PAGE);

	args.start_addr = (uintptr_t)memory;
	args.size = PAGE;
	expect_eq(vm_ioctl(vm.fd, AMDSVM_IOC_SVM, &args), 0);
	args.op = AMDSVM_IOCTL_SVM_OP_GET_ATTR;
	expect_eq(vm_ioctl(vm.fd, AMDSVM_IOC_SVM, &args), 0);
	expect_eq(vm_range_count(), 0);
}
END_TEST

/* Calls of fixed size that succeed with an argument of zeros. */
static const struct {
	unsigned long request;
	size_t size;
} calls[] = {
	{ AMDSVM_IOC_GET_VERSION, sizeof(struct amdsvm_ioctl_get_version_args) },
	{ AMDSVM_IOC_SET_XNACK_MODE, sizeof(struct amdsvm_ioctl_set_xnack_mode_args) },
	{ AMDSVM_IOC_GET_CAPS, sizeof(struct amdsvm_ioctl_get_caps_args) },
	{ AMDSVM_IOC_GET_DEVICES, sizeof(struct amdsvm_ioctl_get_devices_args) },
	{ AMDSVM_IOC_LIST_RANGES, sizeof(struct amdsvm_ioctl_list_ranges_args) },
	{ AMDSVM_IOC_RESIDENCY, sizeof(struct amdsvm_ioctl_residency_args) },
	{ AMDSVM_IOC_UNSET_RANGE, sizeof(struct amdsvm_ioctl_unset_range_args) },
	{ AMDSVM_IOC_EVICT, sizeof(struct amdsvm_ioctl_evict_args) },
	{ AMDSVM_IOC_PREFETCH, sizeof(struct amdsvm_ioctl_prefetch_args) },
	{ AMDSVM_IOC_GET_COUNTERS, sizeof(struct amdsvm_ioctl_get_counters_args) },
};

#define CALLS (sizeof(calls) / sizeof(calls[0]))

/* Makes the argument one that succeeds. */
static void prepare(unsigned int call, void *argument, char *memory)
{
	static struct amdsvm_range_info range;

	memset(argument, 0, calls[call].size);
	if (calls[call].request == AMDSVM_IOC_SET_XNACK_MODE) {
		*(int32_t *)argument = -1;
	} else if (calls[call].request == AMDSVM_IOC_LIST_RANGES) {
		struct amdsvm_ioctl_list_ranges_args *args = argument;

		args->ranges_ptr = (uintptr_t)&range;
		args->capacity = 1;
		args->entry_size = sizeof(range);
	} else if (calls[call].request == AMDSVM_IOC_RESIDENCY ||
		   calls[call].request == AMDSVM_IOC_UNSET_RANGE ||
		   calls[call].request == AMDSVM_IOC_PREFETCH) {
		/* All three begin with start and size; location 0 is system memory. */
		((uint64_t *)argument)[0] = (uintptr_t)memory;
		((uint64_t *)argument)[1] = PAGE;
	}
}

START_TEST(arguments_of_the_right_size_are_accepted)
{
	char *memory = vm_anon(PAGE);
	void *argument = at_page_end(calls[_i].size);

	prepare(_i, argument, memory);
	expect_eq(vm_ioctl(vm.fd, calls[_i].request, argument), 0);
}
END_TEST

START_TEST(longer_arguments_need_a_zero_tail)
{
	const size_t size = calls[_i].size, longer = size + 24;
	char *memory = vm_anon(PAGE), *argument = at_page_end(longer);

	prepare(_i, argument, memory);
	memset(argument + size, 0, longer - size);
	expect_eq(vm_ioctl(vm.fd, RESIZED(calls[_i].request, longer), argument), 0);

	prepare(_i, argument, memory);
	argument[longer - 1] = 1;
	expect_eq(vm_ioctl(vm.fd, RESIZED(calls[_i].request, longer), argument), -E2BIG);
	argument[longer - 1] = 0;
	argument[size] = 1;
	expect_eq(vm_ioctl(vm.fd, RESIZED(calls[_i].request, longer), argument), -E2BIG);
}
END_TEST

/* An older program's structure: what it does not have is zero, and is not written. */
START_TEST(shorter_arguments_are_zero_extended)
{
	struct amdsvm_ioctl_prefetch_args *prefetch = at_page_end(24);
	struct amdsvm_ioctl_get_counters_args *counters = at_page_end(16);
	struct amdsvm_ioctl_get_caps_args *caps = at_page_end(12);
	struct amdsvm_ioctl_evict_args *evict = at_page_end(4);
	char *memory = vm_anon(PAGE);

	memset(caps, 0, 12);
	expect_eq(vm_ioctl(vm.fd, RESIZED(AMDSVM_IOC_GET_CAPS, 12), caps), 0);
	expect_eq(caps->num_devices, vm.devices);
	memset(counters, 0xee, 16);
	expect_eq(vm_ioctl(vm.fd, RESIZED(AMDSVM_IOC_GET_COUNTERS, 16), counters), 0);
	expect_eq(counters->pages_in, 0);
	prefetch->start = (uintptr_t)memory;
	prefetch->size = PAGE;
	prefetch->location = SYSMEM;
	prefetch->reserved = 0;
	expect_eq(vm_ioctl(vm.fd, RESIZED(AMDSVM_IOC_PREFETCH, 24), prefetch), 0);
	evict->gpu_id = 1;
	if (vm.gpu[0] != 1 && vm.gpu[1] != 1)
		expect_eq(vm_ioctl(vm.fd, RESIZED(AMDSVM_IOC_EVICT, 4), evict), -EINVAL);
	/* Start and no size: an empty range. */
	prefetch->start = (uintptr_t)memory;
	expect_eq(vm_ioctl(vm.fd, RESIZED(AMDSVM_IOC_PREFETCH, 8), prefetch), -EINVAL);
}
END_TEST

START_TEST(unreadable_arguments_are_efault)
{
	char *nothing = vm_reserve(PAGE);

	expect_eq(vm_ioctl(vm.fd, calls[_i].request, nothing), -EFAULT);
	expect_eq(vm_ioctl(vm.fd, calls[_i].request, NULL), -EFAULT);
	expect_eq(vm_ioctl(vm.fd, AMDSVM_IOC_SVM, nothing), -EFAULT);
}
END_TEST

START_TEST(unwritable_arguments_are_efault)
{
	char *memory = vm_anon(PAGE), *argument = vm_anon(PAGE);

	if (calls[_i].request == AMDSVM_IOC_UNSET_RANGE)
		return; /* nothing to write */
	prepare(_i, argument, memory);
	expect(!mprotect(argument, PAGE, PROT_READ));
	expect_eq(vm_ioctl(vm.fd, calls[_i].request, argument), -EFAULT);
}
END_TEST

START_TEST(reserved_fields_must_be_zero)
{
	static struct amdsvm_range_info range;
	struct amdsvm_ioctl_get_caps_args caps = { .reserved = 1 };
	struct amdsvm_ioctl_get_devices_args devices = { .reserved = 1 };
	struct amdsvm_ioctl_list_ranges_args list = {
		.ranges_ptr = (uintptr_t)&range,
		.capacity = 1,
		.entry_size = sizeof(range),
		.reserved = 1,
	};
	struct amdsvm_ioctl_residency_args residency = { .reserved = 0x80000000 };
	struct amdsvm_ioctl_evict_args evict = { .reserved = 1 };
	struct amdsvm_ioctl_prefetch_args prefetch = { .reserved = 1 };

	/* Valid but for that: an EVICT or PREFETCH that went on would move these pages. */
	residency.start = prefetch.start = (uintptr_t)vm_witness + 16 * PAGE;
	residency.size = prefetch.size = 16 * PAGE;
	prefetch.location = SYSMEM;
	expect_eq(vm_ioctl(vm.fd, AMDSVM_IOC_GET_CAPS, &caps), -EINVAL);
	expect_eq(vm_ioctl(vm.fd, AMDSVM_IOC_GET_DEVICES, &devices), -EINVAL);
	expect_eq(vm_ioctl(vm.fd, AMDSVM_IOC_LIST_RANGES, &list), -EINVAL);
	expect_eq(vm_ioctl(vm.fd, AMDSVM_IOC_RESIDENCY, &residency), -EINVAL);
	expect_eq(vm_ioctl(vm.fd, AMDSVM_IOC_EVICT, &evict), -EINVAL);
	expect_witness();
	expect_eq(vm_ioctl(vm.fd, AMDSVM_IOC_PREFETCH, &prefetch), -EINVAL);
}
END_TEST

START_TEST(arrays_that_cannot_be_written_are_efault)
{
	char *memory = vm_anon(PAGE), *nothing = vm_reserve(PAGE);
	struct amdsvm_ioctl_residency_args residency;
	struct amdsvm_ioctl_get_devices_args devices = {
		.devices_ptr = (uintptr_t)nothing,
		.capacity = 2,
		.entry_size = sizeof(struct amdsvm_device_info),
	};
	uint32_t count;
	uint64_t next;

	expect_eq(vm_ioctl(vm.fd, AMDSVM_IOC_GET_DEVICES, &devices), -EFAULT);
	expect_eq(vm_residency_on(vm.fd, memory, PAGE, (void *)nothing, &residency), -EFAULT);
	expect_eq(set(memory, PAGE, { ATTR(GRANULARITY), 1 }), 0);
	expect_eq(vm_list_on(vm.fd, 0, 0, (void *)nothing, 1, &count, &next), -EFAULT);
	/* An address whose array would wrap. */
	devices.devices_ptr = -(uint64_t)8;
	expect_eq(vm_ioctl(vm.fd, AMDSVM_IOC_GET_DEVICES, &devices), -EFAULT);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("abi");
	TCase *t = vm_case(s, "carriage");

	tcase_add_test(t, no_attribute_changes_nothing);
	tcase_add_loop_test(t, arguments_of_the_right_size_are_accepted, 0, CALLS);
	tcase_add_loop_test(t, longer_arguments_need_a_zero_tail, 0, CALLS);
	tcase_add_test(t, shorter_arguments_are_zero_extended);
	tcase_add_loop_test(t, unreadable_arguments_are_efault, 0, CALLS);
	tcase_add_loop_test(t, unwritable_arguments_are_efault, 0, CALLS);
	tcase_add_test(t, arrays_that_cannot_be_written_are_efault);
	t = vm_case_with(s, "refusals", vm_witness_setup, vm_witness_teardown);
	tcase_add_test(t, unknown_calls_are_enotty);
	tcase_add_test(t, calls_of_other_types_are_enotty);
	tcase_add_test(t, nattr_beyond_the_size_of_the_call_is_einval);
	tcase_add_test(t, reserved_fields_must_be_zero);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
