// SPDX-License-Identifier: MIT
/*
 * Files of the system, and its installed kernels. Programs are run in program.c.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "system.h"

#define MAX_TEXT (1 << 20)

bool file_exists(const char *fmt, ...)
{
	char path[512];
	struct stat st;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	return !stat(path, &st);
}

char *read_text(const char *path, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	size_t length = 0;
	ssize_t got = -1;
	char *text;

	if (fd < 0)
		return NULL;

	text = malloc(MAX_TEXT + 1);
	while (text && length < MAX_TEXT) {
		got = read(fd, text + length, MAX_TEXT - length);
		if (got <= 0)
			break;
		length += got;
	}
	close(fd);
	if (!text || got < 0) {
		free(text);
		return NULL;
	}

	text[length] = '\0';
	if (size)
		*size = length;
	return text;
}

bool read_line(const char *path, char *line, size_t size)
{
	char *text = read_text(path, NULL);

	if (!text)
		return false;

	text[strcspn(text, "\n")] = '\0';
	snprintf(line, size, "%s", text);
	free(text);
	return line[0];
}

char *next_line(char **text)
{
	char *line = *text, *end;

	if (!line || !*line)
		return NULL;

	end = strchr(line, '\n');
	if (end)
		*end++ = '\0';
	*text = end;
	return line;
}

static bool has_kernel(const char *release)
{
	return file_exists("/lib/modules/%s/modules.builtin", release) ||
	       file_exists("/lib/modules/%s/vmlinuz", release);
}

bool newest_kernel(char *release, size_t size)
{
	int fd = open("/lib/modules", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	release[0] = '\0';
	if (!dir)
		return false;

	while ((entry = readdir(dir))) {
		if (entry->d_name[0] != '.' && has_kernel(entry->d_name) &&
		    strverscmp(entry->d_name, release) > 0)
			snprintf(release, size, "%s", entry->d_name);
	}
	closedir(dir);
	return release[0];
}
