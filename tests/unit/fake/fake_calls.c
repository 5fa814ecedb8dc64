// SPDX-License-Identifier: MIT
/*
 * open(), stat(), pread() and ioctl() in place of those of the C library:
 * /dev/amdsvm leads to the fake, everything else to the kernel. What is read of
 * /proc/self/pagemap passes through the fake: the kernel knows nothing of pages
 * on its devices. With FAKE_ROOT, files are those of a tree (fake_root.c).
 *
 * A fake file is an open /dev/full: a real character device that hardly any
 * program has open, so that pidfd_getfd() and fstat() work on it as they are.
 */
/* Both names of each function are defined below, so none may stand for the other. */
#undef _FILE_OFFSET_BITS
#undef _FORTIFY_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "fake.h"
#include "fake_memory.h"
#include "fake_root.h"

#define STAND_IN "/dev/full"
#define STAND_IN_NUMBER makedev(1, 7)

static bool is_device_path(const char *path)
{
	return !strcmp(path, "/dev/amdsvm");
}

/* This process's pagemap, which the program opens once. */
static int pagemap_file = -1;

static int fake_open(const char *path, int flags, mode_t mode)
{
	int fd;

	if (!is_device_path(path)) {
		fd = syscall(SYS_openat, AT_FDCWD, fake_path(path), flags, mode);
		if (!strcmp(path, "/proc/self/pagemap"))
			pagemap_file = fd;
		return fd;
	}

	fake.open_flags = flags;
	if (fake.open_error) {
		errno = fake.open_error;
		return -1;
	}
	return syscall(SYS_openat, AT_FDCWD, STAND_IN, flags, 0);
}

#define OPEN_BODY						\
	mode_t mode = 0;					\
	va_list ap;						\
								\
	if (flags & (O_CREAT | __O_TMPFILE)) {			\
		va_start(ap, flags);				\
		mode = va_arg(ap, unsigned int);		\
		va_end(ap);					\
	}							\
	return fake_open(path, flags, mode)

int open(const char *path, int flags, ...)
{
	OPEN_BODY;
}

int open64(const char *path, int flags, ...)
{
	OPEN_BODY;
}

static bool is_missing(const char *path)
{
	return is_device_path(path) && fake.open_error == ENOENT;
}

int stat(const char *path, struct stat *st)
{
	if (is_missing(path)) {
		errno = ENOENT;
		return -1;
	}
	if (!is_device_path(path))
		return fstatat(AT_FDCWD, fake_path(path), st, 0);
	if (fstatat(AT_FDCWD, STAND_IN, st, 0))
		return -1;
	fake_node(&st->st_mode, &st->st_gid);
	return 0;
}

int stat64(const char *path, struct stat64 *st)
{
	if (is_missing(path)) {
		errno = ENOENT;
		return -1;
	}
	if (!is_device_path(path))
		return fstatat64(AT_FDCWD, fake_path(path), st, 0);
	if (fstatat64(AT_FDCWD, STAND_IN, st, 0))
		return -1;
	fake_node(&st->st_mode, &st->st_gid);
	return 0;
}

static ssize_t fake_pread(int fd, void *buffer, size_t size, off64_t offset)
{
	ssize_t got = syscall(SYS_pread64, fd, buffer, size, offset);

	if (fd >= 0 && fd == pagemap_file && got > 0)
		fake_pagemap(buffer, got / sizeof(uint64_t), offset / sizeof(uint64_t));
	return got;
}

ssize_t pread(int fd, void *buffer, size_t size, off_t offset)
{
	return fake_pread(fd, buffer, size, offset);
}

ssize_t pread64(int fd, void *buffer, size_t size, off64_t offset)
{
	return fake_pread(fd, buffer, size, offset);
}

static bool is_fake(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && S_ISCHR(st.st_mode) && st.st_rdev == STAND_IN_NUMBER;
}

int ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	void *args;
	int err;

	va_start(ap, request);
	args = va_arg(ap, void *);
	va_end(ap);

	if (!is_fake(fd))
		return syscall(SYS_ioctl, fd, request, args);

	fake.calls++;
	fake.request = request;
	memcpy(fake.args, args, _IOC_SIZE(request));

	if (fake.interrupts) {
		fake.interrupts--;
		err = fake.interrupt_errno;
	} else {
		err = fake_call(request, args);
	}
	if (!err)
		return 0;
	errno = err;
	return -1;
}
