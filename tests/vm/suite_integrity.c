// SPDX-License-Identifier: MIT
/*
 * Counters that devices and CPUs count up by their own atomics, while the memory
 * moves (R1); and each atomic operation of a device by itself.
 */
#include <pthread.h>

#include "vmloop.h"

/* Of Linux 6.15 and later; elsewhere memory moves to a device first. */
static bool exclusive_lane(void)
{
	return !vm_kernel_is("6.1") && !vm_kernel_is("6.12");
}

/* No device memory and no exclusive access: nowhere for an atomic of a device. */
#define needs_atomics() \
	do { \
		if (!exclusive_lane()) \
			only_in_lanes(LANES_WITH_MEMORY, "no memory that devices have atomics on"); \
	} while (0)

static uint32_t next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* ---- all at once -------------------------------------------------------------------- */

#define AREA (64UL << 20)
#define COUNTERS 64
#define ACTORS 4		/* devices 0 and 1, two CPU threads */
#define BATCH 64		/* atomics in a job */

static char *area;
static uint32_t additions;	/* of each actor */
static uint64_t added[ACTORS][COUNTERS];
static volatile uint32_t working;

/* In different pages, blocks, and places of their pages. */
static uint64_t *counter(uint32_t i)
{
	return (uint64_t *)(area + i * (AREA / COUNTERS) + i % 7 * PAGE + i % 512 * 8);
}

static void *device(void *argument)
{
	uintptr_t self = (uintptr_t)argument;
	uint32_t queue_id = vm_queue(vm.gpu[self]), state = vm_seed() * 97 + self + 1, i, done;

	for (done = 0; done < additions; done += BATCH) {
		struct vm_packets p = { 0 };

		for (i = 0; i < BATCH; i++) {
			uint32_t n = next_random(&state) % COUNTERS;
			uint64_t value = next_random(&state) | (uint64_t)i << 40;

			pk_atomic(&p, AMDSVM_ATOMIC_ADD_64, counter(n), value, 0);
			added[self][n] += value;
		}
		expect_runs(queue_id, &p);
	}
	expect_eq(vm_queue_destroy(queue_id), 0);
	__atomic_fetch_sub(&working, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

static void *processor(void *argument)
{
	uintptr_t self = (uintptr_t)argument;
	uint32_t state = vm_seed() * 89 + self + 1, done;

	for (done = 0; done < additions; done++) {
		uint32_t n = next_random(&state) % COUNTERS;
		uint64_t value = next_random(&state);

		__atomic_fetch_add(counter(n), value, __ATOMIC_SEQ_CST);
		added[self][n] += value;
	}
	__atomic_fetch_sub(&working, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

/* Whole blocks, and as often pieces of them: more moves in the time. */
static uint64_t move_until_done(void)
{
	uint32_t places[3] = { vm.gpu[0], vm.gpu[1], SYSMEM }, state = vm_seed() * 83 + 1;
	uint64_t moved = 0;

	while (working) {
		struct amdsvm_ioctl_prefetch_args args;
		uint32_t block = next_random(&state) % (AREA / BLOCK), what = next_random(&state);
		size_t size = what & 1 ? BLOCK : 16 * PAGE;
		int result = vm_prefetch_on(vm.fd, area + block * BLOCK + (what >> 8) % (BLOCK / size) * size,
					    size, places[what / 2 % 3], &args);

		expect(!result || result == -EBUSY);
		moved += args.pages_moved;
	}
	return moved;
}

/* 0: where the driver likes it. 1: in place. 2: system memory. */
START_TEST(no_update_is_lost)
{
	pthread_t threads[ACTORS];
	uint64_t moved = 0, i;

	needs_atomics();
	if (_i == 2 && !exclusive_lane()) {
		vm_skip(_i, "the kernel has no exclusive access");
		return;
	}
	vm_use_all_processors();
	additions = vm_loop_rounds(2000) + BATCH - 1;
	additions -= additions % BATCH;
	area = vm_anon_small(AREA);
	expect_eq(set(area, AREA, { ATTR(GRANULARITY), 2 }), 0);
	for (i = 0; i < 2 && _i; i++)
		expect_eq(set(area, AREA, { ATTR(ACCESS_IN_PLACE), vm.gpu[i] }), 0);
	if (_i == 2)
		expect_eq(set(area, AREA, { ATTR(PREFERRED_LOC), SYSMEM }), 0);
	working = ACTORS;
	for (i = 0; i < ACTORS; i++)
		expect(!pthread_create(&threads[i], NULL, i < 2 ? device : processor, (void *)i));
	if (vm.lane != LANE_MIRROR)
		moved = move_until_done();
	for (i = 0; i < ACTORS; i++)
		expect(!pthread_join(threads[i], NULL));
	if (vm.lane != LANE_MIRROR)
		expect(moved > 0);
	for (i = 0; i < COUNTERS; i++) {
		uint64_t sum = added[0][i] + added[1][i] + added[2][i] + added[3][i];

		if (*counter(i) != sum)
			vm_fail(HERE, "counter %llu is off by %lld (R1)", (unsigned long long)i,
				(long long)(*counter(i) - sum));
	}
	printf("# %s[%d]: %u updates, %llu pages moved\n", tcase_name(), _i, ACTORS * additions,
	       (unsigned long long)moved);
}
END_TEST

/* ---- one counter ----------------------------------------------------------------------- */

static uint64_t *shared;
static volatile bool stop;

static void *cpu_counter(void *argument)
{
	uint64_t count = 0;

	(void)argument;
	while (!stop) {
		__atomic_fetch_add(shared, 1, __ATOMIC_SEQ_CST);
		count++;
		/* Lets the device have the page for a while now and then. */
		if (count % 64 == 0)
			usleep(100);
	}
	return (void *)count;
}

/* A device and a CPU, all the time at the same word, in system memory or wherever. */
START_TEST(one_counter_for_all)
{
	struct vm_packets p = { 0 };
	uint64_t rounds = vm_loop_rounds(100), sum;
	uint32_t queue_id;
	pthread_t thread;
	void *count;
	uint64_t i;

	needs_atomics();
	if (_i && !exclusive_lane()) {
		vm_skip(_i, "the kernel has no exclusive access");
		return;
	}
	vm_use_all_processors();
	shared = _i ? vm_anon_in_place(PAGE) : vm_anon_small(PAGE);
	*shared = 0;
	for (i = 0; i < 100; i++)
		pk_atomic(&p, AMDSVM_ATOMIC_ADD_64, shared, 1, 0);
	queue_id = vm_queue(vm.gpu[0]);
	expect(!pthread_create(&thread, NULL, cpu_counter, NULL));
	for (i = 0; i < rounds; i++)
		expect_runs(queue_id, &p);
	stop = true;
	expect(!pthread_join(thread, &count));
	sum = rounds * 100 + (uintptr_t)count;
	expect_eq(*shared, sum);
	/* In place is in place. */
	if (_i)
		expect_location(shared, PAGE, SYSMEM);
}
END_TEST

/* Devices among themselves: each wants the page for itself. */
START_TEST(one_counter_for_both_devices)
{
	struct vm_packets p = { 0 };
	uint64_t rounds = vm_loop_rounds(200), i;
	struct vm_loop loops[2];

	needs_atomics();
	vm_use_all_processors();
	shared = vm_anon_small(PAGE);
	*shared = 0;
	if (_i)
		for (i = 0; i < 2; i++)
			expect_eq(set(shared, PAGE, { ATTR(ACCESS_IN_PLACE), vm.gpu[i] }), 0);
	for (i = 0; i < 50; i++)
		pk_atomic(&p, AMDSVM_ATOMIC_ADD_64, shared, 1, 0);
	for (i = 0; i < 2; i++)
		vm_loop_start(&loops[i], vm.gpu[i], &p, rounds / 5 + 1);
	for (i = 0; i < 2; i++)
		expect(vm_loop_finish(&loops[i]) > 0);
	expect_eq(*shared, 2 * 50 * VM_LOOP_JOBS * (rounds / 5 + 1));
}
END_TEST

/* ---- each operation ---------------------------------------------------------------------- */

static const struct {
	uint32_t code;
	char what;
	bool wide;
} operations[] = {
	{ AMDSVM_ATOMIC_SWAP_32, 's', false },
	{ AMDSVM_ATOMIC_CMPSWAP_32, 'c', false },
	{ AMDSVM_ATOMIC_ADD_32, '+', false },
	{ AMDSVM_ATOMIC_AND_32, '&', false },
	{ AMDSVM_ATOMIC_OR_32, '|', false },
	{ AMDSVM_ATOMIC_SWAP_64, 's', true },
	{ AMDSVM_ATOMIC_CMPSWAP_64, 'c', true },
	{ AMDSVM_ATOMIC_ADD_64, '+', true },
	{ AMDSVM_ATOMIC_AND_64, '&', true },
	{ AMDSVM_ATOMIC_OR_64, '|', true },
};

#define OPERATIONS (sizeof(operations) / sizeof(operations[0]))

static uint64_t modelled(char what, uint64_t old, uint64_t operand, uint64_t compare)
{
	switch (what) {
	case 's':
		return operand;
	case 'c':
		return old == compare ? operand : old;
	case '+':
		return old + operand;
	case '&':
		return old & operand;
	default:
		return old | operand;
	}
}

static uint64_t random64(uint32_t *state)
{
	uint64_t high = next_random(state);

	return high << 32 | next_random(state);
}

/* What the operation makes of an array of words, and the words beside each left alone. */
static void model(uint64_t *words, uint64_t *wanted, uint32_t n, struct vm_packets *p,
		  uint32_t *state)
{
	uint64_t operand = random64(state), compare = random64(state), at = next_random(state) % n;
	uint32_t i = next_random(state) % OPERATIONS;
	uint64_t *word = &wanted[at];
	uint32_t *half = (uint32_t *)word + (next_random(state) & 1);

	if (operations[i].wide) {
		compare = next_random(state) & 1 ? *word : compare;
		*word = modelled(operations[i].what, *word, operand, compare);
		pk_atomic(p, operations[i].code, &words[at], operand,
			  operations[i].what == 'c' ? compare : 0);
		return;
	}
	compare = (uint32_t)(next_random(state) & 1 ? *half : compare);
	operand = (uint32_t)operand;
	*half = modelled(operations[i].what, *half, operand, compare);
	pk_atomic(p, operations[i].code, (uint32_t *)words + (half - (uint32_t *)wanted), operand,
		  operations[i].what == 'c' ? compare : 0);
}

#define WORDS 64

/* Where the memory is at first: in place, or on a device that may be the other one. */
START_TEST(operations_do_what_they_say)
{
	uint32_t state = vm_seed() * 79 + _i + 1, queue_id, i, round;
	uint64_t wanted[WORDS], *words;

	needs_atomics();
	if (_i)
		needs_device_memory();
	words = vm_anon_small(PAGE);
	for (i = 0; i < 2; i++)
		expect_eq(set(words, PAGE, { ATTR(ACCESS_IN_PLACE), vm.gpu[i] }), 0);
	queue_id = vm_queue(vm.gpu[0]);
	for (round = 0; round < 40; round++) {
		struct vm_packets p = { 0 };

		for (i = 0; i < WORDS; i++)
			wanted[i] = words[i] = random64(&state);
		if (_i)
			expect_prefetch(words, PAGE, vm.gpu[_i - 1], 0, .moved = 1);
		for (i = 0; i < 100; i++)
			model(words, wanted, WORDS, &p, &state);
		expect_runs(queue_id, &p);
		for (i = 0; i < WORDS; i++)
			expect_eq(words[i], wanted[i]);
		/* For .moved of coherent memory, which does not come home by itself. */
		if (_i && vm.lane == LANE_COHERENT)
			expect_eq(set(words, PAGE, { ATTR(PREFETCH_LOC), SYSMEM }), 0);
	}
}
END_TEST

/* Where devices have no atomics they say so, and change nothing. */
START_TEST(memory_without_atomics)
{
	uint64_t *word = vm_anon_small(PAGE), *file;
	struct vm_packets p = { 0 };
	struct amdsvm_result result;

	*word = 5;
	expect_eq(vm_has(AMDSVM_CAP_ATOMIC_EXCLUSIVE), exclusive_lane());
	pk_atomic(&p, AMDSVM_ATOMIC_ADD_64, word, 1, 0);
	result = vm_run(vm_queue(vm.gpu[0]), &p);
	if (exclusive_lane() || vm.lane != LANE_MIRROR) {
		expect_status(result, 0);
		expect_eq(*word, 6);
	} else {
		expect_status(result, -EOPNOTSUPP);
		expect_eq(result.address, (uintptr_t)word);
		expect_eq(*word, 5);
	}

	/* Shared memory moves to no device, and cannot be had alone. */
	file = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	expect(file != MAP_FAILED);
	*file = 5;
	p.n = 0;
	pk_atomic(&p, AMDSVM_ATOMIC_ADD_64, file, 1, 0);
	result = vm_run(vm_queue(vm.gpu[0]), &p);
	expect_status(result, -EOPNOTSUPP);
	expect_eq(result.address, (uintptr_t)file);
	expect_eq(*file, 5);
}
END_TEST

START_TEST(atomics_need_the_right_to_write)
{
	uint64_t *word = vm_anon_small(PAGE);
	struct vm_packets p = { 0 };

	needs_atomics();
	*word = 5;
	pk_atomic(&p, AMDSVM_ATOMIC_OR_64, word, 8, 0);
	expect_eq(set(word, PAGE, { ATTR(SET_FLAGS), FLAG(GPU_RO) }), 0);
	expect_stops(vm_queue(vm.gpu[0]), &p, -EACCES, word);
	expect_eq(set(word, PAGE, { ATTR(CLR_FLAGS), FLAG(GPU_RO) }), 0);
	expect(!mprotect(word, PAGE, PROT_READ));
	expect_stops(vm_queue(vm.gpu[0]), &p, -EACCES, word);
	expect_eq(*word, 5);
	expect(!mprotect(word, PAGE, PROT_READ | PROT_WRITE));
	expect_runs(vm_queue(vm.gpu[0]), &p);
	expect_eq(*word, 13);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("integrity");
	TCase *t = vm_case(s, "together");

	tcase_add_loop_test(t, no_update_is_lost, 0, 3);
	tcase_add_loop_test(t, one_counter_for_all, 0, 2);
	tcase_add_loop_test(t, one_counter_for_both_devices, 0, 2);
	t = vm_case(s, "alone");
	tcase_add_loop_test(t, operations_do_what_they_say, 0, 3);
	tcase_add_test(t, memory_without_atomics);
	tcase_add_test(t, atomics_need_the_right_to_write);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
