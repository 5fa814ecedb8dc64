// SPDX-License-Identifier: MIT
/*
 * Two blocks of a prefetch are under way at once: the second is collected while the copy
 * engine is at the first. Bytes and counts are right whatever the blocks are made of,
 * others wait for no more than these two, and the first one does not wait for the second.
 *
 * The engine is slow so that what goes on beside it is seen.
 */
#include <pthread.h>

#include "vmslow.h"
#include "vmswap.h"
#include "vmtest.h"

static volatile bool stop;
static char *memory;

static void setup(void)
{
	vm_setup();
	vm_slow_teardown();
}

/* Variants: with small pages, with large ones. */
static char *make(int variant, size_t size)
{
	char *area = variant ? vm_anon(size) : vm_anon_small(size);

	vm_fill(area, size, 1);
	return area;
}

static pthread_t start_thread(void *(*function)(void *))
{
	pthread_t thread;

	stop = false;
	expect(!pthread_create(&thread, NULL, function, NULL));
	return thread;
}

static void stop_thread(pthread_t thread)
{
	stop = true;
	expect(!pthread_join(thread, NULL));
}

/* ---- one is collected while the other is copied ---------------------------------- */

#define SAMPLES 20000

/* What the first page of each of two blocks was, again and again. */
static uint64_t samples[SAMPLES][2];
static unsigned int sampled;

static void sample(uint64_t entries[2])
{
	int i;

	for (i = 0; i < 2; i++)
		vm_pagemap(memory + i * BLOCK, 1, entries + i);
}

static void *sampler(void *argument)
{
	(void)argument;
	vm_use_all_processors();
	for (sampled = 0; !stop && sampled < SAMPLES; sampled++) {
		sample(samples[sampled]);
		usleep(1000);
	}
	return NULL;
}

/* An entry for a page that is neither here nor there. */
static bool under_way(uint64_t entry, uint64_t on_device)
{
	return (entry & PAGEMAP_SWAP) &&
	       !((on_device & PAGEMAP_SWAP) && !((entry ^ on_device) & PAGEMAP_SWAP_TYPE));
}

static unsigned int both_under_way(uint64_t on_device)
{
	unsigned int i, n = 0;

	for (i = 0; i < sampled; i++)
		n += under_way(samples[i][0], on_device) && under_way(samples[i][1], on_device);
	return n;
}

START_TEST(the_next_block_is_collected_meanwhile)
{
	uint64_t entries[2], on_device = 0;
	unsigned int there, back;
	pthread_t sampling;

	needs_device_memory();
	needs_two_processors();
	memory = make(_i, 2 * BLOCK);
	vm_slow_copies(10000);

	sampling = start_thread(sampler);
	expect_prefetch(memory, 2 * BLOCK, vm.gpu[0], 0, .moved = 1024);
	stop_thread(sampling);
	if (vm.lane == LANE_PRIVATE) {
		sample(entries);
		expect(entries[0] & PAGEMAP_SWAP);
		on_device = entries[0];
	}
	there = both_under_way(on_device);

	sampling = start_thread(sampler);
	expect_prefetch(memory, 2 * BLOCK, SYSMEM, 0, .moved = 1024);
	stop_thread(sampling);
	back = both_under_way(on_device);

	printf("# %s[%d]: seen with both under way %u times on the way there, %u times back\n",
	       tcase_name(), _i, there, back);
	expect(there >= 3);
	expect(back >= 3);
	vm_slow_copies(0);
	expect_location(memory, 2 * BLOCK, SYSMEM);
	expect_bytes(memory, 2 * BLOCK, 1);
}
END_TEST

/* ---- what blocks are made of ----------------------------------------------------- */

#define BLOCKS 7
#define FIRST (100 * PAGE)
#define LAST (6 * BLOCK + 10 * PAGE)

/*
 * Of the first block and the last one a part, then one as any other, one of two mappings,
 * one that is there already, one that is swapped out, another one.
 */
START_TEST(blocks_of_all_kinds)
{
	const uint64_t pages = (LAST - FIRST) / PAGE;
	char *start;

	needs_device_memory();
	vm_swap_on();
	memory = _i % 2 ? vm_anon(BLOCKS * BLOCK) : vm_anon_small(BLOCKS * BLOCK);
	/* 6.1 and 6.12 do not move large folios that are mapped page by page. */
	expect(!madvise(memory + 2 * BLOCK, BLOCK, MADV_NOHUGEPAGE));
	vm_fill(memory, BLOCKS * BLOCK, 1);
	start = memory + FIRST;
	vm_failing_copies(_i / 2 * 2);
	expect_prefetch(memory + 3 * BLOCK, BLOCK, vm.gpu[0], 0, .moved = 512);
	expect(!mprotect(memory + 2 * BLOCK + 60 * PAGE, 70 * PAGE, PROT_READ));
	vm_page_out(memory + 4 * BLOCK, BLOCK);

	expect_prefetch(start, LAST - FIRST, vm.gpu[0], 0, .moved = pages - 512, .already = 512);
	expect_location(start, LAST - FIRST, vm.gpu[0]);
	expect_location(memory, FIRST, SYSMEM);
	expect_location(memory + LAST, BLOCKS * BLOCK - LAST, SYSMEM);

	expect_prefetch(start, LAST - FIRST, vm.gpu[1], 0, .moved = pages);
	expect_location(start, LAST - FIRST, vm.gpu[1]);
	expect_prefetch(memory + 3 * BLOCK, BLOCK, SYSMEM, 0, .moved = 512);
	expect_prefetch(memory, BLOCKS * BLOCK, SYSMEM, 0, .moved = pages - 512,
			.already = BLOCKS * 512 - (pages - 512));
	expect_location(memory, BLOCKS * BLOCK, SYSMEM);
	expect_bytes(memory, BLOCKS * BLOCK, 1);
}
END_TEST

/* More than move under one hold of mmap_lock, and more than the device has room for. */
START_TEST(more_blocks_than_there_is_room_for)
{
	const size_t vram = vm_device(vm.gpu[0]).vram_bytes, size = vram + 5 * BLOCK;
	struct amdsvm_ioctl_prefetch_args args;

	needs_device_memory();
	expect_within(10, vm_used_pages() == 0);
	memory = make(_i, size);
	expect_eq(vm_prefetch_on(vm.fd, memory, size, vm.gpu[0], &args), 0);
	expect_eq(args.pages_moved, vram / PAGE);
	expect_eq(args.pages_no_space, 5 * BLOCK / PAGE);
	expect_location(memory, vram, vm.gpu[0]);
	expect_location(memory + vram, 5 * BLOCK, SYSMEM);
	expect_bytes(memory, size, 1);
}
END_TEST

/* ---- how long others wait -------------------------------------------------------- */

#define LAND_BLOCKS 8

/*
 * A work ends the first when collecting the second takes longer than it may wait; here that
 * is no time at all, and each is ended by whoever comes first.
 */
START_TEST(the_first_does_not_wait_for_the_second)
{
	const size_t size = LAND_BLOCKS * BLOCK;
	int round, rounds = vm_rounds(6);

	needs_device_memory();
	needs_two_processors();
	memory = make(_i % 2, size);
	vm_parameter("landing_ms", "0");
	vm_failing_copies(_i / 2 * 3);
	if (vm_can_probe())
		vm_count_calls("amdsvm:landing_work");
	for (round = 0; round < rounds; round++) {
		expect_prefetch(memory, size, vm.gpu[round % 2], 0, .moved = size / PAGE);
		expect_location(memory, size, vm.gpu[round % 2]);
		expect_prefetch(memory, size, SYSMEM, 0, .moved = size / PAGE);
		expect_bytes(memory, size, 1);
	}
	if (vm_can_probe()) {
		unsigned long calls = vm_calls_counted();

		printf("# %s[%d]: %lu of %d blocks were ended by a work\n", tcase_name(), _i,
		       calls, 2 * rounds * LAND_BLOCKS);
		expect(calls > 0);
	}
}
END_TEST

static uint64_t longest_map, maps;

static void *mapper(void *argument)
{
	uint64_t begin, took;
	void *page;

	(void)argument;
	vm_use_all_processors();
	while (!stop) {
		begin = vm_now();
		page = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		expect(page != MAP_FAILED);
		expect(!munmap(page, PAGE));
		took = vm_now() - begin;
		if (took > longest_map)
			longest_map = took;
		maps++;
		usleep(200);
	}
	return NULL;
}

/*
 * Both mmap and munmap wait for mmap_lock. When they begin to, two blocks at most are under
 * way, and no other begins; here each takes 40 ms or more. Whoever held it for as many as
 * move under one hold when nobody waits would be seen, or for all.
 */
#define WAIT_BLOCKS 20
#define WAIT_MOST 7

START_TEST(others_wait_for_two_blocks_at_most)
{
	const size_t size = WAIT_BLOCKS * BLOCK;
	pthread_t mapping;
	uint64_t all;
	int round;

	needs_device_memory();
	expect_within(10, vm_used_pages() == 0);
	needs_two_processors();
	memory = make(_i, size);
	vm_slow_copies(5000);
	for (round = 0; round < 2; round++) {
		longest_map = maps = 0;
		mapping = start_thread(mapper);
		all = vm_now();
		expect_prefetch(memory, size, round ? SYSMEM : vm.gpu[0], 0, .moved = size / PAGE);
		all = vm_now() - all;
		stop_thread(mapping);
		printf("# %s[%d] %s: %llu us for %d blocks, longest mmap and munmap %llu us of %llu\n",
		       tcase_name(), _i, round ? "home" : "to a device",
		       (unsigned long long)all / 1000, WAIT_BLOCKS,
		       (unsigned long long)longest_map / 1000, (unsigned long long)maps);
		expect(maps > 1);
		expect(all >= WAIT_BLOCKS * 40000000ULL);
		expect(longest_map < all / WAIT_BLOCKS * WAIT_MOST);
	}
	expect_bytes(memory, size, 1);
}
END_TEST

static void teardown(void)
{
	vm_slow_teardown();
	vm_parameter("landing_ms", "8");
}

static void add_case(Suite *s, const char *name, const TTest *test, int variants)
{
	TCase *t = vm_case_with(s, name, setup, NULL);

	tcase_add_unchecked_fixture(t, NULL, teardown);
	vm_add_variants(t, test, variants);
}

static Suite *suite(void)
{
	Suite *s = suite_create("pair");
	TCase *full = vm_case_with(s, "full", vm_setup_no_eviction, vm_teardown_no_eviction);

	add_case(s, "meanwhile", the_next_block_is_collected_meanwhile, 2);
	add_case(s, "kinds", blocks_of_all_kinds, 4);
	vm_add_variants(full, more_blocks_than_there_is_room_for, 2);
	add_case(s, "landed", the_first_does_not_wait_for_the_second, 4);
	add_case(s, "others", others_wait_for_two_blocks_at_most, 2);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
