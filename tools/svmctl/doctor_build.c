// SPDX-License-Identifier: MIT
/*
 * svmctl doctor: why DKMS has no module for a kernel. dkms/build leaves the reason
 * of a failure in dkms's tree; or headers are missing; or nobody has tried.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor.h"
#include "system.h"

#define MAX_REASONS 3

/* The indented lines behind "The reason:", as many as a line of ours can carry. */
static void join_reasons(char *text, char *reason, size_t size)
{
	unsigned int count = 0;
	size_t length = 0;
	char *line;

	next_line(&text);
	while (count < MAX_REASONS && (line = next_line(&text))) {
		if (!line[0])
			continue;
		if (strncmp(line, "    ", 4))
			break;
		snprintf(reason + length, size - length, "%s%s", count++ ? "; " : "", line + 4);
		length = strlen(reason);
	}
}

/* What dkms/build wrote for this kernel; @path is dkms's log or a file of its own. */
static bool read_reason(const char *path, const char *release, char *reason, size_t size)
{
	char *text = read_text(path, NULL), *at = NULL;
	char headline[192];

	snprintf(headline, sizeof(headline), " does not build for Linux %s:", release);
	if (text)
		at = strstr(text, headline);
	if (at)
		at = strstr(at, "The reason:");
	if (at)
		join_reasons(at, reason, size);
	free(text);
	return reason[0];
}

static bool failed_build(const char *release, const char *version, char *reason, size_t size)
{
	char path[512];

	snprintf(path, sizeof(path), "/var/lib/dkms/amdsvm/%s/build/dkms/failed", version);
	if (read_reason(path, release, reason, size))
		return true;
	/* dkms 3.0 takes the stand-in for a success, and cleans up. */
	snprintf(path, sizeof(path), "/var/lib/dkms/amdsvm/%s/%s/x86_64/log/make.log", version,
		 release);
	return read_reason(path, release, reason, size);
}

/* The command that installs headers of a kernel, by the names of distributions. */
static const char *headers_command(void)
{
	static const struct {
		const char *family, *command;
	} commands[] = {
		{ "debian", "apt install linux-headers-%s" },
		{ "ubuntu", "apt install linux-headers-%s" },
		{ "fedora", "dnf install kernel-devel-%s" },
		{ "rhel", "dnf install kernel-devel-%s" },
		{ "centos", "dnf install kernel-devel-%s" },
	};
	char *text = read_text("/etc/os-release", NULL), *rest = text, *line;
	const char *command = NULL;
	size_t i;

	while (!command && (line = next_line(&rest))) {
		if (strncmp(line, "ID=", 3) && strncmp(line, "ID_LIKE=", 8))
			continue;
		for (i = 0; !command && i < sizeof(commands) / sizeof(commands[0]); i++)
			if (strstr(line, commands[i].family))
				command = commands[i].command;
	}
	free(text);
	return command;
}

static void advise_headers(const char *release, char *advice, size_t size)
{
	const char *format = headers_command();
	char command[256];

	if (!format) {
		snprintf(advice, size,
			 "install the headers of Linux %s; DKMS builds the module then", release);
		return;
	}
	snprintf(command, sizeof(command), format, release);
	snprintf(advice, size, "'%s' as root; DKMS builds the module then", command);
}

void explain_missing(const char *release, const char *version, bool tried, char *reason,
		     size_t reason_size, char *advice, size_t advice_size)
{
	reason[0] = '\0';
	if (!tried && !file_exists("/lib/modules/%s/build/include", release)) {
		snprintf(reason, reason_size, "the headers of this kernel are missing");
		advise_headers(release, advice, advice_size);
	} else if (failed_build(release, version, reason, reason_size) || tried) {
		snprintf(advice, advice_size,
			 "install a newer amdsvm, or start another kernel; if something was missing here, mend it, then 'dkms remove amdsvm/%s -k %s; dkms install amdsvm/%s -k %s' as root",
			 version, release, version, release);
	} else {
		snprintf(advice, advice_size, "'dkms install amdsvm/%s -k %s' as root", version,
			 release);
	}
}
