// SPDX-License-Identifier: MIT
/*
 * CPU access to device memory. Private pages come home in a window of the
 * range's granularity; coherent pages stay and are read and written in place.
 */
#include <fcntl.h>
#include <sys/uio.h>

#include "vmtest.h"

#define PRIVATE_ONLY() \
	only_in_lanes(LANE_PRIVATE, "the CPU does not fault on memory of this lane")

static char *on_device(size_t size, bool huge)
{
	char *memory = huge ? vm_anon(size) : vm_anon_small(size);

	vm_fill(memory, size, 1);
	expect_prefetch(memory, size, vm.gpu[0], 0, .moved = size / PAGE);
	return memory;
}

static void touch(char *memory, size_t page)
{
	expect_eq(*(volatile uint64_t *)(memory + page * PAGE), vm_word(1, page * (PAGE / 8)));
}

START_TEST(a_touch_brings_the_block_home)
{
	char *memory;

	PRIVATE_ONLY();
	memory = on_device(4 * BLOCK, _i);
	touch(memory, 512 + 300);
	expect_location(memory, BLOCK, vm.gpu[0]);
	expect_location(memory + BLOCK, BLOCK, SYSMEM);
	expect_location(memory + 2 * BLOCK, 2 * BLOCK, vm.gpu[0]);
	expect_eq(vm_counters().pages_out, 512);
	expect_eq(vm_counters().cpu_faults, 1);
	expect_bytes(memory, 4 * BLOCK, 1);
	expect_eq(vm_counters().cpu_faults, 4);
	expect_eq(vm_counters().pages_out, 4 * 512);
}
END_TEST

START_TEST(a_write_brings_the_block_home)
{
	char *memory;

	PRIVATE_ONLY();
	memory = on_device(2 * BLOCK, _i);
	*(volatile uint64_t *)(memory + 5 * PAGE) = 0x1234;
	expect_location(memory, BLOCK, SYSMEM);
	expect_location(memory + BLOCK, BLOCK, vm.gpu[0]);
	expect_eq(*(uint64_t *)(memory + 5 * PAGE), 0x1234);
	*(uint64_t *)(memory + 5 * PAGE) = vm_word(1, 5 * (PAGE / 8));
	expect_bytes(memory, 2 * BLOCK, 1);
}
END_TEST

/* Granularity is log2 of pages; the window is aligned to it. */
START_TEST(the_window_is_the_granularity)
{
	const uint32_t granularity[] = { 0, 1, 4, 8, 9, 12, 63 };
	uint32_t g = granularity[_i];
	size_t window = 1UL << (g > 9 ? 9 : g), page = 301, first = page / window * window;
	char *memory;

	PRIVATE_ONLY();
	memory = on_device(2 * BLOCK, false);
	expect_eq(set(memory, 2 * BLOCK, { ATTR(GRANULARITY), g }), 0);
	touch(memory, page);
	if (first)
		expect_location(memory, first * PAGE, vm.gpu[0]);
	expect_location(memory + first * PAGE, window * PAGE, SYSMEM);
	expect_location(memory + (first + window) * PAGE, 2 * BLOCK - (first + window) * PAGE,
			vm.gpu[0]);
	expect_eq(vm_counters().pages_out, window);
	expect_eq(vm_counters().cpu_faults, 1);
	expect_bytes(memory, 2 * BLOCK, 1);
}
END_TEST

START_TEST(the_window_ends_with_the_range)
{
	char *memory;

	PRIVATE_ONLY();
	memory = on_device(BLOCK, false);
	expect_eq(set(memory + 100 * PAGE, 100 * PAGE, { ATTR(SET_FLAGS), FLAG(GPU_EXEC) }), 0);
	touch(memory, 150);
	expect_location(memory, 100 * PAGE, vm.gpu[0]);
	expect_location(memory + 100 * PAGE, 100 * PAGE, SYSMEM);
	expect_location(memory + 200 * PAGE, 312 * PAGE, vm.gpu[0]);
	expect_eq(vm_counters().pages_out, 100);
	expect_bytes(memory, BLOCK, 1);
}
END_TEST

START_TEST(the_window_ends_with_the_mapping)
{
	char *memory;

	PRIVATE_ONLY();
	memory = on_device(BLOCK, false);
	expect(!mprotect(memory + 64 * PAGE, 64 * PAGE, PROT_READ));
	touch(memory, 100);
	expect_location(memory, 64 * PAGE, vm.gpu[0]);
	expect_location(memory + 64 * PAGE, 64 * PAGE, SYSMEM);
	expect_location(memory + 128 * PAGE, 384 * PAGE, vm.gpu[0]);
	expect_bytes(memory, BLOCK, 1);
}
END_TEST

/* Pages of both devices and of the system in one window. */
START_TEST(a_mixed_window_comes_home)
{
	char *memory;

	PRIVATE_ONLY();
	memory = on_device(BLOCK, _i);
	expect_prefetch(memory + 64 * PAGE, 64 * PAGE, vm.gpu[1], 0, .moved = 64);
	expect_prefetch(memory + 256 * PAGE, 64 * PAGE, SYSMEM, 0, .moved = 64);
	expect(!madvise(memory + 400 * PAGE, 10 * PAGE, MADV_DONTNEED));
	touch(memory, 3);
	expect_eq(*(volatile uint64_t *)(memory + 64 * PAGE), vm_word(1, 64 * 512));
	expect_bytes(memory, 400 * PAGE, 1);
	expect_zero(memory + 400 * PAGE, 10 * PAGE);
	touch(memory, 500);
	/* The hole in the window was not filled behind the owner's back. */
	expect_eq(vm_sums(memory, BLOCK).pages_device, 0);
	expect_eq(vm_counters().pages_out, 64 + 512 - 64 - 10);
}
END_TEST

START_TEST(a_read_only_mapping_reads_device_memory)
{
	char *memory;

	needs_device_memory();
	memory = on_device(BLOCK, _i);
	expect(!mprotect(memory, BLOCK, PROT_READ));
	expect_location(memory, BLOCK, vm.gpu[0]);
	expect_bytes(memory, BLOCK, 1);
	/* Coming home gave no right that the mapping does not have. */
	expect(!(vm_page_flags(memory) & AMDSVM_PAGE_WRITE));
	expect(!mprotect(memory, BLOCK, PROT_READ | PROT_WRITE));
	vm_fill(memory, BLOCK, 2);
	expect_bytes(memory, BLOCK, 2);
}
END_TEST

START_TEST(prot_none_and_back_keeps_the_bytes)
{
	char *memory;

	needs_device_memory();
	memory = on_device(BLOCK, _i);
	expect(!mprotect(memory, BLOCK, PROT_NONE));
	expect(!mprotect(memory, BLOCK, PROT_READ | PROT_WRITE));
	expect_bytes(memory, BLOCK, 1);
	vm_fill(memory, BLOCK, 2);
	expect_bytes(memory, BLOCK, 2);
}
END_TEST

/* The kernel's own accesses: system calls, and another process's. */
START_TEST(system_calls_reach_device_memory)
{
	char *memory, *copy = vm_anon(BLOCK);
	struct iovec local, remote;
	struct peer peer;
	int fd;

	needs_device_memory();
	memory = on_device(BLOCK, _i);
	fd = memfd_create("copy", MFD_CLOEXEC);
	expect(fd >= 0 && write(fd, memory, BLOCK) == (ssize_t)BLOCK);
	expect(pread(fd, copy, BLOCK, 0) == (ssize_t)BLOCK);
	expect_bytes(copy, BLOCK, 1);

	/* Reading into device memory. */
	vm_fill(copy, BLOCK, 2);
	expect(pwrite(fd, copy, BLOCK, 0) == (ssize_t)BLOCK);
	expect_prefetch(memory, BLOCK, vm.gpu[1], 0,
			.moved = 512);
	expect(pread(fd, memory, BLOCK, 0) == (ssize_t)BLOCK);
	expect_bytes(memory, BLOCK, 2);

	expect_prefetch(memory, BLOCK, vm.gpu[0], 0, .moved = 512);
	memset(copy, 0, BLOCK);
	if (vm_fork(&peer)) {
		local = (struct iovec){ copy, BLOCK };
		remote = (struct iovec){ memory, BLOCK };
		expect(process_vm_readv(getppid(), &local, 1, &remote, 1, 0) == (ssize_t)BLOCK);
		expect_bytes(copy, BLOCK, 2);
		vm_done();
	}
	expect_joined(&peer);
	expect_bytes(memory, BLOCK, 2);
}
END_TEST

/* A debugger's way in. */
START_TEST(proc_mem_reaches_device_memory)
{
	uint64_t word = 0, value = 0x5555;
	char *memory;
	int fd;

	needs_device_memory();
	memory = on_device(BLOCK, _i);
	fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	expect(fd >= 0);
	expect(pread(fd, &word, 8, (uintptr_t)memory + 17 * PAGE) == 8);
	expect_eq(word, vm_word(1, 17 * 512));
	expect(pwrite(fd, &value, 8, (uintptr_t)memory + 400 * PAGE) == 8);
	expect_eq(*(volatile uint64_t *)(memory + 400 * PAGE), 0x5555);
	*(uint64_t *)(memory + 400 * PAGE) = vm_word(1, 400 * 512);
	expect_bytes(memory, BLOCK, 1);
}
END_TEST

START_TEST(coherent_memory_is_used_in_place)
{
	const size_t size = 2 * BLOCK;
	char *memory;

	only_in_lanes(LANE_COHERENT, "only coherent memory is used in place");
	memory = on_device(size, _i);
	expect_bytes(memory, size, 1);
	vm_fill(memory, size, 2);
	expect_bytes(memory, size, 2);
	expect_location(memory, size, vm.gpu[0]);
	expect_eq(vm_counters().pages_out, 0);
	expect_eq(vm_counters().cpu_faults, 0);
	expect_prefetch(memory, size, SYSMEM, 0, .moved = size / PAGE);
	expect_bytes(memory, size, 2);
}
END_TEST

START_TEST(many_round_trips_keep_every_byte)
{
	char *memory = vm_anon(2 * BLOCK);
	int round;

	needs_device_memory();
	for (round = 0; round < 12; round++) {
		vm_fill(memory, 2 * BLOCK, round);
		expect_prefetch(memory, 2 * BLOCK, vm.gpu[round % 2], 0,
				.moved = 1024);
		expect_location(memory, 2 * BLOCK, vm.gpu[round % 2]);
		expect_bytes(memory, 2 * BLOCK, round);
	}
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("cpufault");
	TCase *t = vm_case(s, "window");

	tcase_add_loop_test(t, a_touch_brings_the_block_home, 0, 2);
	tcase_add_loop_test(t, a_write_brings_the_block_home, 0, 2);
	tcase_add_loop_test(t, the_window_is_the_granularity, 0, 7);
	tcase_add_test(t, the_window_ends_with_the_range);
	tcase_add_test(t, the_window_ends_with_the_mapping);
	tcase_add_loop_test(t, a_mixed_window_comes_home, 0, 2);
	t = vm_case(s, "access");
	tcase_add_loop_test(t, a_read_only_mapping_reads_device_memory, 0, 2);
	tcase_add_loop_test(t, prot_none_and_back_keeps_the_bytes, 0, 2);
	tcase_add_loop_test(t, system_calls_reach_device_memory, 0, 2);
	tcase_add_loop_test(t, proc_mem_reaches_device_memory, 0, 2);
	tcase_add_loop_test(t, coherent_memory_is_used_in_place, 0, 2);
	tcase_add_test(t, many_round_trips_keep_every_byte);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
