/* SPDX-License-Identifier: MIT */
/*
 * What the suites about folios of 2 MiB share.
 */
#ifndef AMDSVM_TESTS_VMLARGE_H
#define AMDSVM_TESTS_VMLARGE_H

#include "vmqueue.h"

#define MIDDLE (77 * PAGE)

#define needs_large_folios() \
	only_in_lanes(LANE_PRIVATE, "large folios need private memory")

static inline char *huge(size_t size)
{
	char *memory = vm_anon(size);

	expect(!madvise(memory, size, MADV_HUGEPAGE));
	vm_fill(memory, size, 1);
	expect_eq(vm_huge_kib(memory, size), size / 1024);
	return memory;
}

static inline char *huge_on_device(size_t size)
{
	char *memory = huge(size);

	expect_prefetch(memory, size, vm.gpu[0], 0, .moved = size / PAGE);
	return memory;
}

/* No page on a device is locked or held: all come home when they are told to. */
static inline void expect_all_come_home(void)
{
	struct amdsvm_ioctl_evict_args args;
	int round;

	for (round = 0; round < 10 && vm_used_pages(); round++) {
		expect(vm_evict_on(vm.fd, vm.gpu[0], &args) <= 0);
		expect(vm_evict_on(vm.fd, vm.gpu[1], &args) <= 0);
	}
	expect_eq(vm_used_pages(), 0);
}

#endif
