// SPDX-License-Identifier: MIT
/*
 * /proc/PID/pagemap: what the CPU's page tables say of each page.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "pagemap.h"

int pagemap_open(pid_t pid)
{
	char path[64];
	int fd;

	if (pid)
		snprintf(path, sizeof(path), "/proc/%d/pagemap", pid);
	else
		snprintf(path, sizeof(path), "/proc/self/pagemap");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int pagemap_read(int fd, uint64_t start, size_t npages, uint64_t *entries)
{
	off_t offset = start / sysconf(_SC_PAGESIZE) * sizeof(*entries);
	size_t left = npages * sizeof(*entries);
	char *to = (char *)entries;
	ssize_t got;

	while (left) {
		got = pread(fd, to, left, offset);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (!got)
			return -ESRCH;	/* the process has no memory any more */
		to += got;
		offset += got;
		left -= got;
	}
	return 0;
}
