/* SPDX-License-Identifier: MIT */
/*
 * Files and programs of the system that svmctl doctor asks: small files of /proc
 * and /sys, and programs that are run without a shell and never waited for without
 * end.
 */
#ifndef SVMCTL_SYSTEM_H
#define SVMCTL_SYSTEM_H

#include <stdbool.h>
#include <stddef.h>

/* file_exists() - is there something of this name, as far as the user may see? */
bool file_exists(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* read_line() - the first line of a file, without its end; false if there is none. */
bool read_line(const char *path, char *line, size_t size);

/*
 * read_text() - a file's content with a NUL behind it, to be freed, or NULL. Of what
 * is larger than a MiB, the beginning.
 * @size: set to the number of bytes; may be NULL.
 */
char *read_text(const char *path, size_t *size);

/*
 * run_program() - run a program and collect what it prints, on stderr too. It is
 * looked for where programs of the system are, not in PATH; it gets no input, and
 * an environment of its own, in which messages are English. After a minute it is
 * killed, with all that it started.
 * @argv: the program's name and arguments, then NULL.
 * @output: what it printed, to be freed; also when it failed. NULL on error.
 *
 * Return: its exit status; -ENOENT: there is no such program, -ETIMEDOUT, -EINTR if
 * a signal ended it, or another error.
 */
int run_program(const char *const argv[], char **output);

/* next_line() - cut a line off the front of @text; NULL at the end. */
char *next_line(char **text);

/*
 * newest_kernel() - the newest of /lib/modules, by version; directories that have
 * no kernel's own files are what removed kernels left. False if there is none.
 */
bool newest_kernel(char *release, size_t size);

#endif /* SVMCTL_SYSTEM_H */
