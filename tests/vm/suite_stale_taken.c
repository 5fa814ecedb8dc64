// SPDX-License-Identifier: MIT
/*
 * R2 where a page is taken from a device that gets nothing for it: its queue
 * stops, with the error that says why. And where it is shared with a child. How a
 * round goes is in vmstale.h.
 */
#include "vmstale.h"

/* ---- memory that the device may not use any more ----------------------------- */

/* Each takes the page from the device, and gives the device nothing in its place. */
static void unmap(int fd)
{
	(void)fd;
	expect(!munmap((void *)page, PAGE));
}

static void remap(int fd)
{
	stale_map((void *)page, fd, 0);
}

static void write_protect(int fd)
{
	(void)fd;
	expect(!mprotect((void *)page, PAGE, PROT_READ));
}

static void protect(int fd)
{
	(void)fd;
	expect(!mprotect((void *)page, PAGE, PROT_NONE));
}

static void unprotect(int fd)
{
	(void)fd;
	expect(!mprotect((void *)page, PAGE, PROT_READ | PROT_WRITE));
}

static volatile uint32_t *elsewhere;

static void move_away(int fd)
{
	(void)fd;
	expect(mremap((void *)page, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, elsewhere) == elsewhere);
}

static void move_back(int fd)
{
	(void)fd;
	expect(mremap((void *)elsewhere, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, page) == page);
}

static void forbid(int fd)
{
	(void)fd;
	expect_eq(set((void *)page, PAGE, { ATTR(NO_ACCESS), vm.gpu[0] }), 0);
}

static void allow(int fd)
{
	(void)fd;
	expect_eq(set((void *)page, PAGE, { ATTR(ACCESS_IN_PLACE), vm.gpu[0] }), 0);
}

static void forbid_writing(int fd)
{
	(void)fd;
	expect_eq(set((void *)page, PAGE, { ATTR(SET_FLAGS), FLAG(GPU_RO) }), 0);
}

static void allow_writing(int fd)
{
	(void)fd;
	expect_eq(set((void *)page, PAGE, { ATTR(CLR_FLAGS), FLAG(GPU_RO) }), 0);
}

static const struct {
	int kind;
	int status;
	void (*take)(int fd);
	void (*give)(int fd);
} takings[] = {
	{ WRITES, -EFAULT, unmap, remap },
	{ READS, -EFAULT, unmap, remap },
	{ WRITES, -EACCES, write_protect, unprotect },
	{ WRITES, -EACCES, protect, unprotect },
	{ READS, -EACCES, protect, unprotect },
	{ WRITES, -EFAULT, move_away, move_back },
	{ READS, -EFAULT, move_away, move_back },
	{ WRITES, -EACCES, forbid, allow },
	{ WRITES, -EACCES, forbid_writing, allow_writing },
};

#define TAKINGS ((int)(sizeof(takings) / sizeof(takings[0])))

#define MAX_DELAY 10000

START_TEST(a_page_that_was_taken_away)
{
	uint32_t round, rounds = vm_loop_rounds(1970), missed = 0, delay = STALE_DELAY;
	int kind = takings[_i].kind, fd = stale_file(PAGE);
	volatile uint32_t *window = stale_map(NULL, fd, 0);
	struct vm_packets p = { 0 }, one;
	uint64_t start = vm_now();

	page = vm_reserve(PAGE);
	elsewhere = vm_reserve(PAGE);
	stale_map((void *)page, fd, 0);
	stale_body(&one, kind);
	while (p.n + one.n <= VM_PACKET_WORDS) {
		memcpy(&p.words[p.n], one.words, one.n * sizeof(one.words[0]));
		p.n += one.n;
	}
	for (round = 1; stale_more(round, rounds, start); round++) {
		uint32_t queue_id = vm_queue(vm.gpu[0]);
		struct amdsvm_result result;
		int job;

		mark(window, round);
		job = vm_submit(queue_id, &p);
		expect(job >= 0);
		await_use(job, kind, window, round);
		takings[_i].take(fd);
		mark_ours(window);
		result = vm_finish(job);
		expect(*seen != OURS);
		takings[_i].give(fd);
		expect_eq(vm_queue_destroy(queue_id), 0);
		/* Done before we came to it: no round, and the next is slower. */
		if (!result.status) {
			expect(++missed <= rounds);
			delay = delay < MAX_DELAY ? delay * 2 : MAX_DELAY;
			vm_access_delay(delay);
			round--;
			continue;
		}
		expect_status(result, takings[_i].status);
		expect_eq(result.address, (uintptr_t)&page[kind == READS ? READ : WRITTEN]);
		expect_ours(window, round);
	}
	stale_count(round - 1, start);
}
END_TEST

/* ---- memory that is shared with a child ---------------------------------------- */

/* Longer than a fork takes: an access that began before may come when the child looks. */
#define FORK_DELAY 3000

static void child_sees_its_own(void)
{
	uint64_t end = vm_now() + 2 * FORK_DELAY * 1000ULL;
	uint32_t word = page[WRITTEN];

	do {
		if (page[WRITTEN] != word)
			_exit(1);
	} while (vm_now() < end);
	_exit(0);
}

START_TEST(a_page_of_a_child)
{
	uint32_t round, rounds = vm_loop_rounds(300);
	struct vm_packets p;
	struct vm_loop loop;
	uint64_t start;
	int status;

	vm_access_delay(FORK_DELAY);
	page = vm_anon_in_place(PAGE);
	mark(page, 1);
	stale_body(&p, WRITES);
	vm_loop_start(&loop, vm.gpu[0], &p, 200);
	start = vm_now();
	for (round = 1; stale_more(round, rounds, start); round++) {
		pid_t pid;

		await_loop(&loop, WRITES, page, round);
		pid = fork();
		if (!pid)
			child_sees_its_own();
		expect(pid > 0);
		/* The device breaks COW in every other round, the CPU in the rest. */
		if (round % 2)
			mark(page, round + 1);
		expect(waitpid(pid, &status, 0) == pid);
		if (status)
			vm_fail(HERE, "round %u: a device of the parent wrote to a page of the child (R2)",
				round);
		mark(page, round + 1);
	}
	stale_count(round - 1, start);
	vm_loop_stop(&loop);
}
END_TEST

START_TEST(there_were_enough_rounds)
{
	stale_expect_rounds(_i, 18000);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("stale_taken");
	TCase *t = vm_case_with(s, "pages", stale_setup, NULL);

	stale_count_all();
	tcase_add_unchecked_fixture(t, NULL, vm_loop_teardown);
	tcase_add_loop_test(t, a_page_that_was_taken_away, 0, TAKINGS);
	tcase_add_test(t, a_page_of_a_child);
	tcase_add_test(t, there_were_enough_rounds);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
