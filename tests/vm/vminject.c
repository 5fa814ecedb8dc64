// SPDX-License-Identifier: MIT
#include <fcntl.h>

#include "vminject.h"

#define FAULTS "/sys/kernel/debug/"

static int nth_file;

bool vm_kernel_can_inject(void)
{
	return vm_is_debug_kernel() || !access("/proc/thread-self/fail-nth", W_OK);
}

void vm_inject_setup(void)
{
	static const char *const settings[][2] = {
		{ FAULTS "failslab/ignore-gfp-wait", "N" },
		{ FAULTS "failslab/verbose", "0" },
		{ FAULTS "fail_page_alloc/ignore-gfp-wait", "N" },
		{ FAULTS "fail_page_alloc/ignore-gfp-highmem", "N" },
		{ FAULTS "fail_page_alloc/min-order", "0" },
		/* Its report has the words by which the harness knows a defect. */
		{ FAULTS "fail_page_alloc/verbose", "0" },
	};
	size_t i;

	if (!vm_kernel_can_inject())
		return;
	for (i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		expect_eq(vm_write_file(settings[i][0], settings[i][1]), 0);
}

void vm_inject(unsigned int nth)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%u", nth);

	nth_file = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	expect(nth_file >= 0);
	expect(write(nth_file, text, length) == length);
}

bool vm_injected(void)
{
	char text[16] = "";

	expect(pread(nth_file, text, sizeof(text) - 1, 0) > 0);
	expect(pwrite(nth_file, "0", 1, 0) == 1);
	close(nth_file);
	return strtoul(text, NULL, 10) == 0;
}

bool vm_is_honest(int result)
{
	return !result || result == -ENOMEM || result == -ENOSPC || result == -EBUSY;
}

void vm_sweep(const struct vm_operation *operation)
{
	unsigned int nth, errors = 0;
	bool injected = true;
	int result;

	for (nth = 1; injected; nth++) {
		expect(nth < MOST_ALLOCATIONS);
		operation->prepare();
		vm_inject(nth);
		result = operation->run();
		injected = vm_injected();
		if (injected ? !vm_is_honest(result) : result)
			vm_fail(HERE, "with allocation %u %s: %d", nth,
				injected ? "failing" : "never reached", result);
		errors += result != 0;
		if (operation->failed)
			operation->failed(result);
		operation->intact();

		expect_eq(operation->run(), 0);
		operation->reached();
		operation->intact();
	}
	printf("# %s: of %u allocations %u are answered by an error\n", tcase_name(), nth - 2, errors);
	/* Nothing failed at all: then nothing was tested. */
	expect(nth > 2);
}
