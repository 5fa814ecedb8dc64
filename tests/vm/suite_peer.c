// SPDX-License-Identifier: MIT
/*
 * Device to device: directly, without a stop in system memory.
 */
#include "vmtest.h"

START_TEST(pages_move_between_devices)
{
	const size_t size = 2 * BLOCK, pages = size / PAGE;
	char *memory = _i ? vm_anon(size) : vm_anon_small(size);
	struct amdsvm_device_info first, second;

	needs_device_memory();
	expect_within(10, vm_used_pages() == 0);
	vm_fill(memory, size, 1);
	expect_prefetch(memory, size, vm.gpu[0], 0, .moved = pages);
	first = vm_device(vm.gpu[0]);
	second = vm_device(vm.gpu[1]);
	expect_prefetch(memory, size, vm.gpu[1], 0, .moved = pages);
	expect_location(memory, size, vm.gpu[1]);
	expect_eq(vm_counters().pages_peer, pages);
	expect_eq(vm_counters().pages_in, pages);
	expect_eq(vm_counters().pages_out, 0);
	expect_eq(vm_counters().cpu_faults, 0);
	/* Each device saw the pages go, or come. */
	expect_eq(vm_device(vm.gpu[0]).pages_out - first.pages_out, pages);
	expect_eq(vm_device(vm.gpu[1]).pages_in - second.pages_in, pages);
	expect_within(10, vm_device(vm.gpu[0]).vram_used_bytes == 0);
	expect_eq(vm_device(vm.gpu[1]).vram_used_bytes, size);
	expect_bytes(memory, size, 1);
}
END_TEST

START_TEST(back_and_forth_keeps_every_byte)
{
	const size_t size = BLOCK, pages = size / PAGE;
	char *memory = _i ? vm_anon(size) : vm_anon_small(size);
	int round;

	needs_device_memory();
	vm_fill(memory, size, 1);
	expect_prefetch(memory, size, vm.gpu[0], 0, .moved = pages);
	for (round = 1; round <= 20; round++) {
		expect_prefetch(memory, size, vm.gpu[round % 2], 0, .moved = pages);
		expect_location(memory, size, vm.gpu[round % 2]);
	}
	expect_eq(vm_counters().pages_peer, 20 * pages);
	expect_bytes(memory, size, 1);
}
END_TEST

START_TEST(a_part_moves)
{
	char *memory = _i ? vm_anon(BLOCK) : vm_anon_small(BLOCK);

	needs_device_memory();
	vm_fill(memory, BLOCK, 1);
	expect_prefetch(memory, BLOCK, vm.gpu[0], 0, .moved = 512);
	expect_prefetch(memory + 100 * PAGE, 55 * PAGE, vm.gpu[1], 0, .moved = 55);
	expect_location(memory, 100 * PAGE, vm.gpu[0]);
	expect_location(memory + 100 * PAGE, 55 * PAGE, vm.gpu[1]);
	expect_location(memory + 155 * PAGE, 357 * PAGE, vm.gpu[0]);
	expect_eq(vm_counters().pages_peer, 55);
	expect_bytes(memory, BLOCK, 1);
}
END_TEST

START_TEST(pages_of_every_place_gather_on_one_device)
{
	char *memory = vm_anon_small(BLOCK);

	needs_device_memory();
	vm_fill(memory, 384 * PAGE, 1);
	expect(!madvise(memory + 384 * PAGE, 128 * PAGE, MADV_DONTNEED));
	expect_prefetch(memory, 128 * PAGE, vm.gpu[0], 0, .moved = 128);
	expect_prefetch(memory + 128 * PAGE, 128 * PAGE, vm.gpu[1], 0, .moved = 128);
	expect_prefetch(memory, BLOCK, vm.gpu[1], 0, .moved = 256, .already = 128, .cleared = 128);
	expect_location(memory, BLOCK, vm.gpu[1]);
	expect_eq(vm_counters().pages_peer, 128);
	expect_eq(vm_counters().pages_in, 384);
	expect_bytes(memory, 384 * PAGE, 1);
	expect_zero(memory + 384 * PAGE, 128 * PAGE);
}
END_TEST

START_TEST(set_attr_moves_between_devices)
{
	char *memory = vm_anon(BLOCK);

	needs_device_memory();
	vm_fill(memory, BLOCK, 1);
	expect_eq(set(memory, BLOCK, { ATTR(PREFETCH_LOC), vm.gpu[0] }), 0);
	expect_eq(set(memory, BLOCK, { ATTR(PREFETCH_LOC), vm.gpu[1] }), 0);
	expect_location(memory, BLOCK, vm.gpu[1]);
	expect_eq(vm_counters().pages_peer, 512);
	expect_bytes(memory, BLOCK, 1);
}
END_TEST

START_TEST(a_full_peer_leaves_pages_where_they_are)
{
	struct amdsvm_ioctl_prefetch_args args;
	char *memory = vm_anon_small(BLOCK), *filler;
	uint64_t size;

	needs_device_memory();
	expect_within(10, vm_used_pages() == 0);
	vm_fill(memory, BLOCK, 1);
	expect_prefetch(memory, BLOCK, vm.gpu[0], 0, .moved = 512);
	size = vm_device(vm.gpu[1]).vram_bytes - 64 * PAGE;
	filler = vm_anon_small(size);
	expect_eq(vm_prefetch_on(vm.fd, filler, size, vm.gpu[1], &args), 0);
	expect_eq(args.pages_cleared, size / PAGE);
	expect_prefetch(memory, BLOCK, vm.gpu[1], 0, .moved = 64, .no_space = 448);
	expect_eq(vm_sums(memory, BLOCK).pages_device, 512);
	expect_eq(vm_device(vm.gpu[0]).vram_used_bytes, 448 * PAGE);
	expect_bytes(memory, BLOCK, 1);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("peer");
	TCase *t = vm_case(s, "peer");

	tcase_add_loop_test(t, pages_move_between_devices, 0, 2);
	tcase_add_loop_test(t, back_and_forth_keeps_every_byte, 0, 2);
	tcase_add_loop_test(t, a_part_moves, 0, 2);
	tcase_add_test(t, pages_of_every_place_gather_on_one_device);
	tcase_add_test(t, set_attr_moves_between_devices);
	t = vm_case_with(s, "full", vm_setup_no_eviction, vm_teardown_no_eviction);
	tcase_add_test(t, a_full_peer_leaves_pages_where_they_are);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
