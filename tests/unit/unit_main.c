// SPDX-License-Identifier: MIT
/*
 * Runs one suite, output is TAP; the devices of the tests; random numbers.
 * AMDSVM_SEED repeats a run.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "unit_test.h"

u64 unit_seed;
static u64 state;

int svm_device_index(u32 gpu_id)
{
	u32 index;

	for (index = 0; index < SVM_MAX_DEVICES; index++)
		if (gpu_id == GPU(index))
			return index;
	return -EINVAL;
}

u64 unit_random(u64 below)
{
	/* splitmix64 */
	u64 z = state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return (z ^ (z >> 31)) % below;
}

/* Begin again: each test draws its own numbers, whichever others run. */
void unit_random_from(u64 stream)
{
	state = unit_seed + (stream << 48);
}

static u64 choose_seed(void)
{
	const char *given = getenv("AMDSVM_SEED");
	struct timespec now;

	if (given && *given)
		return strtoull(given, NULL, 0);
	clock_gettime(CLOCK_REALTIME, &now);
	return (u64)now.tv_sec * 1000000007ULL + now.tv_nsec + getpid();
}

int main(void)
{
	SRunner *runner;
	int failed;

	/* Said first: a sanitizer ends the program without another word. */
	unit_seed = choose_seed();
	fprintf(stderr, "AMDSVM_SEED=%#llx\n", (unsigned long long)unit_seed);

	runner = srunner_create(unit_suite());
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
