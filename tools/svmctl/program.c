// SPDX-License-Identifier: MIT
/*
 * Runs programs of the system without a shell, and never waits without end: what
 * does not finish is killed with all that it started.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "system.h"

/* dkms takes its time on a slow machine. Tests have less patience. */
#ifndef PROGRAM_TIMEOUT_MS
#define PROGRAM_TIMEOUT_MS 60000
#endif
#define MAX_OUTPUT (1 << 20)

static const char *const directories[] = {
	"/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/sbin", "/usr/local/bin",
};

static bool find_program(const char *name, char *path, size_t size)
{
	size_t i;

	for (i = 0; i < sizeof(directories) / sizeof(directories[0]); i++) {
		snprintf(path, size, "%s/%s", directories[i], name);
		if (!access(path, X_OK))
			return true;
	}
	return false;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* In the child: only calls that are safe after fork(). */
static void become(const char *path, const char *const argv[], int out)
{
	char *environment[] = {
		"LC_ALL=C", "HOME=/",
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL,
	};
	int null = open("/dev/null", O_RDWR);

	setpgid(0, 0);
	dup2(null, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	execve(path, (char *const *)argv, environment);
	_exit(127);
}

static pid_t start(const char *path, const char *const argv[], int *from)
{
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		return -1;
	pid = fork();
	if (!pid)
		become(path, argv, ends[1]);
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return -1;
	}

	/* Both do: either may be first to need it. */
	setpgid(pid, pid);
	*from = ends[0];
	return pid;
}

/* Until the end of what it prints. 0, or a negative errno; what is too much is lost. */
static int collect(int fd, int64_t end, char *output)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };
	char lost[4096];
	size_t length = 0;
	ssize_t got = 1;

	while (got > 0) {
		int64_t left = end - now_ms();

		if (left <= 0)
			return -ETIMEDOUT;
		if (poll(&pollfd, 1, left) <= 0)
			continue;
		if (length < MAX_OUTPUT) {
			got = read(fd, output + length, MAX_OUTPUT - length);
			length += got > 0 ? got : 0;
			output[length] = '\0';
		} else {
			got = read(fd, lost, sizeof(lost));
		}
	}
	return got < 0 ? -errno : 0;
}

/* A program may close its output and go on, or end and leave others behind. */
static int reap(pid_t pid, int64_t end, int err)
{
	const struct timespec moment = { .tv_nsec = 10000000 };
	int status;
	pid_t got = 0;

	while (!err && !(got = waitpid(pid, &status, WNOHANG)) && now_ms() < end)
		nanosleep(&moment, NULL);
	if (got == pid)
		return WIFEXITED(status) ? WEXITSTATUS(status) : -EINTR;

	kill(-pid, SIGKILL);
	waitpid(pid, &status, 0);
	return err ? err : -ETIMEDOUT;
}

int run_program(const char *const argv[], char **output)
{
	int64_t end = now_ms() + PROGRAM_TIMEOUT_MS;
	char path[256];
	int from, err;
	pid_t pid;

	*output = NULL;
	if (!find_program(argv[0], path, sizeof(path)))
		return -ENOENT;
	*output = calloc(1, MAX_OUTPUT + 1);
	if (!*output)
		return -ENOMEM;
	pid = start(path, argv, &from);
	if (pid < 0) {
		err = -errno;
	} else {
		err = reap(pid, end, collect(from, end, *output));
		close(from);
	}
	if (err < 0) {
		free(*output);
		*output = NULL;
	}
	return err;
}
