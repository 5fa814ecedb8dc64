// SPDX-License-Identifier: MIT
/*
 * Contexts that act on another process: a copy of that process's own open
 * /dev/amdsvm. The kernel asks for the right to trace the process, the driver
 * for what it wants besides.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "private.h"

/* glibc has wrappers from 2.36 on; the numbers are the same everywhere. */
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif

/*
 * The device number says what an open file is; its path may be another one in
 * a container.
 */
static int device_number(dev_t *rdev)
{
	struct stat st;

	if (stat(AMDSVM_DEVICE_PATH, &st))
		return -errno;
	if (!S_ISCHR(st.st_mode))
		return -ENODEV;

	*rdev = st.st_rdev;
	return 0;
}

static int open_fd_directory(pid_t pid, DIR **dir)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%ld/fd", (long)pid);
	*dir = opendir(path);
	if (*dir)
		return 0;

	switch (errno) {
	case EACCES:
		return -EPERM;
	case ENOENT:
		return -ESRCH;
	default:
		return -errno;
	}
}

/* Whoever may hold the file may still not use it: one harmless call tells. */
static int try_read(struct amdsvm_context *ctx)
{
	struct amdsvm_range_info range;
	struct amdsvm_ioctl_list_ranges_args args = {
		.ranges_ptr = (uintptr_t)&range,
		.capacity = 1,
		.entry_size = sizeof(range),
	};

	return amdsvm_ioctl(ctx, AMDSVM_IOC_LIST_RANGES, &args);
}

/*
 * Who opened a file: calls on it concern that process, which need not be the one
 * it was found in (fork, sockets). 0 when the driver does not tell.
 */
static long opener_of(int fd)
{
	char path[64], line[128];
	long pid = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "re");
	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "amdsvm-opener: %ld", &pid) == 1)
			break;
	fclose(file);
	return pid;
}

static int open_remote_fd(int pidfd, pid_t pid, int remote_fd,
			  struct amdsvm_context **ctx)
{
	long opener;
	int fd, ret;

	/* The copy is close-on-exec. */
	fd = syscall(SYS_pidfd_getfd, pidfd, remote_fd, 0);
	if (fd < 0)
		return -errno;

	opener = opener_of(fd);
	ret = opener && opener != pid ? -EBADF : amdsvm_open_fd(fd, ctx);
	if (ret) {
		close(fd);
		return ret;
	}

	ret = try_read(*ctx);
	if (!ret)
		return 0;

	amdsvm_close(*ctx);
	*ctx = NULL;
	/* Opened before an exec, or by a parent that is gone: nobody's memory. */
	return ret == -ESRCH ? -EBADF : ret;
}

static int search_fds(int pidfd, pid_t pid, DIR *dir, dev_t rdev,
		      struct amdsvm_context **ctx)
{
	struct amdsvm_context *found;
	struct dirent *entry;
	int ret = -ENODEV, err;
	struct stat st;

	while ((entry = readdir(dir))) {
		if (fstatat(dirfd(dir), entry->d_name, &st, 0))
			continue;
		if (!S_ISCHR(st.st_mode) || st.st_rdev != rdev)
			continue;

		err = open_remote_fd(pidfd, pid, atoi(entry->d_name), &found);
		if (!err) {
			*ctx = found;
			return 0;
		}
		/* Closed meanwhile, or of no use: as if it had never been there. */
		if (err != -EBADF)
			ret = err;
	}

	return ret;
}

AMDSVM_EXPORT int amdsvm_open_pid(pid_t pid, struct amdsvm_context **ctx)
{
	dev_t rdev = 0;
	int pidfd, ret;
	DIR *dir;

	ret = device_number(&rdev);
	if (ret)
		return ret;

	/* pidfd_open() says -EINVAL to what can be no process at all. */
	if (pid <= 0)
		return -ESRCH;
	pidfd = syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0)
		return -errno;

	ret = open_fd_directory(pid, &dir);
	if (ret)
		goto out_close;

	ret = search_fds(pidfd, pid, dir, rdev, ctx);
	closedir(dir);
out_close:
	close(pidfd);
	return ret;
}
