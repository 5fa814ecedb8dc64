// SPDX-License-Identifier: MIT
/*
 * Faults of devices: where the memory is afterwards, by the rules of KFD, and
 * which device may. No test registers memory that it does not have to: with XNACK
 * on, the whole address space is the devices'.
 */
#include "vmqueue.h"

#define SIZE BLOCK
#define PAGES (SIZE / PAGE)

static char *memory;

static void setup(void)
{
	vm_setup();
	memory = vm_anon_small(SIZE);
}

static void setup_no_eviction(void)
{
	vm_setup_no_eviction();
	memory = vm_anon_small(SIZE);
}

static void prefetch(uint32_t location)
{
	struct amdsvm_ioctl_prefetch_args args;

	expect_eq(vm_prefetch_on(vm.fd, memory, SIZE, location, &args), 0);
}

/* Anonymous pages that the process has, whatever device they are on. */
static long anonymous_kib(void)
{
	return vm_smaps_kib(memory, 1, "Anonymous");
}

static uint64_t device_sum(uint32_t gpu, const void *start, uint64_t words)
{
	uint64_t *sum = vm_anon(PAGE), result;
	struct vm_packets p = { 0 };
	uint32_t queue = vm_queue(gpu);

	/* The memory of the sum is not to show in what is counted. */
	expect_eq(set(sum, PAGE, { ATTR(ACCESS_IN_PLACE), gpu }), 0);
	pk_reduce(&p, start, words, sum);
	expect_runs(queue, &p);
	expect_eq(vm_queue_destroy(queue), 0);
	result = *sum;
	munmap(sum, PAGE);
	return result;
}

static uint64_t sum_of(uint64_t seed, size_t words)
{
	uint64_t sum = 0;

	while (words--)
		sum += vm_word(seed, words);
	return sum;
}

/* ---- where memory goes ------------------------------------------------------- */

START_TEST(touched_memory_moves_to_the_device_that_faults)
{
	needs_device_memory();
	vm_fill(memory, SIZE, 1);
	expect_touches(vm.gpu[0], READ, memory, 1);
	expect_location(memory, SIZE, vm.gpu[0]);
	expect_mapped(memory, SIZE, 1);
	expect_eq(vm_counters().pages_in, PAGES);
	expect_touches(vm.gpu[1], WRITE, memory + 7 * PAGE, 1);
	expect_location(memory, SIZE, vm.gpu[1]);
	expect_mapped(memory, SIZE, 2);
	expect_eq(vm_counters().pages_peer, PAGES);
	expect_eq(vm_device_counters(vm.gpu[0]).migrations, 1);
	expect_eq(vm_device_counters(vm.gpu[1]).migrations, 1);
	expect_eq(vm_range_count(), 0);
	expect_bytes(memory, SIZE, 1);
	/* Home by the CPU, and there again. */
	expect_touches(vm.gpu[0], READ, memory, PAGES);
	expect_location(memory, SIZE, vm.gpu[0]);
	expect_bytes(memory, SIZE, 1);
}
END_TEST

START_TEST(untouched_memory_is_cleared_there)
{
	needs_device_memory();
	if (_i)
		expect_touches(vm.gpu[0], READ, memory, 1);
	else
		expect_touches(vm.gpu[0], WRITE, memory, 1);
	expect_location(memory, SIZE, vm.gpu[0]);
	expect_eq(vm_counters().pages_cleared, PAGES);
	expect_eq(vm_counters().pages_in, 0);
	expect_zero(memory, SIZE);
}
END_TEST

START_TEST(the_preferred_device_gets_it)
{
	needs_device_memory();
	vm_fill(memory, SIZE, 1);
	expect_eq(set(memory, SIZE, { ATTR(PREFERRED_LOC), vm.gpu[1] }), 0);
	expect_location(memory, SIZE, SYSMEM);
	expect_touches(vm.gpu[0], WRITE, memory, PAGES);
	expect_location(memory, SIZE, vm.gpu[1]);
	/* The device that has the memory may use it, and so has it mapped. */
	expect_mapped(memory, SIZE, 3);
	expect_eq(device_sum(vm.gpu[0], memory, SIZE / 8), sum_of(1, SIZE / 8));
	expect_eq(vm_device_counters(vm.gpu[0]).pages_in, 0);
	expect_touches(vm.gpu[1], READ, memory, PAGES);
	expect_eq(vm_device_counters(vm.gpu[1]).faults, 0);
	expect_bytes(memory, SIZE, 1);
}
END_TEST

START_TEST(preferred_system_memory_comes_home)
{
	vm_fill(memory, SIZE, 1);
	expect_eq(set(memory, SIZE, { ATTR(PREFERRED_LOC), SYSMEM }), 0);
	if (vm.lane != LANE_MIRROR)
		prefetch(vm.gpu[1]);
	expect_touches(vm.gpu[0], WRITE, memory, 1);
	expect_location(memory, SIZE, SYSMEM);
	expect_mapped(memory, PAGE, 1);
	expect_touches(vm.gpu[1], READ, memory, PAGES);
	expect_location(memory, SIZE, SYSMEM);
	expect_bytes(memory, SIZE, 1);
}
END_TEST

START_TEST(in_place_stays_in_system_memory)
{
	vm_fill(memory, SIZE, 1);
	expect_eq(set(memory, SIZE, { ATTR(ACCESS_IN_PLACE), vm.gpu[0] },
		      { ATTR(ACCESS_IN_PLACE), vm.gpu[1] }), 0);
	expect_touches(vm.gpu[0], WRITE, memory, PAGES);
	expect_touches(vm.gpu[1], WRITE, memory, PAGES);
	expect_location(memory, SIZE, SYSMEM);
	expect_mapped(memory, SIZE, 3);
	expect_eq(device_sum(vm.gpu[0], memory, SIZE / 8), sum_of(1, SIZE / 8));
	/* All look at the same bytes. */
	vm_fill(memory, SIZE, 2);
	expect_eq(device_sum(vm.gpu[0], memory, SIZE / 8), sum_of(2, SIZE / 8));
	expect_eq(device_sum(vm.gpu[1], memory, SIZE / 8), sum_of(2, SIZE / 8));
	expect_location(memory, SIZE, SYSMEM);
	expect_eq(vm_counters().pages_in, 0);
}
END_TEST

START_TEST(in_place_stays_on_the_other_device)
{
	needs_device_memory();
	vm_fill(memory, SIZE, 1);
	expect_eq(set(memory, SIZE, { ATTR(ACCESS_IN_PLACE), vm.gpu[0] }), 0);
	prefetch(vm.gpu[1]);
	expect_touches(vm.gpu[0], WRITE, memory, PAGES);
	expect_eq(device_sum(vm.gpu[0], memory, SIZE / 8), sum_of(1, SIZE / 8));
	expect_location(memory, SIZE, vm.gpu[1]);
	/* And one has it in place what the other has at home. */
	expect_touches(vm.gpu[1], WRITE, memory, PAGES);
	expect_location(memory, SIZE, vm.gpu[1]);
	expect_mapped(memory, SIZE, 3);
	expect_eq(vm_counters().pages_peer, 0);
	expect_bytes(memory, SIZE, 1);
}
END_TEST

START_TEST(a_full_device_maps_it_where_it_is)
{
	struct amdsvm_ioctl_prefetch_args args;
	uint64_t size;

	needs_device_memory();
	expect_within(10, vm_used_pages() == 0);
	size = vm_device(vm.gpu[0]).vram_bytes;
	expect_eq(vm_prefetch_on(vm.fd, vm_anon_small(size), size, vm.gpu[0], &args), 0);
	expect_eq(args.pages_cleared, size / PAGE);
	vm_fill(memory, SIZE, 1);
	expect_touches(vm.gpu[0], WRITE, memory, PAGES);
	expect_location(memory, SIZE, SYSMEM);
	expect_mapped(memory, SIZE, 1);
	expect_touches(vm.gpu[1], WRITE, memory, 1);
	expect_location(memory, SIZE, vm.gpu[1]);
	/* From there it cannot move either. */
	expect_touches(vm.gpu[0], WRITE, memory, PAGES);
	expect_location(memory, SIZE, vm.gpu[1]);
	expect_mapped(memory, PAGE, 3);
	expect_bytes(memory, SIZE, 1);
}
END_TEST

/* ---- what a fault does to the process (R4) ------------------------------------- */

START_TEST(reading_untouched_memory_takes_none)
{
	expect_eq(set(memory, SIZE, { ATTR(ACCESS_IN_PLACE), vm.gpu[0] }), 0);
	expect_eq(device_sum(vm.gpu[0], memory, SIZE / 8), 0);
	expect_eq(anonymous_kib(), 0);
	expect_mapped(memory, SIZE, 1);
	/* The page that comes instead is seen. */
	vm_fill(memory + 3 * PAGE, 2 * PAGE, 1);
	expect_eq(anonymous_kib(), 8);
	expect_eq(device_sum(vm.gpu[0], memory, SIZE / 8), sum_of(1, 1024));
	expect_eq(anonymous_kib(), 8);
}
END_TEST

START_TEST(writing_untouched_memory_takes_what_is_written)
{
	uint32_t queue = vm_queue(vm.gpu[0]);
	struct vm_packets p = { 0 };

	expect_eq(set(memory, SIZE, { ATTR(ACCESS_IN_PLACE), vm.gpu[0] }), 0);
	pk_fill(&p, memory + 10 * PAGE, 0x11223344, 3 * PAGE);
	expect_runs(queue, &p);
	expect_eq(anonymous_kib(), 12);
	/* After reading: the zero page is not written. */
	expect_eq(device_sum(vm.gpu[0], memory, SIZE / 8), 0x1122334411223344UL * 3 * 512);
	p.n = 0;
	pk_fill(&p, memory + 100 * PAGE, 0x55667788, PAGE);
	expect_runs(queue, &p);
	expect_eq(anonymous_kib(), 16);
	expect_zero(memory, 10 * PAGE);
	expect_zero(memory + 13 * PAGE, 87 * PAGE);
	expect_zero(memory + 101 * PAGE, SIZE - 101 * PAGE);
	expect_eq(*(uint32_t *)(memory + 12 * PAGE + 4092), 0x11223344);
	expect_eq(*(uint32_t *)(memory + 100 * PAGE), 0x55667788);
}
END_TEST

START_TEST(all_memory_of_the_program_can_be_used)
{
	static uint64_t variable = 5;
	const char *text = (char *)((uintptr_t)&vm_main & ~7UL);
	uint64_t on_stack = 6, *heap = malloc(64), *sum = vm_anon(PAGE);
	uint32_t queue = vm_queue(vm.gpu[0]);
	struct amdsvm_ioctl_evict_args evicted;
	struct vm_packets p = { 0 };

	*heap = 7;
	pk_reduce(&p, &variable, 1, sum);
	pk_reduce(&p, &on_stack, 1, sum + 1);
	pk_reduce(&p, heap, 1, sum + 2);
	pk_copy(&p, sum + 3, text, 8);
	pk_fence(&p, &variable, 15);
	pk_fence(&p, &on_stack, 16);
	pk_fence(&p, heap, 17);
	expect_runs(queue, &p);
	expect_eq(sum[0], 5);
	expect_eq(sum[1], 6);
	expect_eq(sum[2], 7);
	expect(!memcmp(sum + 3, text, 8));
	expect_eq(*(volatile uint64_t *)&variable, 15);
	expect_eq(*(volatile uint64_t *)&on_stack, 16);
	expect_eq(*heap, 17);
	/* But not written where the program cannot. */
	p.n = 0;
	pk_fence(&p, text, 1);
	expect_stops(queue, &p, -EACCES, text);
	/* The suite, which this was forked from, has some of these pages, too. */
	expect_eq(vm_evict_on(vm.fd, 0, &evicted), 0);
}
END_TEST

START_TEST(a_write_after_a_read)
{
	vm_fill(memory, SIZE, 1);
	expect_eq(device_sum(vm.gpu[0], memory, SIZE / 8), sum_of(1, SIZE / 8));
	expect_touches(vm.gpu[0], WRITE, memory, PAGES);
	expect_eq(device_sum(vm.gpu[1], memory, SIZE / 8), sum_of(1, SIZE / 8));
	expect_touches(vm.gpu[0], WRITE, memory, PAGES);
	expect_bytes(memory, SIZE, 1);
}
END_TEST

/* One adds what the other wrote, a thousand times over the same memory. */
START_TEST(devices_take_turns_on_the_same_pages)
{
	uint32_t queues[2] = { vm_queue(vm.gpu[0]), vm_queue(vm.gpu[1]) };
	uint64_t *words = (uint64_t *)memory;
	struct vm_packets p = { 0 };
	size_t i;

	if (_i)
		expect_eq(set(memory, SIZE, { ATTR(ACCESS_IN_PLACE), vm.gpu[0] },
			      { ATTR(ACCESS_IN_PLACE), vm.gpu[1] }), 0);
	for (i = 0; i < SIZE / 8; i++)
		words[i] = i;
	pk_triad(&p, words, words, words + SIZE / 16, SIZE / 16, 1);
	for (i = 0; i < 40; i++)
		expect_runs(queues[i % 2], &p);
	if (vm.lane != LANE_MIRROR)
		expect_location(memory, SIZE, _i ? SYSMEM : vm.gpu[1]);
	for (i = 0; i < SIZE / 16; i++)
		expect_eq(words[i], i + 40 * (i + SIZE / 16));
}
END_TEST

/* A queue of the device that never stops reading while faults are served. */
START_TEST(faults_do_not_stop_other_queues)
{
	struct vm_packets p = { 0 };
	int fd;

	*memory = 1;
	pk_endless(&p, memory);
	fd = vm_submit(vm_queue(vm.gpu[0]), &p);
	expect(fd >= 0);
	expect_touches(vm.gpu[0], WRITE, vm_anon(8 * BLOCK), 8 * PAGES);
	expect(!vm_job_done(fd));
	close(fd);
}
END_TEST

/* The counters of the device, and of the process. */
START_TEST(faults_are_counted)
{
	struct amdsvm_ioctl_get_device_counters_args before, after;

	vm_fill(memory, SIZE, 1);
	before = vm_device_counters(vm.gpu[0]);
	expect_touches(vm.gpu[0], WRITE, memory, PAGES);
	after = vm_device_counters(vm.gpu[0]);
	expect_eq(after.faults - before.faults, 1);
	expect_eq(after.services - before.services, 1);
	expect_eq(after.duplicates - before.duplicates, 0);
	expect_eq(after.overflows, 0);
	expect_eq(after.bad_accesses, 0);
	expect_eq(after.packets - before.packets, 1);
	expect(after.pages_mapped - before.pages_mapped >= PAGES);
	expect_eq(after.migrations - before.migrations, vm.lane != LANE_MIRROR);
	expect_eq(after.pages_in - before.pages_in, vm.lane == LANE_MIRROR ? 0 : PAGES);
	/* Again: nothing is missing. */
	expect_touches(vm.gpu[0], WRITE, memory, PAGES);
	expect_eq(vm_device_counters(vm.gpu[0]).faults, after.faults);
	/* The process has it unmapped at once. */
	expect(!madvise(memory, SIZE, MADV_DONTNEED));
	expect_mapped(memory, SIZE, 0);
	before = vm_device_counters(vm.gpu[0]);
	expect(before.pages_unmapped >= after.pages_unmapped + PAGES);
	expect(before.invalidations > after.invalidations);
	expect(before.tlb_flushes > after.tlb_flushes);
	expect_eq(vm_device_counters(vm.gpu[1]).faults, 0);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("fault");
	TCase *t = vm_case_with(s, "location", setup, NULL);

	tcase_add_test(t, touched_memory_moves_to_the_device_that_faults);
	tcase_add_loop_test(t, untouched_memory_is_cleared_there, 0, 2);
	tcase_add_test(t, the_preferred_device_gets_it);
	tcase_add_test(t, preferred_system_memory_comes_home);
	tcase_add_test(t, in_place_stays_in_system_memory);
	tcase_add_test(t, in_place_stays_on_the_other_device);
	t = vm_case_with(s, "full", setup_no_eviction, vm_teardown_no_eviction);
	tcase_add_test(t, a_full_device_maps_it_where_it_is);
	t = vm_case_with(s, "use", setup, NULL);
	tcase_add_test(t, reading_untouched_memory_takes_none);
	tcase_add_test(t, writing_untouched_memory_takes_what_is_written);
	tcase_add_test(t, all_memory_of_the_program_can_be_used);
	tcase_add_test(t, a_write_after_a_read);
	tcase_add_loop_test(t, devices_take_turns_on_the_same_pages, 0, 2);
	tcase_add_test(t, faults_do_not_stop_other_queues);
	tcase_add_test(t, faults_are_counted);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
