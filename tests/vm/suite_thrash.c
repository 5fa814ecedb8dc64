// SPDX-License-Identifier: MIT
/*
 * Memory that goes back and forth: devices come to use it where it is, for a while, and
 * what comes home for the CPU becomes smaller. No byte is lost on the way, and whoever
 * says where memory is to be has it there.
 */
#include "vmqueue.h"

#define SIZE BLOCK
#define PAGES (SIZE / PAGE)
/* Longer than any turn takes, on any kernel. */
#define LONG_MS "5000"

#define PRIVATE_ONLY() \
	only_in_lanes(LANE_PRIVATE, "the CPU does not fault on memory of this lane")

static uint64_t *one;	/* what devices add */
static uint32_t queue;

static void setup(void)
{
	vm_setup();
	vm_parameter("thrash_ms", LONG_MS);
	one = vm_anon_small(PAGE);
	*one = 1;
	/* Not to show in what is counted. */
	expect_eq(set(one, PAGE, { ATTR(ACCESS_IN_PLACE), vm.gpu[0] }), 0);
	queue = vm_queue(vm.gpu[0]);
}

static void teardown(void)
{
	vm_parameter("thrash_ms", "20");
	vm_parameter("min_residency_ms", "20");
}

static char *filled(size_t size, bool huge)
{
	char *memory = huge ? vm_anon(size) : vm_anon_small(size);

	vm_fill(memory, size, 1);
	return memory;
}

static void device_adds(char *word)
{
	struct vm_packets p = { 0 };

	pk_triad(&p, word, word, one, 1, 1);
	expect_runs(queue, &p);
}

static void cpu_adds(char *word)
{
	*(volatile uint64_t *)word += 1;
}

/* The block as vm_fill() left it, but for what was added to two words. */
static void expect_added(char *memory, size_t a, size_t b, uint64_t sum)
{
	cpu_adds(memory + a);
	if (a != b)
		expect_eq(*(uint64_t *)(memory + b), vm_word(1, b / 8) + sum);
	expect_eq(*(uint64_t *)(memory + a), vm_word(1, a / 8) + 1 + (a == b ? 2 * sum : sum));
	*(uint64_t *)(memory + a) = vm_word(1, a / 8);
	*(uint64_t *)(memory + b) = vm_word(1, b / 8);
	expect_bytes(memory, SIZE, 1);
}

static uint64_t migrations(void)
{
	return vm_device_counters(vm.gpu[0]).migrations;
}

static uint64_t pins(void)
{
	return vm_device_counters(vm.gpu[0]).thrash_pins;
}

static void take_turns(char *memory, size_t a, size_t b, int rounds)
{
	int round;

	for (round = 0; round < rounds; round++) {
		device_adds(memory + b);
		cpu_adds(memory + a);
	}
}

/* Until devices use it in place. */
static void thrash(char *memory)
{
	uint64_t before = pins();
	int round;

	for (round = 0; round < 10 && pins() == before; round++) {
		device_adds(memory);
		if (pins() == before)
			cpu_adds(memory);
	}
	expect_eq(pins(), before + 1);
	/* Of small pages only some have come home the last time. */
	expect_location(memory, PAGE, SYSMEM);
	*(uint64_t *)memory = vm_word(1, 0);
}

/* ---- turns ---------------------------------------------------------------------- */

/* Of one page, and of two that are far from each other; with and without large pages. */
START_TEST(turns_end)
{
	const int rounds = vm_rounds(100);
	size_t a = 3 * PAGE, b = _i & 1 ? a : 400 * PAGE;
	char *memory = filled(SIZE, _i & 2);

	needs_device_memory();
	take_turns(memory, a, b, rounds);
	/* Without an answer to it there are as many as rounds. */
	expect(migrations() >= 1);
	expect(migrations() <= 5);
	expect(vm_counters().cpu_faults <= 6);
	if (vm.lane == LANE_PRIVATE && (_i & 1)) {
		expect(pins() >= 1);
		expect_location(memory + a, PAGE, SYSMEM);
	}
	expect_added(memory, a, b, rounds);
}
END_TEST

/* Different pages: each side comes to have its own. */
START_TEST(false_sharing_ends_for_both)
{
	char *memory = filled(SIZE, false);

	PRIVATE_ONLY();
	take_turns(memory, 3 * PAGE, 400 * PAGE, 20);
	expect_location(memory + 3 * PAGE, PAGE, SYSMEM);
	expect_location(memory + 400 * PAGE, PAGE, vm.gpu[0]);
	expect_added(memory, 3 * PAGE, 400 * PAGE, 20);
}
END_TEST

START_TEST(switched_off_there_is_no_end)
{
	const int rounds = vm_rounds(50);
	char *memory = filled(SIZE, _i);

	PRIVATE_ONLY();
	vm_parameter("thrash_ms", "0");
	take_turns(memory, 0, 0, rounds);
	expect_eq(migrations(), rounds);
	expect_eq(vm_counters().cpu_faults, rounds);
	expect_eq(pins(), 0);
	expect_added(memory, 0, 0, rounds);
}
END_TEST

START_TEST(slow_turns_are_none)
{
	char *memory = filled(SIZE, _i);
	int round;

	PRIVATE_ONLY();
	vm_parameter("thrash_ms", "1");
	for (round = 0; round < 10; round++) {
		take_turns(memory, 0, 0, 1);
		/* A jiffy and more. */
		usleep(30000);
	}
	expect_eq(migrations(), 10);
	expect_eq(pins(), 0);
	expect_added(memory, 0, 0, 10);
}
END_TEST

/* Two devices, and a CPU that never looks: as they were told. */
START_TEST(devices_among_themselves_are_left_alone)
{
	char *memory = filled(SIZE, _i);
	int round;

	needs_device_memory();
	for (round = 0; round < 10; round++) {
		expect_touches(vm.gpu[round % 2], WRITE, memory, 1);
		expect_location(memory, SIZE, vm.gpu[round % 2]);
	}
	expect_eq(pins(), 0);
	expect_bytes(memory, SIZE, 1);
}
END_TEST

static bool moves_to_device(const char *memory)
{
	expect_touches(vm.gpu[0], READ, memory, 1);
	return vm_sums(memory, SIZE).pages_device == PAGES;
}

/* ---- the end of it ------------------------------------------------------------------ */

START_TEST(it_moves_again_after_a_while)
{
	char *memory = filled(SIZE, _i);
	int round;

	PRIVATE_ONLY();
	vm_parameter("thrash_ms", vm_is_debug_kernel() ? "1000" : "200");
	for (round = 0; round < 2; round++) {
		thrash(memory);
		/* In place, whatever devices do: they do not fault. */
		device_adds(memory);
		expect_location(memory, PAGE, SYSMEM);
		*(uint64_t *)memory = vm_word(1, 0);
		expect_within(10, moves_to_device(memory));
		expect_location(memory, SIZE, vm.gpu[0]);
		expect_bytes(memory, SIZE, 1);
	}
}
END_TEST

START_TEST(a_prefetch_ends_it_at_once)
{
	struct amdsvm_ioctl_prefetch_args args;
	char *memory = filled(SIZE, _i);

	PRIVATE_ONLY();
	thrash(memory);
	expect_eq(vm_prefetch_on(vm.fd, memory, SIZE, vm.gpu[0], &args), 0);
	expect_location(memory, SIZE, vm.gpu[0]);
	/* All is as if nothing had been: the window is large, and it moves. */
	cpu_adds(memory);
	expect_location(memory, SIZE, SYSMEM);
	device_adds(memory);
	expect_location(memory, SIZE, vm.gpu[0]);
	expect_eq(pins(), 1);
	cpu_adds(memory);
	*(uint64_t *)memory = vm_word(1, 0);
	expect_bytes(memory, SIZE, 1);
}
END_TEST

START_TEST(the_preferred_location_wins)
{
	char *memory = filled(SIZE, _i);
	uint64_t before;

	PRIVATE_ONLY();
	expect_eq(set(memory, SIZE, { ATTR(PREFERRED_LOC), vm.gpu[0] }), 0);
	take_turns(memory, 0, 0, 20);
	expect_eq(migrations(), 20);
	expect_eq(pins(), 0);
	device_adds(memory);
	expect_location(memory, SIZE, vm.gpu[0]);
	cpu_adds(memory);
	/* Also when it is said in the middle of it. */
	expect_eq(set(memory, SIZE, { ATTR(PREFERRED_LOC), UNDEFINED }), 0);
	thrash(memory);
	before = migrations();
	expect_eq(set(memory, SIZE, { ATTR(PREFERRED_LOC), vm.gpu[0] }), 0);
	/* What is mapped already is not asked for again. */
	expect(!mprotect(memory, SIZE, PROT_READ));
	expect(!mprotect(memory, SIZE, PROT_READ | PROT_WRITE));
	device_adds(memory);
	expect_eq(migrations(), before + 1);
	expect_location(memory, SIZE, vm.gpu[0]);
	cpu_adds(memory);
	*(uint64_t *)memory = vm_word(1, 0);
	expect_bytes(memory, SIZE, 1);
}
END_TEST

/* The memory goes away in the middle of it, and other memory comes. */
START_TEST(unmapped_meanwhile)
{
	char *memory = filled(SIZE, _i);

	PRIVATE_ONLY();
	vm_parameter("thrash_ms", "200");
	thrash(memory);
	expect(!munmap(memory, SIZE));
	expect_within(10, vm_counters().blocks <= 1);	/* of what devices add */
	memory = filled(SIZE, _i);
	device_adds(memory);
	expect_location(memory, SIZE, vm.gpu[0]);
	cpu_adds(memory);
	*(uint64_t *)memory = vm_word(1, 0);
	expect_bytes(memory, SIZE, 1);
	thrash(memory);
	/* And the process. */
	close(vm.fd);
	vm.fd = vm_open();
	expect_eq(vm_counters().blocks, 0);
	expect_bytes(memory, SIZE, 1);
}
END_TEST

/* ---- windows of the CPU ------------------------------------------------------------- */

START_TEST(reading_back_takes_a_fault_for_each_block)
{
	const size_t size = 16 * BLOCK;
	char *memory = filled(size, _i & 1);
	size_t page;

	PRIVATE_ONLY();
	if (_i & 2)
		expect_touches(vm.gpu[0], WRITE, memory, size / PAGE);
	else
		expect_prefetch(memory, size, vm.gpu[0], 0, .moved = size / PAGE);
	expect_location(memory, size, vm.gpu[0]);
	for (page = 0; page < size / PAGE; page++)
		expect_eq(*(volatile uint64_t *)(memory + page * PAGE), vm_word(1, page * 512));
	expect_eq(vm_counters().cpu_faults, size / BLOCK);
	expect_eq(vm_counters().pages_out, size / PAGE);
	expect_bytes(memory, size, 1);
}
END_TEST

/* 2 MiB, 2 MiB after the first turn, 64 KiB, and a page; what the user set, always. */
START_TEST(the_window_shrinks)
{
	const size_t sizes[] = { 512, 512, 16, 1, 1, 1 };
	const uint32_t granularity[] = { 9, 10, 8 };
	char *memory = filled(SIZE, false);
	size_t i, page = 300, wanted;

	PRIVATE_ONLY();
	/* So that it goes on and on. */
	expect_eq(set(memory, SIZE, { ATTR(PREFERRED_LOC), vm.gpu[0] },
		      { ATTR(GRANULARITY), granularity[_i] }), 0);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		expect_touches(vm.gpu[0], READ, memory, PAGES);
		expect_location(memory, SIZE, vm.gpu[0]);
		cpu_adds(memory + page * PAGE);
		wanted = _i ? 1UL << (granularity[_i] > 9 ? 9 : granularity[_i]) : sizes[i];
		expect_eq(vm_sums(memory, SIZE).pages_system, wanted);
		expect_location(memory + page / wanted * wanted * PAGE, wanted * PAGE, SYSMEM);
	}
	*(uint64_t *)(memory + page * PAGE) = vm_word(1, page * 512);
	expect_bytes(memory, SIZE, 1);
}
END_TEST

/* A page, 15 more, and the rest: whoever reads on is not made to pay for each page. */
START_TEST(reading_on_grows_the_window)
{
	char *memory = filled(SIZE, false);
	uint64_t faults;
	size_t page;

	PRIVATE_ONLY();
	expect_eq(set(memory, SIZE, { ATTR(PREFERRED_LOC), vm.gpu[0] }), 0);
	take_turns(memory, 0, 0, 6);
	*(uint64_t *)memory = vm_word(1, 0);
	expect_touches(vm.gpu[0], READ, memory, PAGES);
	expect_location(memory, SIZE, vm.gpu[0]);
	faults = vm_counters().cpu_faults;
	for (page = 0; page < PAGES; page++)
		expect_eq(*(volatile uint64_t *)(memory + page * PAGE), vm_word(1, page * 512));
	expect_eq(vm_counters().cpu_faults - faults, 3);
	expect_location(memory, SIZE, SYSMEM);
	expect_bytes(memory, SIZE, 1);
}
END_TEST

/* ---- more than a device has --------------------------------------------------------- */

static uint64_t vram_bytes(void)
{
	expect_within(10, vm_used_pages() == 0);
	return vm_device(vm.gpu[0]).vram_bytes;
}

/* The device adds one to a word of each block. */
static void sweep(char *memory, size_t blocks)
{
	struct vm_packets p = { 0 };
	size_t i;

	for (i = 0; i < blocks; i++) {
		pk_triad(&p, memory + i * BLOCK, memory + i * BLOCK, one, 1, 1);
		if (p.n > VM_PACKET_WORDS - 64 || i == blocks - 1) {
			expect_runs(queue, &p);
			p.n = 0;
		}
	}
}

/*
 * In order, and a little more than there is room for: what is wanted next is what has just
 * been evicted, all the time. A few blocks that stay away are room for the others.
 */
START_TEST(evicted_and_wanted_at_once)
{
	const size_t sweeps = 8;
	size_t blocks, i;
	char *memory;

	needs_device_memory();
	blocks = vram_bytes() / BLOCK + 2;
	vm_parameter("min_residency_ms", vm_is_debug_kernel() ? "200" : "20");
	if (_i)
		vm_parameter("thrash_ms", "0");
	memory = vm_anon_small(blocks * BLOCK);
	for (i = 0; i < blocks; i++)
		*(uint64_t *)(memory + i * BLOCK) = i;
	for (i = 0; i < sweeps; i++)
		sweep(memory, blocks);
	if (_i) {
		expect_eq(pins(), 0);
		expect(migrations() > blocks * (sweeps - 1));
	} else {
		expect(pins() > 0);
		expect(migrations() < blocks * sweeps * 3 / 4);
	}
	expect(vm_sums(memory, blocks * BLOCK).pages_device > PAGES);
	for (i = 0; i < blocks; i++)
		expect_eq(*(uint64_t *)(memory + i * BLOCK), i + sweeps);
}
END_TEST

/* At random, half as much again as there is; both sides, and nothing is lost. */
START_TEST(at_random_every_fault_is_answered)
{
	const char *const residency[] = { "20", "0", "5000" };
	size_t pages, i, n = vm_rounds(40);
	uint64_t state = vm_seed();
	uint32_t *added;
	char *memory;

	needs_device_memory();
	pages = vram_bytes() * 3 / 2 / PAGE;
	vm_parameter("min_residency_ms", residency[_i]);
	memory = vm_anon_small(pages * PAGE);
	added = calloc(pages, sizeof(*added));
	expect(added);
	for (i = 0; i < n; i++) {
		struct vm_packets p = { 0 };
		int j;

		for (j = 0; j < 8; j++) {
			/* Knuth's MMIX generator; its high bits are the good ones. */
			state = state * 6364136223846793005ULL + 1442695040888963407ULL;
			added[(state >> 33) % pages]++;
			pk_triad(&p, memory + (state >> 33) % pages * PAGE,
				 memory + (state >> 33) % pages * PAGE, one, 1, 1);
		}
		expect_runs(queue, &p);
		added[(state >> 33) % pages]++;
		cpu_adds(memory + (state >> 33) % pages * PAGE);
	}
	expect(vm_device(vm.gpu[0]).vram_used_bytes > 0);
	for (i = 0; i < pages; i++)
		expect_eq(*(uint64_t *)(memory + i * PAGE), added[i]);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("thrash");
	TCase *t = vm_case_with(s, "turns", setup, teardown);

	vm_add_variants(t, turns_end, 4);
	tcase_add_test(t, false_sharing_ends_for_both);
	vm_add_variants(t, switched_off_there_is_no_end, 2);
	vm_add_variants(t, slow_turns_are_none, 2);
	vm_add_variants(t, devices_among_themselves_are_left_alone, 2);
	vm_add_variants(t, it_moves_again_after_a_while, 2);
	vm_add_variants(t, a_prefetch_ends_it_at_once, 2);
	vm_add_variants(t, the_preferred_location_wins, 2);
	vm_add_variants(t, unmapped_meanwhile, 2);
	t = vm_case_with(s, "window", setup, teardown);
	vm_add_variants(t, reading_back_takes_a_fault_for_each_block, 4);
	vm_add_variants(t, the_window_shrinks, 3);
	tcase_add_test(t, reading_on_grows_the_window);
	t = vm_case_with(s, "overcommit", setup, teardown);
	vm_add_variants(t, evicted_and_wanted_at_once, 2);
	vm_add_variants(t, at_random_every_fault_is_answered, 3);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
