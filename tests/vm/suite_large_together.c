// SPDX-License-Identifier: MIT
/*
 * Folios of 2 MiB on a device that several use at the same time: processes that share
 * them by fork, threads that fault on one of them.
 */
#include <fcntl.h>
#include <pthread.h>

#include "vmlarge.h"
#include "vmslow.h"

START_TEST(a_folio_is_shared_by_fork)
{
	struct peer peer;
	char *memory;
	size_t i;

	needs_large_folios();
	memory = huge_on_device(BLOCK);
	if (vm_fork(&peer)) {
		vm_await(&peer);
		for (i = 0; i < PAGES_PER_BLOCK; i += 3)
			*(uint64_t *)(memory + i * PAGE) = i;
		for (i = 0; i < PAGES_PER_BLOCK; i++)
			expect_eq(*(uint64_t *)(memory + i * PAGE),
				  i % 3 ? vm_word(1, i * PAGE / 8) : i);
		vm_done();
	}
	/* One page of ours first, of which the child must not hear. */
	*(uint64_t *)(memory + MIDDLE) = 5;
	vm_tell(&peer);
	*(uint64_t *)(memory + 78 * PAGE) = 6;
	expect_joined(&peer);
	expect_eq(*(uint64_t *)(memory + MIDDLE), 5);
	expect_eq(*(uint64_t *)(memory + 78 * PAGE), 6);
	*(uint64_t *)(memory + MIDDLE) = vm_word(1, MIDDLE / 8);
	*(uint64_t *)(memory + 78 * PAGE) = vm_word(1, 78 * PAGE / 8);
	expect_bytes(memory, BLOCK, 1);
}
END_TEST

static char *shared;
static pthread_barrier_t barrier;

static void *read_pages(void *argument)
{
	size_t page = (size_t)argument, i;

	for (i = 0; i < 16; i++, page += 37) {
		pthread_barrier_wait(&barrier);
		expect_eq(*(volatile uint64_t *)(shared + page % PAGES_PER_BLOCK * PAGE),
			  vm_word(1, page % PAGES_PER_BLOCK * PAGE / 8));
	}
	return NULL;
}

/*
 * In one piece, and cut so that each fault has to split what others wait for. Rounds of
 * kind @first and up; all bytes come home, and no page is freed twice (the harness sees
 * the count of the module).
 */
static void fault_together(int rounds, int first)
{
	pthread_t thread;
	int i, how;

	vm_use_all_processors();
	for (i = 0; i < rounds; i++) {
		how = first + i % (3 - first);
		shared = huge_on_device(BLOCK);
		if (how)
			expect(!mprotect(shared + 300 * PAGE, PAGE, PROT_READ));
		if (how == 2)
			expect(!madvise(shared, BLOCK, MADV_NOHUGEPAGE));
		pthread_barrier_init(&barrier, NULL, 2);
		expect(!pthread_create(&thread, NULL, read_pages, (void *)(size_t)(i * 7)));
		read_pages((void *)(size_t)(i * 11 + 5));
		expect(!pthread_join(thread, NULL));
		expect_all_come_home();
		expect_bytes(shared, BLOCK, 1);
		expect(!munmap(shared, BLOCK));
	}
}

START_TEST(threads_fault_on_one_folio)
{
	needs_large_folios();
	fault_together(vm_rounds(50), 0);
}
END_TEST

/* ---- with the kernel's split made slow ------------------------------------------------ */

#define SPLIT "split_folio_to_list"
#define TRACES 60

/*
 * While one fault has split the folio another brings the page home that the first one
 * asked for (migrate_vma_split_folio() in 7.2, see pass_off() in cpufault.c).
 */
START_TEST(a_page_comes_home_as_its_folio_is_split)
{
	needs_large_folios();
	if (!vm_can_probe()) {
		vm_skip(0, "the debug kernel is built without kprobes");
		return;
	}
	vm_slow_return(SPLIT, TRACES);
	fault_together(vm_rounds(40), 1);
	vm_slow_return(SPLIT, 0);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("large_together");
	TCase *t = vm_case(s, "together");

	tcase_add_test(t, a_folio_is_shared_by_fork);
	tcase_add_test(t, threads_fault_on_one_folio);
	tcase_add_test(t, a_page_comes_home_as_its_folio_is_split);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
