// SPDX-License-Identifier: MIT
/*
 * R2 where other memory takes the place of a page: devices go on, with the new
 * one. How a round goes is in vmstale.h; pages that devices are no longer allowed
 * to use are in suite_stale_taken, those that move in suite_stale_move.
 */
#include <sys/uio.h>

#include "vmstale.h"

/* ---- another page at the same address -------------------------------------- */

#define FILE_PAGES 16

/* The even ones write, the odd ones read: pieces that a slow machine gets through. */
START_TEST(a_page_that_was_replaced)
{
	uint32_t round, rounds = vm_loop_rounds(4400);
	int kind = _i % 2;
	int fd = stale_file(FILE_PAGES * PAGE);
	volatile uint32_t *pages[FILE_PAGES];
	struct vm_packets p;
	struct vm_loop loop;
	uint64_t start;
	uint32_t i;

	for (i = 0; i < FILE_PAGES; i++) {
		pages[i] = stale_map(NULL, fd, i * PAGE);
		mark_ours(pages[i]);
	}
	page = vm_reserve(PAGE);
	mark(pages[0], 1);
	stale_map((void *)page, fd, 0);
	stale_body(&p, kind);
	vm_loop_start(&loop, vm.gpu[0], &p, 0);
	start = vm_now();
	for (round = 1; stale_more(round, rounds, start); round++) {
		volatile uint32_t *old = pages[(round - 1) % FILE_PAGES];
		volatile uint32_t *next = pages[round % FILE_PAGES];

		await_loop(&loop, kind, old, round);
		expect_ours(next, round);
		mark(next, round + 1);
		stale_map((void *)page, fd, round % FILE_PAGES * PAGE);
		mark_ours(old);
	}
	stale_count(round - 1, start);
	vm_loop_stop(&loop);
	for (i = 1; i < FILE_PAGES; i++)
		expect_ours(pages[(round - 1 + i) % FILE_PAGES], round);
}
END_TEST

/* ---- memory that is dropped -------------------------------------------------- */

static uint32_t piped(int fd)
{
	uint32_t word;

	expect(read(fd, &word, sizeof(word)) == sizeof(word));
	return word;
}

/*
 * A pipe holds the page beyond MADV_DONTNEED, twice: what is in it when the call
 * returns must be in it later.
 */
START_TEST(a_page_that_was_dropped)
{
	uint32_t round, rounds = vm_loop_rounds(4000);
	struct iovec twice[2];
	struct vm_packets p;
	struct vm_loop loop;
	uint64_t start;
	int ends[2];

	expect(!pipe(ends));
	page = vm_anon_in_place(PAGE);
	mark(page, 1);
	stale_body(&p, WRITES);
	vm_loop_start(&loop, vm.gpu[0], &p, 0);
	twice[0].iov_base = twice[1].iov_base = (void *)&page[WRITTEN];
	twice[0].iov_len = twice[1].iov_len = sizeof(*page);
	start = vm_now();
	for (round = 1; stale_more(round, rounds, start); round++) {
		uint32_t word, later;

		await_loop(&loop, WRITES, page, round);
		expect(vmsplice(ends[1], twice, 2, 0) == 2 * sizeof(*page));
		expect(!madvise((void *)page, PAGE, MADV_DONTNEED));
		word = piped(ends[0]);
		mark(page, round + 1);
		await_loop(&loop, WRITES, page, round + 1);
		later = piped(ends[0]);
		if (word != later)
			vm_fail(HERE, "round %u: a device wrote %u over %u in a page that was dropped (R2)",
				round, later, word);
	}
	stale_count(round - 1, start);
	vm_loop_stop(&loop);
}
END_TEST

/* ---- memory that is moved, and fresh memory in its place --------------------- */

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

START_TEST(a_page_that_was_moved)
{
	uint32_t round, rounds = vm_loop_rounds(3300);
	int kind = _i % 2;
	volatile uint32_t *away = vm_reserve(PAGE);
	struct vm_packets p;
	struct vm_loop loop;
	uint64_t start;

	page = vm_anon_in_place(PAGE);
	mark(page, 1);
	stale_body(&p, kind);
	vm_loop_start(&loop, vm.gpu[0], &p, 0);
	start = vm_now();
	for (round = 1; stale_more(round, rounds, start); round++) {
		await_loop(&loop, kind, page, round);
		if (round > 1)
			expect_ours(away, round);
		expect(mremap((void *)page, PAGE, PAGE,
			      MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, away) == away);
		mark_ours(away);
		/* The attributes went with the memory. */
		expect_eq(set((void *)page, PAGE, { ATTR(PREFERRED_LOC), SYSMEM },
			      { ATTR(ACCESS_IN_PLACE), vm.gpu[0] }), 0);
		mark(page, round + 1);
	}
	await_loop(&loop, kind, page, round);
	expect_ours(away, round);
	stale_count(round - 1, start);
	vm_loop_stop(&loop);
}
END_TEST

START_TEST(there_were_enough_rounds)
{
	stale_expect_rounds(_i, 60400);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("stale");
	TCase *t = vm_case_with(s, "pages", stale_setup, NULL);

	stale_count_all();
	tcase_add_unchecked_fixture(t, NULL, vm_loop_teardown);
	tcase_add_loop_test(t, a_page_that_was_replaced, 0, 8);
	tcase_add_loop_test(t, a_page_that_was_dropped, 0, 3);
	tcase_add_loop_test(t, a_page_that_was_moved, 0, 4);
	tcase_add_test(t, there_were_enough_rounds);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
