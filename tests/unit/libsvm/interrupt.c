// SPDX-License-Identifier: MIT
/*
 * Takes the place of read() and write() of the C library in this program.
 */
#undef _FORTIFY_SOURCE

#include <errno.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "interrupt.h"

struct interrupt interrupt_read;
struct interrupt interrupt_write;

static bool interrupted(struct interrupt *interrupt, size_t *size)
{
	interrupt->seen++;
	if (interrupt->calls) {
		interrupt->calls--;
		errno = interrupt->error;
		return true;
	}
	if (interrupt->limit && *size > interrupt->limit)
		*size = interrupt->limit;
	return false;
}

ssize_t read(int fd, void *buffer, size_t size)
{
	return interrupted(&interrupt_read, &size) ? -1 : syscall(SYS_read, fd, buffer, size);
}

ssize_t write(int fd, const void *buffer, size_t size)
{
	return interrupted(&interrupt_write, &size) ? -1 : syscall(SYS_write, fd, buffer, size);
}
