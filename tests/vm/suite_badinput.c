// SPDX-License-Identifier: MIT
/*
 * Wrong arguments. Each test starts from the witness, and ends by comparing all
 * of it: an error found in validation changes nothing (R8), and nothing that a
 * user can do prints to the kernel's log.
 */
#include "vmtest.h"

#define SIZE VM_WITNESS_SIZE

static char *memory;

static void setup(void)
{
	vm_witness_setup();
	memory = vm_witness;
}

/* Every call on a range, with the same arguments. */
static void expect_all_calls(const char *file, int line, uint64_t start, uint64_t size, int wanted)
{
	struct amdsvm_ioctl_svm_attribute attr = { ATTR(GRANULARITY), 2 };
	struct amdsvm_ioctl_residency_args residency;
	struct amdsvm_ioctl_prefetch_args prefetch;
	void *address = (void *)start;
	int got;

	got = vm_attr_on(vm.fd, AMDSVM_IOCTL_SVM_OP_SET_ATTR, address, size, &attr, 1);
	if (got != wanted)
		vm_fail(file, line, "SET_ATTR of 0x%llx + 0x%llx is %d, not %d",
			(unsigned long long)start, (unsigned long long)size, got, wanted);
	got = vm_attr_on(vm.fd, AMDSVM_IOCTL_SVM_OP_GET_ATTR, address, size, &attr, 1);
	if (got != wanted)
		vm_fail(file, line, "GET_ATTR of 0x%llx + 0x%llx is %d, not %d",
			(unsigned long long)start, (unsigned long long)size, got, wanted);
	got = vm_prefetch_on(vm.fd, address, size, SYSMEM, &prefetch);
	if (got != wanted)
		vm_fail(file, line, "PREFETCH of 0x%llx + 0x%llx is %d, not %d",
			(unsigned long long)start, (unsigned long long)size, got, wanted);
	/* The rest works on memory that is not mapped, and on memory of any kind. */
	if (wanted != -EINVAL)
		return;
	got = vm_unset_on(vm.fd, address, size);
	if (got != wanted)
		vm_fail(file, line, "UNSET_RANGE of 0x%llx + 0x%llx is %d, not %d",
			(unsigned long long)start, (unsigned long long)size, got, wanted);
	got = vm_residency_on(vm.fd, address, size, NULL, &residency);
	if (got != wanted)
		vm_fail(file, line, "RESIDENCY of 0x%llx + 0x%llx is %d, not %d",
			(unsigned long long)start, (unsigned long long)size, got, wanted);
}

#define expect_refused(start, size, wanted) \
	expect_all_calls(HERE, (uint64_t)(uintptr_t)(start), size, wanted)

START_TEST(unaligned_is_einval)
{
	expect_refused(memory + 1, PAGE, -EINVAL);
	expect_refused(memory + PAGE / 2, PAGE, -EINVAL);
	expect_refused(memory, PAGE - 1, -EINVAL);
	expect_refused(memory, PAGE + 8, -EINVAL);
	expect_refused(memory, 1, -EINVAL);
}
END_TEST

START_TEST(empty_is_einval)
{
	expect_refused(memory, 0, -EINVAL);
	expect_refused(0, PAGE, -EINVAL);
	expect_refused(0, 0, -EINVAL);
}
END_TEST

START_TEST(wrapping_is_einval)
{
	/* amdkfd accepts these: its check ends after the first VMA. */
	expect_refused(memory, -(uint64_t)(uintptr_t)memory, -EINVAL);
	expect_refused(memory, -(uint64_t)(uintptr_t)memory + PAGE, -EINVAL);
	expect_refused(memory, -(uint64_t)PAGE, -EINVAL);
	expect_refused(-(uint64_t)PAGE, PAGE, -EINVAL);
	expect_refused(-(uint64_t)PAGE, 2 * PAGE, -EINVAL);
	expect_refused(memory, 1ULL << 63, -EINVAL);
}
END_TEST

START_TEST(beyond_user_memory_is_einval)
{
	expect_refused(1ULL << 48, PAGE, -EINVAL);
	expect_refused((1ULL << 48) - PAGE, 2 * PAGE, -EINVAL);
	expect_refused(1ULL << 56, PAGE, -EINVAL);
	expect_refused(1ULL << 63, PAGE, -EINVAL);
	expect_refused(0xffff800000000000ULL, PAGE, -EINVAL);
	expect_refused(memory, 1ULL << 57, -EINVAL);
}
END_TEST

/* With five page table levels a process can have memory there. */
START_TEST(mapped_memory_above_48_bits_is_einval)
{
	void *high = mmap((void *)(1ULL << 50), PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	expect(high != MAP_FAILED);
	if ((uintptr_t)high < 1ULL << 48) {
		vm_skip(0, "the processor has four page table levels");
		return;
	}
	memset(high, 1, PAGE);
	expect_refused(high, PAGE, -EINVAL);
}
END_TEST

START_TEST(unmapped_is_efault)
{
	char *hole = vm_reserve(4 * PAGE);

	expect(!munmap(hole, 4 * PAGE));
	expect_refused(hole, PAGE, -EFAULT);
	/* In front, behind, and a hole in the middle. */
	expect_refused(memory - PAGE, 2 * PAGE, -EFAULT);
	expect_refused(memory, SIZE + PAGE, -EFAULT);
	hole = vm_anon(4 * PAGE);
	expect(!munmap(hole + PAGE, PAGE));
	expect_refused(hole, 4 * PAGE, -EFAULT);
	/* Low addresses that nobody can map. */
	expect_refused(PAGE, PAGE, -EFAULT);
}
END_TEST

START_TEST(unmapped_is_no_error_where_the_header_says_so)
{
	struct amdsvm_ioctl_residency_args sums;
	struct amdsvm_range_info range;
	uint64_t next;
	uint32_t count;

	expect_eq(vm_unset_on(vm.fd, memory + SIZE, PAGE), 0);
	expect_eq(vm_residency_on(vm.fd, memory + SIZE, 4 * PAGE, NULL, &sums), 0);
	expect_eq(sums.pages_absent, 4);
	expect_eq(vm_list_on(vm.fd, (uintptr_t)memory + SIZE, PAGE, &range, 1, &count, &next), 0);
	expect_eq(count, 0);
}
END_TEST

/* The kernel's own data pages are VM_PFNMAP in every process. */
START_TEST(device_io_memory_is_efault)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long start = 0, end = 0;
	char line[256];

	expect(maps);
	while (fgets(line, sizeof(line), maps))
		if (strstr(line, "[vvar]") && sscanf(line, "%lx-%lx", &start, &end) == 2)
			break;
	fclose(maps);
	expect(start && end > start);
	expect_refused(start, PAGE, -EFAULT);
	expect_refused(start, end - start, -EFAULT);
}
END_TEST

START_TEST(hugetlb_is_eopnotsupp)
{
	char *area = vm_reserve(4 * BLOCK), *huge;

	expect_eq(vm_write_file("/proc/sys/vm/nr_hugepages", "2"), 0);
	expect(vm_read_number("/proc/sys/vm/nr_hugepages") == 2);
	huge = mmap(area + BLOCK, BLOCK, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_FIXED, -1, 0);
	expect(huge == area + BLOCK);
	vm_fill(huge, BLOCK, 3);
	expect_refused(huge, BLOCK, -EOPNOTSUPP);
	expect_refused(huge + 3 * PAGE, PAGE, -EOPNOTSUPP);
	/* Ordinary memory in front of it does not make it acceptable. */
	expect_refused(area, 2 * BLOCK, -EOPNOTSUPP);
	expect_bytes(huge, BLOCK, 3);
	expect(!munmap(area, 4 * BLOCK));
	expect_eq(vm_write_file("/proc/sys/vm/nr_hugepages", "0"), 0);
}
END_TEST

START_TEST(unknown_devices_are_einval)
{
	struct amdsvm_ioctl_prefetch_args prefetch;
	struct amdsvm_ioctl_evict_args evict;
	struct amdsvm_ioctl_svm_attribute attr;
	uint32_t bad[3] = { 1, vm.gpu[0] ^ 0x40000000, 0xfffffffe };
	int i;

	for (i = 0; i < 3; i++) {
		if (bad[i] == vm.gpu[0] || bad[i] == vm.gpu[1])
			continue;
		expect_eq(set(memory, PAGE, { ATTR(PREFERRED_LOC), bad[i] }), -EINVAL);
		expect_eq(set(memory, PAGE, { ATTR(PREFETCH_LOC), bad[i] }), -EINVAL);
		expect_eq(set(memory, PAGE, { ATTR(ACCESS), bad[i] }), -EINVAL);
		expect_eq(set(memory, PAGE, { ATTR(ACCESS_IN_PLACE), bad[i] }), -EINVAL);
		expect_eq(set(memory, PAGE, { ATTR(NO_ACCESS), bad[i] }), -EINVAL);
		attr = (struct amdsvm_ioctl_svm_attribute){ ATTR(ACCESS), bad[i] };
		expect_eq(vm_attr_on(vm.fd, AMDSVM_IOCTL_SVM_OP_GET_ATTR, memory, PAGE, &attr, 1),
			  -EINVAL);
		expect_eq(vm_prefetch_on(vm.fd, memory, PAGE, bad[i], &prefetch), -EINVAL);
		expect_eq(vm_evict_on(vm.fd, bad[i], &evict), -EINVAL);
	}
	/* System memory is a location, not a device; UNDEFINED is not a target. */
	expect_eq(set(memory, PAGE, { ATTR(ACCESS), 0 }), -EINVAL);
	expect_eq(set(memory, PAGE, { ATTR(ACCESS_IN_PLACE), 0 }), -EINVAL);
	expect_eq(set(memory, PAGE, { ATTR(NO_ACCESS), 0 }), -EINVAL);
	expect_eq(set(memory, PAGE, { ATTR(PREFETCH_LOC), UNDEFINED }), -EINVAL);
	expect_eq(vm_prefetch_on(vm.fd, memory, PAGE, UNDEFINED, &prefetch), -EINVAL);
}
END_TEST

START_TEST(unknown_attributes_and_operations_are_einval)
{
	struct amdsvm_ioctl_svm_attribute attr = { ATTR(GRANULARITY), 2 };
	uint32_t type;

	for (type = ATTR(GRANULARITY) + 1; type; type <<= 1) {
		expect_eq(set(memory, PAGE, { type, 0 }), -EINVAL);
		attr.type = type;
		expect_eq(vm_attr_on(vm.fd, AMDSVM_IOCTL_SVM_OP_GET_ATTR, memory, PAGE, &attr, 1),
			  -EINVAL);
	}
	attr.type = ATTR(GRANULARITY);
	expect_eq(vm_attr_on(vm.fd, 2, memory, PAGE, &attr, 1), -EINVAL);
	expect_eq(vm_attr_on(vm.fd, 0xffffffff, memory, PAGE, &attr, 1), -EINVAL);
	expect_eq(set(memory, PAGE, { ATTR(SET_FLAGS), 0x100 }), -EINVAL);
	expect_eq(set(memory, PAGE, { ATTR(CLR_FLAGS), 0x80000000 }), -EINVAL);
}
END_TEST

/* Right attributes first: nothing of the call is done. */
START_TEST(an_error_anywhere_undoes_nothing_because_nothing_was_done)
{
	expect_eq(set(memory, SIZE, { ATTR(GRANULARITY), 1 }, { ATTR(PREFETCH_LOC), SYSMEM },
		      { ATTR(NO_ACCESS), vm.gpu[0] }, { 8, 0 }), -EINVAL);
	expect_eq(set(memory, SIZE, { ATTR(PREFETCH_LOC), SYSMEM }, { ATTR(SET_FLAGS), 0x100 }),
		  -EINVAL);
	expect_eq(set(memory, SIZE + PAGE, { ATTR(PREFETCH_LOC), SYSMEM }), -EFAULT);
}
END_TEST

START_TEST(devices_without_memory_refuse_prefetch)
{
	struct amdsvm_ioctl_prefetch_args prefetch;

	only_in_lanes(LANE_MIRROR, "the lane has device memory");
	expect_eq(vm_prefetch_on(vm.fd, memory, SIZE, vm.gpu[0], &prefetch), -EOPNOTSUPP);
	expect_eq(set(memory, SIZE, { ATTR(PREFETCH_LOC), vm.gpu[0] }), -EOPNOTSUPP);
	expect_eq(set(memory, SIZE, { ATTR(GRANULARITY), 1 }, { ATTR(PREFETCH_LOC), vm.gpu[1] }),
		  -EOPNOTSUPP);
	expect_prefetch(memory, SIZE, SYSMEM, 0, .already = SIZE / PAGE);
}
END_TEST

START_TEST(residency_of_too_much_is_einval)
{
	static struct amdsvm_page_info pages[SIZE / PAGE];
	char *area = vm_reserve((1ULL << 30) + PAGE);
	struct amdsvm_ioctl_residency_args args = {
		.start = (uintptr_t)memory,
		.size = PAGE,
		.pages_ptr = (uintptr_t)pages,
	};

	expect_eq(vm_residency_on(vm.fd, area, (1ULL << 30) + PAGE, NULL, &args), -EINVAL);
	expect_eq(vm_residency_on(vm.fd, area, 1ULL << 30, NULL, &args), 0);
	expect_eq(args.pages_absent, (1ULL << 30) / PAGE);
	/* An array whose entries have no size. */
	args = (struct amdsvm_ioctl_residency_args){
		.start = (uintptr_t)memory,
		.size = PAGE,
		.pages_ptr = (uintptr_t)pages,
	};
	expect_eq(vm_ioctl(vm.fd, AMDSVM_IOC_RESIDENCY, &args), -EINVAL);
}
END_TEST

START_TEST(lists_need_room)
{
	struct amdsvm_range_info range;
	struct amdsvm_ioctl_list_ranges_args args = {
		.ranges_ptr = (uintptr_t)&range,
		.entry_size = sizeof(range),
	};
	uint32_t count;
	uint64_t next;

	expect_eq(vm_ioctl(vm.fd, AMDSVM_IOC_LIST_RANGES, &args), -EINVAL);
	args.capacity = 1;
	args.entry_size = 0;
	expect_eq(vm_ioctl(vm.fd, AMDSVM_IOC_LIST_RANGES, &args), -EINVAL);
	expect_eq(vm_list_on(vm.fd, 1, PAGE, &range, 1, &count, &next), -EINVAL);
	expect_eq(vm_list_on(vm.fd, PAGE, 1, &range, 1, &count, &next), -EINVAL);
	expect_eq(vm_list_on(vm.fd, PAGE, -(uint64_t)PAGE, &range, 1, &count, &next), -EINVAL);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("badinput");
	TCase *t = vm_case_with(s, "ranges", setup, vm_witness_teardown);

	tcase_add_test(t, unaligned_is_einval);
	tcase_add_test(t, empty_is_einval);
	tcase_add_test(t, wrapping_is_einval);
	tcase_add_test(t, beyond_user_memory_is_einval);
	tcase_add_test(t, mapped_memory_above_48_bits_is_einval);
	tcase_add_test(t, unmapped_is_efault);
	tcase_add_test(t, unmapped_is_no_error_where_the_header_says_so);
	tcase_add_test(t, device_io_memory_is_efault);
	tcase_add_test(t, hugetlb_is_eopnotsupp);
	tcase_add_test(t, unknown_devices_are_einval);
	tcase_add_test(t, unknown_attributes_and_operations_are_einval);
	tcase_add_test(t, an_error_anywhere_undoes_nothing_because_nothing_was_done);
	tcase_add_test(t, devices_without_memory_refuse_prefetch);
	tcase_add_test(t, residency_of_too_much_is_einval);
	tcase_add_test(t, lists_need_room);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
