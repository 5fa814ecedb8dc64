/* SPDX-License-Identifier: MIT */
/*
 * read() and write() that do less than they were asked for: what happens seldom
 * happens here when a test says so. All other calls go to the kernel.
 */
#ifndef INTERRUPT_H
#define INTERRUPT_H

#include <stddef.h>

/*
 * struct interrupt - what becomes of the next calls
 * @calls: so many of them return -1 with @error
 * @error: errno
 * @limit: bytes that a call moves at most; 0: all
 * @seen: calls since the test set this to 0
 */
struct interrupt {
	unsigned int calls;
	int error;
	size_t limit;
	unsigned int seen;
};

extern struct interrupt interrupt_read;
extern struct interrupt interrupt_write;

#endif /* INTERRUPT_H */
