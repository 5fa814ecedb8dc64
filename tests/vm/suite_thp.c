// SPDX-License-Identifier: MIT
/*
 * Memory in 2 MiB pages: it moves whole, comes back right, and survives being
 * split on the way. Whether it stays large on the device is no promise yet;
 * bytes, places and counts are.
 */
#include "vmtest.h"

#define SIZE (2 * BLOCK)
#define PAGES (SIZE / PAGE)

static char *huge(size_t size, uint64_t seed)
{
	char *memory = vm_anon(size);

	expect(!madvise(memory, size, MADV_HUGEPAGE));
	vm_fill(memory, size, seed);
	expect_eq(vm_huge_kib(memory, size), size / 1024);
	return memory;
}

START_TEST(large_pages_move_there_and_back)
{
	char *memory;

	needs_device_memory();
	memory = huge(SIZE, 1);
	expect_prefetch(memory, SIZE, vm.gpu[0], 0, .moved = PAGES);
	expect_location(memory, SIZE, vm.gpu[0]);
	expect_prefetch(memory, SIZE, SYSMEM, 0, .moved = PAGES);
	expect_location(memory, SIZE, SYSMEM);
	expect_bytes(memory, SIZE, 1);
	expect_eq(vm_counters().pages_failed, 0);
}
END_TEST

START_TEST(part_of_a_large_page_moves)
{
	const size_t first = 100 * PAGE, size = 700 * PAGE;
	char *memory;

	needs_device_memory();
	memory = huge(SIZE, 1);
	expect_prefetch(memory + first, size, vm.gpu[0], 0, .moved = size / PAGE);
	expect_location(memory, first, SYSMEM);
	expect_location(memory + first, size, vm.gpu[0]);
	expect_location(memory + first + size, SIZE - first - size, SYSMEM);
	expect_bytes(memory, SIZE, 1);
}
END_TEST

START_TEST(untouched_memory_that_wants_large_pages_is_cleared)
{
	char *memory = vm_anon(SIZE);

	needs_device_memory();
	expect(!madvise(memory, SIZE, MADV_HUGEPAGE));
	expect_prefetch(memory, SIZE, vm.gpu[0], 0, .cleared = PAGES);
	expect_location(memory, SIZE, vm.gpu[0]);
	expect_zero(memory, SIZE);
	vm_fill(memory, SIZE, 2);
	expect_bytes(memory, SIZE, 2);
}
END_TEST

/* A read maps the 2 MiB zero page, which belongs to nobody. */
START_TEST(the_huge_zero_page_is_cleared_memory)
{
	char *memory = vm_anon(SIZE);
	struct amdsvm_ioctl_prefetch_args args;

	needs_device_memory();
	expect(!madvise(memory, SIZE, MADV_HUGEPAGE));
	expect_zero(memory, SIZE);
	expect_eq(vm_prefetch_on(vm.fd, memory, SIZE, vm.gpu[0], &args), 0);
	expect_eq(args.pages_cleared + args.pages_moved, PAGES);
	vm_fill(memory, BLOCK, 3);
	expect_bytes(memory, BLOCK, 3);
	expect_zero(memory + BLOCK, BLOCK);
}
END_TEST

START_TEST(a_large_page_on_the_device_is_cut_by_munmap)
{
	char *memory, *copy = vm_anon(SIZE);

	needs_device_memory();
	vm_fill(copy, SIZE, 1);
	memory = huge(SIZE, 1);
	expect_prefetch(memory, SIZE, vm.gpu[0], 0, .moved = PAGES);
	expect(!munmap(memory + 10 * PAGE, PAGE));
	expect(!munmap(memory + BLOCK - PAGE, 2 * PAGE));
	expect(!memcmp(memory, copy, 10 * PAGE));
	expect(!memcmp(memory + 11 * PAGE, copy + 11 * PAGE, BLOCK - 12 * PAGE));
	expect(!memcmp(memory + BLOCK + PAGE, copy + BLOCK + PAGE, BLOCK - PAGE));
	expect(!munmap(memory, SIZE));
	expect_within(10, vm_used_pages() == 0);
}
END_TEST

START_TEST(a_large_page_on_the_device_is_cut_by_mprotect)
{
	char *memory;

	needs_device_memory();
	memory = huge(SIZE, 1);
	expect_prefetch(memory, SIZE, vm.gpu[0], 0, .moved = PAGES);
	expect(!mprotect(memory + 7 * PAGE, 3 * PAGE, PROT_READ));
	expect_bytes(memory, SIZE, 1);
	expect(!mprotect(memory + 7 * PAGE, 3 * PAGE, PROT_READ | PROT_WRITE));
	vm_fill(memory, SIZE, 2);
	expect_bytes(memory, SIZE, 2);
}
END_TEST

START_TEST(a_large_page_on_the_device_is_cut_by_dontneed)
{
	char *memory, *copy = vm_anon(SIZE);

	needs_device_memory();
	vm_fill(copy, SIZE, 1);
	memory = huge(SIZE, 1);
	expect_prefetch(memory, SIZE, vm.gpu[0], 0, .moved = PAGES);
	expect(!madvise(memory + 100 * PAGE, 5 * PAGE, MADV_DONTNEED));
	expect_location(memory + 100 * PAGE, 5 * PAGE, ABSENT);
	expect_zero(memory + 100 * PAGE, 5 * PAGE);
	expect(!memcmp(memory, copy, 100 * PAGE));
	expect(!memcmp(memory + 105 * PAGE, copy + 105 * PAGE, SIZE - 105 * PAGE));
}
END_TEST

START_TEST(a_large_page_is_shared_by_fork_and_written_by_both)
{
	struct peer peer;
	char *memory;

	needs_device_memory();
	memory = huge(SIZE, 1);
	expect_prefetch(memory, SIZE, vm.gpu[0], 0, .moved = PAGES);
	if (vm_fork(&peer)) {
		memory[77 * PAGE] ^= 1;
		memory[77 * PAGE] ^= 1;
		expect_bytes(memory, SIZE, 1);
		vm_fill(memory + BLOCK, BLOCK, 2);
		expect_bytes(memory + BLOCK, BLOCK, 2);
		vm_done();
	}
	vm_fill(memory, BLOCK, 3);
	expect_joined(&peer);
	expect_bytes(memory, BLOCK, 3);
	expect_eq(*(uint64_t *)(memory + BLOCK), vm_word(1, BLOCK / 8));
}
END_TEST

/*
 * A large page in system memory that is no longer mapped as one. Before 6.15
 * core does not migrate it, and offers drivers no way to split it: it is told
 * as busy and stays usable.
 */
START_TEST(a_large_page_mapped_in_parts)
{
	const size_t hole = 100 * PAGE, size = 5 * PAGE;
	char *memory, *copy = vm_anon(BLOCK);
	struct amdsvm_ioctl_prefetch_args args;
	int result;

	needs_device_memory();
	vm_fill(copy, BLOCK, 1);
	memory = huge(BLOCK, 1);
	expect(!madvise(memory + hole, size, MADV_DONTNEED));
	result = vm_prefetch_on(vm.fd, memory, BLOCK, vm.gpu[0], &args);
	expect_eq(result, 0);
	expect_eq(args.pages_cleared, 5);
	if (vm_kernel_is("6.1") || vm_kernel_is("6.12"))
		expect_eq(args.pages_moved + args.pages_busy, 507);
	else
		expect_eq(args.pages_moved, 507);
	expect_eq(vm_sums(memory, BLOCK).pages_device, args.pages_moved + 5);
	expect_zero(memory + hole, size);
	expect(!memcmp(memory, copy, hole));
	expect(!memcmp(memory + hole + size, copy + hole + size, BLOCK - hole - size));
}
END_TEST

START_TEST(large_pages_mapped_by_a_device_are_mapped_whole)
{
	char *memory = huge(SIZE, 1);

	expect_eq(set(memory, SIZE, { ATTR(ACCESS_IN_PLACE), vm.gpu[0] }), 0);
	expect_mapped(memory, SIZE, 1);
	expect_location(memory, SIZE, SYSMEM);
	/* Told of one page: at least that one goes, and none stays wrong. */
	expect(!madvise(memory + 5 * PAGE, PAGE, MADV_DONTNEED));
	expect_mapped(memory + 5 * PAGE, PAGE, 0);
	expect_mapped(memory + BLOCK, BLOCK, 1);
	expect_zero(memory + 5 * PAGE, PAGE);
	expect_bytes(memory, 5 * PAGE, 1);
}
END_TEST

START_TEST(khugepaged_and_collapse_leave_device_pages_right)
{
	char *memory = vm_anon_small(SIZE);

	needs_device_memory();
	vm_fill(memory, SIZE, 1);
	expect_prefetch(memory + 64 * PAGE, 64 * PAGE, vm.gpu[0], 0, .moved = 64);
	expect(!madvise(memory, SIZE, MADV_HUGEPAGE));
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
	/* May refuse; whatever it does, the bytes stay. */
	madvise(memory, SIZE, MADV_COLLAPSE);
	expect_bytes(memory, SIZE, 1);
	madvise(memory, SIZE, MADV_COLLAPSE);
	expect_bytes(memory, SIZE, 1);
	expect_prefetch(memory, SIZE, vm.gpu[1], 0,
			.moved = vm_sums(memory, SIZE).pages_system + vm_sums(memory, SIZE).pages_device);
	expect_bytes(memory, SIZE, 1);
}
END_TEST

START_TEST(unaligned_memory_moves)
{
	const size_t size = SIZE + 300 * PAGE;
	char *memory = (char *)vm_reserve(2 * SIZE) + 33 * PAGE;

	needs_device_memory();
	expect(!mprotect(memory, size, PROT_READ | PROT_WRITE));
	expect(!madvise(memory, size, MADV_HUGEPAGE));
	vm_fill(memory, size, 1);
	expect_prefetch(memory, size, vm.gpu[0], 0, .moved = size / PAGE);
	expect_location(memory, size, vm.gpu[0]);
	expect_bytes(memory, size, 1);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("thp");
	TCase *t = vm_case(s, "thp");

	tcase_add_test(t, large_pages_move_there_and_back);
	tcase_add_test(t, part_of_a_large_page_moves);
	tcase_add_test(t, untouched_memory_that_wants_large_pages_is_cleared);
	tcase_add_test(t, the_huge_zero_page_is_cleared_memory);
	tcase_add_test(t, a_large_page_on_the_device_is_cut_by_munmap);
	tcase_add_test(t, a_large_page_on_the_device_is_cut_by_mprotect);
	tcase_add_test(t, a_large_page_on_the_device_is_cut_by_dontneed);
	tcase_add_test(t, a_large_page_is_shared_by_fork_and_written_by_both);
	tcase_add_test(t, a_large_page_mapped_in_parts);
	tcase_add_test(t, large_pages_mapped_by_a_device_are_mapped_whole);
	tcase_add_test(t, khugepaged_and_collapse_leave_device_pages_right);
	tcase_add_test(t, unaligned_memory_moves);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
