// SPDX-License-Identifier: MIT
/*
 * What devices map: ACCESS_IN_PLACE maps what is present, prefetch maps what it
 * moved, and every way in which the CPU's page table changes takes the device's
 * entry away before the call returns (R2).
 */
#include <fcntl.h>
#include <sys/uio.h>

#include "vmtest.h"

#define SIZE (64 * PAGE)

static char *mapped(int huge)
{
	char *memory = huge ? vm_anon(BLOCK) : vm_anon_small(BLOCK);

	vm_fill(memory, BLOCK, 1);
	expect_eq(set(memory, BLOCK, { ATTR(ACCESS_IN_PLACE), vm.gpu[0] }), 0);
	expect_mapped(memory, BLOCK, 1);
	return memory;
}

START_TEST(access_in_place_maps_what_is_present)
{
	char *memory = vm_anon_small(SIZE);

	vm_fill(memory + 16 * PAGE, 16 * PAGE, 1);
	expect_mapped(memory, SIZE, 0);
	expect_eq(set(memory, SIZE, { ATTR(ACCESS_IN_PLACE), vm.gpu[1] }), 0);
	expect_mapped(memory, 16 * PAGE, 0);
	expect_mapped(memory + 16 * PAGE, 16 * PAGE, 2);
	expect_mapped(memory + 32 * PAGE, 32 * PAGE, 0);
	/* Mapping populates nothing. */
	expect_location(memory, 16 * PAGE, ABSENT);
	expect_location(memory + 16 * PAGE, 16 * PAGE, SYSMEM);
	expect_eq(vm_counters().pages_mapped, 16);
	expect(vm_counters().blocks >= 1);
	expect_bytes(memory + 16 * PAGE, 16 * PAGE, 1);
}
END_TEST

START_TEST(both_devices_map_the_same_memory)
{
	char *memory = mapped(_i);

	expect_eq(set(memory, BLOCK, { ATTR(ACCESS_IN_PLACE), vm.gpu[1] }), 0);
	expect_mapped(memory, BLOCK, 3);
	expect_eq(set(memory, BLOCK, { ATTR(NO_ACCESS), vm.gpu[0] }), 0);
	expect_mapped(memory, BLOCK, 2);
	expect_bytes(memory, BLOCK, 1);
}
END_TEST

/* With XNACK on a device that may access memory maps it when it does. */
START_TEST(access_alone_maps_nothing)
{
	char *memory = vm_anon_small(SIZE);

	vm_fill(memory, SIZE, 1);
	expect_eq(set(memory, SIZE, { ATTR(NO_ACCESS), vm.gpu[0] }), 0);
	expect_eq(set(memory, SIZE, { ATTR(ACCESS), vm.gpu[0] }), 0);
	expect_mapped(memory, SIZE, 0);
}
END_TEST

START_TEST(always_mapped_maps_without_touch)
{
	char *memory = vm_anon_small(SIZE);

	vm_fill(memory, 32 * PAGE, 1);
	expect_eq(set(memory, SIZE, { ATTR(SET_FLAGS), FLAG(GPU_ALWAYS_MAPPED) }), 0);
	/* Every device may access memory by default, so every device maps it. */
	expect_mapped(memory, 32 * PAGE, vm.device_mask);
	/* What nobody touched is made to be there, for there will be no fault. */
	expect_mapped(memory + 32 * PAGE, 32 * PAGE, vm.device_mask);
	expect_location(memory, SIZE, SYSMEM);
	expect_zero(memory + 32 * PAGE, 32 * PAGE);
	/* The flag adds no access. */
	expect_eq(set(memory, 16 * PAGE, { ATTR(NO_ACCESS), vm.gpu[0] }), 0);
	expect_mapped(memory, 16 * PAGE, 2);
	expect_mapped(memory + 16 * PAGE, 16 * PAGE, vm.device_mask);
	expect_bytes(memory, 32 * PAGE, 1);
}
END_TEST

START_TEST(prefetch_maps_what_it_moved)
{
	char *memory = _i ? vm_anon(BLOCK) : vm_anon_small(BLOCK);

	needs_device_memory();
	vm_fill(memory, BLOCK, 1);
	expect_prefetch(memory, BLOCK, vm.gpu[1], 0, .moved = 512);
	expect_mapped(memory, BLOCK, 2);
	expect_eq(vm_counters().pages_mapped, 512);
	/* On to the other device: the first one's entries are stale and gone. */
	expect_prefetch(memory, BLOCK, vm.gpu[0], 0, .moved = 512);
	expect_mapped(memory, BLOCK, 1);
	expect_prefetch(memory, BLOCK, SYSMEM, 0, .moved = 512);
	expect_mapped(memory, BLOCK, 0);
	expect_bytes(memory, BLOCK, 1);
}
END_TEST

START_TEST(prefetch_maps_cleared_pages)
{
	char *memory = _i ? vm_anon(BLOCK) : vm_anon_small(BLOCK);

	needs_device_memory();
	expect_prefetch(memory, BLOCK, vm.gpu[0], 0, .cleared = 512);
	expect_mapped(memory, BLOCK, 1);
	expect_zero(memory, BLOCK);
}
END_TEST

START_TEST(prefetch_without_access_moves_and_maps_nothing)
{
	char *memory = vm_anon_small(SIZE);

	needs_device_memory();
	vm_fill(memory, SIZE, 1);
	expect_eq(set(memory, SIZE, { ATTR(NO_ACCESS), vm.gpu[0] }), 0);
	expect_prefetch(memory, SIZE, vm.gpu[0], 0, .moved = SIZE / PAGE);
	expect_location(memory, SIZE, vm.gpu[0]);
	expect_mapped(memory, SIZE, 0);
	expect_bytes(memory, SIZE, 1);
}
END_TEST

START_TEST(a_cpu_access_unmaps_what_it_brings_home)
{
	char *memory = vm_anon_small(BLOCK);

	only_in_lanes(LANE_PRIVATE, "the CPU does not fault on memory of this lane");
	vm_fill(memory, BLOCK, 1);
	expect_prefetch(memory, BLOCK, vm.gpu[0], 0, .moved = 512);
	expect_mapped(memory, BLOCK, 1);
	expect_bytes(memory, PAGE, 1);
	expect_mapped(memory, BLOCK, 0);
	expect_bytes(memory, BLOCK, 1);
}
END_TEST

START_TEST(eviction_unmaps)
{
	char *memory = vm_anon_small(SIZE);
	struct amdsvm_ioctl_evict_args args;

	needs_device_memory();
	vm_fill(memory, SIZE, 1);
	expect_prefetch(memory, SIZE, vm.gpu[0], 0, .moved = SIZE / PAGE);
	expect_mapped(memory, SIZE, 1);
	expect_eq(vm_evict_on(vm.fd, vm.gpu[0], &args), 0);
	expect_mapped(memory, SIZE, 0);
	expect_bytes(memory, SIZE, 1);
}
END_TEST

START_TEST(munmap_unmaps)
{
	char *memory = mapped(_i);
	uint64_t before = vm_counters().invalidations;

	expect(!munmap(memory + 5 * PAGE, 3 * PAGE));
	expect_mapped(memory + 5 * PAGE, 3 * PAGE, 0);
	expect(vm_counters().invalidations > before);
	expect(!munmap(memory, BLOCK));
	expect_mapped(memory, BLOCK, 0);
	/* The collector removes what watches nothing. */
	expect_within(10, vm_counters().blocks == 0);
}
END_TEST

START_TEST(new_memory_at_the_same_address_is_not_mapped)
{
	char *memory = mapped(_i);

	expect(mmap(memory, BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		    -1, 0) == memory);
	expect_mapped(memory, BLOCK, 0);
	vm_fill(memory, BLOCK, 2);
	expect_mapped(memory, BLOCK, 0);
	expect_bytes(memory, BLOCK, 2);
}
END_TEST

START_TEST(mprotect_unmaps)
{
	char *memory = mapped(_i);

	expect(!mprotect(memory, BLOCK, PROT_READ));
	expect_mapped(memory, BLOCK, 0);
	/* A device may still read it, when asked again. */
	expect_eq(set(memory, BLOCK, { ATTR(ACCESS_IN_PLACE), vm.gpu[0] }), 0);
	expect_mapped(memory, BLOCK, 1);
	expect(!mprotect(memory, BLOCK, PROT_NONE));
	expect_mapped(memory, BLOCK, 0);
	expect(!mprotect(memory, BLOCK, PROT_READ | PROT_WRITE));
	expect_bytes(memory, BLOCK, 1);
}
END_TEST

START_TEST(dontneed_unmaps)
{
	char *memory = mapped(_i);

	expect(!madvise(memory, BLOCK, MADV_DONTNEED));
	expect_mapped(memory, BLOCK, 0);
	expect_zero(memory, BLOCK);
}
END_TEST

START_TEST(losing_access_unmaps)
{
	char *memory = mapped(_i);

	expect_eq(set(memory + 8 * PAGE, 8 * PAGE, { ATTR(NO_ACCESS), vm.gpu[0] }), 0);
	expect_mapped(memory + 8 * PAGE, 8 * PAGE, 0);
	/* The other device had nothing to lose. */
	expect_eq(set(memory + BLOCK / 2, BLOCK / 2, { ATTR(NO_ACCESS), vm.gpu[1] }), 0);
	expect_mapped(memory + BLOCK / 2, BLOCK / 2, 1);
	expect_eq(set(memory, BLOCK, { ATTR(NO_ACCESS), vm.gpu[0] }), 0);
	expect_mapped(memory, BLOCK, 0);
	expect_bytes(memory, BLOCK, 1);
}
END_TEST

START_TEST(losing_access_unmaps_device_memory)
{
	char *memory = vm_anon_small(SIZE);

	needs_device_memory();
	vm_fill(memory, SIZE, 1);
	expect_prefetch(memory, SIZE, vm.gpu[0], 0, .moved = SIZE / PAGE);
	expect_mapped(memory, SIZE, 1);
	expect_eq(set(memory, SIZE, { ATTR(NO_ACCESS), vm.gpu[0] }), 0);
	expect_mapped(memory, SIZE, 0);
	/* Access is gone, the memory is not. */
	expect_location(memory, SIZE, vm.gpu[0]);
	expect_bytes(memory, SIZE, 1);
}
END_TEST

START_TEST(pages_that_cannot_be_read_are_not_mapped)
{
	char *memory = vm_anon_small(SIZE);

	vm_fill(memory, SIZE, 1);
	expect(!mprotect(memory, SIZE / 2, PROT_NONE));
	expect_eq(set(memory, SIZE, { ATTR(ACCESS_IN_PLACE), vm.gpu[0] }), 0);
	expect_mapped(memory, SIZE / 2, 0);
	expect_mapped(memory + SIZE / 2, SIZE / 2, 1);
	expect(!mprotect(memory, SIZE, PROT_READ));
	expect_bytes(memory, SIZE, 1);
}
END_TEST

START_TEST(shared_and_file_memory_is_mapped_in_place)
{
	int fd = memfd_create("file", MFD_CLOEXEC);
	char *memory;

	expect(fd >= 0 && !ftruncate(fd, SIZE));
	memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	expect(memory != MAP_FAILED);
	vm_fill(memory, SIZE, 1);
	expect_eq(set(memory, SIZE, { ATTR(ACCESS_IN_PLACE), vm.gpu[0] }), 0);
	expect_mapped(memory, SIZE, 1);
	/* Truncation takes the pages away from everybody. */
	expect(!ftruncate(fd, 0));
	expect_mapped(memory, SIZE, 0);
}
END_TEST

/* Mapping for a device is a read: it neither pins, dirties nor unshares (R4). */
START_TEST(mapping_breaks_no_sharing)
{
	char *memory = vm_anon_small(SIZE);
	struct peer peer;

	vm_fill(memory, SIZE, 1);
	if (vm_fork(&peer)) {
		vm_await(&peer);
		expect_bytes(memory, SIZE, 1);
		vm_done();
	}
	expect_eq(set(memory, SIZE, { ATTR(ACCESS_IN_PLACE), vm.gpu[0] }), 0);
	expect_mapped(memory, SIZE, 1);
	expect(!(vm_page_flags(memory) & AMDSVM_PAGE_WRITE));
	/* The CPU's write gets a page of its own; the device must not keep the old. */
	vm_fill(memory, PAGE, 2);
	expect_mapped(memory, PAGE, 0);
	expect_mapped(memory + PAGE, SIZE - PAGE, 1);
	vm_tell(&peer);
	expect_joined(&peer);
	expect_bytes(memory, PAGE, 2);
}
END_TEST

START_TEST(mappings_end_with_the_last_file)
{
	char *memory = mapped(0);

	close(vm.fd);
	vm.fd = vm_open();
	expect_mapped(memory, BLOCK, 0);
	expect_eq(vm_counters().blocks, 0);
	expect_eq(vm_range_count(), 0);
	expect_bytes(memory, BLOCK, 1);
}
END_TEST

START_TEST(mapping_again_and_again_leaves_nothing_behind)
{
	char *memory = vm_anon(16 * BLOCK);
	int round;

	vm_fill(memory, 16 * BLOCK, 1);
	for (round = 0; round < 8; round++) {
		expect_eq(set(memory, 16 * BLOCK, { ATTR(ACCESS_IN_PLACE), vm.gpu[round % 2] }), 0);
		expect_mapped(memory, 16 * BLOCK, 1ULL << (round % 2));
		expect_within(10, vm_counters().blocks == 16);
		expect_eq(set(memory, 16 * BLOCK, { ATTR(NO_ACCESS), vm.gpu[round % 2] }), 0);
		expect_mapped(memory, 16 * BLOCK, 0);
	}
	expect_eq(vm_unset_on(vm.fd, memory, 16 * BLOCK), 0);
	expect_within(10, vm_counters().blocks == 0);
	expect_bytes(memory, 16 * BLOCK, 1);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("mapping");
	TCase *t = vm_case(s, "maps");

	tcase_add_test(t, access_in_place_maps_what_is_present);
	tcase_add_loop_test(t, both_devices_map_the_same_memory, 0, 2);
	tcase_add_test(t, access_alone_maps_nothing);
	tcase_add_test(t, always_mapped_maps_without_touch);
	tcase_add_loop_test(t, prefetch_maps_what_it_moved, 0, 2);
	tcase_add_loop_test(t, prefetch_maps_cleared_pages, 0, 2);
	tcase_add_test(t, prefetch_without_access_moves_and_maps_nothing);
	tcase_add_test(t, pages_that_cannot_be_read_are_not_mapped);
	tcase_add_test(t, shared_and_file_memory_is_mapped_in_place);
	tcase_add_test(t, mapping_breaks_no_sharing);
	t = vm_case(s, "unmaps");
	tcase_add_test(t, a_cpu_access_unmaps_what_it_brings_home);
	tcase_add_test(t, eviction_unmaps);
	tcase_add_loop_test(t, munmap_unmaps, 0, 2);
	tcase_add_loop_test(t, new_memory_at_the_same_address_is_not_mapped, 0, 2);
	tcase_add_loop_test(t, mprotect_unmaps, 0, 2);
	tcase_add_loop_test(t, dontneed_unmaps, 0, 2);
	tcase_add_loop_test(t, losing_access_unmaps, 0, 2);
	tcase_add_test(t, losing_access_unmaps_device_memory);
	tcase_add_test(t, mappings_end_with_the_last_file);
	tcase_add_test(t, mapping_again_and_again_leaves_nothing_behind);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
