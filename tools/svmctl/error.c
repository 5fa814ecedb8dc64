// SPDX-License-Identifier: MIT
/*
 * How svmctl says that something went wrong, and command lines that are wrong.
 * The sentences about the driver are in driver.c.
 */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "svmctl.h"

int failed(const char *fmt, ...)
{
	int saved_errno = errno;
	va_list ap;

	fputs("svmctl: ", stderr);
	errno = saved_errno;	/* for %m */
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return SVMCTL_FAILED;
}

int misused(const struct command *cmd, const char *fmt, ...)
{
	va_list ap;

	fputs("svmctl: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "; see 'svmctl %s%s--help'\n", cmd ? cmd->name : "", cmd ? " " : "");
	return SVMCTL_USAGE;
}

int bad_option(const struct command *cmd, int result, char **argv)
{
	const char *option = argv[optind - 1];

	if (result == ':')
		return misused(cmd, "option '%s' needs a value", option);
	return misused(cmd, "unknown option '%s'", option);
}

const char *error_name(int err)
{
	const char *name = strerrorname_np(err);

	return name ? name : "unknown";
}

bool parse_pid(const char *text, pid_t *pid)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(text, &end, 10);
	if (errno || end == text || *end || value <= 0 || value > 0x7fffffff)
		return false;

	*pid = value;
	return true;
}
