// SPDX-License-Identifier: MIT
/*
 * How much a call has to move before it is worth its price: prefetch of 2 MiB and more to
 * a device and home. The whole 256 MiB are rows of their own (amdsvm.c).
 */
#include "bench.h"

static const unsigned int sizes[] = { 2, 8, 32, 128 };	/* MiB */

static void sample(const struct backing *backing, unsigned int round, const char *move,
		   unsigned int mib, uint64_t ns)
{
	char row[64];

	snprintf(row, sizeof(row), "size_%u_%s", mib, move);
	bench_sample(backing, round, row, "amdsvm", ns);
}

static uint64_t prefetch(char *memory, size_t bytes, uint32_t location)
{
	uint64_t ns = bench_time("sizes", expect_prefetch(memory, bytes, location, 0,
							  .moved = bytes / PAGE));

	expect_location(memory, bytes, location);
	return ns;
}

void bench_sizes(const struct backing *backing, unsigned int round)
{
	static char *memory;
	size_t i, at = 0;

	if (!round)
		vm.fd = vm_open();
	memory = bench_filled(backing, memory, round);
	/* A part of its own for each, so that all begin as they were filled. */
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t bytes = (size_t)sizes[i] << 20;

		expect(at + bytes <= SIZE);
		sample(backing, round, "to_device", sizes[i],
		       prefetch(memory + at, bytes, vm.gpu[0]));
		sample(backing, round, "to_system", sizes[i], prefetch(memory + at, bytes, SYSMEM));
		at += bytes;
	}
	bench_check(memory, round);
	expect_eq(vm_counters().pages_failed, 0);
}
