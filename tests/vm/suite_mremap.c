// SPDX-License-Identifier: MIT
/*
 * mremap of memory that lives on a device: the pages go with the mapping, come
 * home from the new address, and the policy of the old address does not follow.
 */
#include "vmtest.h"

#define SIZE (2 * BLOCK)
#define PAGES (SIZE / PAGE)

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

static char *on_device(int huge)
{
	char *memory = huge ? vm_anon(SIZE) : vm_anon_small(SIZE);

	expect_within(10, vm_used_pages() == 0);
	vm_fill(memory, SIZE, 1);
	expect_prefetch(memory, SIZE, vm.gpu[0], 0, .moved = PAGES);
	return memory;
}

static char *move(char *memory, size_t old_size, size_t new_size, size_t offset)
{
	char *target = (char *)vm_reserve(new_size + BLOCK) + offset;

	expect(mremap(memory, old_size, new_size, MREMAP_MAYMOVE | MREMAP_FIXED, target) == target);
	return target;
}

START_TEST(pages_stay_on_the_device)
{
	char *memory, *target;

	needs_device_memory();
	memory = on_device(_i);
	target = move(memory, SIZE, SIZE, 0);
	expect_location(target, SIZE, vm.gpu[0]);
	expect_eq(vm_used_pages(), PAGES);
	expect_bytes(target, SIZE, 1);
	vm_fill(target, SIZE, 2);
	expect_bytes(target, SIZE, 2);
}
END_TEST

/* An address that is not 2 MiB aligned: a large page is split, or mapped in parts. */
START_TEST(pages_move_to_an_unaligned_address)
{
	char *memory, *target;

	needs_device_memory();
	memory = on_device(_i);
	target = move(memory, SIZE, SIZE, 5 * PAGE);
	expect_location(target, SIZE, vm.gpu[0]);
	expect_bytes(target, SIZE, 1);
	expect_location(target, SIZE, vm.lane == LANE_PRIVATE ? SYSMEM : vm.gpu[0]);
	vm_fill(target, SIZE, 2);
	expect_prefetch(target, SIZE, vm.gpu[1], 0, .moved = PAGES);
	expect_location(target, SIZE, vm.gpu[1]);
	expect_bytes(target, SIZE, 2);
}
END_TEST

START_TEST(a_part_moves_away)
{
	const size_t first = 100 * PAGE, size = 600 * PAGE;
	char *memory, *target, *copy = vm_anon(SIZE);

	needs_device_memory();
	memory = on_device(_i);
	vm_fill(copy, SIZE, 1);
	target = move(memory + first, size, size, 3 * PAGE);
	expect_location(memory, first, vm.gpu[0]);
	expect_location(target, size, vm.gpu[0]);
	expect_location(memory + first + size, SIZE - first - size, vm.gpu[0]);
	expect(!memcmp(memory, copy, first));
	expect(!memcmp(target, copy + first, size));
	expect(!memcmp(memory + first + size, copy + first + size, SIZE - first - size));
}
END_TEST

START_TEST(growing_keeps_the_pages)
{
	char *memory, *target;

	needs_device_memory();
	memory = on_device(_i);
	target = move(memory, SIZE, SIZE + BLOCK, 0);
	expect_location(target, SIZE, vm.gpu[0]);
	expect_location(target + SIZE, BLOCK, ABSENT);
	expect_prefetch(target, SIZE + BLOCK, vm.gpu[0], 0, .already = PAGES, .cleared = 512);
	expect_bytes(target, SIZE, 1);
	expect_zero(target + SIZE, BLOCK);
}
END_TEST

START_TEST(growing_in_place_keeps_the_pages)
{
	char *memory;

	needs_device_memory();
	/* vm_anon() leaves nothing mapped behind the memory. */
	memory = on_device(_i);
	expect(mremap(memory, SIZE, SIZE + BLOCK, 0) == memory);
	expect_location(memory, SIZE, vm.gpu[0]);
	expect_bytes(memory, SIZE, 1);
	expect_zero(memory + SIZE, BLOCK);
}
END_TEST

START_TEST(shrinking_frees_the_rest)
{
	char *memory;

	needs_device_memory();
	memory = on_device(_i);
	expect(mremap(memory, SIZE, 100 * PAGE, 0) == memory);
	expect_location(memory, 100 * PAGE, vm.gpu[0]);
	if (!_i)
		expect_within(10, vm_used_pages() == 100);
	expect_bytes(memory, 100 * PAGE, 1);
}
END_TEST

START_TEST(dontunmap_leaves_empty_memory_behind)
{
	char *memory, *target = vm_reserve(SIZE);

	needs_device_memory();
	memory = on_device(_i);
	expect(mremap(memory, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, target) ==
	       target);
	expect_location(target, SIZE, vm.gpu[0]);
	expect_location(memory, SIZE, ABSENT);
	expect_zero(memory, SIZE);
	expect_bytes(target, SIZE, 1);
	vm_fill(memory, SIZE, 2);
	expect_prefetch(memory, SIZE, vm.gpu[0], 0, .moved = PAGES);
	expect_bytes(memory, SIZE, 2);
	expect_bytes(target, SIZE, 1);
}
END_TEST

START_TEST(the_new_address_comes_home_by_prefetch)
{
	char *memory, *target;

	needs_device_memory();
	memory = on_device(_i);
	target = move(memory, SIZE, SIZE, 7 * PAGE);
	expect_prefetch(target, SIZE, SYSMEM, 0, .moved = PAGES);
	expect_location(target, SIZE, SYSMEM);
	expect_within(10, vm_used_pages() == 0);
	expect_bytes(target, SIZE, 1);
}
END_TEST

START_TEST(the_new_address_comes_home_by_eviction)
{
	struct amdsvm_ioctl_evict_args args;
	char *memory, *target;

	needs_device_memory();
	memory = on_device(_i);
	target = move(memory, SIZE, SIZE, 7 * PAGE);
	expect_eq(vm_evict_on(vm.fd, vm.gpu[0], &args), 0);
	expect_eq(args.pages_moved, PAGES);
	expect_eq(args.pages_left, 0);
	expect_location(target, SIZE, SYSMEM);
	expect_bytes(target, SIZE, 1);
}
END_TEST

/* The page comes home although no range was ever set where it is now. */
START_TEST(the_policy_does_not_follow)
{
	char *memory, *target;

	needs_device_memory();
	memory = on_device(0);
	expect_eq(set(memory, SIZE, { ATTR(GRANULARITY), 0 }, { ATTR(PREFERRED_LOC), vm.gpu[0] }), 0);
	target = move(memory, SIZE, SIZE, 0);
	expect_eq(vm_range_count(), 0);
	expect_eq(get(target, SIZE, ATTR(GRANULARITY)), DEFAULT_GRANULARITY);
	if (vm.lane == LANE_PRIVATE) {
		expect_eq(*(volatile uint64_t *)target, vm_word(1, 0));
		expect_location(target, BLOCK, SYSMEM);
	}
	expect_bytes(target, SIZE, 1);
}
END_TEST

START_TEST(what_devices_map_is_unmapped)
{
	char *memory = vm_anon(SIZE), *target;

	vm_fill(memory, SIZE, 1);
	expect_eq(set(memory, SIZE, { ATTR(ACCESS_IN_PLACE), vm.gpu[0] }), 0);
	expect_mapped(memory, SIZE, 1);
	target = move(memory, SIZE, SIZE, 0);
	expect_mapped(memory, SIZE, 0);
	expect_mapped(target, SIZE, 0);
	expect_bytes(target, SIZE, 1);
}
END_TEST

START_TEST(moved_pages_are_shared_with_children)
{
	struct peer peer;
	char *memory, *target;

	needs_device_memory();
	memory = on_device(_i);
	target = move(memory, SIZE, SIZE, 11 * PAGE);
	if (vm_fork(&peer)) {
		target = move(target, SIZE, SIZE, 2 * PAGE);
		expect_bytes(target, SIZE, 1);
		vm_fill(target, SIZE, 2);
		vm_done();
	}
	expect_joined(&peer);
	expect_bytes(target, SIZE, 1);
}
END_TEST

START_TEST(moving_many_times_loses_nothing)
{
	char *memory;
	int i;

	needs_device_memory();
	memory = on_device(_i);
	for (i = 0; i < 12; i++) {
		struct amdsvm_ioctl_prefetch_args args;

		memory = move(memory, SIZE, SIZE, (i * 37 % 512) * PAGE);
		if (i % 3 == 1) {
			expect_eq(vm_prefetch_on(vm.fd, memory, SIZE, vm.gpu[i % 2], &args), 0);
			expect_eq(args.pages_moved + args.pages_already, PAGES);
			expect_location(memory, SIZE, vm.gpu[i % 2]);
		}
		if (i % 4 == 3)
			expect_bytes(memory, SIZE, 1);
	}
	expect_bytes(memory, SIZE, 1);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("mremap");
	TCase *t = vm_case(s, "mremap");

	tcase_add_loop_test(t, pages_stay_on_the_device, 0, 2);
	tcase_add_loop_test(t, pages_move_to_an_unaligned_address, 0, 2);
	tcase_add_loop_test(t, a_part_moves_away, 0, 2);
	tcase_add_loop_test(t, growing_keeps_the_pages, 0, 2);
	tcase_add_loop_test(t, growing_in_place_keeps_the_pages, 0, 2);
	tcase_add_loop_test(t, shrinking_frees_the_rest, 0, 2);
	tcase_add_loop_test(t, dontunmap_leaves_empty_memory_behind, 0, 2);
	tcase_add_loop_test(t, the_new_address_comes_home_by_prefetch, 0, 2);
	tcase_add_loop_test(t, the_new_address_comes_home_by_eviction, 0, 2);
	tcase_add_test(t, the_policy_does_not_follow);
	tcase_add_test(t, what_devices_map_is_unmapped);
	tcase_add_loop_test(t, moved_pages_are_shared_with_children, 0, 2);
	tcase_add_loop_test(t, moving_many_times_loses_nothing, 0, 2);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
