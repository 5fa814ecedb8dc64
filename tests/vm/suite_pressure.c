// SPDX-License-Identifier: MIT
/*
 * What the kernel does with memory of its own accord, next to migration: swap,
 * merging equal pages (KSM), limits of a memory cgroup, compaction.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "vmswap.h"
#include "vmtest.h"

#define SIZE (128 * PAGE)

START_TEST(swapped_pages_are_brought_in_and_moved)
{
	char *memory = vm_anon_small(SIZE);

	needs_device_memory();
	vm_swap_on();
	vm_fill(memory, SIZE, 1);
	vm_page_out(memory, SIZE);
	expect_prefetch(memory, SIZE, vm.gpu[0], 0, .moved = SIZE / PAGE);
	expect_location(memory, SIZE, vm.gpu[0]);
	expect_bytes(memory, SIZE, 1);
	vm_swap_off();
}
END_TEST

START_TEST(swapped_pages_are_not_zeros)
{
	char *memory = vm_anon_small(SIZE);
	struct amdsvm_ioctl_prefetch_args args;

	needs_device_memory();
	vm_swap_on();
	/* Half swapped, half never touched: only the latter may be cleared. */
	vm_fill(memory, SIZE / 2, 1);
	vm_page_out(memory, SIZE / 2);
	expect_eq(vm_prefetch_on(vm.fd, memory, SIZE, vm.gpu[1], &args), 0);
	expect_eq(args.pages_cleared, SIZE / 2 / PAGE);
	expect_bytes(memory, SIZE / 2, 1);
	expect_zero(memory + SIZE / 2, SIZE / 2);
	vm_swap_off();
}
END_TEST

START_TEST(pages_that_came_home_can_be_swapped)
{
	char *memory = vm_anon_small(SIZE);

	needs_device_memory();
	vm_swap_on();
	vm_fill(memory, SIZE, 1);
	expect_prefetch(memory, SIZE, vm.gpu[0], 0, .moved = SIZE / PAGE);
	expect_prefetch(memory, SIZE, SYSMEM, 0, .moved = SIZE / PAGE);
	vm_page_out(memory, SIZE);
	expect_bytes(memory, SIZE, 1);
	vm_swap_off();
}
END_TEST

/* Device memory is no swap candidate: a hint about it changes nothing. */
START_TEST(device_pages_are_not_swapped)
{
	char *memory = vm_anon_small(SIZE);

	needs_device_memory();
	vm_swap_on();
	vm_fill(memory, SIZE, 1);
	expect_prefetch(memory, SIZE, vm.gpu[0], 0, .moved = SIZE / PAGE);
	expect(!madvise(memory, SIZE, MADV_PAGEOUT));
	expect(!madvise(memory, SIZE, MADV_COLD));
	expect_location(memory, SIZE, vm.gpu[0]);
	expect_bytes(memory, SIZE, 1);
	vm_swap_off();
}
END_TEST

START_TEST(devices_unmap_what_is_swapped)
{
	char *memory = vm_anon_small(SIZE);

	vm_swap_on();
	vm_fill(memory, SIZE, 1);
	expect_eq(set(memory, SIZE, { ATTR(ACCESS_IN_PLACE), vm.gpu[0] }), 0);
	expect_mapped(memory, SIZE, 1);
	vm_page_out(memory, SIZE);
	expect_mapped(memory, SIZE, 0);
	expect_bytes(memory, SIZE, 1);
	vm_swap_off();
}
END_TEST

START_TEST(swapoff_with_pages_on_a_device)
{
	char *memory = vm_anon_small(SIZE);

	needs_device_memory();
	vm_swap_on();
	vm_fill(memory, SIZE, 1);
	vm_page_out(memory, SIZE / 2);
	expect_prefetch(memory + SIZE / 2, SIZE / 2, vm.gpu[0], 0, .moved = SIZE / 2 / PAGE);
	/* It walks the whole page table and must know device entries from swap. */
	vm_swap_off();
	expect_location(memory, SIZE / 2, SYSMEM);
	expect_location(memory + SIZE / 2, SIZE / 2, vm.gpu[0]);
	expect_bytes(memory, SIZE, 1);
}
END_TEST

#define KSM "/sys/kernel/mm/ksm/"

static void merge_on(void)
{
	expect_eq(vm_write_file(KSM "sleep_millisecs", "0"), 0);
	expect_eq(vm_write_file(KSM "pages_to_scan", "1000"), 0);
	expect_eq(vm_write_file(KSM "run", "1"), 0);
}

/* Undoes the merging as well. */
static void merge_off(void)
{
	expect_eq(vm_write_file(KSM "run", "2"), 0);
	expect_eq(vm_write_file(KSM "run", "0"), 0);
}

static char *mergeable(size_t size)
{
	char *memory = vm_anon_small(size);
	size_t i;

	for (i = 0; i < size / PAGE; i++)
		vm_fill(memory + i * PAGE, PAGE, i % 2);
	expect(!madvise(memory, size, MADV_MERGEABLE));
	return memory;
}

/* Merged pages belong to whoever has equal bytes: they do not go to a device. */
START_TEST(merged_pages_stay)
{
	char *memory;
	size_t i;

	needs_device_memory();
	merge_on();
	memory = mergeable(SIZE);
	expect_within(30, vm_read_number(KSM "pages_sharing") >= (long)(SIZE / PAGE) - 2);
	expect_eq(vm_write_file(KSM "run", "0"), 0);
	expect_prefetch(memory, SIZE, vm.gpu[0], 0, .unmovable = SIZE / PAGE);
	expect_location(memory, SIZE, SYSMEM);
	for (i = 0; i < SIZE / PAGE; i++)
		expect_bytes(memory + i * PAGE, PAGE, i % 2);
	/* Sharing never shows: a write reaches one page only. */
	for (i = 0; i < SIZE / PAGE; i += 3)
		vm_fill(memory + i * PAGE, PAGE, 100 + i);
	expect_prefetch(memory, SIZE, vm.gpu[0], 0, .unmovable = SIZE / PAGE);
	for (i = 0; i < SIZE / PAGE; i++)
		expect_bytes(memory + i * PAGE, PAGE, i % 3 ? i % 2 : 100 + i);
	merge_off();
}
END_TEST

START_TEST(memory_that_is_merged_no_more_moves)
{
	char *memory;
	size_t i;

	needs_device_memory();
	merge_on();
	memory = mergeable(SIZE);
	expect_within(30, vm_read_number(KSM "pages_sharing") >= (long)(SIZE / PAGE) - 2);
	expect(!madvise(memory, SIZE, MADV_UNMERGEABLE));
	merge_off();
	expect_prefetch(memory, SIZE, vm.gpu[0], 0, .moved = SIZE / PAGE);
	for (i = 0; i < SIZE / PAGE; i++)
		expect_bytes(memory + i * PAGE, PAGE, i % 2);
}
END_TEST

/*
 * The merger maps a page first and notes down where it did afterwards. Core
 * takes a page that migrate_vma finds in between out of the page table, and
 * never finds the place again: the entry stays, and the exit of the process is
 * a BUG. So a driver keeps away from all memory that the merger may visit.
 */
START_TEST(prefetching_while_pages_are_merged)
{
	const size_t size = 4 * BLOCK, pages = size / PAGE;
	struct amdsvm_ioctl_prefetch_args args;
	long before, front = 0;
	uint64_t end, moved = 0;
	char *memory;
	size_t page;

	needs_device_memory();
	vm_use_all_processors();
	merge_on();
	before = vm_read_number(KSM "pages_sharing");
	memory = mergeable(size);
	end = vm_now() + 20 * 1000000000ULL;
	/* Where the merger is just now; what was moved is out of its reach. */
	while (front + 16 < (long)pages && vm_now() < end) {
		front = vm_read_number(KSM "pages_sharing") - before + moved;
		if (front <= 0 || front + 16 > (long)pages)
			continue;
		vm_prefetch_on(vm.fd, memory + front * PAGE, 16 * PAGE, vm.gpu[0], &args);
		moved += args.pages_moved;
	}
	merge_off();
	for (page = 0; page < pages; page++)
		expect_bytes(memory + page * PAGE, PAGE, page % 2);
	expect(front > 0);
	expect_eq(moved, 0);
}
END_TEST

/*
 * The merger compares with, and maps, the pages that it merged before. One that
 * had become device memory would be read by the CPU, which cannot (R1), and
 * would give other processes memory of this one's device (R7).
 */
START_TEST(the_merger_never_meets_device_pages)
{
	struct amdsvm_ioctl_prefetch_args args;
	char *memory, *later;
	long scans;
	size_t i;

	needs_device_memory();
	merge_on();
	memory = mergeable(SIZE);
	expect_within(30, vm_read_number(KSM "pages_sharing") >= (long)(SIZE / PAGE) - 2);
	vm_prefetch_on(vm.fd, memory, SIZE, vm.gpu[0], &args);
	vm_prefetch_on(vm.fd, memory, PAGE, vm.gpu[0], &args);
	vm_prefetch_on(vm.fd, memory + PAGE, PAGE, vm.gpu[0], &args);
	/* Equal pages that come later are merged with those of before. */
	later = mergeable(SIZE);
	scans = vm_read_number(KSM "full_scans");
	expect_within(30, vm_read_number(KSM "full_scans") >= scans + 3);
	for (i = 0; i < SIZE / PAGE; i++) {
		expect_bytes(later + i * PAGE, PAGE, i % 2);
		expect_bytes(memory + i * PAGE, PAGE, i % 2);
	}
	expect_eq(vm_sums(later, SIZE).pages_device, 0);
	merge_off();
}
END_TEST

#define GROUP "/sys/fs/cgroup/amdsvm-test"

static void enter_group(const char *limit)
{
	char pid[16];

	vm_write_file("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
	if (mkdir(GROUP, 0755))
		expect(errno == EEXIST);
	expect_eq(vm_write_file(GROUP "/memory.max", limit), 0);
	snprintf(pid, sizeof(pid), "%d", getpid());
	expect_eq(vm_write_file(GROUP "/cgroup.procs", pid), 0);
}

/* Migration swaps one page for another; it needs no room for both in the limit. */
START_TEST(memory_charged_to_a_group_moves_within_its_limit)
{
	const size_t size = 12 * BLOCK;
	struct peer peer;
	char *memory;
	long charged;

	needs_device_memory();
	if (vm_fork(&peer)) {
		enter_group("40M");
		close(vm.fd);
		vm.fd = vm_open();
		memory = vm_anon_small(size);
		vm_fill(memory, size, 1);
		expect_prefetch(memory, size, vm.gpu[0], 0, .moved = size / PAGE);
		/* Device pages stay charged to their process. */
		charged = vm_read_number(GROUP "/memory.current");
		expect(charged >= (long)size && charged <= 40 << 20);
		expect_prefetch(memory, size, vm.gpu[1], 0, .moved = size / PAGE);
		expect_bytes(memory, size, 1);
		expect_prefetch(memory, size, SYSMEM, 0, .moved = vm.lane == LANE_PRIVATE ? 0 : size / PAGE,
				.already = vm.lane == LANE_PRIVATE ? size / PAGE : 0);
		charged = vm_read_number(GROUP "/memory.current");
		expect(charged >= (long)size && charged <= 40 << 20);
		vm_done();
	}
	expect_joined(&peer);
	expect_within(10, !rmdir(GROUP));
}
END_TEST

START_TEST(compaction_leaves_pages_right)
{
	char *memory = vm_anon_small(SIZE), *other = vm_anon_small(SIZE);

	vm_fill(memory, SIZE, 1);
	vm_fill(other, SIZE, 2);
	expect_eq(set(memory, SIZE, { ATTR(ACCESS_IN_PLACE), vm.gpu[0] }), 0);
	if (vm.lane != LANE_MIRROR)
		expect_prefetch(other, SIZE, vm.gpu[0], 0, .moved = SIZE / PAGE);
	expect_eq(vm_write_file("/proc/sys/vm/compact_memory", "1"), 0);
	expect_location(other, SIZE, vm.lane != LANE_MIRROR ? vm.gpu[0] : SYSMEM);
	expect_bytes(memory, SIZE, 1);
	expect_bytes(other, SIZE, 2);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("pressure");
	TCase *t = vm_case(s, "swap");

	tcase_add_test(t, swapped_pages_are_brought_in_and_moved);
	tcase_add_test(t, swapped_pages_are_not_zeros);
	tcase_add_test(t, pages_that_came_home_can_be_swapped);
	tcase_add_test(t, device_pages_are_not_swapped);
	tcase_add_test(t, devices_unmap_what_is_swapped);
	tcase_add_test(t, swapoff_with_pages_on_a_device);
	t = vm_case(s, "core");
	tcase_add_test(t, merged_pages_stay);
	tcase_add_test(t, memory_that_is_merged_no_more_moves);
	tcase_add_test(t, prefetching_while_pages_are_merged);
	tcase_add_test(t, the_merger_never_meets_device_pages);
	tcase_add_test(t, memory_charged_to_a_group_moves_within_its_limit);
	tcase_add_test(t, compaction_leaves_pages_right);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
