// SPDX-License-Identifier: MIT
/*
 * Folios of 2 MiB on a device (private memory, Linux 7.2): they stay in one piece on
 * every way in and out, and where a piece is not to be had nothing is lost by it.
 */
#include "vmlarge.h"

#define SIZE (2 * BLOCK)
#define PAGES (SIZE / PAGE)
/*
 * Pieces of 2 MiB, as a device sees them: its page table has one entry for each, and
 * it has mapped no other memory of the test. Pages that lie side by side by chance
 * count as well; that a folio is one is seen at home, where it is a large page.
 */
static uint64_t pieces(const char *memory, size_t size)
{
	uint64_t leaves;

	expect_eq(set(memory, size, { ATTR(ACCESS_IN_PLACE), vm.gpu[1] }), 0);
	leaves = vm_device_counters(vm.gpu[1]).leaves;
	expect_eq(set(memory, size, { ATTR(NO_ACCESS), vm.gpu[1] }), 0);
	return leaves;
}

START_TEST(there_and_back_by_prefetch)
{
	char *memory;

	needs_large_folios();
	memory = huge_on_device(SIZE);
	expect_location(memory, SIZE, vm.gpu[0]);
	expect_eq(pieces(memory, SIZE), 2);
	expect_prefetch(memory, SIZE, SYSMEM, 0, .moved = PAGES);
	expect_eq(vm_huge_kib(memory, SIZE), SIZE / 1024);
	expect_bytes(memory, SIZE, 1);
}
END_TEST

START_TEST(one_fault_of_the_cpu_brings_a_folio)
{
	char *memory;

	needs_large_folios();
	memory = huge_on_device(SIZE);
	expect_eq(*(uint64_t *)(memory + MIDDLE), vm_word(1, MIDDLE / 8));
	expect_eq(vm_counters().cpu_faults, 1);
	expect_location(memory, BLOCK, SYSMEM);
	expect_location(memory + BLOCK, BLOCK, vm.gpu[0]);
	expect_bytes(memory, SIZE, 1);
	expect_eq(vm_counters().cpu_faults, 2);
	expect_eq(vm_huge_kib(memory, SIZE), SIZE / 1024);
}
END_TEST

START_TEST(from_device_to_device)
{
	char *memory;

	needs_large_folios();
	memory = huge_on_device(SIZE);
	expect_prefetch(memory, SIZE, vm.gpu[1], 0, .moved = PAGES);
	expect_location(memory, SIZE, vm.gpu[1]);
	expect_eq(pieces(memory, SIZE), 2);
	expect_eq(vm_counters().pages_peer, PAGES);
	expect_bytes(memory, SIZE, 1);
}
END_TEST

START_TEST(untouched_memory_is_one_piece)
{
	char *memory;

	needs_large_folios();
	memory = vm_anon(SIZE);
	expect(!madvise(memory, SIZE, MADV_HUGEPAGE));
	expect_prefetch(memory, SIZE, vm.gpu[0], 0, .cleared = PAGES);
	expect_eq(pieces(memory, SIZE), 2);
	expect_zero(memory, SIZE);
	expect_eq(vm_huge_kib(memory, SIZE), SIZE / 1024);
}
END_TEST

START_TEST(a_device_fault_brings_a_folio)
{
	char *memory;

	needs_large_folios();
	memory = huge(SIZE);
	expect_eq(set(memory, SIZE, { ATTR(PREFERRED_LOC), vm.gpu[0] },
		      { ATTR(ACCESS), vm.gpu[0] }), 0);
	expect_prefetch(memory, SIZE, SYSMEM, 0, .already = PAGES);
	expect_touches(vm.gpu[0], READ, memory, PAGES);
	expect_location(memory, SIZE, vm.gpu[0]);
	expect_eq(vm_device_counters(vm.gpu[0]).leaves, 2);
	expect_bytes(memory, SIZE, 1);
}
END_TEST

START_TEST(eviction_brings_folios_home)
{
	struct amdsvm_ioctl_evict_args args;
	char *memory;

	needs_large_folios();
	memory = huge_on_device(SIZE);
	expect_eq(vm_evict_on(vm.fd, vm.gpu[0], &args), 0);
	expect_eq(args.pages_moved, PAGES);
	expect_location(memory, SIZE, SYSMEM);
	expect_eq(vm_huge_kib(memory, SIZE), SIZE / 1024);
	expect_bytes(memory, SIZE, 1);
}
END_TEST

/* ---- in pieces ----------------------------------------------------------------------- */

static const size_t places[] = { 0, PAGE, MIDDLE, BLOCK - PAGE };
#define PLACES ((int)(sizeof(places) / sizeof(places[0])))

/* The same as if memory for a large page is not to be had, which is hard to arrange. */
START_TEST(a_fault_where_there_is_no_large_page_at_home)
{
	char *memory;

	needs_large_folios();
	memory = huge_on_device(SIZE);
	expect(!madvise(memory, SIZE, MADV_NOHUGEPAGE));
	expect_eq(*(uint64_t *)(memory + places[_i]), vm_word(1, places[_i] / 8));
	expect_location(memory + places[_i], PAGE, SYSMEM);
	expect_location(memory + BLOCK, BLOCK, vm.gpu[0]);
	expect_all_come_home();
	expect_bytes(memory, SIZE, 1);
	/* The other block: who evicts does not know the mapping. */
	expect_eq(vm_huge_kib(memory, SIZE), BLOCK / 1024);
}
END_TEST

START_TEST(a_prefetch_where_there_is_no_large_page_at_home)
{
	char *memory;

	needs_large_folios();
	memory = huge_on_device(SIZE);
	expect(!madvise(memory, SIZE, MADV_NOHUGEPAGE));
	expect_prefetch(memory, SIZE, SYSMEM, 0, .moved = PAGES);
	expect_eq(vm_huge_kib(memory, SIZE), 0);
	expect_bytes(memory, SIZE, 1);
	/* And it goes back as what it is. */
	expect_prefetch(memory, SIZE, vm.gpu[0], 0, .moved = PAGES);
	expect_bytes(memory, SIZE, 1);
	expect_eq(vm_huge_kib(memory, SIZE), 0);
}
END_TEST

/* Pages that are left on the device, one fault at each of several places. */
enum { UNMAP, PROTECT, DONTNEED, REMAP_ONE, REMAP_HALF, CUTS };

static void cut(char *memory, int how, char *elsewhere)
{
	switch (how) {
	case UNMAP:
		expect(!munmap(memory + 300 * PAGE, PAGE));
		break;
	case PROTECT:
		expect(!mprotect(memory + 300 * PAGE, PAGE, PROT_READ));
		break;
	case DONTNEED:
		expect(!madvise(memory + 300 * PAGE, PAGE, MADV_DONTNEED));
		break;
	case REMAP_ONE:
		/* The folio's first page is somewhere else from now on. */
		expect(mremap(memory, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, elsewhere) ==
		       elsewhere);
		break;
	default:
		expect(mremap(memory, BLOCK / 2, BLOCK / 2, MREMAP_MAYMOVE | MREMAP_FIXED,
			      elsewhere) == elsewhere);
	}
}

/* What is left of the block is right, read page by page from @from on. */
static void expect_rest(const char *memory, int how, const char *elsewhere, size_t from)
{
	size_t i, page;

	for (i = 0; i < PAGES_PER_BLOCK; i++) {
		const char *at = memory;

		page = (from / PAGE + i) % PAGES_PER_BLOCK;
		if (how == UNMAP && page == 300)
			continue;
		if ((how == REMAP_ONE && page == 0) ||
		    (how == REMAP_HALF && page < PAGES_PER_BLOCK / 2))
			at = elsewhere;
		expect_eq(*(const uint64_t *)(at + page * PAGE),
			  how == DONTNEED && page == 300 ? 0 : vm_word(1, page * PAGE / 8));
	}
}

START_TEST(a_folio_that_is_cut_is_faulted_home)
{
	int how = _i / PLACES, place = _i % PLACES;
	char *memory, *elsewhere = vm_reserve(BLOCK);

	needs_large_folios();
	memory = huge_on_device(BLOCK);
	cut(memory, how, elsewhere);
	expect_rest(memory, how, elsewhere, places[place]);
	expect_all_come_home();
	expect_rest(memory, how, elsewhere, 0);
}
END_TEST

START_TEST(a_folio_that_is_cut_is_moved_on)
{
	char *memory, *elsewhere = vm_reserve(BLOCK);
	struct amdsvm_ioctl_prefetch_args args;

	needs_large_folios();
	memory = huge_on_device(BLOCK);
	cut(memory, _i, elsewhere);
	if (_i == UNMAP)
		expect(mmap(memory + 300 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS |
			    MAP_FIXED, -1, 0) == memory + 300 * PAGE);
	if (_i == REMAP_ONE || _i == REMAP_HALF) {
		size_t size = _i == REMAP_ONE ? PAGE : BLOCK / 2;

		expect_prefetch(elsewhere, size, vm.gpu[1], 0, .moved = size / PAGE);
		expect_prefetch(memory + size, BLOCK - size, vm.gpu[1], 0,
				.moved = (BLOCK - size) / PAGE);
	} else {
		expect_eq(vm_prefetch_on(vm.fd, memory, BLOCK, vm.gpu[1], &args), 0);
		expect_eq(args.pages_moved, _i == PROTECT ? 512 : 511);
	}
	expect_rest(memory, _i == UNMAP ? UNMAP : _i, elsewhere, 0);
	expect_all_come_home();
}
END_TEST

/* What the device finds in pages [@first, @last]. */
static void expect_device_reads(char *memory, size_t first, size_t last)
{
	uint64_t *result = vm_anon_small(PAGE), sum = 0;
	struct vm_packets p = { 0 };
	size_t i;

	for (i = first * PAGE / 8; i < (last + 1) * PAGE / 8; i++)
		sum += vm_word(1, i);
	pk_reduce(&p, memory + first * PAGE, (last + 1 - first) * PAGE / 8, result);
	expect_runs(vm_queue(vm.gpu[0]), &p);
	expect_eq(*result, sum);
	expect(!munmap(result, PAGE));
}

/* Looked at from the middle on: attributes differ there, or the granule is small. */
enum { READ_ONLY, FORBIDDEN, SMALL_GRANULE, ALWAYS_MAPPED, LOOKS };

START_TEST(a_folio_is_seen_from_its_middle)
{
	char *memory, *page;
	size_t i;

	needs_large_folios();
	memory = huge_on_device(BLOCK);
	page = memory + MIDDLE;
	if (_i == READ_ONLY) {
		expect_eq(set(page, PAGE, { ATTR(SET_FLAGS), FLAG(GPU_RO) }), 0);
	} else if (_i == FORBIDDEN) {
		expect_eq(set(page, PAGE, { ATTR(NO_ACCESS), vm.gpu[0] }), 0);
		expect_eq(set(page, PAGE, { ATTR(ACCESS), vm.gpu[0] }), 0);
	} else if (_i == SMALL_GRANULE) {
		expect_eq(set(memory, BLOCK, { ATTR(GRANULARITY), 0 }), 0);
		expect_eq(set(memory, BLOCK, { ATTR(NO_ACCESS), vm.gpu[0] }), 0);
		expect_eq(set(memory, BLOCK, { ATTR(ACCESS_IN_PLACE), vm.gpu[0] }), 0);
		expect_eq(set(memory, BLOCK, { ATTR(NO_ACCESS), vm.gpu[0] }), 0);
		expect_eq(set(page, BLOCK - MIDDLE, { ATTR(ACCESS), vm.gpu[0] }), 0);
	} else {
		expect_eq(set(page, BLOCK - MIDDLE, { ATTR(SET_FLAGS), FLAG(GPU_ALWAYS_MAPPED) },
			      { ATTR(ACCESS), vm.gpu[0] }), 0);
	}
	expect_device_reads(memory, 78, 511);
	expect_device_reads(memory, 77, 77);
	for (i = 77; i < PAGES_PER_BLOCK; i += 62)
		expect_device_reads(memory, i, i);
	expect_eq(set(memory, BLOCK, { ATTR(ACCESS), vm.gpu[0] }), 0);
	expect_device_reads(memory, 0, 511);
	expect_location(memory, BLOCK, vm.gpu[0]);
	/* And what it writes comes to the right place. */
	if (_i != READ_ONLY) {
		struct vm_packets p = { 0 };

		pk_fill(&p, page, 0x11223344, 8);
		expect_runs(vm_queue(vm.gpu[0]), &p);
		expect_eq(*(uint64_t *)page, 0x1122334411223344);
		*(uint64_t *)page = vm_word(1, MIDDLE / 8);
	}
	expect_bytes(memory, BLOCK, 1);
}
END_TEST

START_TEST(no_whole_chunk_on_the_device)
{
	uint64_t chunks, i;
	char *fill, *memory;

	needs_large_folios();
	/* A page of each chunk is taken: 4 KiB of each 2 MiB stay. */
	chunks = vm_device(vm.gpu[0]).vram_bytes / BLOCK;
	fill = vm_anon_small(chunks * BLOCK);
	vm_fill(fill, chunks * BLOCK, 2);
	expect_prefetch(fill, chunks * BLOCK, vm.gpu[0], 0,
			.moved = chunks * PAGES_PER_BLOCK);
	for (i = 0; i < chunks; i++) {
		expect(!madvise(fill + i * BLOCK, 5 * PAGE, MADV_DONTNEED));
		expect(!madvise(fill + i * BLOCK + 6 * PAGE, BLOCK - 6 * PAGE, MADV_DONTNEED));
	}
	memory = huge(SIZE);
	expect_prefetch(memory, SIZE, vm.gpu[0], 0, .moved = PAGES);
	expect_eq(pieces(memory, SIZE), 0);
	expect_bytes(memory, SIZE, 1);
	for (i = 0; i < chunks; i++)
		expect_bytes(fill + i * BLOCK, 0, 2);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("large");
	TCase *t = vm_case(s, "whole");

	tcase_add_test(t, there_and_back_by_prefetch);
	tcase_add_test(t, one_fault_of_the_cpu_brings_a_folio);
	tcase_add_test(t, from_device_to_device);
	tcase_add_test(t, untouched_memory_is_one_piece);
	tcase_add_test(t, a_device_fault_brings_a_folio);
	tcase_add_test(t, eviction_brings_folios_home);

	t = vm_case(s, "pieces");
	tcase_add_loop_test(t, a_fault_where_there_is_no_large_page_at_home, 0, PLACES);
	tcase_add_test(t, a_prefetch_where_there_is_no_large_page_at_home);
	tcase_add_loop_test(t, a_folio_that_is_cut_is_faulted_home, 0, CUTS * PLACES);
	tcase_add_loop_test(t, a_folio_that_is_cut_is_moved_on, 0, CUTS);
	tcase_add_loop_test(t, a_folio_is_seen_from_its_middle, 0, LOOKS);
	tcase_add_test(t, no_whole_chunk_on_the_device);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
