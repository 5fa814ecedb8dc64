/* SPDX-License-Identifier: MIT */
/*
 * Parts of the driver and of the kernel made slow, or made to fail, so that what goes on
 * beside them is seen.
 */
#ifndef AMDSVM_TESTS_VMSLOW_H
#define AMDSVM_TESTS_VMSLOW_H

#include <stdbool.h>
#include <unistd.h>

#define needs_two_processors() \
	do { \
		if (sysconf(_SC_NPROCESSORS_ONLN) < 2) { \
			vm_skip(_i, "one processor: copies are made at once"); \
			return; \
		} \
	} while (0)

/* Copy engines take so many microseconds longer for each 128 KiB, up to 10000. */
void vm_slow_copies(unsigned int microseconds);
/* Every so manieth job of a copy engine fails; 0: none. */
void vm_failing_copies(unsigned int every);
/* Copies are made at once, and all of them fail; false: no longer. */
void vm_refuse_copies(bool refuse);
/* For unchecked fixtures: a test that failed leaves all three to the next. */
void vm_slow_teardown(void);

/* Functions of the kernel can be probed: not on the debug kernel, which has no kprobes. */
bool vm_can_probe(void);
/*
 * Between the return of the function and what its caller does next are so many stack
 * traces. 0: none any more.
 */
void vm_slow_return(const char *function, unsigned int traces);
/* Calls of a function are counted: begun; how many there were, and no longer counted. */
void vm_count_calls(const char *function);
unsigned long vm_calls_counted(void);

#endif
