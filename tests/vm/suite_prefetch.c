// SPDX-License-Identifier: MIT
/*
 * Prefetch: the ways to ask for it, what it counts, and what stays behind and
 * why. Each asserts the counts, where the pages are afterwards, and the bytes.
 */
#include <fcntl.h>

#include "vmtest.h"

/* Each test once with small pages and once as the kernel likes. */
static char *memory_of_kind(int kind, size_t size)
{
	return kind ? vm_anon(size) : vm_anon_small(size);
}

START_TEST(touched_memory_is_moved_there_and_back)
{
	const size_t size = 2 * BLOCK, pages = size / PAGE;
	char *memory = memory_of_kind(_i, size);

	needs_device_memory();
	vm_fill(memory, size, 1);
	expect_location(memory, size, SYSMEM);
	expect_prefetch(memory, size, vm.gpu[0], 0, .moved = pages);
	expect_location(memory, size, vm.gpu[0]);
	expect_eq(vm_counters().pages_in, pages);
	expect_eq(vm_counters().pages_out, 0);
	expect_prefetch(memory, size, SYSMEM, 0, .moved = pages);
	expect_location(memory, size, SYSMEM);
	expect_eq(vm_counters().pages_out, pages);
	expect_eq(vm_counters().cpu_faults, 0);
	expect_bytes(memory, size, 1);
}
END_TEST

START_TEST(what_is_there_already_is_counted)
{
	char *memory = memory_of_kind(_i, BLOCK);

	needs_device_memory();
	vm_fill(memory, BLOCK, 1);
	expect_prefetch(memory, BLOCK, SYSMEM, 0, .already = 512);
	expect_prefetch(memory, BLOCK, vm.gpu[0], 0, .moved = 512);
	expect_prefetch(memory, BLOCK, vm.gpu[0], 0, .already = 512);
	expect_location(memory, BLOCK, vm.gpu[0]);
	expect_eq(vm_counters().pages_in, 512);
	expect_bytes(memory, BLOCK, 1);
}
END_TEST

START_TEST(untouched_memory_is_cleared_not_copied)
{
	const size_t size = 2 * BLOCK;
	char *memory = memory_of_kind(_i, size);
	uint64_t used = vm_used_pages();

	needs_device_memory();
	expect_prefetch(memory, size, vm.gpu[1], 0, .cleared = size / PAGE);
	expect_location(memory, size, vm.gpu[1]);
	expect_eq(vm_counters().pages_in, 0);
	expect_eq(vm_counters().pages_cleared, size / PAGE);
	expect_eq(vm_used_pages() - used, size / PAGE);
	expect_zero(memory, size);
}
END_TEST

/* Freed device pages held bytes of others: they must not show. */
START_TEST(cleared_pages_never_show_old_bytes)
{
	const size_t size = 4 * BLOCK;
	char *memory = memory_of_kind(_i, size);
	int round;

	needs_device_memory();
	for (round = 0; round < 3; round++) {
		expect(!madvise(memory, size, MADV_DONTNEED));
		vm_fill(memory, size, round);
		expect_prefetch(memory, size, vm.gpu[0], 0, .moved = size / PAGE);
		expect(!munmap(memory, size));
		expect(mmap(memory, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == memory);
		if (!_i)
			expect(!madvise(memory, size, MADV_NOHUGEPAGE));
		expect_prefetch(memory, size, vm.gpu[0], 0, .cleared = size / PAGE);
		expect_zero(memory, size);
	}
}
END_TEST

START_TEST(untouched_memory_stays_untouched_on_the_way_to_system_memory)
{
	char *memory = memory_of_kind(_i, BLOCK);

	expect_prefetch(memory, BLOCK, SYSMEM, 0, .unmovable = 512);
	expect_location(memory, BLOCK, ABSENT);
}
END_TEST

/* A file that nobody may read has no page here: nothing of it is in use, or in the way. */
START_TEST(what_was_never_there_is_not_busy)
{
	char *memory = vm_reserve(2 * BLOCK);
	int fd = memfd_create("never", MFD_CLOEXEC);

	expect(fd >= 0 && !ftruncate(fd, BLOCK));
	expect(!mprotect(memory, PAGE, PROT_READ | PROT_WRITE));
	vm_fill(memory, PAGE, 1);
	expect(mmap(memory + BLOCK, BLOCK, PROT_NONE, MAP_PRIVATE | MAP_FIXED, fd, 0) ==
	       memory + BLOCK);
	expect_prefetch(memory, 2 * BLOCK, SYSMEM, 0, .already = 1, .unmovable = 1023);
	expect_eq(vm_counters().pages_failed, 0);
	expect_bytes(memory, PAGE, 1);
}
END_TEST

/* Only read so far: the kernel's zero page, or its huge one, is mapped. */
START_TEST(memory_that_was_only_read_moves)
{
	char *memory = memory_of_kind(_i, BLOCK);
	struct amdsvm_ioctl_prefetch_args args;

	needs_device_memory();
	expect_zero(memory, BLOCK);
	expect_eq(vm_prefetch_on(vm.fd, memory, BLOCK, vm.gpu[0], &args), 0);
	expect_eq(args.pages_cleared + args.pages_moved, 512);
	expect_location(memory, BLOCK, vm.gpu[0]);
	expect_zero(memory, BLOCK);
}
END_TEST

START_TEST(mixed_memory_is_counted_page_by_page)
{
	char *memory = vm_anon_small(BLOCK);

	needs_device_memory();
	vm_fill(memory, 100 * PAGE, 1);			/* touched */
	vm_fill(memory + 200 * PAGE, 50 * PAGE, 2);	/* there already */
	expect_prefetch(memory + 200 * PAGE, 50 * PAGE, vm.gpu[0], 0, .moved = 50);
	vm_fill(memory + 300 * PAGE, 30 * PAGE, 3);	/* on the other device */
	expect_prefetch(memory + 300 * PAGE, 30 * PAGE, vm.gpu[1], 0, .moved = 30);
	expect_prefetch(memory, BLOCK, vm.gpu[0], 0, .moved = 130, .already = 50,
			.cleared = 512 - 180);
	expect_location(memory, BLOCK, vm.gpu[0]);
	expect_eq(vm_counters().pages_peer, 30);
	expect_bytes(memory, 100 * PAGE, 1);
	expect_zero(memory + 100 * PAGE, 100 * PAGE);
	expect_bytes(memory + 200 * PAGE, 50 * PAGE, 2);
	expect_bytes(memory + 300 * PAGE, 30 * PAGE, 3);
}
END_TEST

START_TEST(only_the_range_moves)
{
	char *memory = memory_of_kind(_i, 4 * BLOCK), *start = memory + BLOCK + 3 * PAGE;
	const size_t size = BLOCK + 7 * PAGE;

	needs_device_memory();
	vm_fill(memory, 4 * BLOCK, 1);
	expect_prefetch(start, size, vm.gpu[0], 0, .moved = size / PAGE);
	expect_location(memory, start - memory, SYSMEM);
	expect_location(start, size, vm.gpu[0]);
	expect_location(start + size, memory + 4 * BLOCK - start - size, SYSMEM);
	expect_bytes(memory, 4 * BLOCK, 1);
}
END_TEST

START_TEST(one_page_moves)
{
	char *memory = memory_of_kind(_i, BLOCK);

	needs_device_memory();
	vm_fill(memory, BLOCK, 1);
	expect_prefetch(memory + 77 * PAGE, PAGE, vm.gpu[0], 0, .moved = 1);
	expect_location(memory, 77 * PAGE, SYSMEM);
	expect_location(memory + 77 * PAGE, PAGE, vm.gpu[0]);
	expect_location(memory + 78 * PAGE, BLOCK - 78 * PAGE, SYSMEM);
	expect_bytes(memory, BLOCK, 1);
}
END_TEST

START_TEST(set_attr_moves_and_is_remembered)
{
	char *memory = memory_of_kind(_i, BLOCK);

	needs_device_memory();
	vm_fill(memory, BLOCK, 1);
	expect_eq(set(memory, BLOCK, { ATTR(PREFETCH_LOC), vm.gpu[1] }), 0);
	expect_location(memory, BLOCK, vm.gpu[1]);
	expect_eq(get(memory, BLOCK, ATTR(PREFETCH_LOC)), vm.gpu[1]);
	/* It is what was asked, not where the memory is. */
	expect_bytes(memory, BLOCK, 1);
	expect_eq(get(memory, BLOCK, ATTR(PREFETCH_LOC)), vm.gpu[1]);
	/* Equal attributes, and yet it moves again. */
	expect_eq(set(memory, BLOCK, { ATTR(PREFETCH_LOC), vm.gpu[1] }), 0);
	expect_location(memory, BLOCK, vm.gpu[1]);
	expect_eq(set(memory, BLOCK, { ATTR(PREFETCH_LOC), SYSMEM }), 0);
	expect_location(memory, BLOCK, SYSMEM);
	expect_bytes(memory, BLOCK, 1);
}
END_TEST

START_TEST(the_own_call_changes_no_attribute)
{
	char *memory = vm_anon(BLOCK);

	needs_device_memory();
	expect_prefetch(memory, BLOCK, vm.gpu[0], 0, .cleared = 512);
	expect_eq(vm_range_count(), 0);
	expect_eq(get(memory, BLOCK, ATTR(PREFETCH_LOC)), UNDEFINED);
}
END_TEST

/* KFD's rule: where memory should be does not move it. */
START_TEST(preferred_location_moves_nothing)
{
	char *memory = vm_anon(BLOCK);

	vm_fill(memory, BLOCK, 1);
	expect_eq(set(memory, BLOCK, { ATTR(PREFERRED_LOC), vm.gpu[0] }), 0);
	expect_location(memory, BLOCK, SYSMEM);
	expect_eq(vm_counters().pages_in, 0);
}
END_TEST

/* Leaves so many pages free on the device. */
static void fill_device(uint32_t gpu, uint64_t pages_left)
{
	struct amdsvm_device_info info;
	struct amdsvm_ioctl_prefetch_args args;
	uint64_t size;
	char *filler;

	expect_within(10, vm_used_pages() == 0);
	info = vm_device(gpu);
	size = info.vram_bytes - pages_left * PAGE;
	filler = vm_anon_small(size);
	expect_eq(vm_prefetch_on(vm.fd, filler, size, gpu, &args), 0);
	expect_eq(args.pages_cleared, size / PAGE);
}

START_TEST(what_fits_moves_when_memory_is_short)
{
	char *memory = vm_anon_small(BLOCK);

	needs_device_memory();
	fill_device(vm.gpu[0], 100);
	vm_fill(memory, BLOCK, 1);
	expect_prefetch(memory, BLOCK, vm.gpu[0], 0, .moved = 100, .no_space = 412);
	expect_eq(vm_sums(memory, BLOCK).pages_device, 100);
	expect_eq(vm_sums(memory, BLOCK).pages_system, 412);
	expect_eq(vm_device(vm.gpu[0]).vram_used_bytes, vm_device(vm.gpu[0]).vram_bytes);
	/*
	 * A device that is full does not make room by sending its own pages home.
	 * Some of the range is there, which is no error (R5).
	 */
	expect_prefetch(memory, BLOCK, vm.gpu[0], 0, .already = 100, .no_space = 412);
	expect_prefetch(memory + BLOCK / 2, BLOCK / 2, vm.gpu[0], -ENOSPC, .no_space = 256);
	/* The other one has room. */
	expect_prefetch(memory, BLOCK, vm.gpu[1], 0, .moved = 512);
	expect_bytes(memory, BLOCK, 1);
}
END_TEST

START_TEST(a_full_device_is_enospc)
{
	char *memory = vm_anon_small(BLOCK);

	needs_device_memory();
	fill_device(vm.gpu[0], 0);
	vm_fill(memory, BLOCK / 2, 1);
	expect_prefetch(memory, BLOCK, vm.gpu[0], -ENOSPC, .no_space = 512);
	expect_eq(set(memory, BLOCK, { ATTR(PREFETCH_LOC), vm.gpu[0] }), -ENOSPC);
	expect_eq(get(memory, BLOCK, ATTR(PREFETCH_LOC)), vm.gpu[0]);
	expect_location(memory, BLOCK / 2, SYSMEM);
	expect_location(memory + BLOCK / 2, BLOCK / 2, ABSENT);
	expect_bytes(memory, BLOCK / 2, 1);
}
END_TEST

START_TEST(a_range_larger_than_the_device_fills_it)
{
	uint64_t size, pages;
	char *memory;

	needs_device_memory();
	expect_within(10, vm_used_pages() == 0);
	pages = vm_device(vm.gpu[0]).vram_bytes / PAGE;
	size = pages * PAGE + 2 * BLOCK;
	memory = vm_anon(size);
	expect_prefetch(memory, size, vm.gpu[0], 0, .cleared = pages, .no_space = 1024);
	expect_eq(vm_sums(memory, size).pages_device, pages);
	expect_eq(vm_sums(memory, size).pages_absent, 1024);
	/* Freed memory is memory again. */
	expect(!madvise(memory, size, MADV_DONTNEED));
	expect_within(10, vm_used_pages() == 0);
	expect_prefetch(memory, BLOCK, vm.gpu[0], 0, .cleared = 512);
}
END_TEST

START_TEST(every_mapping_of_the_range_is_visited)
{
	char *memory = vm_reserve(4 * BLOCK);
	int i;

	needs_device_memory();
	/* Three mappings that cannot merge: middle one not writable. */
	expect(!mprotect(memory, 3 * BLOCK, PROT_READ | PROT_WRITE));
	for (i = 0; i < 3; i++)
		vm_fill(memory + i * BLOCK, BLOCK, i);
	expect(!mprotect(memory + BLOCK, BLOCK, PROT_READ));
	expect_prefetch(memory, 4 * BLOCK, vm.gpu[0], 0, .moved = 3 * 512, .unmovable = 512);
	expect_location(memory, 3 * BLOCK, vm.gpu[0]);
	expect_location(memory + 3 * BLOCK, BLOCK, ABSENT);
	for (i = 0; i < 3; i++)
		expect_bytes(memory + i * BLOCK, BLOCK, i);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("prefetch");
	TCase *t = vm_case(s, "moves");

	tcase_add_loop_test(t, touched_memory_is_moved_there_and_back, 0, 2);
	tcase_add_loop_test(t, what_is_there_already_is_counted, 0, 2);
	tcase_add_loop_test(t, untouched_memory_is_cleared_not_copied, 0, 2);
	tcase_add_loop_test(t, cleared_pages_never_show_old_bytes, 0, 2);
	tcase_add_loop_test(t, untouched_memory_stays_untouched_on_the_way_to_system_memory, 0, 2);
	tcase_add_test(t, what_was_never_there_is_not_busy);
	tcase_add_loop_test(t, memory_that_was_only_read_moves, 0, 2);
	tcase_add_test(t, mixed_memory_is_counted_page_by_page);
	tcase_add_loop_test(t, only_the_range_moves, 0, 2);
	tcase_add_loop_test(t, one_page_moves, 0, 2);
	tcase_add_loop_test(t, set_attr_moves_and_is_remembered, 0, 2);
	tcase_add_test(t, the_own_call_changes_no_attribute);
	tcase_add_test(t, preferred_location_moves_nothing);
	tcase_add_test(t, every_mapping_of_the_range_is_visited);
	t = vm_case(s, "stays");
	tcase_add_test(t, a_range_larger_than_the_device_fills_it);
	t = vm_case_with(s, "full", vm_setup_no_eviction, vm_teardown_no_eviction);
	tcase_add_test(t, what_fits_moves_when_memory_is_short);
	tcase_add_test(t, a_full_device_is_enospc);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
