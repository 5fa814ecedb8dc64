// SPDX-License-Identifier: MIT
/*
 * What packets do. A model on the CPU executes the same packets on a copy of the
 * memory, in the plainest way that amdsvm_packets.h can be read; afterwards all
 * of it must be equal. Each test runs on memory that moves to the device, stays
 * where it is, or is in pieces all over the place.
 */
#include "vmmodel.h"
#include "vmqueue.h"

#define SIZE (6 * BLOCK)

static char *area, *model;
static uint32_t queue;
static int place;
static struct vm_packets p;

enum { MOVES, RAM, OWN, OTHERS, PIECES, PLACES };

static void setup(void)
{
	vm_setup();
	queue = vm_queue(vm.gpu[0]);
	p.n = 0;
}

/* False: the lane has no such place. */
static bool begin(int where, bool huge)
{
	if (where >= OWN && vm.lane == LANE_MIRROR) {
		vm_skip(where, "the lane has no device memory");
		return false;
	}
	place = where;
	area = huge ? vm_anon(SIZE) : vm_anon_small(SIZE);
	model = malloc(SIZE);
	expect(model);
	vm_fill(area, SIZE, place);
	memcpy(model, area, SIZE);
	if (place != MOVES)
		expect_eq(set(area, SIZE, { ATTR(ACCESS_IN_PLACE), vm.gpu[0] }), 0);
	return true;
}

/* Of 2 PLACES: each with small and with large pages. */
static bool begin_variant(int variant)
{
	if (vm_is_debug_kernel() && variant / 2 != MOVES && variant != 2 * PIECES) {
		vm_skip(variant, "memory that moves, and pieces of all places, are enough on the debug kernel");
		return false;
	}
	if (!vm_in_full() && variant % 2 && variant / 2 != MOVES && variant / 2 != PIECES) {
		vm_skip(variant, "another lane of the kernels runs all places with large pages, too");
		return false;
	}
	return begin(variant / 2, variant % 2);
}

/* To its place, for the CPU was there. */
static void settle(void)
{
	struct amdsvm_ioctl_prefetch_args args;
	const size_t piece = 37 * PAGE;
	size_t at;

	if (place == OWN || place == OTHERS)
		expect_eq(vm_prefetch_on(vm.fd, area, SIZE, vm.gpu[place == OTHERS], &args), 0);
	for (at = 0; place == PIECES && at + piece < SIZE; at += piece)
		if (at / piece % 3)
			expect_eq(vm_prefetch_on(vm.fd, area + at, piece,
						 vm.gpu[at / piece % 3 - 1], &args), 0);
}

static uint64_t random_state;

static uint64_t random_below(uint64_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state % n;
}

/* Both execute what is in p; then all bytes are compared. */
static void expect_as_modelled(const char *file, int line)
{
	struct amdsvm_result result;
	unsigned int packets;
	size_t i;

	settle();
	result = vm_run_at(file, line, queue, &p);
	vm_expect_status(file, line, result, 0);
	packets = vm_model_run(&p, area, model);
	if (result.packets != packets || result.packet_offset != 4 * p.n)
		vm_fail(file, line, "%llu packets to byte %u, not %u to %u",
			(unsigned long long)result.packets, result.packet_offset, packets, 4 * p.n);
	if (memcmp(area, model, SIZE)) {
		for (i = 0; area[i] == model[i]; i++)
			;
		vm_fail(file, line, "byte 0x%zx is 0x%02x, not 0x%02x", i, (uint8_t)area[i],
			(uint8_t)model[i]);
	}
	p.n = 0;
}
#define expect_modelled() expect_as_modelled(HERE)

/* ---- tests ------------------------------------------------------------------ */

static const size_t sizes[] = {
	1, 2, 3, 4, 7, 8, 9, 63, 100, PAGE - 1, PAGE, PAGE + 1, 3 * PAGE + 5, BLOCK + 7,
};
#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

/* Across the end of a page, a granule of 37 pages, a block. */
static const size_t edges[] = { PAGE, 37 * PAGE, 2 * 37 * PAGE, BLOCK, 2 * BLOCK };

START_TEST(copy)
{
	size_t i, j;

	if (!begin_variant(_i))
		return;
	for (i = 0; i < SIZES; i++)
		for (j = 0; j < 5; j++)
			pk_copy(&p, area + edges[j] + 2 * BLOCK - i * 3 - 1, area + edges[4 - j] - i,
				sizes[i]);
	expect_modelled();
	pk_copy(&p, area + 2 * BLOCK, area, AMDSVM_COPY_MAX_BYTES);
	pk_copy(&p, area + BLOCK + 5, area + 3 * BLOCK + 2, AMDSVM_COPY_MAX_BYTES);
	expect_modelled();
}
END_TEST

/* Front to back, byte by byte: a distance of one repeats the first byte. */
START_TEST(copy_onto_itself)
{
	static const int distances[] = { 1, 2, 3, 7, 8, 9, 64, 4095, 4096, 4097 };
	char *base;
	int i;

	if (!begin(_i, false))
		return;
	for (i = 0; i < 10; i++) {
		base = area + (i + 1) * 64 * PAGE - 100;
		pk_copy(&p, base + distances[i], base, 3 * PAGE);
		base += 20 * PAGE;
		pk_copy(&p, base, base + distances[i], 3 * PAGE);
		base += 20 * PAGE;
		pk_copy(&p, base, base, 3 * PAGE);
	}
	expect_modelled();
}
END_TEST

START_TEST(fill_and_write)
{
	uint32_t data[1100];
	size_t i, j;

	if (!begin_variant(_i))
		return;
	for (i = 0; i < 1100; i++)
		data[i] = vm_word(9, i);
	for (i = 0; i < SIZES; i++)
		for (j = 0; j < 5; j++)
			pk_fill(&p, area + edges[j] - 4 * i, 0x01020304 * (i + 2) + j,
				(sizes[i] + 3) & ~3UL);
	pk_fill(&p, area + BLOCK + 12, 0xfeedf00d, AMDSVM_FILL_MAX_BYTES);
	expect_modelled();
	for (j = 0; j < 5; j++)
		pk_write(&p, area + edges[j] - 8, data + j, 1 + 3 * j);
	pk_write(&p, area + 5 * BLOCK - 200, data, 1100);
	for (j = 0; j < 5; j++) {
		pk_nop(&p, 7 * j);
		pk_fence(&p, area + edges[j] - 4, 0xf00 + j);
		pk_fence(&p, area + edges[j], 0xf10 + j);
		pk_trap(&p, j);
	}
	expect_modelled();
}
END_TEST

START_TEST(triad_and_reduce)
{
	const size_t far = 3 * BLOCK;

	if (!begin_variant(_i))
		return;
	pk_triad(&p, area, area + BLOCK - 8, area + 2 * BLOCK - 800, 1, 3);
	pk_triad(&p, area + 8, area + 40 * PAGE - 80, area + far - 808, 5000, -7ULL);
	pk_triad(&p, area + far, area + far, area + far, 10000, 1ULL << 40);
	pk_triad(&p, area + far + 8, area + far, area + 16, 3000, 1);
	pk_reduce(&p, area, 1, area + 16);
	pk_reduce(&p, area + PAGE - 8, 20000, area + BLOCK - 8);
	/* Where the sum goes is among what is summed. */
	pk_reduce(&p, area + far, BLOCK / 4, area + far + BLOCK);
	expect_modelled();
}
END_TEST

START_TEST(gather_and_scatter)
{
	enum { N = 3000 };
	uint32_t *index;
	int i;

	if (!begin(_i, false))
		return;
	random_state = vm_seed() + 1;
	index = malloc(N * 4);
	for (i = 0; i < N; i++)
		index[i] = random_below(2 * BLOCK / 8);
	/* Not aligned to 8, over the end of a block. */
	memcpy(area + 5 * BLOCK - 2 * PAGE + 4, index, N * 4);
	memcpy(model + 5 * BLOCK - 2 * PAGE + 4, index, N * 4);
	pk_gather(&p, area + 3 * BLOCK - PAGE + 8, area + 8, area + 5 * BLOCK - 2 * PAGE + 4, N);
	pk_scatter(&p, area + 2 * BLOCK + 16, area + PAGE - 8, area + 5 * BLOCK - 2 * PAGE + 4, N);
	pk_gather(&p, area, area, area + 5 * BLOCK - 2 * PAGE + 4, 1);
	expect_modelled();
	free(index);
}
END_TEST

/* A list in random order, its nodes off the edges of pages by what is in them. */
static char *build_list(size_t nodes, size_t next_offset, bool ring)
{
	char *first = NULL, *node = NULL, *before = NULL;
	size_t i;

	for (i = 0; i < nodes; i++) {
		uint64_t where = (i * 7919 % nodes) * 1544 + 2048;

		node = area + where;
		if (before)
			*(char **)(before + next_offset) = node;
		else
			first = node;
		before = node;
	}
	*(char **)(before + next_offset) = ring ? first : NULL;
	memcpy(model, area, SIZE);
	return first;
}

START_TEST(chase)
{
	char *first;

	if (!begin(_i, false))
		return;
	first = build_list(5003, 8, false);
	pk_chase(&p, first, 8, 0, 1 << 20, area + PAGE - 16);
	pk_chase(&p, first, 8, 1528, 5003, area + 5 * BLOCK - 8);
	pk_chase(&p, first, 8, 8, 5002, area + 5 * BLOCK + 800);
	pk_chase(&p, first, 8, 0, 1, area + 5 * BLOCK + 900 * 8);
	pk_chase(&p, NULL, 8, 16, 10, area + 5 * BLOCK + 1000 * 8);
	expect_modelled();
	first = build_list(100, 1536, true);
	pk_chase(&p, first, 1536, 8, 1000, area + 5 * BLOCK);
	expect_modelled();
}
END_TEST

START_TEST(atomics)
{
	static const uint32_t small[] = { 0, 1, 0xffffffff, 0x80000000, 0x7fffffff, 0x12345678 };
	static const uint32_t ops[] = { AMDSVM_ATOMIC_SWAP_32, AMDSVM_ATOMIC_CMPSWAP_32,
					AMDSVM_ATOMIC_ADD_32, AMDSVM_ATOMIC_AND_32,
					AMDSVM_ATOMIC_OR_32 };
	int op, i, same;

	if (vm.lane == LANE_MIRROR && !vm_has(AMDSVM_CAP_ATOMIC_EXCLUSIVE)) {
		vm_skip(_i, "no atomics on system memory, and no other memory");
		return;
	}
	if (!begin(_i ? OWN : MOVES, false))
		return;
	for (op = 0; op < 5; op++)
		for (i = 0; i < 6; i++)
			for (same = 0; same < (op == 1 ? 2 : 1); same++) {
				char *where = area + BLOCK - 64 + op * 256 + i * 32 + same * 16;
				uint64_t old, cas = 0;

				memcpy(&old, model + (where - area), 8);
				if (op == 1)
					cas = same ? (uint32_t)old : 1;
				pk_atomic(&p, ops[op], where, small[i], cas);
				where += 5 * PAGE;
				memcpy(&old, model + (where - area), 8);
				if (op == 1)
					cas = same ? old : old ^ 1ULL << 40;
				pk_atomic(&p, ops[op] | 0x20, where, (uint64_t)small[i] << 31, cas);
			}
	expect_modelled();
}
END_TEST

START_TEST(touch_changes_nothing)
{
	if (!begin(_i, false))
		return;
	pk_touch(&p, AMDSVM_TOUCH_READ, area, SIZE / 64, 64);
	pk_touch(&p, AMDSVM_TOUCH_WRITE, area + 4, BLOCK / 64, 64);
	pk_touch(&p, AMDSVM_TOUCH_WRITE, area + 2 * BLOCK, 1000, 0);
	pk_touch(&p, AMDSVM_TOUCH_READ, area + SIZE - 4, 1, 1ULL << 60);
	pk_touch(&p, AMDSVM_TOUCH_WRITE, area + 3 * BLOCK + 4, 300, 2 * PAGE + 4);
	expect_modelled();
}
END_TEST

START_TEST(timestamps_are_the_monotonic_clock)
{
	uint64_t before, after, *stamps = vm_anon(2 * PAGE);
	int i;

	for (i = 0; i < 200; i++)
		pk_timestamp(&p, stamps + 412 + i);
	before = vm_now();
	expect_runs(queue, &p);
	after = vm_now();
	expect(stamps[412] >= before && stamps[611] <= after);
	for (i = 1; i < 200; i++)
		expect(stamps[412 + i] >= stamps[411 + i]);
	expect_eq(stamps[411], 0);
	expect_eq(stamps[612], 0);
}
END_TEST

START_TEST(traps_are_counted)
{
	struct amdsvm_result result;
	int i;

	for (i = 1; i <= 100; i++) {
		pk_trap(&p, 0x0fffff00 + i);
		pk_nop(&p, 0);
	}
	result = vm_run(queue, &p);
	expect_status(result, 0);
	expect_eq(result.packets, 200);
	expect_eq(result.traps, 100);
	expect_eq(result.last_trap, 0x0fffff64);
	p.n = 0;
	pk_nop(&p, 3);
	result = vm_run(queue, &p);
	expect_eq(result.traps, 0);
	expect_eq(result.last_trap, 0);
}
END_TEST

static void random_packet(void)
{
	char *x = area + random_below(SIZE / 2 - PAGE) / 8 * 8;
	char *y = area + SIZE / 2 + random_below(SIZE / 4) / 8 * 8;
	uint64_t n = 1 + random_below(random_below(4) ? 300 : 3000);
	uint32_t words[40], i;

	switch (random_below(8)) {
	case 0:
		pk_copy(&p, y + random_below(8), x + random_below(8), n);
		return;
	case 1:
		pk_copy(&p, x, y + random_below(8), n * 9);
		return;
	case 2:
		pk_fill(&p, x + 4, random_below(1 << 30), n * 4);
		return;
	case 3:
		for (i = 0; i < 40; i++)
			words[i] = random_below(1 << 30);
		pk_write(&p, y, words, 1 + random_below(40));
		return;
	case 4:
		pk_triad(&p, y, x, y + 8, n, n);
		return;
	case 5:
		pk_reduce(&p, y, n, x);
		return;
	case 6:
		pk_touch(&p, random_below(2), x, n, 4 * random_below(50));
		return;
	default:
		pk_fence(&p, x, n);
	}
}

/* Two blocks of space behind y, and 27 kB of data at most: never outside. */
START_TEST(random_programs)
{
	int round;

	if (!begin(_i, true))
		return;
	random_state = vm_seed() * 1000 + _i + 1;
	for (round = 0; round < 6; round++) {
		while (p.n < VM_PACKET_WORDS - 50)
			random_packet();
		expect_modelled();
	}
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("packets");
	TCase *t = vm_case_with(s, "packets", setup, NULL);

	tcase_add_loop_test(t, copy, 0, 2 * PLACES);
	tcase_add_loop_test(t, copy_onto_itself, 0, PLACES);
	tcase_add_loop_test(t, fill_and_write, 0, 2 * PLACES);
	tcase_add_loop_test(t, triad_and_reduce, 0, 2 * PLACES);
	tcase_add_loop_test(t, gather_and_scatter, 0, PLACES);
	tcase_add_loop_test(t, chase, 0, PLACES);
	tcase_add_loop_test(t, atomics, 0, 2);
	tcase_add_loop_test(t, touch_changes_nothing, 0, PLACES);
	tcase_add_test(t, timestamps_are_the_monotonic_clock);
	tcase_add_test(t, traps_are_counted);
	tcase_add_loop_test(t, random_programs, 0, PLACES);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
