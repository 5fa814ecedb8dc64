// SPDX-License-Identifier: MIT
/*
 * Ranges: how intervals split, merge and vanish, and how LIST_RANGES shows them.
 * The memory has bytes, which stay where they are whatever becomes of the ranges.
 */
#include "vmtest.h"

#define PAGES 64
#define SIZE (PAGES * PAGE)

static char *memory;

/* The seed of a page is its number: one in the place of another shows. */
static void setup(void)
{
	size_t page;

	vm_setup();
	memory = vm_anon(SIZE);
	for (page = 0; page < PAGES; page++)
		vm_fill(memory + page * PAGE, PAGE, page);
}

/* At @start are pages @first and so on, as the setup left them. */
static void expect_filled(const char *file, int line, const char *start, size_t first, size_t pages)
{
	size_t i;

	vm_expect_location(file, line, start, pages * PAGE, SYSMEM);
	for (i = 0; i < pages; i++)
		vm_expect_bytes(file, line, start + i * PAGE, PAGE, first + i);
}

/* Mapped anew, and touched by nobody. */
static void expect_empty(const char *file, int line, const char *start, size_t pages)
{
	vm_expect_location(file, line, start, pages * PAGE, ABSENT);
	vm_expect_zero(file, line, start, pages * PAGE);
}

#define expect_kept(page, pages) expect_filled(HERE, memory + (page) * PAGE, page, pages)
#define expect_new(page, pages) expect_empty(HERE, memory + (page) * PAGE, pages)

static void teardown(void)
{
	expect_eq(vm_counters().pages_in, 0);
	expect_eq(vm_counters().pages_cleared, 0);
}

static void teardown_kept(void)
{
	expect_kept(0, PAGES);
	teardown();
}

/* expect_ranges({first page, pages, granularity}, ...): exactly these. */
struct interval {
	size_t page, pages;
	uint32_t granularity;
};

static void expect_intervals(const char *file, int line, const struct interval *wanted,
			     unsigned int count)
{
	struct amdsvm_range_info ranges[64];
	unsigned int i, got = vm_list(NULL, 0, ranges, 64);

	if (got != count)
		vm_fail(file, line, "%u ranges, not %u", got, count);
	for (i = 0; i < count; i++)
		if (ranges[i].start != (uintptr_t)memory + wanted[i].page * PAGE ||
		    ranges[i].size != wanted[i].pages * PAGE ||
		    ranges[i].granularity != wanted[i].granularity)
			vm_fail(file, line,
				"range %u is %lld pages at page %lld granularity %u, not %zu at %zu granularity %u",
				i, (long long)ranges[i].size / 4096,
				((long long)ranges[i].start - (long long)(uintptr_t)memory) / 4096,
				ranges[i].granularity, wanted[i].pages, wanted[i].page,
				wanted[i].granularity);
	if (vm_counters().ranges != count)
		vm_fail(file, line, "GET_COUNTERS says %llu ranges, not %u",
			(unsigned long long)vm_counters().ranges, count);
}

#define expect_ranges(...) \
	expect_intervals(HERE, (struct interval[]){ __VA_ARGS__ }, \
			 sizeof((struct interval[]){ __VA_ARGS__ }) / sizeof(struct interval))
#define expect_no_ranges() expect_intervals(HERE, NULL, 0)

static int set_granularity(size_t page, size_t pages, uint32_t value)
{
	return set(memory + page * PAGE, pages * PAGE, { ATTR(GRANULARITY), value });
}

START_TEST(a_range_is_listed_whole)
{
	struct amdsvm_range_info ranges[2], range;

	expect_eq(set(memory, SIZE, { ATTR(GRANULARITY), 4 }, { ATTR(PREFERRED_LOC), vm.gpu[1] },
		      { ATTR(PREFETCH_LOC), SYSMEM }, { ATTR(SET_FLAGS), FLAG(GPU_EXEC) },
		      { ATTR(ACCESS_IN_PLACE), vm.gpu[1] }), 0);
	expect_eq(vm_list(NULL, 0, ranges, 2), 1);
	range = ranges[0];
	expect_eq(range.start, (uintptr_t)memory);
	expect_eq(range.size, SIZE);
	expect_eq(range.preferred_loc, vm.gpu[1]);
	expect_eq(range.prefetch_loc, SYSMEM);
	expect_eq(range.flags, DEFAULT_FLAGS | FLAG(GPU_EXEC));
	expect_eq(range.granularity, 4);
	expect_eq(range.access, vm.device_mask & ~2ULL);
	expect_eq(range.access_in_place, 2);
	expect_mapped(memory, SIZE, 2);
}
END_TEST

START_TEST(setting_the_middle_splits)
{
	expect_eq(set_granularity(0, 64, 4), 0);
	expect_eq(set_granularity(16, 8, 5), 0);
	expect_ranges({ 0, 16, 4 }, { 16, 8, 5 }, { 24, 40, 4 });
	/* The parts keep what the call did not name. */
	expect_eq(set(memory + 8 * PAGE, 12 * PAGE, { ATTR(SET_FLAGS), FLAG(GPU_RO) }), 0);
	expect_ranges({ 0, 8, 4 }, { 8, 8, 4 }, { 16, 4, 5 }, { 20, 4, 5 }, { 24, 40, 4 });
}
END_TEST

START_TEST(equal_neighbours_merge)
{
	expect_eq(set_granularity(0, 8, 4), 0);
	expect_eq(set_granularity(16, 8, 4), 0);
	expect_ranges({ 0, 8, 4 }, { 16, 8, 4 });
	expect_eq(set_granularity(8, 8, 4), 0);
	expect_ranges({ 0, 24, 4 });
	expect_eq(set_granularity(4, 4, 5), 0);
	expect_eq(set_granularity(4, 4, 4), 0);
	expect_ranges({ 0, 24, 4 });
	/* Page by page, from both ends. */
	expect_eq(set_granularity(25, 1, 4), 0);
	expect_eq(set_granularity(24, 1, 4), 0);
	expect_ranges({ 0, 26, 4 });
}
END_TEST

START_TEST(setting_the_defaults_removes)
{
	expect_eq(set(memory, SIZE, { ATTR(GRANULARITY), 3 }, { ATTR(SET_FLAGS), FLAG(GPU_RO) },
		      { ATTR(PREFERRED_LOC), SYSMEM }, { ATTR(NO_ACCESS), vm.gpu[0] }), 0);
	expect_eq(set(memory, SIZE, { ATTR(GRANULARITY), DEFAULT_GRANULARITY },
		      { ATTR(CLR_FLAGS), FLAG(GPU_RO) }, { ATTR(PREFERRED_LOC), UNDEFINED }), 0);
	expect_ranges({ 0, 64, DEFAULT_GRANULARITY });
	expect_eq(set(memory, SIZE, { ATTR(ACCESS), vm.gpu[0] }), 0);
	expect_no_ranges();
	/* And defaults on nothing make no range. */
	expect_eq(set_granularity(0, 64, DEFAULT_GRANULARITY), 0);
	expect_no_ranges();
}
END_TEST

START_TEST(unset_cuts)
{
	expect_eq(set_granularity(0, 64, 4), 0);
	expect_eq(vm_unset_on(vm.fd, memory + 8 * PAGE, 8 * PAGE), 0);
	expect_ranges({ 0, 8, 4 }, { 16, 48, 4 });
	expect_eq(vm_unset_on(vm.fd, memory, 4 * PAGE), 0);
	expect_eq(vm_unset_on(vm.fd, memory + 60 * PAGE, 4 * PAGE), 0);
	expect_ranges({ 4, 4, 4 }, { 16, 44, 4 });
	/* Over everything, memory that is not mapped included. */
	expect_eq(vm_unset_on(vm.fd, memory - BLOCK, SIZE + 2 * BLOCK), 0);
	expect_no_ranges();
}
END_TEST

START_TEST(a_call_over_many_ranges_keeps_what_it_does_not_name)
{
	size_t page;

	for (page = 0; page < 32; page += 2)
		expect_eq(set_granularity(page, 1, 1 + page % 8), 0);
	expect_eq(set(memory + PAGE, 30 * PAGE, { ATTR(SET_FLAGS), FLAG(GPU_RO) }), 0);
	for (page = 0; page < 32; page++) {
		bool inside = page >= 1 && page < 31;

		expect_eq(get(memory + page * PAGE, PAGE, ATTR(GRANULARITY)),
			  page % 2 ? DEFAULT_GRANULARITY : 1 + page % 8);
		expect_eq(get(memory + page * PAGE, PAGE, ATTR(SET_FLAGS)),
			  DEFAULT_FLAGS | (inside ? FLAG(GPU_RO) : 0));
	}
}
END_TEST

START_TEST(munmap_drops_attributes)
{
	expect_eq(set_granularity(0, 64, 4), 0);
	expect(!munmap(memory, SIZE));
	expect_no_ranges();
	expect(mmap(memory, SIZE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == memory);
	expect_eq(get(memory, SIZE, ATTR(GRANULARITY)), DEFAULT_GRANULARITY);
	expect_no_ranges();
	expect_new(0, PAGES);
}
END_TEST

/* The reader of policy sees the munmap that came before it at once, not some time after. */
START_TEST(munmap_is_seen_by_the_next_call)
{
	int i;

	for (i = 0; i < 50; i++) {
		expect_eq(set_granularity(0, 64, 4), 0);
		expect(!munmap(memory, SIZE));
		expect(mmap(memory, SIZE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == memory);
		expect_eq(get(memory, SIZE, ATTR(GRANULARITY)), DEFAULT_GRANULARITY);
		expect_zero(memory + 8 * PAGE, PAGE);
		vm_fill(memory + 8 * PAGE, PAGE, 8);
		expect_eq(set_granularity(8, 1, 2), 0);
		expect_ranges({ 8, 1, 2 });
	}
	expect_kept(8, 1);
	expect_new(0, 8);
	expect_new(9, PAGES - 9);
}
END_TEST

START_TEST(partial_munmap_cuts)
{
	expect_eq(set_granularity(0, 64, 4), 0);
	expect(!munmap(memory + 16 * PAGE, 16 * PAGE));
	expect_ranges({ 0, 16, 4 }, { 32, 32, 4 });
	expect(!munmap(memory, 4 * PAGE));
	expect(!munmap(memory + 63 * PAGE, PAGE));
	expect_ranges({ 4, 12, 4 }, { 32, 31, 4 });
	/* A mapping put in the hole has the defaults. */
	expect(mmap(memory + 16 * PAGE, 16 * PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != MAP_FAILED);
	expect_eq(get(memory + 16 * PAGE, 16 * PAGE, ATTR(GRANULARITY)), DEFAULT_GRANULARITY);
	expect_ranges({ 4, 12, 4 }, { 32, 31, 4 });
	expect_kept(4, 12);
	expect_new(16, 16);
	expect_kept(32, 31);
}
END_TEST

START_TEST(mapping_over_memory_drops_attributes)
{
	expect_eq(set_granularity(0, 64, 4), 0);
	expect(mmap(memory + 8 * PAGE, 8 * PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED);
	expect_ranges({ 0, 8, 4 }, { 16, 48, 4 });
	expect_kept(0, 8);
	expect_new(8, 8);
	expect_kept(16, 48);
}
END_TEST

START_TEST(mremap_drops_the_policy_of_the_old_address)
{
	char *target = vm_reserve(SIZE);

	expect_eq(set_granularity(0, 64, 4), 0);
	expect(mremap(memory + 16 * PAGE, 16 * PAGE, 16 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		      target) == target);
	expect_ranges({ 0, 16, 4 }, { 32, 32, 4 });
	expect_eq(get(target, 16 * PAGE, ATTR(GRANULARITY)), DEFAULT_GRANULARITY);
	/* The bytes go with the mapping, the policy does not. */
	expect_filled(HERE, target, 16, 16);
	expect_kept(0, 16);
	expect_kept(32, 32);
}
END_TEST

START_TEST(mprotect_and_madvise_keep_attributes)
{
	expect_eq(set_granularity(0, 64, 4), 0);
	expect(!mprotect(memory, SIZE, PROT_READ));
	expect_kept(0, PAGES);
	expect(!madvise(memory, SIZE, MADV_DONTNEED));
	expect(!mprotect(memory, SIZE / 2, PROT_NONE));
	expect_ranges({ 0, 64, 4 });
	expect(!mprotect(memory, SIZE, PROT_READ | PROT_WRITE));
	expect_ranges({ 0, 64, 4 });
	expect_new(0, PAGES);
}
END_TEST

START_TEST(fork_inherits_nothing)
{
	struct peer peer;

	expect_eq(set_granularity(0, 64, 4), 0);
	if (vm_fork(&peer)) {
		close(vm.fd);
		vm.fd = vm_open();
		expect_no_ranges();
		expect_eq(get(memory, SIZE, ATTR(GRANULARITY)), DEFAULT_GRANULARITY);
		expect_eq(set_granularity(3, 3, 7), 0);
		expect_ranges({ 3, 3, 7 });
		expect_kept(0, PAGES);
		vm_done();
	}
	expect_joined(&peer);
	expect_ranges({ 0, 64, 4 });
	expect_kept(0, PAGES);
}
END_TEST

START_TEST(the_list_is_clipped_to_the_window)
{
	struct amdsvm_range_info ranges[4];

	expect_eq(set_granularity(0, 16, 4), 0);
	expect_eq(set_granularity(32, 16, 5), 0);
	expect_eq(vm_list(memory + 8 * PAGE, 32 * PAGE, ranges, 4), 2);
	expect_eq(ranges[0].start, (uintptr_t)memory + 8 * PAGE);
	expect_eq(ranges[0].size, 8 * PAGE);
	expect_eq(ranges[1].start, (uintptr_t)memory + 32 * PAGE);
	expect_eq(ranges[1].size, 8 * PAGE);
	expect_eq(vm_list(memory + 16 * PAGE, 16 * PAGE, ranges, 4), 0);
	expect_eq(vm_list(memory + 17 * PAGE, 0, ranges, 4), 1);
}
END_TEST

START_TEST(a_long_list_goes_on_from_next)
{
	struct amdsvm_range_info range[3];
	uint64_t next = 0;
	uint32_t count, found = 0;
	int page, calls = 0;

	for (page = 0; page < 64; page += 2)
		expect_eq(set_granularity(page, 1, 1 + page % 4), 0);
	do {
		expect_eq(vm_list_on(vm.fd, next, 0, range, 3, &count, &next), 0);
		expect(count <= 3);
		for (uint32_t i = 0; i < count; i++, found++)
			expect_eq(range[i].start, (uintptr_t)memory + 2 * found * PAGE);
		expect(++calls <= 12);
	} while (next);
	expect_eq(found, 32);
}
END_TEST

/* Room for exactly what there is: the list ends here, and says so. */
START_TEST(a_list_that_fits_exactly_is_complete)
{
	struct amdsvm_range_info ranges[2];
	uint64_t next;
	uint32_t count;

	expect_eq(set_granularity(0, 1, 4), 0);
	expect_eq(set_granularity(2, 1, 4), 0);
	expect_eq(vm_list_on(vm.fd, 0, 0, ranges, 2, &count, &next), 0);
	expect_eq(count, 2);
	expect_eq(next, 0);
	expect_eq(vm_list_on(vm.fd, (uintptr_t)memory, PAGE, ranges, 1, &count, &next), 0);
	expect_eq(count, 1);
	expect_eq(next, 0);
}
END_TEST

START_TEST(all_files_of_a_process_share_its_ranges)
{
	int first = vm.fd;

	expect_eq(set_granularity(0, 64, 4), 0);
	vm.fd = vm_open();
	expect_ranges({ 0, 64, 4 });
	close(first);
	expect_ranges({ 0, 64, 4 });
	/* Policy goes with the last file. */
	close(vm.fd);
	vm.fd = vm_open();
	expect_no_ranges();
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("ranges");
	TCase *t = vm_case_with(s, "intervals", setup, teardown_kept);

	tcase_add_test(t, a_range_is_listed_whole);
	tcase_add_test(t, setting_the_middle_splits);
	tcase_add_test(t, equal_neighbours_merge);
	tcase_add_test(t, setting_the_defaults_removes);
	tcase_add_test(t, unset_cuts);
	tcase_add_test(t, a_call_over_many_ranges_keeps_what_it_does_not_name);
	t = vm_case_with(s, "address space", setup, teardown);
	tcase_add_test(t, munmap_drops_attributes);
	tcase_add_test(t, munmap_is_seen_by_the_next_call);
	tcase_add_test(t, partial_munmap_cuts);
	tcase_add_test(t, mapping_over_memory_drops_attributes);
	tcase_add_test(t, mremap_drops_the_policy_of_the_old_address);
	tcase_add_test(t, mprotect_and_madvise_keep_attributes);
	tcase_add_test(t, fork_inherits_nothing);
	t = vm_case_with(s, "list", setup, teardown_kept);
	tcase_add_test(t, the_list_is_clipped_to_the_window);
	tcase_add_test(t, a_long_list_goes_on_from_next);
	tcase_add_test(t, a_list_that_fits_exactly_is_complete);
	tcase_add_test(t, all_files_of_a_process_share_its_ranges);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
