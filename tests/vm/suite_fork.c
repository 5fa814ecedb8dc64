// SPDX-License-Identifier: MIT
/*
 * fork with pages on a device. Parent and child share device pages as they
 * share any anonymous page: both read the right bytes, a write is private, and
 * it does not matter who writes, frees or dies first (R1, R3).
 */
#include <signal.h>

#include "vmtest.h"

#define SIZE (2 * BLOCK)
#define PAGES (SIZE / PAGE)

static char *on_device(int huge)
{
	char *memory = huge ? vm_anon(SIZE) : vm_anon_small(SIZE);

	expect_within(10, vm_used_pages() == 0);
	vm_fill(memory, SIZE, 1);
	expect_prefetch(memory, SIZE, vm.gpu[0], 0, .moved = PAGES);
	return memory;
}

START_TEST(fork_leaves_pages_on_the_device)
{
	struct peer peer;
	char *memory;

	needs_device_memory();
	memory = on_device(_i);
	if (vm_fork(&peer)) {
		/* The child's own page table has them too. */
		close(vm.fd);
		vm.fd = vm_open();
		expect_location(memory, SIZE, vm.gpu[0]);
		vm_done();
	}
	expect_joined(&peer);
	expect_location(memory, SIZE, vm.gpu[0]);
	expect_eq(vm_used_pages(), PAGES);
	expect_bytes(memory, SIZE, 1);
}
END_TEST

START_TEST(child_then_parent_read)
{
	struct peer peer;
	char *memory;

	needs_device_memory();
	memory = on_device(_i);
	if (vm_fork(&peer)) {
		expect_bytes(memory, SIZE, 1);
		vm_done();
	}
	expect_joined(&peer);
	expect_bytes(memory, SIZE, 1);
}
END_TEST

START_TEST(parent_then_child_read)
{
	struct peer peer;
	char *memory;

	needs_device_memory();
	memory = on_device(_i);
	if (vm_fork(&peer)) {
		vm_await(&peer);
		expect_bytes(memory, SIZE, 1);
		vm_done();
	}
	expect_bytes(memory, SIZE, 1);
	vm_tell(&peer);
	expect_joined(&peer);
}
END_TEST

START_TEST(what_the_child_writes_is_its_own)
{
	struct peer peer;
	char *memory;

	needs_device_memory();
	memory = on_device(_i);
	if (vm_fork(&peer)) {
		vm_fill(memory, SIZE, 2);
		expect_bytes(memory, SIZE, 2);
		vm_tell(&peer);
		vm_await(&peer);
		expect_bytes(memory, SIZE, 2);
		vm_done();
	}
	vm_await(&peer);
	expect_bytes(memory, SIZE, 1);
	vm_fill(memory, SIZE, 3);
	vm_tell(&peer);
	expect_joined(&peer);
	expect_bytes(memory, SIZE, 3);
}
END_TEST

START_TEST(what_the_parent_writes_is_its_own)
{
	struct peer peer;
	char *memory;

	needs_device_memory();
	memory = on_device(_i);
	if (vm_fork(&peer)) {
		vm_await(&peer);
		expect_bytes(memory, SIZE, 1);
		vm_done();
	}
	vm_fill(memory, SIZE, 4);
	expect_bytes(memory, SIZE, 4);
	vm_tell(&peer);
	expect_joined(&peer);
	expect_bytes(memory, SIZE, 4);
}
END_TEST

/* An owner in between, so that the test outlives both. */
START_TEST(the_parent_dies_first)
{
	struct peer owner, child;
	char *memory, byte;

	needs_device_memory();
	if (vm_fork(&owner)) {
		close(vm.fd);
		vm.fd = vm_open();
		memory = on_device(_i);
		if (!vm_fork(&child))
			vm_done();
		close(vm.fd);
		/* The owner's end of the pair closes with its death. */
		expect(read(child.fd, &byte, 1) == 0);
		expect_bytes(memory, SIZE, 1);
		vm_fill(memory, SIZE, 2);
		expect_bytes(memory, SIZE, 2);
		vm_tell(&owner);
		vm_done();
	}
	vm_await(&owner);
	expect_joined(&owner);
	expect_within(10, vm_used_pages() == 0);
}
END_TEST

START_TEST(the_child_dies_first)
{
	struct peer peer;
	char *memory;

	needs_device_memory();
	memory = on_device(_i);
	if (vm_fork(&peer)) {
		expect(!munmap(memory, SIZE / 2));
		vm_done();
	}
	expect_joined(&peer);
	expect_location(memory, SIZE, vm.gpu[0]);
	expect_eq(vm_used_pages(), PAGES);
	expect_bytes(memory, SIZE, 1);
}
END_TEST

START_TEST(pages_live_as_long_as_a_child_has_them)
{
	struct peer peer;
	char *memory;

	needs_device_memory();
	memory = on_device(_i);
	if (vm_fork(&peer)) {
		vm_await(&peer);
		expect_bytes(memory, SIZE, 1);
		vm_done();
	}
	expect(!munmap(memory, SIZE));
	expect_eq(vm_used_pages(), PAGES);
	vm_tell(&peer);
	expect_joined(&peer);
	expect_within(10, vm_used_pages() == 0);
}
END_TEST

START_TEST(the_child_prefetches_what_it_shares)
{
	struct amdsvm_ioctl_prefetch_args args;
	struct peer peer;
	char *memory;

	needs_device_memory();
	memory = on_device(_i);
	if (vm_fork(&peer)) {
		close(vm.fd);
		vm.fd = vm_open();
		expect_eq(vm_prefetch_on(vm.fd, memory, SIZE, vm.gpu[1], &args), 0);
		expect_location(memory, SIZE, vm.gpu[1]);
		expect_bytes(memory, SIZE, 1);
		vm_fill(memory, SIZE, 2);
		expect_eq(vm_prefetch_on(vm.fd, memory, SIZE, vm.gpu[1], &args), 0);
		expect_location(memory, SIZE, vm.gpu[1]);
		vm_tell(&peer);
		vm_await(&peer);
		expect_bytes(memory, SIZE, 2);
		vm_done();
	}
	vm_await(&peer);
	expect_bytes(memory, SIZE, 1);
	expect_eq(vm_prefetch_on(vm.fd, memory, SIZE, vm.gpu[1], &args), 0);
	expect_bytes(memory, SIZE, 1);
	vm_tell(&peer);
	expect_joined(&peer);
}
END_TEST

#define QUARTER (SIZE / 4)

/* A generation sees what its ancestors wrote before it was born, nothing else. */
static void generation(char *memory, int depth)
{
	struct peer peer;
	int i;

	for (i = 0; i < 4; i++)
		expect_bytes(memory + i * QUARTER, QUARTER, i < depth ? 100 + i : i);
	if (depth == 4) {
		vm_fill(memory, SIZE, 999);
		return;
	}
	vm_fill(memory + depth * QUARTER, QUARTER, 100 + depth);
	if (vm_fork(&peer)) {
		generation(memory, depth + 1);
		vm_done();
	}
	expect_joined(&peer);
	for (i = 0; i < 4; i++)
		expect_bytes(memory + i * QUARTER, QUARTER, i <= depth ? 100 + i : i);
}

START_TEST(generations_share_and_diverge)
{
	char *memory;
	int i;

	needs_device_memory();
	memory = on_device(_i);
	for (i = 0; i < 4; i++)
		vm_fill(memory + i * QUARTER, QUARTER, i);
	if (vm.lane == LANE_PRIVATE)
		expect_prefetch(memory, SIZE, vm.gpu[0], 0, .moved = PAGES);
	generation(memory, 0);
}
END_TEST

START_TEST(fork_write_protects_what_devices_map)
{
	struct amdsvm_ioctl_get_counters_args before;
	struct peer peer;
	char *memory = vm_anon_small(BLOCK);

	vm_fill(memory, BLOCK, 1);
	expect_eq(set(memory, BLOCK, { ATTR(ACCESS_IN_PLACE), vm.gpu[0] }), 0);
	expect_mapped(memory, BLOCK, 1);
	before = vm_counters();
	if (vm_fork(&peer))
		vm_done();
	expect_joined(&peer);
	/* A device that could still write would write into the child's memory. */
	expect_mapped(memory, BLOCK, 0);
	expect(vm_counters().invalidations > before.invalidations);
	expect_bytes(memory, BLOCK, 1);
}
END_TEST

START_TEST(killed_children_release_their_pages)
{
	struct peer peer;
	char *memory;
	int i;

	needs_device_memory();
	memory = on_device(_i);
	for (i = 0; i < 5; i++) {
		if (vm_fork(&peer)) {
			close(vm.fd);
			vm.fd = vm_open();
			vm_fill(memory, SIZE, 9);
			expect_prefetch(memory, SIZE, vm.gpu[1], 0, .moved = PAGES);
			vm_tell(&peer);
			pause();
		}
		vm_await(&peer);
		expect(!kill(peer.pid, SIGKILL));
		expect(waitpid(peer.pid, NULL, 0) == peer.pid);
		close(peer.fd);
		expect_within(10, vm_device(vm.gpu[1]).vram_used_bytes == 0);
	}
	expect_bytes(memory, SIZE, 1);
}
END_TEST

/* MADV_DONTFORK memory is not in the child; MADV_WIPEONFORK reads zero there. */
START_TEST(madvise_decides_what_a_child_gets)
{
	struct peer peer;
	char *memory;

	needs_device_memory();
	memory = on_device(_i);
	expect(!madvise(memory, BLOCK, MADV_DONTFORK));
	expect(!madvise(memory + BLOCK, BLOCK, MADV_WIPEONFORK));
	if (vm_fork(&peer)) {
		unsigned char present;

		expect(mincore(memory, PAGE, &present) < 0 && errno == ENOMEM);
		expect_zero(memory + BLOCK, BLOCK);
		vm_done();
	}
	expect_joined(&peer);
	expect_bytes(memory, SIZE, 1);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("fork");
	TCase *t = vm_case(s, "fork");

	tcase_add_loop_test(t, fork_leaves_pages_on_the_device, 0, 2);
	tcase_add_loop_test(t, child_then_parent_read, 0, 2);
	tcase_add_loop_test(t, parent_then_child_read, 0, 2);
	tcase_add_loop_test(t, what_the_child_writes_is_its_own, 0, 2);
	tcase_add_loop_test(t, what_the_parent_writes_is_its_own, 0, 2);
	tcase_add_loop_test(t, the_parent_dies_first, 0, 2);
	tcase_add_loop_test(t, the_child_dies_first, 0, 2);
	tcase_add_loop_test(t, pages_live_as_long_as_a_child_has_them, 0, 2);
	tcase_add_loop_test(t, the_child_prefetches_what_it_shares, 0, 2);
	tcase_add_loop_test(t, generations_share_and_diverge, 0, 2);
	tcase_add_test(t, fork_write_protects_what_devices_map);
	tcase_add_loop_test(t, killed_children_release_their_pages, 0, 2);
	tcase_add_loop_test(t, madvise_decides_what_a_child_gets, 0, 2);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
