// SPDX-License-Identifier: MIT
/*
 * Open files of one process: who opened one, and what opening and closing
 * against each other leaves behind.
 */
#include <fcntl.h>
#include <pthread.h>

#include "vmtest.h"

#define SIZE (16 * PAGE)
#define ROUNDS 400
#define RANGES_LIMIT "/sys/module/amdsvm/parameters/max_ranges"

static long opener_of(int fd)
{
	char path[64], line[128];
	long pid = -1;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "re");
	expect(file);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "amdsvm-opener: %ld", &pid) == 1)
			break;
	fclose(file);
	return pid;
}

START_TEST(fdinfo_names_the_opener)
{
	struct peer peer;

	expect_eq(opener_of(vm.fd), getpid());
	if (vm_fork(&peer)) {
		int own = vm_open();

		/* The file from before the fork is still the parent's. */
		expect_eq(opener_of(vm.fd), getppid());
		expect_eq(opener_of(own), getpid());
		vm_done();
	}
	expect_joined(&peer);
}
END_TEST

START_TEST(files_of_one_process_share_its_ranges)
{
	char *memory = vm_anon(SIZE);
	int second = vm_open();

	expect_eq(set_on(second, memory, SIZE, { ATTR(GRANULARITY), 2 }), 0);
	expect_eq(get(memory, SIZE, ATTR(GRANULARITY)), 2);
	close(second);
	/* One file is left, so the ranges are. */
	expect_eq(get(memory, SIZE, ATTR(GRANULARITY)), 2);
	close(vm.fd);
	vm.fd = vm_open();
	expect_eq(vm_range_count(), 0);
}
END_TEST

static char *arena;
static volatile bool stop;

/* A file of its own each round, so that last closes and first opens meet. */
static void *opener(void *argument)
{
	char *mine = arena + (size_t)argument * SIZE;
	unsigned int rounds = vm_rounds(ROUNDS), i;

	for (i = 0; i < rounds; i++) {
		int fd = open("/dev/amdsvm", O_RDWR | O_CLOEXEC);

		expect(fd >= 0);
		expect_eq(set_on(fd, mine, SIZE, { ATTR(GRANULARITY), 1 + i % 8 }), 0);
		expect_eq(set_on(fd, mine + PAGE, PAGE, { ATTR(GRANULARITY), 0 }), 0);
		close(fd);
	}
	stop = true;
	return NULL;
}

/* UNMAP events look into the ranges while they come and go. */
static void *mapper(void *argument)
{
	char *mine = arena + (size_t)argument * SIZE;

	while (!stop)
		expect(mmap(mine, SIZE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == mine);
	return NULL;
}

START_TEST(opening_and_closing_race)
{
	pthread_t threads[3];

	arena = vm_anon(2 * SIZE);
	close(vm.fd);
	stop = false;
	expect(!pthread_create(&threads[0], NULL, opener, (void *)0));
	expect(!pthread_create(&threads[1], NULL, opener, (void *)1));
	expect(!pthread_create(&threads[2], NULL, mapper, (void *)0));
	expect(!pthread_join(threads[0], NULL));
	expect(!pthread_join(threads[1], NULL));
	expect(!pthread_join(threads[2], NULL));

	/* Nothing of it is left. */
	vm.fd = vm_open();
	expect_eq(vm_range_count(), 0);
	expect_eq(vm_counters().blocks, 0);
	expect_eq(get(arena, 2 * SIZE, ATTR(GRANULARITY)), DEFAULT_GRANULARITY);
}
END_TEST

static void restore_limit(void)
{
	vm_write_file(RANGES_LIMIT, "4194304");
}

START_TEST(a_process_may_have_so_many_ranges)
{
	struct amdsvm_range_info before[8], after[8];
	char *memory = vm_anon(SIZE);
	size_t i;

	/* Read when the process opens its first file. */
	expect_eq(vm_write_file(RANGES_LIMIT, "4"), 0);
	close(vm.fd);
	vm.fd = vm_open();
	for (i = 0; i < 4; i++)
		expect_eq(set(memory + 2 * i * PAGE, PAGE, { ATTR(GRANULARITY), 1 }), 0);
	expect_eq(vm_list(memory, SIZE, before, 8), 4);

	expect_eq(set(memory + 8 * PAGE, PAGE, { ATTR(GRANULARITY), 1 }), -ENOMEM);
	expect_eq(set(memory, SIZE, { ATTR(PREFERRED_LOC), SYSMEM }), -ENOMEM);
	expect_eq(vm_list(memory, SIZE, after, 8), 4);
	expect(!memcmp(before, after, 4 * sizeof(*before)));

	/* What needs no more is possible, and so is making room. */
	expect_eq(set(memory + PAGE, PAGE, { ATTR(GRANULARITY), 1 }), 0);
	expect_eq(vm_list(memory, SIZE, after, 8), 3);
	expect_eq(set(memory + 8 * PAGE, PAGE, { ATTR(GRANULARITY), 1 }), 0);
	expect_eq(vm_unset_on(vm.fd, memory, SIZE), 0);
	expect_eq(vm_range_count(), 0);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("files");
	TCase *t = vm_case(s, "files");

	tcase_add_test(t, fdinfo_names_the_opener);
	tcase_add_test(t, files_of_one_process_share_its_ranges);
	tcase_add_test(t, opening_and_closing_race);

	t = vm_case_with(s, "limit", vm_setup, restore_limit);
	tcase_add_test(t, a_process_may_have_so_many_ranges);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
