// SPDX-License-Identifier: MIT
/*
 * What one fault brings: the granule, once for all who ask for it. Leaves of
 * 2 MiB, and tables that are given back. One flush for one change, however large.
 */
#include "vmqueue.h"

#define SIZE (4 * BLOCK)

static char *memory;

static void setup(void)
{
	vm_setup();
	memory = vm_anon_small(SIZE);
}

static struct amdsvm_ioctl_get_device_counters_args counters(void)
{
	return vm_device_counters(vm.gpu[0]);
}

static uint32_t place_of_touched(void)
{
	return vm.lane == LANE_MIRROR ? SYSMEM : vm.gpu[0];
}

/* ---- the window ------------------------------------------------------------------ */

static const unsigned int granularities[] = { 0, 1, 4, 8, 9, 20 };

START_TEST(a_fault_brings_its_granule)
{
	const unsigned int wanted = granularities[_i];
	const size_t size = PAGE << (wanted > 9 ? 9 : wanted);
	char *window = memory + BLOCK + 300 * PAGE / size * size;

	vm_fill(memory, SIZE, 1);
	expect_eq(set(memory, SIZE, { ATTR(GRANULARITY), wanted }), 0);
	expect_touches(vm.gpu[0], READ, memory + BLOCK + 300 * PAGE, 1);
	expect_location(window, size, place_of_touched());
	expect_mapped(window, size, 1);
	expect_location(memory, window - memory, SYSMEM);
	expect_mapped(memory, window - memory, 0);
	expect_location(window + size, memory + SIZE - window - size, SYSMEM);
	expect_mapped(window + size, memory + SIZE - window - size, 0);
	expect_eq(vm_counters().pages_in, vm.lane == LANE_MIRROR ? 0 : size / PAGE);
	expect_bytes(memory, SIZE, 1);
}
END_TEST

START_TEST(the_window_ends_where_attributes_end)
{
	vm_fill(memory, SIZE, 1);
	expect_eq(set(memory + 100 * PAGE, 50 * PAGE, { ATTR(SET_FLAGS), FLAG(GPU_EXEC) }), 0);
	expect_touches(vm.gpu[0], WRITE, memory + 120 * PAGE, 1);
	expect_mapped(memory, 100 * PAGE, 0);
	expect_mapped(memory + 100 * PAGE, 50 * PAGE, 1);
	expect_mapped(memory + 150 * PAGE, SIZE - 150 * PAGE, 0);
	expect_location(memory + 100 * PAGE, 50 * PAGE, place_of_touched());
	expect_location(memory, 100 * PAGE, SYSMEM);
	expect_location(memory + 150 * PAGE, SIZE - 150 * PAGE, SYSMEM);
	expect_bytes(memory, SIZE, 1);
}
END_TEST

START_TEST(the_window_ends_where_the_mapping_ends)
{
	vm_fill(memory, SIZE, 1);
	expect(!mprotect(memory + 100 * PAGE, SIZE - 100 * PAGE, PROT_READ));
	expect_touches(vm.gpu[0], WRITE, memory + 99 * PAGE, 1);
	expect_mapped(memory, 100 * PAGE, 1);
	expect_mapped(memory + 100 * PAGE, SIZE - 100 * PAGE, 0);
	expect_location(memory, 100 * PAGE, place_of_touched());
	expect_location(memory + 100 * PAGE, SIZE - 100 * PAGE, SYSMEM);
	expect_bytes(memory, SIZE, 1);
}
END_TEST

/* ---- many at once ------------------------------------------------------------------ */

/* Each queue touches all pages, or one page of its own; all of it once to the device. */
START_TEST(many_faults_in_a_block_are_one_migration)
{
	enum { QUEUES = 16 };
	struct amdsvm_ioctl_get_device_counters_args after;
	uint32_t queues[QUEUES];
	struct vm_packets p = { 0 };
	int fds[QUEUES], i;

	vm_use_all_processors();
	vm_fill(memory, BLOCK, 1);
	for (i = 0; i < QUEUES; i++)
		queues[i] = vm_queue(vm.gpu[0]);
	for (i = 0; i < QUEUES; i++) {
		p.n = 0;
		if (_i == 0)
			pk_touch(&p, AMDSVM_TOUCH_READ, memory + 9 * PAGE, 1, 0);
		else if (_i == 1)
			pk_touch(&p, AMDSVM_TOUCH_READ, memory + 31 * i * PAGE, 1, 0);
		else
			pk_touch(&p, AMDSVM_TOUCH_WRITE, memory, BLOCK / PAGE, PAGE);
		fds[i] = vm_submit(queues[i], &p);
		expect(fds[i] >= 0);
	}
	for (i = 0; i < QUEUES; i++)
		expect_status(vm_finish(fds[i]), 0);
	after = counters();
	expect(after.faults >= 1 && after.faults <= QUEUES);
	expect_eq(after.migrations, vm.lane != LANE_MIRROR);
	expect_eq(after.pages_in, vm.lane == LANE_MIRROR ? 0 : BLOCK / PAGE);
	/* What was not served was dropped before any work. */
	if (_i != 1)
		expect_eq(after.duplicates, after.faults - after.services);
	expect_eq(after.bad_accesses, 0);
	expect_location(memory, BLOCK, place_of_touched());
	expect_mapped(memory, BLOCK, 1);
	expect_bytes(memory, BLOCK, 1);
}
END_TEST

/* ---- leaves -------------------------------------------------------------------------- */

static char *huge_in_place(size_t size)
{
	char *start = vm_anon(size);

	expect(!madvise(start, size, MADV_HUGEPAGE));
	vm_fill(start, size, 1);
	expect_eq(set(start, size, { ATTR(ACCESS_IN_PLACE), vm.gpu[0] }), 0);
	expect_touches(vm.gpu[0], WRITE, start, size / PAGE);
	expect_mapped(start, size, 1);
	return start;
}

START_TEST(large_pages_are_leaves)
{
	char *start = huge_in_place(SIZE);

	expect_eq(counters().leaves, SIZE / BLOCK);
	expect(!munmap(start, BLOCK));
	expect_eq(counters().leaves, SIZE / BLOCK - 1);
	expect(!munmap(start + BLOCK, SIZE - BLOCK));
	expect_eq(counters().leaves, 0);
}
END_TEST

/* Changes of one page in the middle of a leaf, for each the bytes that are right after. */
enum { PROTECT, UNMAP, DONTNEED, REMAP, FORBID, READ_ONLY, CHANGES };

START_TEST(a_change_of_a_part_splits_a_leaf)
{
	char *start = huge_in_place(2 * BLOCK), *page = start + 77 * PAGE, *other = vm_reserve(PAGE);

	switch (_i) {
	case PROTECT:
		expect(!mprotect(page, PAGE, PROT_READ));
		expect_status(vm_touch(vm.gpu[0], WRITE, page, 1), -EACCES);
		break;
	case UNMAP:
		expect(!munmap(page, PAGE));
		expect_status(vm_touch(vm.gpu[0], READ, page, 1), -EFAULT);
		break;
	case DONTNEED:
		expect(!madvise(page, PAGE, MADV_DONTNEED));
		break;
	case REMAP:
		expect(mremap(page, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, other) == other);
		expect_status(vm_touch(vm.gpu[0], READ, page, 1), -EFAULT);
		break;
	case FORBID:
		expect_eq(set(page, PAGE, { ATTR(NO_ACCESS), vm.gpu[0] }), 0);
		expect_mapped(page, PAGE, 0);
		expect_status(vm_touch(vm.gpu[0], READ, page, 1), -EACCES);
		break;
	case READ_ONLY:
		expect_eq(set(page, PAGE, { ATTR(SET_FLAGS), FLAG(GPU_RO) }), 0);
		expect_status(vm_touch(vm.gpu[0], WRITE, page, 1), -EACCES);
		break;
	}
	expect_eq(counters().leaves, 1);
	/* All round it is as before, and in the other block. */
	expect_touches(vm.gpu[0], WRITE, start, 77);
	expect_touches(vm.gpu[0], WRITE, page + PAGE, 512 - 78 + 512);
	expect_mapped(start, 77 * PAGE, 1);
	expect_mapped(page + PAGE, (512 - 78 + 512) * PAGE, 1);
	expect_eq(counters().leaves, 1);
	if (_i == DONTNEED)
		expect_zero(page, PAGE);
	else if (_i != UNMAP && _i != REMAP)
		expect_bytes(start, 2 * BLOCK, 1);
}
END_TEST

/* What was split because of rights is one run again when they are equal again. */
START_TEST(equal_rights_make_a_leaf_again)
{
	char *start = huge_in_place(BLOCK);

	expect_eq(counters().leaves, 1);
	expect_eq(set(start + 5 * PAGE, PAGE, { ATTR(SET_FLAGS), FLAG(GPU_RO) }), 0);
	expect_touches(vm.gpu[0], READ, start, 512);
	expect_eq(counters().leaves, 0);
	expect_eq(set(start + 5 * PAGE, PAGE, { ATTR(CLR_FLAGS), FLAG(GPU_RO) }), 0);
	expect_touches(vm.gpu[0], WRITE, start, 512);
	expect_eq(counters().leaves, 1);
	expect_bytes(start, BLOCK, 1);
}
END_TEST

START_TEST(device_memory_is_leaves_too)
{
	struct amdsvm_ioctl_prefetch_args args;

	needs_device_memory();
	expect_within(10, vm_used_pages() == 0);
	vm_fill(memory, SIZE, 1);
	expect_eq(vm_prefetch_on(vm.fd, memory, SIZE, vm.gpu[0], &args), 0);
	expect_touches(vm.gpu[0], WRITE, memory, SIZE / PAGE);
	expect_location(memory, SIZE, vm.gpu[0]);
	expect_eq(counters().leaves, SIZE / BLOCK);
	expect_eq(vm_prefetch_on(vm.fd, memory, SIZE, SYSMEM, &args), 0);
	expect_eq(counters().leaves, 0);
	expect_bytes(memory, SIZE, 1);
}
END_TEST

/* ---- tables ----------------------------------------------------------------------------- */

START_TEST(empty_tables_are_given_back)
{
	uint64_t before = counters().tables;
	char *far = mmap((char *)0x100000000000, SIZE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	char *places[2] = { memory, far };
	int i;

	expect(far != MAP_FAILED);
	for (i = 0; i < 2; i++) {
		expect_touches(vm.gpu[0], WRITE, places[i], 1);
		/* The two levels below the top that nothing else has there. */
		expect(counters().tables >= before + 2 * (i + 1));
	}
	for (i = 0; i < 2; i++) {
		expect_touches(vm.gpu[0], WRITE, places[i], SIZE / PAGE);
		switch (_i) {
		case 0:
			expect(!munmap(places[i], SIZE));
			break;
		case 1:
			expect(!madvise(places[i], SIZE, MADV_DONTNEED));
			break;
		default:
			expect_eq(set(places[i], SIZE, { ATTR(NO_ACCESS), vm.gpu[0] }), 0);
		}
	}
	expect_within(10, counters().tables == before);
	expect_within(10, vm_counters().blocks == 0);
}
END_TEST

/* ---- one flush -------------------------------------------------------------------------- */

/* What is unmapped at once is flushed at once, on each device that had it. */
START_TEST(a_large_unmap_is_one_flush)
{
	const size_t blocks = vm_in_full() ? 50000 : vm_is_debug_kernel() ? 2000 : 5000;
	const size_t size = blocks * BLOCK;
	struct amdsvm_ioctl_get_device_counters_args before[2], after;
	struct vm_packets p = { 0 };
	uint64_t start, tables = counters().tables;
	char *large = vm_anon(size);
	int fds[2], i;

	expect(!madvise(large, size, MADV_NOHUGEPAGE));
	expect_eq(set(large, size, { ATTR(ACCESS_IN_PLACE), vm.gpu[0] },
		      { ATTR(ACCESS_IN_PLACE), vm.gpu[1] }), 0);
	for (i = 0; i < 2; i++) {
		p.n = 0;
		pk_touch(&p, AMDSVM_TOUCH_WRITE, large + 4 * i * PAGE, i ? 100 : blocks, BLOCK);
		fds[i] = vm_submit(vm_queue(vm.gpu[i]), &p);
		expect(fds[i] >= 0);
	}
	for (i = 0; i < 2; i++)
		expect_status(vm_finish(fds[i]), 0);
	for (i = 0; i < 2; i++)
		before[i] = vm_device_counters(vm.gpu[i]);
	expect(before[0].tables >= tables + blocks);
	start = vm_now();
	expect(!munmap(large, size));
	start = vm_now() - start;
	for (i = 0; i < 2; i++) {
		after = vm_device_counters(vm.gpu[i]);
		expect_eq(after.tlb_flushes - before[i].tlb_flushes, 1);
		/* In place is in place for both, whoever asked. */
		expect_eq(after.pages_unmapped - before[i].pages_unmapped, blocks + 100);
	}
	printf("# munmap of %zu blocks: %llu ms\n", blocks, (unsigned long long)start / 1000000);
	expect(start < 20 * 1000000000ULL);
	expect_within(60, counters().tables == tables);
}
END_TEST

START_TEST(nothing_mapped_is_no_flush)
{
	uint64_t flushes;
	int i;

	vm_fill(memory, SIZE, 1);
	expect_touches(vm.gpu[0], READ, memory, 1);
	flushes = vm_device_counters(vm.gpu[1]).tlb_flushes;
	for (i = 0; i < 10; i++)
		expect(!madvise(memory + i * PAGE, PAGE, MADV_DONTNEED));
	expect_eq(vm_device_counters(vm.gpu[1]).tlb_flushes, flushes);
	flushes = counters().tlb_flushes;
	for (i = 0; i < 10; i++)
		expect(!madvise(memory + BLOCK + i * PAGE, PAGE, MADV_DONTNEED));
	expect_eq(counters().tlb_flushes, flushes);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("faultmap");
	TCase *t = vm_case_with(s, "window", setup, NULL);

	tcase_add_loop_test(t, a_fault_brings_its_granule, 0, 6);
	tcase_add_test(t, the_window_ends_where_attributes_end);
	tcase_add_test(t, the_window_ends_where_the_mapping_ends);
	tcase_add_loop_test(t, many_faults_in_a_block_are_one_migration, 0, 3);
	t = vm_case_with(s, "tables", setup, NULL);
	tcase_add_test(t, large_pages_are_leaves);
	tcase_add_loop_test(t, a_change_of_a_part_splits_a_leaf, 0, CHANGES);
	tcase_add_test(t, equal_rights_make_a_leaf_again);
	tcase_add_test(t, device_memory_is_leaves_too);
	tcase_add_loop_test(t, empty_tables_are_given_back, 0, 3);
	t = vm_case_with(s, "flush", setup, NULL);
	tcase_add_test(t, a_large_unmap_is_one_flush);
	tcase_add_test(t, nothing_mapped_is_no_flush);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
