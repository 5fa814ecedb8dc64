// SPDX-License-Identifier: MIT
/*
 * Memory that nobody ever touched is zero on a device, whatever was in the device's memory
 * before, and is not cleared there when it is clear already: after its backing was made by
 * a kernel that clears what it gives out.
 */
#include <fcntl.h>
#include <sys/klog.h>

#include "vmqueue.h"

#define PRIVATE_ONLY() \
	only_in_lanes(LANE_PRIVATE, "memory of this lane is not made anew")

/* What the kernel says of itself; the first lines are there for as long as it runs here. */
static bool kernel_clears(void)
{
	const int size = 1 << 20;
	char *log = calloc(1, size + 1);
	bool clears;

	expect(log && klogctl(3, log, size) > 0);
	expect(strstr(log, "mem auto-init:"));
	clears = strstr(log, "heap alloc:on");
	free(log);
	return clears;
}

static uint64_t saved(void)
{
	return vm_device_counters(vm.gpu[0]).clears_saved;
}

static uint64_t backed_after_reclaim(void)
{
	expect_eq(vm_write_file("/proc/sys/vm/drop_caches", "2"), 0);
	return vm_device(vm.gpu[0]).vram_backed_bytes;
}

/* All that is behind the device's memory goes back to the system. */
static void make_bare(void)
{
	expect_within(10, backed_after_reclaim() == 0);
}

static char *untouched(size_t size, bool huge)
{
	return huge ? vm_anon(size) : vm_anon_small(size);
}

static void expect_cleared(char *memory, size_t size)
{
	expect_prefetch(memory, size, vm.gpu[0], 0, .cleared = size / PAGE);
	expect_location(memory, size, vm.gpu[0]);
}

/* The device's memory, with something in all of it; nobody has it afterwards. */
static void soil(bool huge)
{
	uint64_t size;
	struct peer peer;

	expect_within(10, vm_used_pages() == 0);
	size = vm_device(vm.gpu[0]).vram_bytes;
	if (vm_fork(&peer)) {
		char *memory = untouched(size, huge);

		close(vm.fd);
		vm.fd = vm_open();
		/* Written by the CPU before, and by the device after it was cleared there. */
		vm_fill(memory, size / 2, 0x5011);
		expect_prefetch(memory, size, vm.gpu[0], 0, .moved = size / 2 / PAGE,
				.cleared = size / 2 / PAGE);
		expect_touches(vm.gpu[0], WRITE, memory + size / 2, size / 2 / PAGE);
		vm_done();
	}
	expect_joined(&peer);
	expect_within(10, vm_used_pages() == 0);
}

/* ---- what is clear -------------------------------------------------------------- */

START_TEST(new_backing_is_not_cleared_again)
{
	const size_t size = 8 * BLOCK + 100 * PAGE;
	char *memory = untouched(size, _i);

	PRIVATE_ONLY();
	expect_within(10, vm_used_pages() == 0);
	make_bare();
	expect_cleared(memory, size);
	expect_eq(saved(), kernel_clears() ? size / PAGE : 0);
	expect_eq(vm_counters().pages_cleared, size / PAGE);
	expect_zero(memory, size);
}
END_TEST

START_TEST(faults_get_it_too)
{
	char *memory = untouched(4 * BLOCK, _i);

	PRIVATE_ONLY();
	expect_within(10, vm_used_pages() == 0);
	make_bare();
	expect_touches(vm.gpu[0], READ, memory, 4 * PAGES_PER_BLOCK);
	expect_location(memory, 4 * BLOCK, vm.gpu[0]);
	expect_eq(saved(), kernel_clears() ? 4 * PAGES_PER_BLOCK : 0);
	expect_zero(memory, 4 * BLOCK);
}
END_TEST

/* Copies need nothing clear, and what they leave of a chunk stays clear. */
START_TEST(what_is_left_of_a_chunk_is_clear)
{
	char *copied = vm_anon_small(BLOCK), *memory = vm_anon_small(BLOCK);

	PRIVATE_ONLY();
	expect_within(10, vm_used_pages() == 0);
	make_bare();
	vm_fill(copied, 100 * PAGE, 1);
	expect_prefetch(copied, 100 * PAGE, vm.gpu[0], 0, .moved = 100);
	expect_eq(saved(), 0);
	expect_cleared(memory, 400 * PAGE);
	expect_eq(saved(), kernel_clears() ? 400 : 0);
	expect_bytes(copied, 100 * PAGE, 1);
	expect_zero(memory, BLOCK);
}
END_TEST

/* ---- what is not ----------------------------------------------------------------- */

START_TEST(what_others_had_is_cleared)
{
	uint64_t size = vm_device(vm.gpu[0]).vram_bytes;
	char *memory;

	needs_device_memory();
	soil(_i & 1);
	memory = untouched(size, _i & 2);
	expect_cleared(memory, size);
	expect_eq(saved(), 0);
	expect_zero(memory, size);
}
END_TEST

START_TEST(what_one_had_oneself_is_cleared)
{
	char *memory = untouched(2 * BLOCK, _i);
	int round;

	needs_device_memory();
	for (round = 0; round < 4; round++) {
		expect_cleared(memory, 2 * BLOCK);
		expect_touches(vm.gpu[0], WRITE, memory, 2 * PAGES_PER_BLOCK);
		vm_fill(memory, 2 * BLOCK, round);
		expect_prefetch(memory, BLOCK, vm.gpu[0], 0,
				.moved = vm.lane == LANE_PRIVATE ? 512 : 0,
				.already = vm.lane == LANE_PRIVATE ? 0 : 512);
		expect_bytes(memory, 2 * BLOCK, round);
		expect(!madvise(memory, 2 * BLOCK, MADV_DONTNEED));
	}
	expect_cleared(memory, 2 * BLOCK);
	expect_zero(memory, 2 * BLOCK);
}
END_TEST

/* Chunks with clear pages and others, taken page by page and given back in between. */
START_TEST(clear_and_not_in_one_chunk)
{
	const size_t size = 4 * BLOCK;
	char *a = vm_anon_small(size), *b = vm_anon_small(size);
	size_t page;
	int round;

	needs_device_memory();
	expect_within(10, vm_used_pages() == 0);
	if (vm.lane == LANE_PRIVATE)
		make_bare();
	for (round = 0; round < 3; round++) {
		for (page = 0; page < size / PAGE; page += 2)
			vm_fill(a + page * PAGE, PAGE, page);
		expect_prefetch(a, size, vm.gpu[0], 0, .moved = size / PAGE / 2,
				.cleared = size / PAGE / 2);
		expect(!madvise(a, size / 2, MADV_DONTNEED));
		expect_cleared(b, size);
		expect_zero(b, size);
		for (page = size / PAGE / 2; page < size / PAGE; page += 2) {
			expect_bytes(a + page * PAGE, PAGE, page);
			expect_zero(a + (page + 1) * PAGE, PAGE);
		}
		expect(!madvise(a, size, MADV_DONTNEED));
		expect(!madvise(b, size, MADV_DONTNEED));
	}
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("clear");
	TCase *t = vm_case(s, "clear");

	vm_add_variants(t, new_backing_is_not_cleared_again, 2);
	vm_add_variants(t, faults_get_it_too, 2);
	tcase_add_test(t, what_is_left_of_a_chunk_is_clear);
	t = vm_case(s, "used");
	vm_add_variants(t, what_others_had_is_cleared, 4);
	vm_add_variants(t, what_one_had_oneself_is_cleared, 2);
	tcase_add_test(t, clear_and_not_in_one_chunk);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
