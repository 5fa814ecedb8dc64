// SPDX-License-Identifier: MIT
/*
 * The mirror against what changes meanwhile: memory that goes, protection,
 * policy. Whatever the order, what stands in device page tables afterwards is
 * what the last change left (R2): an entry that a mirror wrote from an old look
 * would let a device use a page that belongs to somebody else by now.
 */
#include <pthread.h>

#include "vmtest.h"

#define ROUNDS (vm_is_debug_kernel() ? 40 : 150)

static char *memory;
static size_t memory_size;
static pthread_barrier_t barrier;
static uint32_t delay;

static pthread_t start_thread(void *(*function)(void *))
{
	pthread_t thread;

	expect(!pthread_create(&thread, NULL, function, NULL));
	return thread;
}

/* The two sides start together, one of them a little later, each round more. */
static void wait_some(uint32_t turns)
{
	volatile uint32_t i;

	for (i = 0; i < turns; i++)
		;
}

static void *mapper(void *argument)
{
	int round;

	(void)argument;
	for (round = 0; round < ROUNDS; round++) {
		pthread_barrier_wait(&barrier);
		expect_eq(set(memory, memory_size, { ATTR(ACCESS_IN_PLACE), vm.gpu[round % 2] },
			      { ATTR(SET_FLAGS), FLAG(GPU_EXEC) }), 0);
		pthread_barrier_wait(&barrier);
	}
	return NULL;
}

static void race(void (*change)(int round), void (*check)(int round))
{
	pthread_t thread;
	int round;

	vm_use_all_processors();
	memory_size = 128 * PAGE;
	memory = vm_anon_small(memory_size);
	expect(!pthread_barrier_init(&barrier, NULL, 2));
	thread = start_thread(mapper);
	for (round = 0; round < ROUNDS; round++) {
		vm_fill(memory, memory_size, round);
		delay = round % 50 * 400;
		pthread_barrier_wait(&barrier);
		wait_some(delay);
		change(round);
		pthread_barrier_wait(&barrier);
		check(round);
	}
	expect(!pthread_join(thread, NULL));
}

static void drop(int round)
{
	(void)round;
	expect(!madvise(memory, memory_size, MADV_DONTNEED));
}

static void expect_nothing_mapped(int round)
{
	(void)round;
	expect_location(memory, memory_size, ABSENT);
	expect_mapped(memory, memory_size, 0);
}

START_TEST(pages_that_are_gone_are_not_mapped)
{
	race(drop, expect_nothing_mapped);
}
END_TEST

static void replace(int round)
{
	(void)round;
	expect(mmap(memory, memory_size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == memory);
	expect(!madvise(memory, memory_size, MADV_NOHUGEPAGE));
}

START_TEST(pages_of_another_mapping_are_not_mapped)
{
	race(replace, expect_nothing_mapped);
}
END_TEST

static void forbid(int round)
{
	(void)round;
	expect_eq(set(memory, memory_size, { ATTR(NO_ACCESS), vm.gpu[0] },
		      { ATTR(NO_ACCESS), vm.gpu[1] }), 0);
}

/* Either call may have been the last; the attributes say which. */
static void expect_mapped_as_allowed(int round)
{
	uint32_t gpu = vm.gpu[round % 2];
	bool allowed = get_access(memory, memory_size, gpu) == ATTR(ACCESS_IN_PLACE);

	if (!allowed)
		expect_eq(get_access(memory, memory_size, gpu), ATTR(NO_ACCESS));
	expect_mapped(memory, memory_size, allowed ? 1ULL << (round % 2) : 0);
	/* The next round starts from nothing. */
	forbid(round);
	expect_mapped(memory, memory_size, 0);
}

START_TEST(memory_that_is_forbidden_is_not_mapped)
{
	race(forbid, expect_mapped_as_allowed);
}
END_TEST

static void unset(int round)
{
	(void)round;
	expect_eq(vm_unset_on(vm.fd, memory, memory_size), 0);
}

static void expect_mapped_as_set(int round)
{
	bool allowed = get_access(memory, memory_size, vm.gpu[round % 2]) == ATTR(ACCESS_IN_PLACE);

	expect_eq(vm_range_count(), allowed);
	expect_mapped(memory, memory_size, allowed ? 1ULL << (round % 2) : 0);
	unset(round);
	expect_mapped(memory, memory_size, 0);
}

START_TEST(memory_that_is_unset_is_not_mapped)
{
	race(unset, expect_mapped_as_set);
}
END_TEST

/* Moves under the mirror: what is mapped afterwards is on the device it is said to be. */
static void move(int round)
{
	struct amdsvm_ioctl_prefetch_args args;

	expect_eq(vm_prefetch_on(vm.fd, memory, memory_size, vm.gpu[round / 2 % 2], &args), 0);
	expect_eq(args.pages_moved + args.pages_already + args.pages_busy, memory_size / PAGE);
}

static void expect_home_unmapped(int round)
{
	struct amdsvm_ioctl_prefetch_args args;

	expect_bytes(memory, memory_size, round);
	if (vm.lane == LANE_PRIVATE)
		expect_mapped(memory, memory_size, 0);
	/* The CPU reads coherent memory in place, and its device keeps it mapped. */
	expect_eq(vm_prefetch_on(vm.fd, memory, memory_size, SYSMEM, &args), 0);
	unset(round);
	expect_mapped(memory, memory_size, 0);
}

START_TEST(pages_that_move_are_mapped_where_they_are)
{
	needs_device_memory();
	race(move, expect_home_unmapped);
}
END_TEST

/* Nobody else runs now: the last word is this one's. */
static void *protector(void *argument)
{
	int round;

	(void)argument;
	for (round = 0; round < 60; round++) {
		expect(!mprotect(memory, memory_size, PROT_READ));
		expect(!mprotect(memory, memory_size, PROT_READ | PROT_WRITE));
		vm_fill(memory, memory_size, round);
	}
	return NULL;
}

START_TEST(mapping_while_the_cpu_changes_protection)
{
	pthread_t thread;
	int round;

	vm_use_all_processors();
	memory_size = 64 * PAGE;
	memory = vm_anon(memory_size);
	vm_fill(memory, memory_size, 0);
	thread = start_thread(protector);
	for (round = 0; round < 100; round++)
		expect_eq(set(memory, memory_size, { ATTR(ACCESS_IN_PLACE), vm.gpu[round % 2] }), 0);
	expect(!pthread_join(thread, NULL));
	expect_eq(set(memory, memory_size, { ATTR(ACCESS_IN_PLACE), vm.gpu[0] },
		      { ATTR(ACCESS_IN_PLACE), vm.gpu[1] }), 0);
	expect_mapped(memory, memory_size, vm.device_mask);
	expect(!madvise(memory, memory_size, MADV_DONTNEED));
	expect_mapped(memory, memory_size, 0);
}
END_TEST

static volatile bool stop;

static void *changer(void *argument)
{
	int round;

	(void)argument;
	for (round = 0; !stop; round++) {
		size_t page;

		if (round % 16 == 0) {
			expect(!mprotect(memory, memory_size, PROT_READ));
			expect(!mprotect(memory, memory_size, PROT_READ | PROT_WRITE));
		}
		/* mprotect waits for the mirror to let go of mmap_lock; this does not. */
		expect(!madvise(memory, memory_size / 2, MADV_DONTNEED));
		for (page = round % 8; page < memory_size / PAGE; page += 8)
			*(volatile uint64_t *)(memory + page * PAGE) = round;
	}
	return NULL;
}

/*
 * The mirror looks, the memory changes, and what it saw must not be written: the
 * loop of Documentation/mm/hmm.rst. How often that happens is the scheduler's
 * doing, so only that memory changed under mappings is required.
 */
START_TEST(mapping_begins_again_when_memory_changed)
{
	struct amdsvm_ioctl_get_counters_args counters;
	uint64_t end = vm_now() + 5 * 1000000000ULL;
	pthread_t thread;
	int round = 0;

	vm_use_all_processors();
	memory_size = BLOCK;
	memory = vm_anon_small(memory_size);
	vm_fill(memory, memory_size, 0);
	thread = start_thread(changer);
	do {
		expect_eq(set(memory, memory_size, { ATTR(ACCESS_IN_PLACE), vm.gpu[0] },
			      { ATTR(GRANULARITY), round++ % 9 }), 0);
		counters = vm_counters();
	} while (!counters.map_retries && vm_now() < end);
	stop = true;
	expect(!pthread_join(thread, NULL));
	counters = vm_counters();
	/* One attempt that is repeated may be the first, with nothing mapped yet. */
	expect(counters.invalidations > 0 || counters.map_retries > 0);
	/* What was dropped and not written again has no page to map. */
	vm_fill(memory, memory_size, 1);
	if (!counters.map_retries)
		printf("# %s: no attempt was repeated in %d rounds\n", tcase_name(), round);
	expect_eq(set(memory, memory_size, { ATTR(ACCESS_IN_PLACE), vm.gpu[0] },
		      { ATTR(ACCESS_IN_PLACE), vm.gpu[1] }), 0);
	expect_mapped(memory, memory_size, vm.device_mask);
	expect(!mprotect(memory, memory_size, PROT_READ));
	expect_mapped(memory, memory_size, 0);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("races");
	TCase *t = vm_case(s, "mirror");

	tcase_add_test(t, pages_that_are_gone_are_not_mapped);
	tcase_add_test(t, pages_of_another_mapping_are_not_mapped);
	tcase_add_test(t, memory_that_is_forbidden_is_not_mapped);
	tcase_add_test(t, memory_that_is_unset_is_not_mapped);
	tcase_add_test(t, pages_that_move_are_mapped_where_they_are);
	tcase_add_test(t, mapping_while_the_cpu_changes_protection);
	tcase_add_test(t, mapping_begins_again_when_memory_changed);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
