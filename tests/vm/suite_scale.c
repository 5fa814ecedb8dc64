// SPDX-License-Identifier: MIT
/*
 * A million ranges in one process: that they fit, that each is found again, and
 * what each costs in memory. What a call costs in time is ranges_cost's subject.
 */
#include "vmtest.h"

#define RANGES 1000000
#define BYTES_PER_RANGE 100

/*
 * Memory that only the driver can have taken: kernel objects, and pages behind
 * them. Free memory also knows of caches that other work fills meanwhile.
 */
static long slab_kib(void)
{
	FILE *file = fopen("/proc/meminfo", "re");
	char line[128];
	long kib = -1;

	expect(file);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "Slab: %ld kB", &kib) == 1)
			break;
	fclose(file);
	return kib;
}

/* Without a neighbour to merge with: by different attributes, or by gaps. */
static const struct {
	size_t stride;
	uint32_t kinds;
} variants[] = { { 1, 7 }, { 2, 1 } };

/* As set() does, without what a million calls would have to pay for it. */
static void set_granularity(const char *page, uint32_t value)
{
	uint64_t words[4] = { (uintptr_t)page, PAGE, (uint64_t)1 << 32 | AMDSVM_IOCTL_SVM_OP_SET_ATTR,
			      (uint64_t)value << 32 | ATTR(GRANULARITY) };

	_Static_assert(sizeof(words) == sizeof(struct amdsvm_ioctl_svm_args) +
						sizeof(struct amdsvm_ioctl_svm_attribute), "");
	expect_eq(vm_ioctl(vm.fd, AMDSVM_IOC_SVM + (8 << _IOC_SIZESHIFT), words), 0);
}

START_TEST(a_million_ranges_fit)
{
	const size_t stride = variants[_i].stride;
	const uint32_t kinds = variants[_i].kinds;
	/* What lockdep and kmemleak note of each would take minutes. */
	const long wanted = vm_is_debug_kernel() ? RANGES / 200 : RANGES;
	struct amdsvm_range_info ranges[4];
	char *memory = vm_anon(wanted * stride * PAGE);
	long before, bytes;
	uint64_t next;
	uint32_t count;
	long i;

	/* Each kernel has one of these lanes; policy knows nothing of memory. */
	only_in_lanes(LANE_PRIVATE | LANE_MIRROR, "another lane of the kernel counts ranges");

	before = slab_kib();
	for (i = 0; i < wanted; i++)
		set_granularity(memory + i * stride * PAGE, i % kinds);
	bytes = (slab_kib() - before) * 1024;
	printf("# %ld ranges, %ld bytes each\n", wanted, bytes / wanted);
	expect_eq(vm_counters().ranges, wanted);
	/* There the detectors keep books in the same memory, and free late. */
	expect(bytes / wanted < BYTES_PER_RANGE || vm_is_debug_kernel());

	for (i = 12345; i < wanted; i += 99991) {
		char *page = memory + i * stride * PAGE;

		expect_eq(vm_list_on(vm.fd, (uintptr_t)page, 0, ranges, 2, &count, &next), 0);
		expect_eq(count, 2);
		expect_eq(ranges[0].start, (uintptr_t)page);
		expect_eq(ranges[0].size, PAGE);
		expect_eq(ranges[0].granularity, i % kinds);
		expect_eq(ranges[1].start, (uintptr_t)page + stride * PAGE);
	}
	expect_eq(get(memory, wanted * stride * PAGE, ATTR(GRANULARITY)), 0);

	/* And they go: one call, and one munmap. */
	expect_eq(vm_unset_on(vm.fd, memory, wanted / 2 * stride * PAGE), 0);
	expect_eq(vm_counters().ranges, wanted - wanted / 2);
	expect(!munmap(memory, wanted * stride * PAGE));
	expect_eq(vm_range_count(), 0);
	expect_within(10, (slab_kib() - before) * 1024 < wanted * BYTES_PER_RANGE / 10 ||
				  vm_is_debug_kernel());
}
END_TEST

/* Policy costs by the number of intervals, not by their size. */
START_TEST(a_tebibyte_is_one_range)
{
	char *memory = vm_anon(1ULL << 40);
	uint64_t start = vm_now();

	expect_eq(set(memory, 1ULL << 40, { ATTR(GRANULARITY), 3 }, { ATTR(PREFERRED_LOC), vm.gpu[0] }),
		  0);
	expect_eq(vm_range_count(), 1);
	expect_eq(get(memory, 1ULL << 40, ATTR(GRANULARITY)), 3);
	expect_eq(set(memory + (1ULL << 39), PAGE, { ATTR(GRANULARITY), 4 }), 0);
	expect_eq(vm_range_count(), 3);
	expect_eq(vm_unset_on(vm.fd, memory, 1ULL << 40), 0);
	expect_eq(vm_range_count(), 0);
	expect(vm_now() - start < 2000000000ULL);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("scale");
	TCase *t = vm_case(s, "ranges");

	tcase_add_loop_test(t, a_million_ranges_fit, 0, sizeof(variants) / sizeof(variants[0]));
	tcase_add_test(t, a_tebibyte_is_one_range);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
