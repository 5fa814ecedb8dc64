// SPDX-License-Identifier: MIT
/*
 * Two threads on two processors beside one that does all of the work: they read back what
 * is on a device, each a 2 MiB block of two. What the machine and the kernel have to give
 * for that is measured in the same round: two threads that copy memory of the program, and
 * two that touch new memory, which is core's fault and clearing of pages without any
 * driver. Says something in wall time only.
 */
#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "bench.h"

struct worker {
	pthread_t thread;
	void (*work)(struct worker *worker);
	const struct backing *backing;
	char *memory;
	const char *from;
	int index, workers;
	uint64_t start, end;
	uint64_t cpu;
};

/* What all of it took, ns. */
struct taken {
	uint64_t wall;		/* from the first start to the last end */
	uint64_t cpu;		/* of the threads, and of the copy engine */
};

static atomic_int waiting;

static void use_processor(int index)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(index, &set);
	expect(!sched_setaffinity(0, sizeof(set), &set));
}

static uint64_t cpu_time(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

static void *work(void *argument)
{
	struct worker *worker = argument;

	use_processor(worker->index);
	/* Nobody sleeps: waking up is not what is measured. */
	atomic_fetch_sub(&waiting, 1);
	while (atomic_load(&waiting) > 0)
		;
	worker->cpu = cpu_time();
	worker->start = vm_now();
	worker->work(worker);
	worker->end = vm_now();
	worker->cpu = cpu_time() - worker->cpu;
	return NULL;
}

static bool is_engine(const char *pid)
{
	char path[64], name[32] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%.20s/comm", pid);
	file = fopen(path, "r");
	if (!file)
		return false;
	if (!fgets(name, sizeof(name), file))
		*name = 0;
	fclose(file);
	return !strcmp(name, "amdsvm/0:copy\n");
}

/* Where the kernel says how long the copy engine of device 0 has run. */
static const char *engine_path(void)
{
	static char path[64];
	struct dirent *entry;
	DIR *proc;

	if (*path)
		return path;
	proc = opendir("/proc");
	expect(proc);
	while ((entry = readdir(proc)) && !*path)
		if (is_engine(entry->d_name))
			snprintf(path, sizeof(path), "/proc/%.20s/schedstat", entry->d_name);
	closedir(proc);
	return path;
}

/* Processor time of the copy engine so far, ns. */
static uint64_t engine_time(void)
{
	unsigned long long ns = 0;
	FILE *file = fopen(engine_path(), "r");

	expect(file && fscanf(file, "%llu", &ns) == 1);
	fclose(file);
	return ns;
}

/* @row: for tests/bench/profile; with one thread there is _1 behind it. */
static bool is_profiled(const char *row, int workers)
{
	size_t length = strlen(row);

	return bench_profiled && !strncmp(bench_profiled, row, length) &&
	       !strcmp(bench_profiled + length, workers > 1 ? "" : "_1");
}

static struct taken measure(const char *row, int workers, struct worker what)
{
	struct worker worker[2];
	uint64_t start = UINT64_MAX, end = 0;
	struct taken taken = {};
	int i;

	bench_settle();
	taken.cpu = -engine_time();
	what.workers = workers;
	atomic_store(&waiting, workers);
	if (is_profiled(row, workers))
		BENCH_MARK_BEGIN();
	for (i = 0; i < workers; i++) {
		worker[i] = what;
		worker[i].index = i;
		expect(!pthread_create(&worker[i].thread, NULL, work, &worker[i]));
	}
	for (i = 0; i < workers; i++) {
		expect(!pthread_join(worker[i].thread, NULL));
		start = worker[i].start < start ? worker[i].start : start;
		end = worker[i].end > end ? worker[i].end : end;
		taken.cpu += worker[i].cpu;
	}
	if (is_profiled(row, workers))
		BENCH_MARK_END();
	taken.cpu += engine_time();
	taken.wall = end - start;
	return taken;
}

/* ---- what they do ------------------------------------------------------------------- */

static void read_blocks(struct worker *worker)
{
	size_t block, i;

	for (block = worker->index * BLOCK; block < SIZE; block += worker->workers * BLOCK)
		for (i = 0; i < BLOCK; i += worker->backing->unit)
			*(const volatile char *)(worker->memory + block + i);
}

static void write_blocks(struct worker *worker)
{
	size_t block, i;

	for (block = worker->index * BLOCK; block < SIZE; block += worker->workers * BLOCK)
		for (i = 0; i < BLOCK; i += worker->backing->unit)
			worker->memory[block + i] = 1;
}

/* By the instruction that copy_page() has, a page at a time. */
static void copy_blocks(struct worker *worker)
{
	size_t block, i;

	for (block = worker->index * BLOCK; block < SIZE; block += worker->workers * BLOCK)
		for (i = block; i < block + BLOCK; i += PAGE) {
			const char *from = worker->from + i;
			size_t words = PAGE / sizeof(uint64_t);
			char *to = worker->memory + i;

			__asm__ volatile("rep movsq" : "+S"(from), "+D"(to), "+c"(words)::"memory");
		}
}

/* ---- rows --------------------------------------------------------------------------- */

static struct taken read_back(const char *row, const struct backing *backing, unsigned int round,
			      int workers)
{
	static char *memory;
	struct taken ns;

	memory = bench_filled(backing, memory, round);
	expect_prefetch(memory, SIZE, vm.gpu[0], 0, .moved = PAGES);
	expect_location(memory, SIZE, vm.gpu[0]);
	ns = measure(row, workers, (struct worker){ .work = read_blocks, .backing = backing,
						    .memory = memory });
	expect_location(memory, SIZE, SYSMEM);
	bench_check(memory, round);
	return ns;
}

static uint64_t touch(const struct backing *backing, int workers)
{
	char *memory = bench_memory(backing);
	uint64_t ns;
	size_t i;

	ns = measure("touch_2_threads", workers,
		     (struct worker){ .work = write_blocks, .backing = backing,
				      .memory = memory }).wall;
	for (i = 0; i < SIZE; i += backing->unit)
		expect_eq(memory[i], 1);
	expect(!munmap(memory, SIZE));
	return ns;
}

static uint64_t copy(const struct backing *backing, unsigned int round, int workers)
{
	static char *to, *from;
	uint64_t ns;

	from = bench_filled(backing, from, round);
	to = bench_filled(backing, to, round + 1);
	ns = measure("copy_2_threads", workers,
		     (struct worker){ .work = copy_blocks, .memory = to, .from = from }).wall;
	bench_check(to, round);
	return ns;
}

static void sample_threads(const struct backing *backing, unsigned int round)
{
	struct taken one, two;

	bench_sample_2m(backing, round, "copy_2_threads", "floor", copy(backing, round, 1));
	bench_sample_2m(backing, round, "copy_2_threads", "amdsvm", copy(backing, round, 2));
	bench_sample_2m(backing, round, "touch_2_threads", "floor", touch(backing, 1));
	bench_sample_2m(backing, round, "touch_2_threads", "amdsvm", touch(backing, 2));
	one = read_back("cpu_fault_2_threads", backing, round, 1);
	two = read_back("cpu_fault_2_threads", backing, round, 2);
	bench_sample_2m(backing, round, "cpu_fault_2_threads", "floor", one.wall);
	bench_sample_2m(backing, round, "cpu_fault_2_threads", "amdsvm", two.wall);
	/* One thread has both processors at work, for it has the copy engine. */
	bench_sample_2m(backing, round, "cpu_fault_2_threads_work", "floor", one.cpu);
	bench_sample_2m(backing, round, "cpu_fault_2_threads_work", "amdsvm", two.wall);

	/* Without it one thread has one. */
	vm_parameter("copy_engine", "0");
	one = read_back("cpu_fault_2_threads_no_engine", backing, round, 1);
	two = read_back("cpu_fault_2_threads_no_engine", backing, round, 2);
	vm_parameter("copy_engine", "1");
	bench_sample_2m(backing, round, "cpu_fault_2_threads_no_engine", "floor", one.wall);
	bench_sample_2m(backing, round, "cpu_fault_2_threads_no_engine", "amdsvm", two.wall);
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
	sample_threads(backing, round);
	sample_waits(backing, round);
	expect_eq(vm_counters().pages_failed, 0);
}
