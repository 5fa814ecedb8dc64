// SPDX-License-Identifier: MIT
/*
 * Threads that use memory while others move, protect, unmap or evict it. Each
 * test is bounded by work, not by time, and its threads must all get through:
 * a livelock shows as Check's time-out (R1, R5, R6).
 */
#include <pthread.h>

#include "vmtest.h"

static char *memory;
static size_t memory_size;
static volatile bool stop;

static pthread_t start_thread(void *(*function)(void *), uintptr_t argument)
{
	pthread_t thread;

	expect(!pthread_create(&thread, NULL, function, (void *)argument));
	return thread;
}

static void join_thread(pthread_t thread)
{
	expect(!pthread_join(thread, NULL));
}

/* A test of what happens while pages move is none when none does. */
#define expect_movement() \
	do { \
		struct amdsvm_ioctl_get_counters_args counters_ = vm_counters(); \
		expect(counters_.pages_in + counters_.pages_cleared > 0); \
	} while (0)

/* Moves everything from place to place until told to stop. */
static void *mover(void *argument)
{
	uint32_t places[3] = { vm.gpu[0], vm.gpu[1], SYSMEM };
	struct amdsvm_ioctl_prefetch_args args;
	uintptr_t i = (uintptr_t)argument;

	while (!stop) {
		int result = vm_prefetch_on(vm.fd, memory, memory_size, places[i++ % 3], &args);

		expect(result == 0 || result == -EBUSY);
		expect_eq(args.pages_moved + args.pages_cleared + args.pages_already +
				  args.pages_no_space + args.pages_busy + args.pages_unmovable,
			  memory_size / PAGE);
	}
	return NULL;
}

/* Counts up its own word of each page: any stale or lost page shows in the sum. */
#define COUNTERS 4
#define COUNTER_ROUNDS (vm_is_debug_kernel() ? 8u : 25u)

static void *counter(void *argument)
{
	uintptr_t self = (uintptr_t)argument, page, round;

	for (round = 0; round < COUNTER_ROUNDS; round++) {
		for (page = 0; page < memory_size / PAGE; page++) {
			volatile uint64_t *word = (uint64_t *)(memory + page * PAGE) + self;

			if (*word != round)
				vm_fail(HERE, "page %lu word %lu is %llu in round %lu (R1)", page, self,
					(unsigned long long)*word, round);
			*word = round + 1;
		}
	}
	return NULL;
}

START_TEST(counting_while_pages_move)
{
	pthread_t counters[COUNTERS], movers[2];
	uintptr_t i;

	needs_device_memory();
	memory_size = BLOCK;
	memory = _i ? vm_anon(memory_size) : vm_anon_small(memory_size);
	memset(memory, 0, memory_size);
	for (i = 0; i < 2; i++)
		movers[i] = start_thread(mover, i);
	for (i = 0; i < COUNTERS; i++)
		counters[i] = start_thread(counter, i);
	for (i = 0; i < COUNTERS; i++)
		join_thread(counters[i]);
	stop = true;
	for (i = 0; i < 2; i++)
		join_thread(movers[i]);
	for (i = 0; i < memory_size / PAGE; i++)
		expect_eq(((uint64_t *)(memory + i * PAGE))[i % COUNTERS], COUNTER_ROUNDS);
	expect_movement();
}
END_TEST

/* All threads fault the same page at once: before 6.15 core let them starve each other. */
#define FAULT_ROUNDS (vm_is_debug_kernel() ? 20u : 60u)
static pthread_barrier_t barrier;

static void *toucher(void *argument)
{
	uintptr_t self = (uintptr_t)argument, round;

	for (round = 0; round < FAULT_ROUNDS; round++) {
		pthread_barrier_wait(&barrier);
		if (self % 2)
			((volatile uint64_t *)memory)[self] = round;
		else if (((volatile uint64_t *)memory)[100] != 0x1234)
			vm_fail(HERE, "wrong byte (R1)");
		pthread_barrier_wait(&barrier);
		if (self % 2 && ((volatile uint64_t *)memory)[self] != round)
			vm_fail(HERE, "a write was lost (R1)");
		pthread_barrier_wait(&barrier);
	}
	return NULL;
}

START_TEST(many_threads_fault_one_page)
{
	struct amdsvm_ioctl_prefetch_args args;
	pthread_t threads[4];
	uintptr_t i;

	needs_device_memory();
	memory = _i ? vm_anon(BLOCK) : vm_anon_small(BLOCK);
	memset(memory, 0, BLOCK);
	((uint64_t *)memory)[100] = 0x1234;
	expect(!pthread_barrier_init(&barrier, NULL, 5));
	for (i = 0; i < 4; i++)
		threads[i] = start_thread(toucher, i);
	for (i = 0; i < FAULT_ROUNDS; i++) {
		expect_eq(vm_prefetch_on(vm.fd, memory, BLOCK, vm.gpu[i % 2], &args), 0);
		pthread_barrier_wait(&barrier);
		pthread_barrier_wait(&barrier);
		pthread_barrier_wait(&barrier);
	}
	for (i = 0; i < 4; i++)
		join_thread(threads[i]);
	expect_movement();
	if (vm.lane == LANE_PRIVATE)
		expect(vm_counters().cpu_faults >= FAULT_ROUNDS / 2);
}
END_TEST

/* munmap and mmap under a prefetch: no page of the old memory appears in the new. */
static void *remapper(void *argument)
{
	int round;

	(void)argument;
	for (round = 0; round < 40; round++) {
		vm_fill(memory, memory_size, round);
		expect_bytes(memory, memory_size, round);
		expect(!munmap(memory, memory_size));
		expect(mmap(memory, memory_size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == memory);
		expect_zero(memory, memory_size);
	}
	stop = true;
	return NULL;
}

static void *mover_of_what_comes_and_goes(void *argument)
{
	uint32_t places[3] = { vm.gpu[0], vm.gpu[1], SYSMEM };
	struct amdsvm_ioctl_prefetch_args args;
	uintptr_t i = (uintptr_t)argument;

	while (!stop) {
		int result = vm_prefetch_on(vm.fd, memory, memory_size, places[i++ % 3], &args);

		if (result && result != -EBUSY && result != -EFAULT)
			vm_fail(HERE, "PREFETCH is %d: moved %llu cleared %llu already %llu no_space %llu busy %llu unmovable %llu used %llu",
				result, args.pages_moved, args.pages_cleared, args.pages_already,
				args.pages_no_space, args.pages_busy, args.pages_unmovable,
				(unsigned long long)vm_used_pages());
	}
	return NULL;
}

START_TEST(unmapping_while_pages_move)
{
	pthread_t movers[2], other;

	needs_device_memory();
	memory_size = 64 * PAGE;
	memory = vm_anon(memory_size);
	other = start_thread(remapper, 0);
	movers[0] = start_thread(mover_of_what_comes_and_goes, 0);
	movers[1] = start_thread(mover_of_what_comes_and_goes, 1);
	join_thread(other);
	join_thread(movers[0]);
	join_thread(movers[1]);
	expect_movement();
}
END_TEST

/* The CPU is first with some of the pages that are about to be cleared. */
static void *first_toucher(void *argument)
{
	size_t page;

	(void)argument;
	for (page = memory_size / PAGE; page--;)
		*(volatile uint64_t *)(memory + page * PAGE) = page + 1;
	return NULL;
}

START_TEST(touching_while_pages_are_cleared)
{
	struct amdsvm_ioctl_prefetch_args args;
	pthread_t thread;
	size_t page;
	int round;

	needs_device_memory();
	memory_size = BLOCK;
	memory = vm_anon_small(memory_size);
	for (round = 0; round < 20; round++) {
		expect(!madvise(memory, memory_size, MADV_DONTNEED));
		thread = start_thread(first_toucher, 0);
		expect_eq(vm_prefetch_on(vm.fd, memory, memory_size, vm.gpu[round % 2], &args), 0);
		/* The device is all but empty: what lost a race is busy, or moved later. */
		expect_eq(args.pages_no_space, 0);
		expect_eq(args.pages_moved + args.pages_cleared + args.pages_already + args.pages_busy,
			  memory_size / PAGE);
		join_thread(thread);
		for (page = 0; page < memory_size / PAGE; page++)
			expect_eq(*(volatile uint64_t *)(memory + page * PAGE), page + 1);
	}
	expect_movement();
}
END_TEST

START_TEST(protecting_and_dropping_while_pages_move)
{
	pthread_t thread;
	int round;

	needs_device_memory();
	memory_size = 128 * PAGE;
	memory = vm_anon(memory_size);
	thread = start_thread(mover, 0);
	for (round = 0; round < 25; round++) {
		vm_fill(memory, memory_size, round);
		expect(!mprotect(memory, memory_size / 2, PROT_READ));
		expect_bytes(memory, memory_size, round);
		expect(!mprotect(memory, memory_size, PROT_READ | PROT_WRITE));
		expect(!madvise(memory + memory_size / 2, memory_size / 2, MADV_DONTNEED));
		expect_zero(memory + memory_size / 2, memory_size / 2);
		expect_bytes(memory, memory_size / 2, round);
	}
	stop = true;
	join_thread(thread);
	expect_movement();
}
END_TEST

START_TEST(forking_while_pages_move)
{
	pthread_t thread;
	struct peer peer;
	int round;

	needs_device_memory();
	memory_size = 128 * PAGE;
	memory = vm_anon(memory_size);
	vm_fill(memory, memory_size, 0);
	thread = start_thread(mover, 0);
	for (round = 0; round < 15; round++) {
		vm_fill(memory, memory_size, round);
		if (vm_fork(&peer)) {
			/* The other threads do not exist here. */
			expect_bytes(memory, memory_size, round);
			vm_fill(memory, memory_size, 1000);
			expect_bytes(memory, memory_size, 1000);
			vm_done();
		}
		expect_bytes(memory, memory_size, round);
		vm_fill(memory, memory_size, 2000);
		expect_joined(&peer);
		expect_bytes(memory, memory_size, 2000);
	}
	stop = true;
	join_thread(thread);
	expect_movement();
}
END_TEST

static void *evicter(void *argument)
{
	struct amdsvm_ioctl_evict_args args;

	(void)argument;
	while (!stop) {
		expect_eq(vm_evict_on(vm.fd, 0, &args), 0);
		usleep(2000);
	}
	return NULL;
}

START_TEST(evicting_while_threads_write)
{
	pthread_t threads[3];

	needs_device_memory();
	memory_size = 128 * PAGE;
	memory = _i ? vm_anon(memory_size) : vm_anon_small(memory_size);
	memset(memory, 0, memory_size);
	threads[0] = start_thread(evicter, 0);
	threads[1] = start_thread(mover, 0);
	threads[2] = start_thread(counter, 0);
	join_thread(threads[2]);
	/* Two processors for three threads, and perhaps other guests. */
	expect_within(30, vm_counters().pages_in + vm_counters().pages_cleared > 0);
	stop = true;
	join_thread(threads[0]);
	join_thread(threads[1]);
	expect_movement();
}
END_TEST

/* Each thread owns a stretch and sees there only what it set itself. */
static void *setter(void *argument)
{
	uintptr_t self = (uintptr_t)argument, i;
	char *own = memory + self * 64 * PAGE;

	for (i = 0; i < 100; i++) {
		char *page = own + i % 64 * PAGE;

		expect_eq(set(page, PAGE, { ATTR(GRANULARITY), i % 9 }), 0);
		expect_eq(get(page, PAGE, ATTR(GRANULARITY)), i % 9);
		if (i % 10 == 9) {
			expect_eq(vm_unset_on(vm.fd, own, 64 * PAGE), 0);
			expect_eq(get(own, 64 * PAGE, ATTR(GRANULARITY)), DEFAULT_GRANULARITY);
		}
	}
	return NULL;
}

START_TEST(setting_attributes_in_parallel)
{
	pthread_t threads[4];
	uintptr_t i;

	memory = vm_anon(4 * 64 * PAGE);
	for (i = 0; i < 4; i++)
		threads[i] = start_thread(setter, i);
	for (i = 0; i < 4; i++)
		join_thread(threads[i]);
	expect_eq(vm_range_count(), 0);
}
END_TEST

static void setup(void)
{
	vm_setup();
	vm_use_all_processors();
}

static Suite *suite(void)
{
	Suite *s = suite_create("threads");
	TCase *t = vm_case_with(s, "data", setup, NULL);

	tcase_add_loop_test(t, counting_while_pages_move, 0, 2);
	tcase_add_loop_test(t, many_threads_fault_one_page, 0, 2);
	tcase_add_test(t, unmapping_while_pages_move);
	tcase_add_test(t, touching_while_pages_are_cleared);
	tcase_add_test(t, protecting_and_dropping_while_pages_move);
	tcase_add_test(t, forking_while_pages_move);
	tcase_add_loop_test(t, evicting_while_threads_write, 0, 2);
	t = vm_case_with(s, "policy", setup, NULL);
	tcase_add_test(t, setting_attributes_in_parallel);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
