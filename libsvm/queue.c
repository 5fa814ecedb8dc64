// SPDX-License-Identifier: MIT
/*
 * Queues: making them, giving them packets, waiting for these. What is in the
 * packets is in packets.c.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <time.h>
#include <unistd.h>

#include "private.h"

#define NS_PER_MS 1000000LL

AMDSVM_EXPORT int amdsvm_queue_create(struct amdsvm_context *ctx, uint32_t gpu_id,
				      uint32_t *queue)
{
	struct amdsvm_ioctl_queue_create_args args = { .gpu_id = gpu_id };
	int ret = amdsvm_ioctl(ctx, AMDSVM_IOC_QUEUE_CREATE, &args);

	if (!ret)
		*queue = args.queue_id;
	return ret;
}

AMDSVM_EXPORT int amdsvm_queue_destroy(struct amdsvm_context *ctx, uint32_t queue)
{
	struct amdsvm_ioctl_queue_destroy_args args = { .queue_id = queue };

	return amdsvm_ioctl(ctx, AMDSVM_IOC_QUEUE_DESTROY, &args);
}

AMDSVM_EXPORT int amdsvm_submit(struct amdsvm_context *ctx, uint32_t queue,
				const void *packets, size_t bytes, int *fd)
{
	struct amdsvm_ioctl_queue_submit_args args = {
		.queue_id = queue,
		.packets_ptr = (uintptr_t)packets,
		.packets_bytes = bytes,
	};
	int ret;

	/* The driver would see the low bits only. */
	if (bytes > UINT32_MAX)
		return -EINVAL;

	/* Not with amdsvm_ioctl(): -EAGAIN says that the queue is full. */
	do {
		ret = amdsvm_ioctl_once(ctx, AMDSVM_IOC_QUEUE_SUBMIT, &args);
	} while (ret == -EINTR);

	if (!ret)
		*fd = args.completion_fd;
	return ret;
}

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* Never less than is left: rounded down, the last millisecond would be spun. */
static int remaining_ms(int64_t deadline)
{
	int64_t left = deadline - now_ns();

	return left > 0 ? (left + NS_PER_MS - 1) / NS_PER_MS : 0;
}

/* 0: there is something to read, an error perhaps. */
static int wait_readable(int fd, bool forever, int64_t deadline)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	int ret;

	do {
		ret = poll(&poll_fd, 1, forever ? -1 : remaining_ms(deadline));
	} while (ret < 0 && errno == EINTR);

	if (ret < 0)
		return -errno;
	return ret ? 0 : -ETIMEDOUT;
}

AMDSVM_EXPORT int amdsvm_wait(int fd, int timeout_ms, struct amdsvm_result *result)
{
	const bool forever = timeout_ms < 0;
	const int64_t deadline = forever ? 0 : now_ns() + timeout_ms * NS_PER_MS;
	struct amdsvm_result got;
	ssize_t bytes;
	int ret;

	do {
		/* A negative descriptor is one that poll() has been told to ignore. */
		ret = fd < 0 ? -EBADF : wait_readable(fd, forever, deadline);
		if (ret)
			return ret;

		bytes = read(fd, &got, sizeof(got));
	} while (bytes < 0 && errno == EINTR);

	if (bytes < 0)
		return -errno;
	if (bytes != sizeof(got))
		return -EIO;
	if (result)
		*result = got;
	return 0;
}
