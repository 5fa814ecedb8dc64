// SPDX-License-Identifier: MIT
/*
 * A prefetch of many blocks, which has helpers (migrate_workers): whatever their
 * number, the same bytes, the same counts, the same memory in the same place. And
 * what goes on meanwhile: unmapping, other processes, the death of the caller.
 */
#include <pthread.h>
#include <signal.h>

#include "vmevents.h"
#include "vmqueue.h"
#include "vmslow.h"

#define SIZE (64UL << 20)
#define PAGES (SIZE / PAGE)
#define BLOCKS (SIZE / BLOCK)

/* Several at once, one alone, and what is no number of workers. */
static const char *const workers[] = { "4", "1", "0", "4294967295" };
#define WORKERS ((int)(sizeof(workers) / sizeof(workers[0])))

static char *memory;

static void setup(void)
{
	vm_setup();
	vm_use_all_processors();
	vm_parameter("migrate_workers", "4");
	expect_within(10, vm_used_pages() == 0);
}

static void setup_no_eviction(void)
{
	vm_setup_no_eviction();
	vm_use_all_processors();
	expect_within(10, vm_used_pages() == 0);
}

static void teardown_workers(void)
{
	vm_parameter("migrate_workers", "1");
}

/* A word of each page, where all words would take minutes. */
static void stamp(char *start, size_t size, uint64_t seed)
{
	size_t page;

	for (page = 0; page < size / PAGE; page++)
		*(uint64_t *)(start + page * PAGE) = vm_word(seed, page);
}

static void expect_stamps_at(const char *file, int line, const char *start, size_t size, uint64_t seed)
{
	size_t page;

	for (page = 0; page < size / PAGE; page++)
		if (*(const volatile uint64_t *)(start + page * PAGE) != vm_word(seed, page))
			vm_fail(file, line, "page %zu has other bytes (R1)", page);
}

#define expect_stamps(start, size, seed) expect_stamps_at(HERE, start, size, seed)

/* ---- the same, whatever the number of workers ----------------------------------------- */

static void expect_both_ways(void)
{
	vm_fill(memory, SIZE, 1);
	expect_prefetch(memory, SIZE, vm.gpu[0], 0, .moved = PAGES);
	expect_location(memory, SIZE, vm.gpu[0]);
	expect_mapped(memory, SIZE, 1);
	expect_eq(vm_counters().pages_in, PAGES);
	expect_eq(vm_counters().pages_mapped, PAGES);
	expect_eq(vm_device_counters(vm.gpu[0]).migrations, BLOCKS);
	expect_prefetch(memory, SIZE, vm.gpu[0], 0, .already = PAGES);
	expect_prefetch(memory, SIZE, vm.gpu[1], 0, .moved = PAGES);
	expect_location(memory, SIZE, vm.gpu[1]);
	expect_eq(vm_counters().pages_peer, PAGES);
	expect_prefetch(memory, SIZE, SYSMEM, 0, .moved = PAGES);
	expect_location(memory, SIZE, SYSMEM);
	expect_mapped(memory, SIZE, 0);
	expect_eq(vm_counters().pages_out, PAGES);
	expect_eq(vm_counters().pages_failed, 0);
	expect_bytes(memory, SIZE, 1);
	expect_eq(vm_used_pages(), 0);
}

START_TEST(memory_moves_both_ways)
{
	needs_device_memory();
	vm_parameter("migrate_workers", workers[_i / 2]);
	memory = _i % 2 ? vm_anon(SIZE) : vm_anon_small(SIZE);
	expect_both_ways();
}
END_TEST

/* From the middle of a block to the middle of another. */
START_TEST(an_odd_span_moves)
{
	const size_t from = 100 * PAGE, size = SIZE - 300 * PAGE;

	needs_device_memory();
	vm_parameter("migrate_workers", workers[_i]);
	memory = vm_anon_small(SIZE);
	vm_fill(memory, SIZE, 1);
	expect_prefetch(memory + from, size, vm.gpu[0], 0, .moved = size / PAGE);
	expect_location(memory, from, SYSMEM);
	expect_location(memory + from, size, vm.gpu[0]);
	expect_location(memory + from + size, SIZE - from - size, SYSMEM);
	expect_prefetch(memory + from, size, SYSMEM, 0, .moved = size / PAGE);
	expect_bytes(memory, SIZE, 1);
}
END_TEST

/*
 * By fours: a block that nobody touched, one that the CPU filled, one that it filled by
 * half, one of shared memory.
 */
#define QUARTER (PAGES / 4)

static void make_mixed(void)
{
	size_t block;

	memory = vm_anon_small(SIZE);
	for (block = 0; block < BLOCKS; block++) {
		char *start = memory + block * BLOCK;

		if (block % 4 == 3)
			expect(mmap(start, BLOCK, PROT_READ | PROT_WRITE,
				    MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == start);
		if (block % 4)
			vm_fill(start, block % 4 == 2 ? BLOCK / 2 : BLOCK, block);
	}
}

static void expect_mixed(void)
{
	size_t block;

	for (block = 0; block < BLOCKS; block++) {
		char *start = memory + block * BLOCK;

		if (block % 4 == 0)
			expect_zero(start, BLOCK);
		else if (block % 4 == 2)
			expect_zero(start + BLOCK / 2, BLOCK / 2);
		if (block % 4)
			expect_bytes(start, block % 4 == 2 ? BLOCK / 2 : BLOCK, block);
	}
}

START_TEST(each_page_is_counted_once)
{
	needs_device_memory();
	vm_parameter("migrate_workers", workers[_i]);
	make_mixed();
	/* Nobody brings in what is nowhere. */
	expect_prefetch(memory, SIZE, SYSMEM, 0, .already = QUARTER * 5 / 2, .unmovable = QUARTER * 3 / 2);
	expect_prefetch(memory, SIZE, vm.gpu[0], 0, .moved = QUARTER * 3 / 2,
			.cleared = QUARTER * 3 / 2, .unmovable = QUARTER);
	expect_eq(vm_sums(memory, SIZE).pages_device, 3 * QUARTER);
	expect_prefetch(memory, SIZE, vm.gpu[0], 0, .already = 3 * QUARTER, .unmovable = QUARTER);
	expect_prefetch(memory, SIZE, SYSMEM, 0, .moved = 3 * QUARTER, .already = QUARTER);
	expect_mixed();
}
END_TEST

START_TEST(attributes_prefetch_alike)
{
	needs_device_memory();
	vm_parameter("migrate_workers", workers[_i]);
	memory = vm_anon_small(SIZE);
	vm_fill(memory, SIZE, 1);
	expect_eq(set(memory, SIZE, { ATTR(PREFETCH_LOC), vm.gpu[1] }), 0);
	expect_location(memory, SIZE, vm.gpu[1]);
	expect_eq(vm_counters().pages_in, PAGES);
	expect_eq(set(memory, SIZE, { ATTR(PREFETCH_LOC), SYSMEM }), 0);
	expect_location(memory, SIZE, SYSMEM);
	expect_bytes(memory, SIZE, 1);
}
END_TEST

/* ---- more than there is room for ---------------------------------------------------- */

START_TEST(what_does_not_fit_stays)
{
	uint64_t room = vm_device(vm.gpu[0]).vram_bytes;
	char *old;

	needs_device_memory();
	vm_parameter("migrate_workers", workers[_i]);
	old = vm_anon_small(room);
	memory = vm_anon_small(room + SIZE);
	stamp(old, room, 1);
	stamp(memory, room + SIZE, 2);
	expect_prefetch(old, room, vm.gpu[0], 0, .moved = room / PAGE);
	/* All of the old leaves, and nothing of the new. */
	expect_prefetch(memory, room + SIZE, vm.gpu[0], 0, .moved = room / PAGE, .no_space = PAGES);
	expect_location(old, room, SYSMEM);
	expect_eq(vm_sums(memory, room + SIZE).pages_device, room / PAGE);
	expect_eq(vm_sums(memory, room + SIZE).pages_system, PAGES);
	expect_stamps(old, room, 1);
	expect_prefetch(memory, room + SIZE, SYSMEM, 0, .moved = room / PAGE, .already = PAGES);
	expect_stamps(memory, room + SIZE, 2);
}
END_TEST

START_TEST(a_full_device_is_enospc)
{
	uint64_t room = vm_device(vm.gpu[0]).vram_bytes;
	char *old;

	needs_device_memory();
	vm_parameter("migrate_workers", workers[_i]);
	old = vm_anon_small(room);
	memory = vm_anon_small(SIZE);
	vm_fill(memory, SIZE, 1);
	expect_prefetch(old, room - 8 * BLOCK, vm.gpu[0], 0, .cleared = (room - 8 * BLOCK) / PAGE);
	expect_prefetch(memory, SIZE, vm.gpu[0], 0, .moved = 8 * PAGES_PER_BLOCK,
			.no_space = PAGES - 8 * PAGES_PER_BLOCK);
	expect_prefetch(old + room - 8 * BLOCK, 8 * BLOCK, vm.gpu[0], -ENOSPC,
			.no_space = 8 * PAGES_PER_BLOCK);
	expect_bytes(memory, SIZE, 1);
}
END_TEST

/* ---- that there are helpers --------------------------------------------------------- */

/*
 * Some block begins to move before another is there. So it may be also when the caller
 * moves them alone (move.c); that is told by @helpers, who came if they can be counted.
 */
static bool blocks_overlap(int events, unsigned long *helpers)
{
	unsigned int i, n, moving = 0, most = 0, starts = 0;

	hear(events);
	if (vm_can_probe())
		vm_count_calls("amdsvm:helper_work");
	expect_prefetch(memory, SIZE, vm.gpu[0], 0, .moved = PAGES);
	*helpers = vm_can_probe() ? vm_calls_counted() : 0;
	n = hear(events);
	for (i = 0; i < n; i++) {
		if (heard[i].id == EVENT(MIGRATE_START)) {
			starts++;
			moving++;
		} else {
			moving--;
		}
		most = moving > most ? moving : most;
	}
	expect_eq(starts, BLOCKS);
	expect_eq(n, 2 * BLOCKS);
	expect_prefetch(memory, SIZE, SYSMEM, 0, .moved = PAGES);
	return most > 1;
}

START_TEST(blocks_move_at_the_same_time)
{
	unsigned long helpers;
	int events;

	needs_device_memory();
	memory = vm_anon_small(SIZE);
	vm_fill(memory, SIZE, 1);
	events = listener(vm.fd, vm.gpu[0], MOVES);
	expect_within(60, blocks_overlap(events, &helpers));
	expect(helpers >= 2 || !vm_can_probe());
	/* None when so told. */
	vm_parameter("migrate_workers", "1");
	blocks_overlap(events, &helpers);
	expect_eq(helpers, 0);
	expect_bytes(memory, SIZE, 1);
}
END_TEST

/* Who may use one processor uses no other through us. */
START_TEST(who_has_one_processor_has_no_helper)
{
	unsigned long helpers;
	int events;

	needs_device_memory();
	if (!vm_can_probe()) {
		vm_skip(_i, "the debug kernel is built without kprobes");
		return;
	}
	memory = vm_anon_small(SIZE);
	vm_fill(memory, SIZE, 1);
	events = listener(vm.fd, vm.gpu[0], MOVES);
	blocks_overlap(events, &helpers);
	expect_eq(helpers, 0);
	expect_bytes(memory, SIZE, 1);
}
END_TEST

/* ---- at the same time ----------------------------------------------------------------- */

static volatile bool stop;

static void *mover(void *argument)
{
	uint32_t places[3] = { vm.gpu[0], vm.gpu[1], SYSMEM };
	struct amdsvm_ioctl_prefetch_args args;
	uintptr_t i = (uintptr_t)argument;

	while (!stop) {
		int result = vm_prefetch_on(vm.fd, memory, SIZE, places[i++ % 3], &args);

		/* It finds a hole where memory is about to be mapped again. */
		expect(result == 0 || result == -EBUSY || result == -EFAULT);
		if (!result)
			expect_eq(args.pages_moved + args.pages_cleared + args.pages_already +
					  args.pages_no_space + args.pages_busy + args.pages_unmovable,
				  PAGES);
	}
	return NULL;
}

/* No page of the old memory appears in the new, and none of what stays is lost. */
START_TEST(unmapping_while_blocks_move)
{
	int round, rounds = vm_in_full() ? 60 : vm_rounds(20);
	pthread_t thread;
	uint64_t i = 0;

	needs_device_memory();
	memory = vm_anon_small(SIZE);
	stamp(memory, SIZE, 1);
	expect(!pthread_create(&thread, NULL, mover, 0));
	for (round = 0; round < rounds; round++) {
		char *start = memory + (i = i * 7 + 3) % (BLOCKS / 2) * BLOCK;

		expect(!munmap(start, 2 * BLOCK));
		expect(mmap(start, 2 * BLOCK, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == start);
		expect_zero(start, 2 * BLOCK);
		stamp(start, 2 * BLOCK, round);
		expect_stamps(start, 2 * BLOCK, round);
	}
	stop = true;
	expect(!pthread_join(thread, NULL));
	for (i = BLOCKS / 2 + 1; i < BLOCKS; i++)
		expect_eq(*(uint64_t *)(memory + i * BLOCK), vm_word(1, i * PAGES_PER_BLOCK));
	expect(vm_counters().pages_in > 0);
}
END_TEST

START_TEST(two_processes_do_so_at_once)
{
	struct peer peer;
	bool child = vm_fork(&peer);
	int round;

	if (child) {
		close(vm.fd);
		vm.fd = vm_open();
	}
	memory = vm_anon_small(SIZE / 2);
	vm_fill(memory, SIZE / 2, child);
	if (child)
		vm_await(&peer);
	else
		vm_tell(&peer);
	for (round = 1; vm.lane != LANE_MIRROR && round < (vm_in_full() ? 6 : 3); round++) {
		expect_prefetch(memory, SIZE / 2, vm.gpu[0], 0, .moved = PAGES / 2);
		expect_location(memory, SIZE / 2, vm.gpu[0]);
		expect_prefetch(memory, SIZE / 2, SYSMEM, 0, .moved = PAGES / 2);
		expect_location(memory, SIZE / 2, SYSMEM);
		expect_eq(vm_counters().pages_in, round * PAGES / 2);
		expect_eq(vm_counters().pages_out, round * PAGES / 2);
	}
	expect_bytes(memory, SIZE / 2, child);
	if (child)
		vm_done();
	expect_joined(&peer);
}
END_TEST

/* ---- the end of the caller ---------------------------------------------------------- */

__attribute__((noreturn)) static void move_for_ever(struct peer *peer)
{
	struct amdsvm_ioctl_prefetch_args args;

	close(vm.fd);
	vm.fd = vm_open();
	memory = vm_anon_small(SIZE);
	stamp(memory, SIZE, 1);
	vm_tell(peer);
	for (;;) {
		vm_prefetch_on(vm.fd, memory, SIZE, vm.gpu[0], &args);
		vm_prefetch_on(vm.fd, memory, SIZE, SYSMEM, &args);
	}
}

START_TEST(the_caller_is_killed)
{
	long users = vm_read_number("/sys/module/amdsvm/refcnt");
	int round, rounds = vm_in_full() ? 15 : vm_rounds(5);
	uint64_t longest = 0;

	needs_device_memory();
	for (round = 0; round < rounds; round++) {
		struct peer peer;
		uint64_t start, lasted;

		if (vm_fork(&peer))
			move_for_ever(&peer);
		vm_await(&peer);
		usleep(round * 3571 % 50000);
		start = vm_now();
		expect(!kill(peer.pid, SIGKILL));
		expect(waitpid(peer.pid, NULL, 0) == peer.pid);
		lasted = (vm_now() - start) / 1000000;
		longest = lasted > longest ? lasted : longest;
		close(peer.fd);
	}
	printf("# %d callers killed, each gone within %llu ms\n", round, (unsigned long long)longest);
	/* A close waits for 2 s at most; this waits for two blocks, and for the emulation. */
	expect(longest < (vm_is_debug_kernel() ? 8000 : 2000));
	expect_within(10, vm_used_pages() == 0);
	expect_within(10, vm_read_number("/sys/module/amdsvm/refcnt") == users);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("parallel");
	TCase *t = vm_case_with(s, "alike", setup, NULL);

	tcase_add_unchecked_fixture(t, NULL, teardown_workers);
	vm_add_variants(t, memory_moves_both_ways, 2 * WORKERS);
	vm_add_variants(t, an_odd_span_moves, 2);
	vm_add_variants(t, each_page_is_counted_once, WORKERS);
	vm_add_variants(t, attributes_prefetch_alike, 2);
	if (!vm_is_debug_kernel())
		vm_add_variants(t, what_does_not_fit_stays, 2);
	t = vm_case_with(s, "full", setup_no_eviction, NULL);
	tcase_add_unchecked_fixture(t, NULL, teardown_workers);
	tcase_add_unchecked_fixture(t, NULL, vm_teardown_no_eviction);
	vm_add_variants(t, a_full_device_is_enospc, 2);
	t = vm_case_with(s, "helpers", setup, NULL);
	tcase_add_unchecked_fixture(t, NULL, teardown_workers);
	tcase_add_test(t, blocks_move_at_the_same_time);
	tcase_add_test(t, unmapping_while_blocks_move);
	tcase_add_test(t, two_processes_do_so_at_once);
	tcase_add_test(t, the_caller_is_killed);
	t = vm_case(s, "alone");
	tcase_add_test(t, who_has_one_processor_has_no_helper);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
