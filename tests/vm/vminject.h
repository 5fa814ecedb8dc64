/* SPDX-License-Identifier: MIT */
/*
 * Each allocation of a call fails once. /proc/thread-self/fail-nth says which: the Nth of
 * this thread from now on, in the driver, in core mm or below.
 */
#ifndef AMDSVM_TESTS_VMINJECT_H
#define AMDSVM_TESTS_VMINJECT_H

#include "vmtest.h"

/* Far more than any call here allocates: a sweep ends by itself. */
#define MOST_ALLOCATIONS 5000

/*
 * Ordinary kernels cannot inject. The debug kernel must: there this returns true,
 * or the file that is missing fails the test.
 */
bool vm_kernel_can_inject(void);

#define needs_injection() \
	do { \
		if (!vm_kernel_can_inject()) { \
			vm_skip(_i, "the kernel has no fault injection"); \
			return; \
		} \
		needs_device_memory(); \
	} while (0)

/* For fixtures: by default only those fail that may not sleep, none of ours. */
void vm_inject_setup(void);

/* From now on the Nth allocation of this thread fails. */
void vm_inject(unsigned int nth);
/* No longer. True when one did fail; false when there were fewer than that. */
bool vm_injected(void);

/* What may be answered when an allocation fails. */
bool vm_is_honest(int result);

/*
 * prepare: the state before; run: the call; failed: what must hold after a run
 * with a failure, and after the last, which has none, besides the bytes; reached: what one without leads to; intact: the
 * bytes, after each of both.
 */
struct vm_operation {
	void (*prepare)(void);
	int (*run)(void);
	void (*failed)(int result);	/* may be NULL */
	void (*reached)(void);
	void (*intact)(void);
};

void vm_sweep(const struct vm_operation *operation);

#endif
