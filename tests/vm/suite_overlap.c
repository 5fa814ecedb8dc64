// SPDX-License-Identifier: MIT
/*
 * Copies that go on beside a migration, in a copy engine that is slow or fails: bytes
 * are right whoever uses, forks, unmaps or kills meanwhile, and nobody sees what was in
 * memory before.
 *
 * The engine is slow so that whoever does not wait for it is seen.
 */
#include <pthread.h>
#include <signal.h>

#include "vmslow.h"
#include "vmtest.h"

static volatile bool stop;
static char *memory;
static size_t memory_size;
static volatile unsigned int moves;	/* calls that moved something */

/* A test that failed left them to the next. */
static void setup(void)
{
	vm_setup();
	vm_slow_teardown();
}

/* Variants of a test: small pages or large ones, every so manieth copy fails. */
static const unsigned int failures[] = { 0, 3, 1 };
#define VARIANTS 6
/* Without those where all fail. */
#define MOST_VARIANTS 4

static bool is_large(int variant)
{
	return variant % 2;
}

static char *make(int variant, size_t size)
{
	return is_large(variant) ? vm_anon(size) : vm_anon_small(size);
}

static void start_variant(int variant, unsigned int microseconds)
{
	vm_failing_copies(failures[variant / 2]);
	vm_slow_copies(microseconds);
}

static pthread_t start_thread(void *(*function)(void *), void *argument)
{
	pthread_t thread;

	expect(!pthread_create(&thread, NULL, function, argument));
	return thread;
}

static void join_thread(pthread_t thread)
{
	expect(!pthread_join(thread, NULL));
}

/* ---- the engine is used --------------------------------------------------------- */

/* 16 pieces of 128 KiB, two at a time, each 10 ms or more. */
#define SLOW_BLOCK_NS 80000000ULL

START_TEST(copies_of_a_block_are_the_engines)
{
	struct amdsvm_ioctl_evict_args args;
	uint64_t start;
	char *block;

	needs_device_memory();
	needs_two_processors();
	block = make(_i, BLOCK);
	vm_fill(block, BLOCK, 1);
	vm_slow_copies(10000);
	start = vm_now();
	expect_prefetch(block, BLOCK, vm.gpu[0], 0, .moved = 512);
	expect(vm_now() - start >= SLOW_BLOCK_NS);
	expect_location(block, BLOCK, vm.gpu[0]);

	start = vm_now();
	expect_prefetch(block, BLOCK, vm.gpu[1], 0, .moved = 512);
	expect(vm_now() - start >= SLOW_BLOCK_NS);
	expect_location(block, BLOCK, vm.gpu[1]);

	start = vm_now();
	expect_prefetch(block, BLOCK, SYSMEM, 0, .moved = 512);
	expect(vm_now() - start >= SLOW_BLOCK_NS);
	expect_location(block, BLOCK, SYSMEM);
	expect_bytes(block, BLOCK, 1);

	expect_prefetch(block, BLOCK, vm.gpu[0], 0, .moved = 512);
	start = vm_now();
	expect_eq(vm_evict_on(vm.fd, vm.gpu[0], &args), 0);
	expect(vm_now() - start >= SLOW_BLOCK_NS);
	expect_eq(args.pages_moved, 512);
	expect_location(block, BLOCK, SYSMEM);
	expect_bytes(block, BLOCK, 1);
}
END_TEST

START_TEST(copies_of_a_cpu_fault_are_the_engines)
{
	uint64_t start;
	char *block;

	only_in_lanes(LANE_PRIVATE, "the CPU uses memory of devices in place");
	needs_two_processors();
	block = make(_i, BLOCK);
	vm_fill(block, BLOCK, 1);
	expect_prefetch(block, BLOCK, vm.gpu[0], 0, .moved = 512);
	vm_slow_copies(10000);
	start = vm_now();
	expect_eq(*(volatile uint64_t *)block, vm_word(1, 0));
	/* Of single pages as many as are in one run with others. */
	if (is_large(_i))
		expect(vm_now() - start >= SLOW_BLOCK_NS);
	expect_location(block, BLOCK, SYSMEM);
	expect_bytes(block, BLOCK, 1);
	expect_eq(vm_counters().cpu_faults, 1);
}
END_TEST

/* ---- bytes ---------------------------------------------------------------------- */

START_TEST(bytes_survive_failures)
{
	const size_t size = 2 * BLOCK;
	int round;

	needs_device_memory();
	memory = make(_i, size);
	vm_fill(memory, size, 1);
	start_variant(_i, 100);
	for (round = 0; round < 2; round++) {
		expect_prefetch(memory, size, vm.gpu[round % 2], 0, .moved = size / PAGE);
		expect_location(memory, size, vm.gpu[round % 2]);
		expect_prefetch(memory, size, vm.gpu[1 - round % 2], 0, .moved = size / PAGE);
		if (round == 1) {
			/* By a CPU fault, if devices have private memory. */
			expect_bytes(memory, size, 1);
			if (vm.lane == LANE_PRIVATE)
				expect_location(memory, size, SYSMEM);
		}
		if (round != 1 || vm.lane == LANE_COHERENT)
			expect_prefetch(memory, size, SYSMEM, 0, .moved = size / PAGE);
		expect_location(memory, size, SYSMEM);
		expect_bytes(memory, size, 1);
	}
}
END_TEST

/* What leaves a full device, and what comes in its place. */
START_TEST(evicted_bytes_survive_failures)
{
	const size_t size = 6 * BLOCK, vram = vm_device(vm.gpu[0]).vram_bytes;
	char *old, *new;

	needs_device_memory();
	expect_within(10, vm_used_pages() == 0);
	old = make(_i, vram);
	new = make(_i, size);
	vm_fill(old, vram, 1);
	vm_fill(new, size, 2);
	vm_failing_copies(3);
	expect_prefetch(old, vram, vm.gpu[0], 0, .moved = vram / PAGE);
	expect_prefetch(new, size, vm.gpu[0], 0, .moved = size / PAGE);
	expect_location(new, size, vm.gpu[0]);
	expect_location(old, size, SYSMEM);
	expect_bytes(old, vram, 1);
	expect_bytes(new, size, 2);
}
END_TEST

/* Moves all of it from place to place until told to stop. */
static void *mover(void *argument)
{
	uint32_t places[3] = { vm.gpu[0], vm.gpu[1], SYSMEM };
	struct amdsvm_ioctl_prefetch_args args;
	unsigned int i = 0;
	int result;

	(void)argument;
	while (!stop) {
		result = vm_prefetch_on(vm.fd, memory, memory_size, places[i++ % 3], &args);
		/* -EFAULT: there is no mapping at the moment. */
		expect(!result || result == -EBUSY || result == -EFAULT);
		if (args.pages_moved)
			moves++;
	}
	return NULL;
}

/* What happens meanwhile happens until something has moved. */
#define MOVES 4

static void expect_movement(void)
{
	struct amdsvm_ioctl_get_counters_args counters = vm_counters();

	expect(counters.pages_in + counters.pages_cleared > 0);
}

#define WRITERS 2
#define WRITER_ROUNDS 8

static void *writer(void *argument)
{
	uintptr_t self = (uintptr_t)argument, page, round;

	for (round = 0; round < WRITER_ROUNDS || moves < MOVES; round++)
		for (page = 0; page < memory_size / PAGE; page++) {
			volatile uint64_t *word = (uint64_t *)(memory + page * PAGE) + self;

			if (*word != round)
				vm_fail(HERE, "page %lu word %lu is %llu in round %lu (R1)", page,
					self, (unsigned long long)*word, round);
			*word = round + 1;
		}
	return (void *)round;
}

START_TEST(written_by_cpus_meanwhile)
{
	pthread_t moving, writing[WRITERS];
	void *rounds[WRITERS];
	uintptr_t i;

	needs_device_memory();
	memory_size = 2 * BLOCK;
	memory = make(_i, memory_size);
	memset(memory, 0, memory_size);
	start_variant(_i, 50);
	vm_use_all_processors();
	moving = start_thread(mover, NULL);
	for (i = 0; i < WRITERS; i++)
		writing[i] = start_thread(writer, (void *)i);
	for (i = 0; i < WRITERS; i++)
		expect(!pthread_join(writing[i], &rounds[i]));
	stop = true;
	join_thread(moving);
	for (i = 0; i < memory_size / PAGE; i++)
		expect_eq(((uint64_t *)(memory + i * PAGE))[i % WRITERS],
			  (uintptr_t)rounds[i % WRITERS]);
	expect_movement();
}
END_TEST

START_TEST(forked_meanwhile)
{
	int round, rounds = vm_rounds(10), status;
	pthread_t moving;

	needs_device_memory();
	memory_size = 2 * BLOCK;
	memory = make(_i, memory_size);
	vm_fill(memory, memory_size, 1);
	start_variant(_i, 50);
	vm_use_all_processors();
	moving = start_thread(mover, NULL);
	for (round = 0; round < rounds || moves < MOVES; round++) {
		pid_t child = fork();

		expect(child >= 0);
		if (!child) {
			expect_bytes(memory, memory_size, 1);
			memory[0] = 0;
			vm_done();
		}
		expect(waitpid(child, &status, 0) == child);
		expect(WIFEXITED(status) && !WEXITSTATUS(status));
	}
	stop = true;
	join_thread(moving);
	expect_bytes(memory, memory_size, 1);
	expect_movement();
}
END_TEST

START_TEST(unmapped_meanwhile)
{
	int round, rounds = vm_rounds(12);
	pthread_t moving;

	needs_device_memory();
	memory_size = 2 * BLOCK;
	memory = make(_i, memory_size);
	vm_fill(memory, memory_size, 1);
	start_variant(_i, 50);
	vm_use_all_processors();
	moving = start_thread(mover, NULL);
	for (round = 0; round < rounds || moves < MOVES; round++) {
		char *half = memory + (round / 2 % 2) * BLOCK;

		if (round % 2) {
			expect(!munmap(half, BLOCK));
			expect(mmap(half, BLOCK, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == half);
		} else {
			expect(!madvise(half, BLOCK, MADV_DONTNEED));
		}
		expect_zero(half, BLOCK);
		vm_fill(memory, memory_size, round);
		expect_bytes(memory, memory_size, round);
	}
	stop = true;
	join_thread(moving);
	expect_movement();
}
END_TEST

START_TEST(killed_meanwhile)
{
	int round, rounds = vm_rounds(8);

	needs_device_memory();
	expect_within(10, vm_used_pages() == 0);
	start_variant(_i, 1000);
	vm_use_all_processors();
	memory_size = 8 * BLOCK;
	for (round = 0; round < rounds; round++) {
		struct peer peer;

		if (vm_fork(&peer)) {
			close(vm.fd);
			vm.fd = vm_open();
			memory = make(_i, memory_size);
			vm_fill(memory, memory_size, 1);
			vm_tell(&peer);
			mover(NULL);
		}
		vm_await(&peer);
		usleep(3000 * round);
		expect(!kill(peer.pid, SIGKILL));
		expect_within(10, waitpid(peer.pid, NULL, WNOHANG) == peer.pid);
		expect_within(10, vm_used_pages() == 0);
		close(peer.fd);
	}
}
END_TEST

/* ---- memory that nobody ever touched -------------------------------------------- */

static uint64_t readings;

/* From end to end: whatever is not zero was somebody else's. */
static void *reader(void *argument)
{
	size_t page;

	(void)argument;
	while (!stop) {
		for (page = 0; page < memory_size / PAGE; page++) {
			volatile uint64_t *word = (uint64_t *)(memory + page * PAGE);

			if (word[0] || word[511])
				vm_fail(HERE, "page %zu has bytes of another process (R7)", page);
		}
		__atomic_fetch_add(&readings, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

/* All of the first device's memory has bytes that are not zero, and is free. */
static void spoil(void)
{
	struct peer peer;

	if (vm_fork(&peer)) {
		const size_t size = vm_device(vm.gpu[0]).vram_bytes;
		char *secret;

		close(vm.fd);
		vm.fd = vm_open();
		secret = vm_anon_small(size);
		vm_fill(secret, size, 1);
		expect_prefetch(secret, size, vm.gpu[0], 0, .moved = size / PAGE);
		vm_done();
	}
	expect_joined(&peer);
	expect_within(10, vm_used_pages() == 0);
}

START_TEST(never_touched_shows_nothing_old)
{
	int round, rounds = vm_rounds(10);
	uint64_t cleared = 0, before;
	pthread_t reading;

	needs_device_memory();
	spoil();
	vm_use_all_processors();
	memory_size = 2 * BLOCK;
	/* Time for the reader to get at each page before it is cleared. */
	start_variant(_i, 2000);
	for (round = 0; round < rounds; round++) {
		struct amdsvm_ioctl_prefetch_args args;
		int result;

		memory = make(_i, memory_size);
		stop = false;
		before = __atomic_load_n(&readings, __ATOMIC_RELAXED);
		reading = start_thread(reader, NULL);
		/* Every other time it is there before, and has seen all of it. */
		if (round % 2)
			expect_within(20, __atomic_load_n(&readings, __ATOMIC_RELAXED) > before);
		result = vm_prefetch_on(vm.fd, memory, memory_size, vm.gpu[0], &args);
		expect(!result || result == -EBUSY);
		cleared += args.pages_cleared;
		stop = true;
		join_thread(reading);
		expect_zero(memory, memory_size);
		expect(!munmap(memory, memory_size));
	}
	expect(cleared >= memory_size / PAGE);
	expect(readings > 0);
}
END_TEST

static void add_case(Suite *s, const char *name, const TTest *test, int variants)
{
	TCase *t = vm_case_with(s, name, setup, NULL);
	int first = 0;

	/* One with large pages, one with failures: they take long, and lanes differ little. */
	if (variants >= MOST_VARIANTS && !vm_in_full()) {
		first = 1;
		variants = 3;
	} else if (!vm_in_full()) {
		first = variants / 2;
	}
	tcase_add_unchecked_fixture(t, NULL, vm_slow_teardown);
	tcase_add_loop_test(t, test, first, variants);
}

static Suite *suite(void)
{
	Suite *s = suite_create("overlap");

	add_case(s, "engine", copies_of_a_block_are_the_engines, 2);
	add_case(s, "cpu_fault", copies_of_a_cpu_fault_are_the_engines, 2);
	add_case(s, "bytes", bytes_survive_failures, VARIANTS);
	add_case(s, "evicted", evicted_bytes_survive_failures, 2);
	add_case(s, "written", written_by_cpus_meanwhile, MOST_VARIANTS);
	add_case(s, "forked", forked_meanwhile, MOST_VARIANTS);
	add_case(s, "unmapped", unmapped_meanwhile, MOST_VARIANTS);
	add_case(s, "killed", killed_meanwhile, MOST_VARIANTS);
	add_case(s, "untouched", never_touched_shows_nothing_old, MOST_VARIANTS);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
