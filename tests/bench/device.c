// SPDX-License-Identifier: MIT
/*
 * The device as it uses memory: what a fault costs, from the access that misses
 * to its replay, beside what a CPU pays for touching the same memory first; bringing
 * 256 MiB out of system memory by faults alone; and reading them, by faults and after a
 * prefetch.
 */
#include "bench.h"
#include "vmqueue.h"

/* Faults of one measurement, enough to make submitting and waiting small. */
#define FAULTS 128UL

static uint32_t queue;
static uint64_t *sum;

static void start(unsigned int round)
{
	if (round)
		return;
	vm.fd = vm_open();
	queue = vm_queue(vm.gpu[0]);
	sum = vm_anon_small(PAGE);
	memset(sum, 0, PAGE);
}

static void touch_by_cpu(char *memory, size_t step)
{
	size_t i;

	for (i = 0; i < FAULTS; i++)
		*(volatile char *)(memory + i * step) = 1;
}

static uint64_t touch_by_device(const char *row, char *memory, size_t step)
{
	struct vm_packets p = { 0 };

	pk_touch(&p, AMDSVM_TOUCH_WRITE, memory, FAULTS, step);
	return bench_time(row, expect_runs(queue, &p));
}

/*
 * One fault for each page of the backing's size, in memory nobody has touched; the
 * second pass finds it mapped, and is what submitting, executing and waiting cost.
 */
static uint64_t first_touch_by_device(const struct backing *backing, const char *row, char *memory,
				size_t bytes)
{
	uint64_t faults = vm_device_counters(vm.gpu[0]).faults;
	uint64_t with = touch_by_device(row, memory, backing->unit), without;

	expect_eq(vm_device_counters(vm.gpu[0]).faults - faults, FAULTS);
	without = touch_by_device("", memory, backing->unit);
	expect_eq(vm_device_counters(vm.gpu[0]).faults - faults, FAULTS);
	expect(with > without);
	bench_check_zero_bytes(memory, bytes);
	return (with - without) / FAULTS;
}

static void first_touches(const struct backing *backing, unsigned int round, const char *row,
			  uint32_t location)
{
	size_t bytes = FAULTS * backing->unit;
	char *memory = bench_memory(backing);
	uint64_t cpu;

	/* One page at a time where pages are small. */
	expect_eq(set(memory, SIZE, { ATTR(PREFERRED_LOC), location },
		      { ATTR(GRANULARITY), backing->huge ? 9 : 0 }), 0);
	bench_sample(backing, round, row, "amdsvm", first_touch_by_device(backing, row, memory, bytes));
	expect(!munmap(memory, SIZE));

	memory = bench_memory(backing);
	cpu = bench_time("", touch_by_cpu(memory, backing->unit)) / FAULTS;
	bench_sample(backing, round, row, "floor", cpu);
	expect(!munmap(memory, SIZE));
}

/* One access for each page; where pages are small, a fault brings more than its own. */
static void cold(const struct backing *backing, unsigned int round)
{
	static char *memory;
	struct vm_packets p = { 0 };
	uint64_t faults = vm_device_counters(vm.gpu[0]).faults;

	memory = bench_filled(backing, memory, round);
	pk_touch(&p, AMDSVM_TOUCH_READ, memory, SIZE / backing->unit, backing->unit);
	bench_sample(backing, round, "device_fault", "amdsvm",
		     bench_time("device_fault", expect_runs(queue, &p)));
	expect(vm_device_counters(vm.gpu[0]).faults > faults);
	expect_location(memory, SIZE, vm.gpu[0]);
	expect_prefetch(memory, SIZE, SYSMEM, 0, .moved = PAGES);
	bench_check(memory, round);
}

static uint64_t add_up(const char *row, char *memory)
{
	struct vm_packets p = { 0 };

	pk_reduce(&p, memory, SIZE / sizeof(uint64_t), sum);
	return bench_time(row, expect_runs(queue, &p));
}

static void stream(const struct backing *backing, unsigned int round)
{
	char *memory = bench_filled(backing, NULL, round);
	uint64_t right = bench_sum(memory, SIZE), cold, warm;

	cold = add_up("device_stream_cold", memory);
	expect_eq(*sum, right);
	expect_location(memory, SIZE, vm.gpu[0]);
	expect(!munmap(memory, SIZE));

	memory = bench_filled(backing, NULL, round);
	expect_prefetch(memory, SIZE, vm.gpu[0], 0, .moved = PAGES);
	warm = add_up("device_stream_warm", memory);
	expect_eq(*sum, right);
	bench_sample(backing, round, "device_stream_cold", "amdsvm", cold);
	bench_sample(backing, round, "device_stream_cold", "floor", warm);
	expect(!munmap(memory, SIZE));
}

/* So many queues at once on the first page of each cold block. */
#define STORM_QUEUES 16

static void storm(const struct backing *backing, unsigned int round)
{
	struct amdsvm_ioctl_get_device_counters_args before, after;
	char *memory = bench_filled(backing, NULL, round);
	uint32_t queues[STORM_QUEUES];
	int fds[STORM_QUEUES], i;

	before = vm_device_counters(vm.gpu[0]);
	for (i = 0; i < STORM_QUEUES; i++) {
		struct vm_packets p = { 0 };

		queues[i] = vm_queue(vm.gpu[0]);
		pk_touch(&p, AMDSVM_TOUCH_READ, memory, SIZE / BLOCK, BLOCK);
		fds[i] = vm_submit(queues[i], &p);
		expect(fds[i] >= 0);
	}
	for (i = 0; i < STORM_QUEUES; i++) {
		expect_status(vm_finish(fds[i]), 0);
		expect_eq(vm_queue_destroy(queues[i]), 0);
	}
	after = vm_device_counters(vm.gpu[0]);
	bench_sample(backing, round, "storm_faults", "amdsvm", after.faults - before.faults);
	bench_sample(backing, round, "storm_duplicates", "amdsvm",
		     after.duplicates - before.duplicates);
	bench_sample(backing, round, "storm_services", "amdsvm", after.services - before.services);
	expect_location(memory, SIZE, vm.gpu[0]);
	bench_check(memory, round);
	expect(!munmap(memory, SIZE));
}

void bench_device(const struct backing *backing, unsigned int round)
{
	start(round);
	first_touches(backing, round, "device_first_touch", vm.gpu[0]);
	first_touches(backing, round, "device_first_touch_in_place", SYSMEM);
	cold(backing, round);
	stream(backing, round);
	storm(backing, round);
}
