// SPDX-License-Identifier: MIT
/*
 * The driver: prefetch in each direction and once more, a CPU that reads what is away, device
 * to device, and memory that nobody ever touched. That all pages moved is taken
 * from the call's own counts, from the driver's residency of every page and from
 * the kernel's pagemap.
 */
#include "bench.h"

static uint64_t prefetch(const char *row, char *memory, uint32_t location)
{
	return bench_time(row, expect_prefetch(memory, SIZE, location, 0, .moved = PAGES));
}

static void start(unsigned int round)
{
	if (!round)
		vm.fd = vm_open();
}

static void again(const struct backing *backing, unsigned int round, char *memory, uint64_t first)
{
	uint64_t ns = bench_time("repeat_prefetch",
				 expect_prefetch(memory, SIZE, vm.gpu[0], 0, .already = PAGES));

	bench_sample_2m(backing, round, "repeat_prefetch", "amdsvm", ns);
	bench_sample_2m(backing, round, "repeat_prefetch", "floor", first);
}

void bench_amdsvm(const struct backing *backing, unsigned int round)
{
	static char *memory;
	uint64_t first;

	start(round);
	memory = bench_filled(backing, memory, round);
	first = prefetch("to_device", memory, vm.gpu[0]);
	bench_sample(backing, round, "to_device", "amdsvm", first);
	expect_location(memory, SIZE, vm.gpu[0]);
	again(backing, round, memory, first);
	expect_location(memory, SIZE, vm.gpu[0]);
	bench_sample(backing, round, "to_system", "amdsvm",
		     prefetch("to_system", memory, SYSMEM));
	expect_location(memory, SIZE, SYSMEM);
	bench_check(memory, round);
	expect_eq(vm_counters().pages_failed, 0);
}

static void between_devices(const struct backing *backing, unsigned int round)
{
	static char *memory;

	memory = bench_filled(backing, memory, round);
	prefetch("", memory, vm.gpu[0]);
	bench_sample(backing, round, "device_to_device", "amdsvm",
		     prefetch("device_to_device", memory, vm.gpu[1]));
	expect_location(memory, SIZE, vm.gpu[1]);
	/* A CPU reads coherent memory where it is. */
	if (vm.lane == LANE_PRIVATE) {
		bench_sample(backing, round, "cpu_fault", "amdsvm",
			     bench_time("cpu_fault", bench_touch(backing, memory)));
		expect_location(memory, SIZE, SYSMEM);
	} else {
		prefetch("", memory, SYSMEM);
	}
	bench_check(memory, round);
}

static void never_touched(const struct backing *backing, unsigned int round)
{
	char *memory = bench_memory(backing);

	bench_sample(backing, round, "to_device_untouched", "amdsvm",
		     bench_time("to_device_untouched",
				expect_prefetch(memory, SIZE, vm.gpu[0], 0, .cleared = PAGES)));
	expect_location(memory, SIZE, vm.gpu[0]);
	bench_check_zero(memory);
	expect(!munmap(memory, SIZE));
}

void bench_more(const struct backing *backing, unsigned int round)
{
	start(round);
	between_devices(backing, round);
	never_touched(backing, round);
	expect_eq(vm_counters().pages_failed, 0);
}
