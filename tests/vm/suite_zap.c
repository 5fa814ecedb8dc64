// SPDX-License-Identifier: MIT
/*
 * Folios of 2 MiB that are unmapped, or lose one of several who share them, while they move
 * (private memory, Linux 7.2).
 *
 * zap_huge_pmd() of that kernel drops a reference and a mapping too many then: without what
 * the driver does about it the memory is somebody else's under the copy, and the kernel panics or
 * its counts of pages are wrong. The copy engine is slow, so that it happens in the middle.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sys/syscall.h>

#include "vmlarge.h"
#include "vmslow.h"

/* Ways of a block that is on the first device. */
enum way { HOME, PEER, EVICTED, FAULT, WAYS };

/* 16 pieces of 128 KiB, two at a time. */
#define SLOW_US 10000
#define MIDDLE_US 30000

static char *block;
static enum way way;
static volatile bool began, ended;

static void setup(void)
{
	vm_setup();
	vm_slow_teardown();
}

static void *mover(void *argument)
{
	struct amdsvm_ioctl_prefetch_args prefetch;
	struct amdsvm_ioctl_evict_args evict;
	int result = 0;

	(void)argument;
	began = true;
	switch (way) {
	case HOME:
		result = vm_prefetch_on(vm.fd, block, BLOCK, SYSMEM, &prefetch);
		break;
	case PEER:
		result = vm_prefetch_on(vm.fd, block, BLOCK, vm.gpu[1], &prefetch);
		break;
	case EVICTED:
		result = vm_evict_on(vm.fd, vm.gpu[0], &evict);
		break;
	default:
		*(volatile char *)(block + MIDDLE);
	}
	expect(!result || result == -EBUSY);
	ended = true;
	return NULL;
}

/* The block goes its way. Returns in the middle of that. */
static pthread_t start(void)
{
	pthread_t thread;

	vm_slow_copies(SLOW_US);
	began = ended = false;
	expect(!pthread_create(&thread, NULL, mover, NULL));
	expect_within(10, began);
	usleep(MIDDLE_US);
	expect(!ended);
	return thread;
}

static void finish(pthread_t thread)
{
	expect(!pthread_join(thread, NULL));
	vm_slow_teardown();
}

/* ---- what the kernel counts ------------------------------------------------------ */

struct anon {
	long pages;
	long large;
};

/* Of all processes, exactly. */
static struct anon count_anon(void)
{
	struct anon anon = { -1, -1 };
	char line[128];
	FILE *file;

	file = fopen("/proc/sys/vm/stat_refresh", "w");
	expect(file);
	fputs("1", file);
	expect(!fclose(file));
	file = fopen("/proc/vmstat", "r");
	expect(file);
	while (fgets(line, sizeof(line), file)) {
		sscanf(line, "nr_anon_pages %ld", &anon.pages);
		sscanf(line, "nr_anon_transparent_hugepages %ld", &anon.large);
	}
	fclose(file);
	expect(anon.pages >= 0 && anon.large >= 0);
	return anon;
}

/* A folio is 512 pages, or one in @large; processes beside the test have some pages. */
static void expect_anon(struct anon before)
{
	struct anon now = count_anon();

	expect_eq(now.large, before.large);
	if (labs(now.pages - before.pages) >= 400)
		vm_fail(HERE, "nr_anon_pages went from %ld to %ld", before.pages, now.pages);
}

/* ---- one address space ----------------------------------------------------------- */

START_TEST(unmapped_on_its_way)
{
	struct anon before = count_anon();
	pthread_t thread;

	needs_large_folios();
	needs_two_processors();
	way = _i;
	block = huge_on_device(BLOCK);
	thread = start();
	expect(!madvise(block, BLOCK, MADV_DONTNEED));
	expect(!ended);
	expect_zero(block, BLOCK);
	finish(thread);
	expect_zero(block, BLOCK);
	expect(!munmap(block, BLOCK));
	expect_within(10, !vm_used_pages());
	expect_anon(before);
}
END_TEST

/* Half of it: core makes pages of the entry. */
START_TEST(half_unmapped_on_its_way)
{
	struct anon before = count_anon();
	pthread_t thread;

	needs_large_folios();
	needs_two_processors();
	way = _i;
	block = huge_on_device(BLOCK);
	thread = start();
	expect(!madvise(block + BLOCK / 2, BLOCK / 2, MADV_DONTNEED));
	expect(!ended);
	finish(thread);
	expect_bytes(block, BLOCK / 2, 1);
	expect_zero(block + BLOCK / 2, BLOCK / 2);
	expect(!munmap(block, BLOCK));
	expect_within(10, !vm_used_pages());
	expect_anon(before);
}
END_TEST

/* All copies fail: it stays, in one piece, and is counted so. */
START_TEST(stays_after_all)
{
	struct anon before, on_device;

	needs_large_folios();
	if (_i == FAULT) {
		vm_skip(_i, "a CPU that cannot have its memory gets SIGBUS");
		return;
	}
	way = _i;
	before = count_anon();
	block = huge_on_device(BLOCK);
	on_device = count_anon();
	vm_refuse_copies(true);
	mover(NULL);
	expect_eq(vm_used_pages(), PAGES_PER_BLOCK);
	vm_refuse_copies(false);
	expect_location(block, BLOCK, vm.gpu[0]);
	expect_anon(on_device);
	/* And moves as it would have. */
	mover(NULL);
	expect_location(block, BLOCK, way == PEER ? vm.gpu[1] : SYSMEM);
	if (way != PEER)
		expect_eq(vm_huge_kib(block, BLOCK), BLOCK / 1024);
	expect_bytes(block, BLOCK, 1);
	expect_eq(vm_huge_kib(block, BLOCK), BLOCK / 1024);
	expect(!munmap(block, BLOCK));
	expect_within(10, !vm_used_pages());
	expect_anon(before);
}
END_TEST

/*
 * While core takes it: before the driver knows whether it has. What returns late is what
 * core calls for each 2 MiB.
 */
#define TRACES 60

START_TEST(unmapped_as_it_is_taken)
{
	const char *function = "migrate_vma_collect_pmd";
	int round, rounds = vm_rounds(20);
	struct anon before = count_anon();

	needs_large_folios();
	if (!vm_can_probe()) {
		vm_skip(_i, "the debug kernel is built without kprobes");
		return;
	}
	way = _i;
	vm_use_all_processors();
	vm_slow_return(function, TRACES);
	for (round = 0; round < rounds; round++) {
		pthread_t thread;
		volatile int i;

		block = huge_on_device(BLOCK);
		began = ended = false;
		expect(!pthread_create(&thread, NULL, mover, NULL));
		while (!began)
			;
		for (i = 0; i < round * 8000; i++)
			;
		expect(!madvise(block, BLOCK, MADV_DONTNEED));
		expect_zero(block, BLOCK);
		expect(!pthread_join(thread, NULL));
		expect_zero(block, BLOCK);
		expect(!munmap(block, BLOCK));
	}
	vm_slow_return(function, 0);
	expect_within(10, !vm_used_pages());
	expect_anon(before);
}
END_TEST

/*
 * It must not unmap as core takes it: for a moment the entry is empty, and nothing would be
 * found. With core made slow, that is seen by the time it takes.
 */
#define MANY_TRACES 120
#define WAITED_NS 1500000
#define DELAYS 24

static uint64_t longest_wait(void)
{
	uint64_t longest = 0, taken = 0, waited;
	pthread_t thread;
	int i;

	for (i = 0; i <= DELAYS; i++) {
		uint64_t start;

		block = huge_on_device(BLOCK);
		began = ended = false;
		start = vm_now();
		expect(!pthread_create(&thread, NULL, mover, NULL));
		while (!began)
			;
		/* Once only to see how long it takes. */
		if (i) {
			while (vm_now() - start < taken * i / DELAYS)
				;
			waited = vm_now();
			expect(!madvise(block, BLOCK, MADV_DONTNEED));
			waited = vm_now() - waited;
			expect_zero(block, BLOCK);
			if (waited > longest)
				longest = waited;
		}
		expect(!pthread_join(thread, NULL));
		if (!i)
			taken = vm_now() - start;
		expect(!munmap(block, BLOCK));
	}
	return longest;
}

START_TEST(an_unmapping_waits_for_who_takes_it)
{
	uint64_t longest[WAYS];

	needs_large_folios();
	if (!vm_can_probe()) {
		vm_skip(0, "the debug kernel is built without kprobes");
		return;
	}
	vm_use_all_processors();
	vm_slow_return("migrate_vma_collect_pmd", MANY_TRACES);
	for (way = 0; way < WAYS; way++)
		longest[way] = longest_wait();
	vm_slow_return("migrate_vma_collect_pmd", 0);
	for (way = 0; way < WAYS; way++)
		if (longest[way] < WAITED_NS)
			vm_fail(HERE, "way %d: no unmapping took longer than %llu us", way,
				(unsigned long long)longest[way] / 1000);
}
END_TEST

/* ---- several --------------------------------------------------------------------- */

/* A child that shares the block ends while it moves. */
START_TEST(who_shares_it_ends)
{
	struct anon before = count_anon();
	pthread_t thread;
	struct peer peer;

	needs_large_folios();
	needs_two_processors();
	way = _i;
	block = huge_on_device(BLOCK);
	if (vm_fork(&peer)) {
		vm_await(&peer);
		vm_done();
	}
	/* It goes in pages, and those of a fault are copied at once. */
	if (way == FAULT)
		mover(NULL);
	else
		thread = start();
	vm_tell(&peer);
	expect_joined(&peer);
	if (way != FAULT)
		finish(thread);
	expect_bytes(block, BLOCK, 1);
	expect(!munmap(block, BLOCK));
	expect_within(10, !vm_used_pages());
	expect_anon(before);
}
END_TEST

/* It moves for all who share it, and each has its bytes. */
START_TEST(shared_by_many)
{
	struct peer peers[3];
	unsigned int i;

	needs_large_folios();
	way = _i;
	block = huge_on_device(BLOCK);
	for (i = 0; i < 3; i++)
		if (vm_fork(&peers[i])) {
			vm_await(&peers[i]);
			expect_bytes(block, BLOCK, 1);
			block[i * PAGE] = 77;
			vm_done();
		}
	mover(NULL);
	expect_location(block, BLOCK, way == PEER ? vm.gpu[1] : SYSMEM);
	for (i = 0; i < 3; i++) {
		vm_tell(&peers[i]);
		expect_joined(&peers[i]);
	}
	expect_bytes(block, BLOCK, 1);
	expect_all_come_home();
}
END_TEST

/* Only the child still has it: nobody knows it but the reverse map. */
START_TEST(evicted_from_an_heir)
{
	struct amdsvm_ioctl_evict_args args;
	struct peer peer;

	needs_large_folios();
	block = huge_on_device(BLOCK);
	if (vm_fork(&peer)) {
		vm_await(&peer);
		vm_tell(&peer);
		vm_await(&peer);
		/* Nobody tells the driver of what is unmapped there: page by page. */
		expect_eq(vm_huge_kib(block, BLOCK), 0);
		expect_bytes(block, BLOCK, 1);
		vm_done();
	}
	expect(!munmap(block, BLOCK));
	vm_tell(&peer);
	vm_await(&peer);
	expect_eq(vm_evict_on(vm.fd, vm.gpu[0], &args), 0);
	expect_eq(args.pages_moved, PAGES_PER_BLOCK);
	expect_eq(args.pages_left, 0);
	vm_tell(&peer);
	expect_joined(&peer);
}
END_TEST

static void add_ways(Suite *s, const char *name, const TTest *test)
{
	TCase *t = vm_case_with(s, name, setup, NULL);

	tcase_add_unchecked_fixture(t, NULL, vm_slow_teardown);
	tcase_add_loop_test(t, test, 0, WAYS);
}

static Suite *suite(void)
{
	Suite *s = suite_create("zap");
	TCase *t;

	add_ways(s, "unmapped", unmapped_on_its_way);
	add_ways(s, "half", half_unmapped_on_its_way);
	add_ways(s, "stays", stays_after_all);
	add_ways(s, "taken", unmapped_as_it_is_taken);
	t = vm_case_with(s, "waits", setup, NULL);
	tcase_add_unchecked_fixture(t, NULL, vm_slow_teardown);
	tcase_add_test(t, an_unmapping_waits_for_who_takes_it);
	add_ways(s, "ends", who_shares_it_ends);
	add_ways(s, "shared", shared_by_many);
	t = vm_case(s, "heir");
	tcase_add_test(t, evicted_from_an_heir);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
