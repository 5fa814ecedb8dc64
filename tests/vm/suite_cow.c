// SPDX-License-Identifier: MIT
/*
 * Devices write private pages that lost their write bit, to fork or to mprotect: the copy
 * is the writer's, and nobody else hears a word of it. With small pages, and with one of
 * 2 MiB.
 */
#include "vmqueue.h"

static char *memory;
static size_t size;

enum { IN_RAM, ON_DEVICE, MAPPED, PLACES };
#define VARIANTS (2 * PLACES)

/*
 * Variant: where the pages are when they lose the bit; those from PLACES on with a large
 * page. False: not in this lane.
 */
static bool place(int variant)
{
	int where = variant % PLACES;

	if (where == ON_DEVICE && vm.lane == LANE_MIRROR) {
		vm_skip(variant, "the lane has no device memory");
		return false;
	}
	if (variant < PLACES) {
		size = 64 * PAGE;
		memory = vm_anon_small(size);
	} else {
		size = BLOCK;
		memory = vm_anon(size);
		expect(!madvise(memory, size, MADV_HUGEPAGE));
	}
	vm_fill(memory, size, 1);
	if (variant >= PLACES)
		expect_eq(vm_huge_kib(memory, size), size / 1024);
	if (where == ON_DEVICE)
		expect_prefetch(memory, size, vm.gpu[0], 0, .moved = size / PAGE);
	if (where == MAPPED) {
		expect_eq(set(memory, size, { ATTR(ACCESS_IN_PLACE), vm.gpu[0] }), 0);
		expect_touches(vm.gpu[0], WRITE, memory, size / PAGE);
	}
	return true;
}

START_TEST(a_write_while_the_child_lives)
{
	struct peer peer;

	if (!place(_i))
		return;
	if (vm_fork(&peer)) {
		vm_await(&peer);
		expect_bytes(memory, size, 1);
		vm_done();
	}
	device_fill(vm.gpu[0], memory + PAGE, 0x4444, size - 2 * PAGE);
	expect_words(memory + PAGE, 0x4444, size - 2 * PAGE);
	vm_tell(&peer);
	expect_joined(&peer);
	expect_words(memory + PAGE, 0x4444, size - 2 * PAGE);
	expect_bytes(memory, PAGE, 1);
}
END_TEST

START_TEST(a_write_after_the_child_is_gone)
{
	struct peer peer;

	if (!place(_i))
		return;
	if (vm_fork(&peer))
		vm_done();
	expect_joined(&peer);
	device_fill(vm.gpu[0], memory, 0x5555, size);
	expect_words(memory, 0x5555, size);
}
END_TEST

START_TEST(a_write_of_the_child_stays_with_it)
{
	struct peer peer;

	if (!place(_i))
		return;
	if (vm_fork(&peer)) {
		close(vm.fd);
		vm.fd = vm_open();
		device_fill(vm.gpu[0], memory, 0x6666, size);
		expect_words(memory, 0x6666, size);
		vm_tell(&peer);
		vm_await(&peer);
		expect_words(memory, 0x6666, size);
		vm_done();
	}
	vm_await(&peer);
	expect_bytes(memory, size, 1);
	device_fill(vm.gpu[0], memory, 0x7777, size);
	vm_tell(&peer);
	expect_joined(&peer);
	expect_words(memory, 0x7777, size);
}
END_TEST

START_TEST(a_write_after_protection_came_and_went)
{
	if (!place(_i))
		return;
	expect(!mprotect(memory, size, PROT_READ));
	expect_touches(vm.gpu[0], READ, memory, size / PAGE);
	expect_status(vm_touch(vm.gpu[0], WRITE, memory, 1), -EACCES);
	expect(!mprotect(memory, size, PROT_READ | PROT_WRITE));
	device_fill(vm.gpu[0], memory, 0x8888, size);
	expect_words(memory, 0x8888, size);
}
END_TEST

/* R4: reading does not take the page from whoever shares it. */
START_TEST(a_read_leaves_pages_shared)
{
	struct peer peer;
	uint64_t used;

	if (!place(_i))
		return;
	if (vm_fork(&peer)) {
		vm_await(&peer);
		expect_bytes(memory, size, 1);
		vm_done();
	}
	used = vm_used_pages();
	if (_i % PLACES == ON_DEVICE)
		expect_eq(used, size / PAGE);
	expect_touches(vm.gpu[0], READ, memory, size / PAGE);
	if (_i % PLACES == ON_DEVICE) {
		expect_location(memory, size, vm.gpu[0]);
		expect_eq(vm_used_pages(), used);
	}
	/* Shared: the CPU cannot write without a fault. */
	expect_eq(vm_page_flags(memory) & AMDSVM_PAGE_WRITE, 0);
	vm_tell(&peer);
	expect_joined(&peer);
	expect_bytes(memory, size, 1);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("cow");
	TCase *t = vm_case_with(s, "copy on write", vm_setup, NULL);

	vm_add_variants(t, a_write_while_the_child_lives, VARIANTS);
	vm_add_variants(t, a_write_after_the_child_is_gone, VARIANTS);
	vm_add_variants(t, a_write_of_the_child_stays_with_it, VARIANTS);
	vm_add_variants(t, a_write_after_protection_came_and_went, VARIANTS);
	vm_add_variants(t, a_read_leaves_pages_shared, VARIANTS);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
