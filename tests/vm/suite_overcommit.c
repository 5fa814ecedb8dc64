// SPDX-License-Identifier: MIT
/*
 * More memory than a device has: it gives up what it has not used for longest, what a
 * call brings is not given up by the same call, and where there is no room devices use
 * memory where it is.
 */
#include "vmevents.h"
#include "vmqueue.h"

static uint64_t vram;	/* bytes of a device */

static void setup(void)
{
	vm_setup();
	vram = vm_device(vm.gpu[0]).vram_bytes;
	expect_within(10, vm_used_pages() == 0);
}

static void teardown(void)
{
	vm_parameter("oversubscription", "1");
	vm_parameter("min_residency_ms", "20");
	vm_parameter("copy_delay_us", "0");
	vm_parameter("thrash_ms", "20");
}

static char *filled(size_t size, uint64_t seed)
{
	char *memory = vm_anon_small(size);

	vm_fill(memory, size, seed);
	return memory;
}

static char *on_device(size_t size, uint64_t seed)
{
	char *memory = filled(size, seed);

	expect_prefetch(memory, size, vm.gpu[0], 0, .moved = size / PAGE);
	return memory;
}

static uint64_t pages_on_device(const char *memory, size_t size)
{
	return vm_sums(memory, size).pages_device;
}

START_TEST(a_prefetch_evicts_what_was_there_longest)
{
	const size_t size = 8 * BLOCK;
	char *old, *new;

	needs_device_memory();
	old = on_device(vram, 1);
	new = on_device(size, 2);
	expect_location(new, size, vm.gpu[0]);
	expect_location(old, size, SYSMEM);
	expect_location(old + size, vram - size, vm.gpu[0]);
	expect_eq(vm_device(vm.gpu[0]).vram_used_bytes, vram);
	expect_bytes(new, size, 2);
	expect_bytes(old, vram, 1);
}
END_TEST

/* Chunks that began to leave; *@late of them while the last block was brought in. */
static unsigned int count_evictions(int events, unsigned int *late)
{
	unsigned int i, n = hear(events), evictions = 0;

	*late = 0;
	for (i = 0; i < n; i++) {
		if (heard[i].id != EVENT(MIGRATE_START))
			continue;
		if (heard[i].trigger != TRIGGER(TTM_EVICTION)) {
			*late = 0;
			continue;
		}
		evictions++;
		++*late;
	}
	return evictions;
}

/* The room for the last block was made while others were brought in. */
static bool room_is_there(char *new, size_t size, int events)
{
	unsigned int evictions, late;

	hear(events);
	expect_prefetch(new, size, vm.gpu[0], 0, .moved = size / PAGE);
	evictions = count_evictions(events, &late);
	/* Not more than is needed: how much is known. */
	expect_eq(evictions, size / BLOCK);
	expect_prefetch(new, size, SYSMEM, 0, .moved = size / PAGE);
	return !late;
}

START_TEST(the_next_room_is_made_while_a_block_comes)
{
	const size_t size = 6 * BLOCK;
	char *old, *new;
	int events, try;

	needs_device_memory();
	vm_use_all_processors();
	old = on_device(vram, 1);
	new = filled(size, 2);
	events = listener(vm.fd, vm.gpu[0], MOVES | EVENT_BIT(ALL_PROCESS));
	vm_parameter("copy_delay_us", "2000");
	for (try = 0; !room_is_there(new, size, events); try++) {
		expect(try < 20);
		expect_prefetch(old, vram, vm.gpu[0], 0, .moved = size / PAGE,
				.already = (vram - size) / PAGE);
	}
	expect_bytes(old, vram, 1);
	expect_bytes(new, size, 2);
}
END_TEST

/* As much as there is room for, in turns: room that is made ahead must not push it out. */
START_TEST(what_just_fits_stays)
{
	const size_t blocks = vram / BLOCK;
	uint64_t before;
	char *memory;
	size_t i;

	needs_device_memory();
	vm_use_all_processors();
	vm_parameter("min_residency_ms", "0");
	vm_parameter("thrash_ms", "0");
	on_device(BLOCK, 1);
	memory = filled(vram, 2);
	expect_eq(set(memory, vram, { ATTR(PREFERRED_LOC), vm.gpu[0] }), 0);
	before = vm_device_counters(vm.gpu[0]).pages_in;
	for (i = 0; i < 12 * blocks; i++)
		expect_touches(vm.gpu[0], READ, memory + i % blocks * BLOCK, 1);
	/* Each comes once, and what was evicted for the last, or ahead of need, once more. */
	expect(vm_device_counters(vm.gpu[0]).pages_in - before <= (blocks + 2) * PAGES_PER_BLOCK);
	expect_bytes(memory, vram, 2);
}
END_TEST

#define FEW 32

START_TEST(few_pages_of_many_faults_evict_one_chunk)
{
	struct vm_packets p = { 0 };
	int fds[FEW], i;
	char *old, *new;
	uint64_t out;

	needs_device_memory();
	vm_use_all_processors();
	vm_parameter("min_residency_ms", "0");
	old = on_device(vram, 1);
	new = filled(FEW * BLOCK, 2);
	expect_eq(set(new, FEW * BLOCK, { ATTR(PREFERRED_LOC), vm.gpu[0] }, { ATTR(GRANULARITY), 0 }), 0);
	out = vm_device(vm.gpu[0]).pages_out;
	for (i = 0; i < FEW; i++) {
		p.n = 0;
		pk_touch(&p, AMDSVM_TOUCH_READ, new + i * BLOCK, 1, PAGE);
		fds[i] = vm_submit(vm_queue(vm.gpu[0]), &p);
		expect(fds[i] >= 0);
	}
	for (i = 0; i < FEW; i++)
		expect_status(vm_finish(fds[i]), 0);
	expect_eq(vm_device(vm.gpu[0]).pages_out - out, PAGES_PER_BLOCK);
	expect_eq(pages_on_device(new, FEW * BLOCK), FEW);
	expect_bytes(old, vram, 1);
	expect_bytes(new, FEW * BLOCK, 2);
}
END_TEST

START_TEST(use_by_the_device_counts)
{
	const size_t half = vram / 2 / BLOCK * BLOCK, size = 4 * BLOCK;
	char *used, *unused, *new;
	uint64_t faults;

	needs_device_memory();
	used = on_device(half, 1);
	unused = on_device(vram - half, 2);
	/* It is mapped: nobody but the device notices. */
	faults = vm_device_counters(vm.gpu[0]).faults;
	expect_touches(vm.gpu[0], READ, used, half / PAGE);
	expect_eq(vm_device_counters(vm.gpu[0]).faults, faults);
	new = on_device(size, 3);
	expect_eq(pages_on_device(used, half), half / PAGE);
	expect_location(unused, size, SYSMEM);
	expect_eq(pages_on_device(unused, vram - half), (vram - half - size) / PAGE);
	expect_bytes(new, size, 3);
	expect_bytes(used, half, 1);
	expect_bytes(unused, vram - half, 2);
}
END_TEST

START_TEST(a_prefetch_evicts_nothing_of_its_own)
{
	const size_t more = 4 * BLOCK;
	uint64_t out;
	char *memory;

	needs_device_memory();
	memory = filled(vram + more, 1);
	out = vm_device(vm.gpu[0]).pages_out;
	expect_prefetch(memory, vram + more, vm.gpu[0], 0, .moved = vram / PAGE,
			.no_space = more / PAGE);
	expect_location(memory, vram, vm.gpu[0]);
	expect_location(memory + vram, more, SYSMEM);
	expect_eq(vm_device(vm.gpu[0]).pages_out, out);
	expect_bytes(memory, vram + more, 1);
}
END_TEST

START_TEST(memory_of_others_is_evicted_too)
{
	const size_t size = 6 * BLOCK;
	struct peer peer;
	char *memory;

	needs_device_memory();
	if (vm_fork(&peer)) {
		close(vm.fd);
		vm.fd = vm_open();
		memory = on_device(vram, 1);
		vm_tell(&peer);
		vm_await(&peer);
		expect_eq(pages_on_device(memory, vram), (vram - size) / PAGE);
		expect_bytes(memory, vram, 1);
		vm_done();
	}
	vm_await(&peer);
	memory = on_device(size, 2);
	vm_tell(&peer);
	expect_joined(&peer);
	expect_bytes(memory, size, 2);
}
END_TEST

static uint64_t sum_of(uint64_t seed, size_t words)
{
	uint64_t sum = 0;

	while (words--)
		sum += vm_word(seed, words);
	return sum;
}

/* The device reads all of it, in order. */
static void expect_read(char *memory, size_t size, uint64_t sum)
{
	struct vm_packets p = { 0 };
	uint64_t *result = vm_anon_small(PAGE);

	pk_reduce(&p, memory, size / 8, result);
	expect_runs(vm_queue(vm.gpu[0]), &p);
	expect_eq(*result, sum);
}

START_TEST(devices_fault_more_than_they_have)
{
	const size_t size = vram + vram / 2;
	uint64_t before, sum;
	char *memory;

	needs_device_memory();
	memory = filled(size, 1);
	sum = sum_of(1, size / 8);
	before = vm_device_counters(vm.gpu[0]).pages_in;
	expect_eq(set(memory, size, { ATTR(PREFERRED_LOC), vm.gpu[0] }), 0);
	expect_read(memory, size, sum);
	expect_read(memory, size, sum);
	/* The first time all of it came, or nearly, and more than there is room for. */
	expect(vm_device_counters(vm.gpu[0]).pages_in - before > vram / PAGE);
	expect(pages_on_device(memory, size) > vram / 2 / PAGE);
	expect_bytes(memory, size, 1);
}
END_TEST

START_TEST(what_has_just_come_is_not_evicted_by_faults)
{
	const size_t more = 8 * BLOCK;
	uint64_t before, sum;
	char *memory;

	needs_device_memory();
	vm_parameter("min_residency_ms", "1000000");
	memory = filled(vram + more, 1);
	sum = sum_of(1, (vram + more) / 8);
	expect_eq(set(memory, vram + more, { ATTR(PREFERRED_LOC), vm.gpu[0] }), 0);
	before = vm_device_counters(vm.gpu[0]).pages_in;
	/* The result has a page of its own on the device. */
	expect_read(memory, vram + more, sum);
	expect(vm_device_counters(vm.gpu[0]).pages_in - before <= vram / PAGE);
	expect(pages_on_device(memory, vram + more) >= vram / PAGE - PAGES_PER_BLOCK);
	expect(vm_sums(memory, vram + more).pages_mapped == (vram + more) / PAGE);
	expect_bytes(memory, vram + more, 1);
}
END_TEST

START_TEST(switched_off)
{
	char *memory, *more;

	needs_device_memory();
	vm_parameter("oversubscription", "0");
	memory = on_device(vram, 1);
	more = filled(BLOCK, 2);
	expect_prefetch(more, BLOCK, vm.gpu[0], -ENOSPC, .no_space = PAGES_PER_BLOCK);
	expect_eq(set(more, BLOCK, { ATTR(PREFERRED_LOC), vm.gpu[0] }), 0);
	expect_touches(vm.gpu[0], READ, more, PAGES_PER_BLOCK);
	expect_location(more, BLOCK, SYSMEM);
	expect_eq(pages_on_device(memory, vram), vram / PAGE);
}
END_TEST

/* Writers on both sides, with memory that comes and goes all the time. */
START_TEST(no_write_is_lost)
{
	const size_t size = vram + vram / 4, step = 16 * PAGE, count = size / step;
	uint64_t *added = vm_anon_small(PAGE), i;
	uint32_t queue;
	char *memory;
	const int rounds = vm_is_debug_kernel() ? 1 : 3;
	int round;

	needs_device_memory();
	vm_parameter("min_residency_ms", "0");
	memory = vm_anon_small(size);
	queue = vm_queue(vm.gpu[0]);
	*added = 1;
	expect_eq(set(memory, size, { ATTR(PREFERRED_LOC), vm.gpu[0] }), 0);
	for (round = 1; round <= rounds; round++) {
		for (i = 0; i < count; i += 64) {
			struct vm_packets p = { 0 };
			uint64_t j;

			for (j = i; j < i + 64 && j < count; j++)
				pk_triad(&p, memory + j * step, memory + j * step, added, 1, 1);
			expect_runs(queue, &p);
		}
		for (i = 0; i < count; i++)
			*(volatile uint64_t *)(memory + i * step) += 1;
	}
	for (i = 0; i < count; i++)
		expect_eq(*(uint64_t *)(memory + i * step), 2 * rounds);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("overcommit");
	TCase *t = vm_case_with(s, "overcommit", setup, teardown);

	tcase_add_test(t, memory_of_others_is_evicted_too);
	tcase_add_test(t, no_write_is_lost);
	tcase_add_test(t, the_next_room_is_made_while_a_block_comes);
	/* Which memory goes is the same on any kernel, and all of a device is much there. */
	if (vm_is_debug_kernel())
		return s;
	tcase_add_test(t, a_prefetch_evicts_what_was_there_longest);
	tcase_add_test(t, devices_fault_more_than_they_have);
	tcase_add_test(t, what_just_fits_stays);
	tcase_add_test(t, few_pages_of_many_faults_evict_one_chunk);
	tcase_add_test(t, switched_off);
	if (!vm_in_full())
		return s;
	tcase_add_test(t, use_by_the_device_counts);
	tcase_add_test(t, a_prefetch_evicts_nothing_of_its_own);
	tcase_add_test(t, what_has_just_come_is_not_evicted_by_faults);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
