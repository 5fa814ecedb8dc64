// SPDX-License-Identifier: MIT
/*
 * bench WHAT ROUNDS: measures one of the subjects below, most of them moving 256 MiB, and
 * prints a line for each number: row, who, nanoseconds. Exits with 1 when a page or a byte is not
 * where or what it has to be: a wrong result has no time.
 *
 * BENCH_BACKING=4k|2m leaves the other out. BENCH_PROFILE=row marks that row's time for
 * tests/bench/profile.
 */
#include "bench.h"

static const struct subject {
	const char *name;
	void (*run)(const struct backing *backing, unsigned int round);
} subjects[] = {
	{ "amdsvm", bench_amdsvm },
	{ "more", bench_more },
	{ "device", bench_device },
	{ "sizes", bench_sizes },
	{ "threads", bench_threads },
	{ "overcommit", bench_overcommit },
	{ "test_hmm", bench_test_hmm },
	{ "read_back", bench_read_back },
};

const char *bench_profiled;

void bench_settle(void)
{
	usleep(50000);
}

static const struct subject *find_subject(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++)
		if (!strcmp(subjects[i].name, name))
			return &subjects[i];
	return NULL;
}

#define LISTS "/proc/sys/vm/percpu_pagelist_high_fraction"

/*
 * Each processor keeps lists of free pages, up to 200 MiB of them after a series with 4 KiB
 * pages, and gives them back one by one when the next series frees large ones. The kernel
 * shortens lists that are too long once a second: they are, for the time being.
 */
static void empty_page_lists(void)
{
	expect_eq(vm_write_file(LISTS, "100000"), 0);
	sleep(3);
	expect_eq(vm_write_file(LISTS, "0"), 0);
}

/* A process of its own, so that nothing of one measurement burdens the next. */
static int run(const struct subject *subject, const struct backing *backing, unsigned int rounds)
{
	unsigned int round;
	int status;
	pid_t pid;

	fflush(stdout);
	empty_page_lists();
	pid = fork();
	if (!pid) {
		for (round = 0; round <= rounds; round++) {
			bench_profiled = round ? getenv("BENCH_PROFILE") : NULL;
			subject->run(backing, round);
		}
		exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 1;
	return status != 0;
}

int main(int argc, char **argv)
{
	const struct subject *subject = argc == 3 ? find_subject(argv[1]) : NULL;
	unsigned int rounds = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
	const char *only = getenv("BENCH_BACKING");
	size_t i;

	if (!subject || !rounds) {
		fprintf(stderr, "usage: %s WHAT ROUNDS\n", argv[0]);
		for (i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++)
			fprintf(stderr, "%s ", subjects[i].name);
		fprintf(stderr, "\n");
		return 2;
	}
	vm_setup();
	close(vm.fd);
	if (vm.devices < 2) {
		fprintf(stderr, "bench: needs two devices\n");
		return 2;
	}
	for (i = 0; i < sizeof(backings) / sizeof(backings[0]); i++)
		if ((!only || !strcmp(only, backings[i].name)) &&
		    run(subject, &backings[i], rounds))
			return 1;
	return 0;
}
