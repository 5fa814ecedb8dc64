// SPDX-License-Identifier: MIT
/*
 * Two threads on two processors that read what is on a device, each a 2 MiB block of
 * two, beside one thread that reads all of it; and how long a thread that needs mmap_lock
 * waits for one that moves memory. Says something in wall time only.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "bench.h"

struct reader {
	pthread_t thread;
	const struct backing *backing;
	const char *memory;
	int index, readers;
	uint64_t start, end;
};

static atomic_int waiting;

static void use_processor(int index)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(index, &set);
	expect(!sched_setaffinity(0, sizeof(set), &set));
}

static void *read_blocks(void *argument)
{
	struct reader *reader = argument;
	size_t block, i;

	use_processor(reader->index);
	/* Nobody sleeps: waking up is not what is measured. */
	atomic_fetch_sub(&waiting, 1);
	while (atomic_load(&waiting) > 0)
		;
	reader->start = vm_now();
	for (block = reader->index * BLOCK; block < SIZE; block += reader->readers * BLOCK)
		for (i = 0; i < BLOCK; i += reader->backing->unit)
			*(const volatile char *)(reader->memory + block + i);
	reader->end = vm_now();
	return NULL;
}

/* From the first start to the last end. */
static uint64_t read_back(const struct backing *backing, const char *memory, int readers)
{
	struct reader reader[2];
	uint64_t start = UINT64_MAX, end = 0;
	int i;

	bench_settle();
	atomic_store(&waiting, readers);
	for (i = 0; i < readers; i++) {
		reader[i] = (struct reader){ .backing = backing, .memory = memory, .index = i,
					     .readers = readers };
		expect(!pthread_create(&reader[i].thread, NULL, read_blocks, &reader[i]));
	}
	for (i = 0; i < readers; i++) {
		expect(!pthread_join(reader[i].thread, NULL));
		start = reader[i].start < start ? reader[i].start : start;
		end = reader[i].end > end ? reader[i].end : end;
	}
	return end - start;
}

static uint64_t round_with(const struct backing *backing, unsigned int round, int readers)
{
	static char *memory;
	uint64_t ns;

	memory = bench_filled(backing, memory, round);
	expect_prefetch(memory, SIZE, vm.gpu[0], 0, .moved = PAGES);
	expect_location(memory, SIZE, vm.gpu[0]);
	ns = read_back(backing, memory, readers);
	expect_location(memory, SIZE, SYSMEM);
	bench_check(memory, round);
	return ns;
}

/* ---- others who need mmap_lock ------------------------------------------------------ */

#define MAX_WAITS 1000000

static uint64_t waits[MAX_WAITS];
static size_t nr_waits;

static int later(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Maps and unmaps a page, both of which take the lock for writing, until told to stop. */
static void *map_and_unmap(void *argument)
{
	uint64_t start;
	void *page;

	(void)argument;
	use_processor(1);
	atomic_fetch_sub(&waiting, 1);
	for (nr_waits = 0; atomic_load(&waiting) >= 0 && nr_waits < MAX_WAITS; nr_waits++) {
		start = vm_now();
		page = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		expect(page != MAP_FAILED);
		expect(!munmap(page, PAGE));
		waits[nr_waits] = vm_now() - start;
	}
	return NULL;
}

static void sample_waits(const struct backing *backing, unsigned int round)
{
	static char *memory;
	pthread_t thread;

	memory = bench_filled(backing, memory, round);
	bench_settle();
	use_processor(0);
	atomic_store(&waiting, 1);
	expect(!pthread_create(&thread, NULL, map_and_unmap, NULL));
	while (atomic_load(&waiting) > 0)
		;
	expect_prefetch(memory, SIZE, vm.gpu[0], 0, .moved = PAGES);
	atomic_store(&waiting, -1);
	expect(!pthread_join(thread, NULL));
	vm_use_all_processors();
	expect(nr_waits > 1);
	expect_location(memory, SIZE, vm.gpu[0]);
	expect_prefetch(memory, SIZE, SYSMEM, 0, .moved = PAGES);
	bench_check(memory, round);
	qsort(waits, nr_waits, sizeof(*waits), later);
	bench_sample(backing, round, "map_wait_longest", "amdsvm", waits[nr_waits - 1]);
	bench_sample(backing, round, "map_wait_median", "amdsvm", waits[nr_waits / 2]);
	bench_sample(backing, round, "map_wait_number", "amdsvm", nr_waits);
}

void bench_threads(const struct backing *backing, unsigned int round)
{
	/* A CPU reads coherent memory where it is, and one processor gains nothing. */
	if (vm.lane != LANE_PRIVATE || sysconf(_SC_NPROCESSORS_ONLN) < 2)
		return;
	if (!round) {
		vm.fd = vm_open();
		vm_use_all_processors();
	}
	bench_sample_2m(backing, round, "cpu_fault_2_threads", "floor",
			round_with(backing, round, 1));
	bench_sample_2m(backing, round, "cpu_fault_2_threads", "amdsvm",
			round_with(backing, round, 2));
	sample_waits(backing, round);
	expect_eq(vm_counters().pages_failed, 0);
}
