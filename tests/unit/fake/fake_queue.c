// SPDX-License-Identifier: MIT
/*
 * Queues that execute nothing, and events that a test writes. The descriptors are
 * real ones, so poll() and read() are those of the kernel.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fake.h"
#include "fake_queue.h"

#define MAX_QUEUES 64

/* By id - 1. */
static bool queues[MAX_QUEUES];

static bool known_device(uint32_t gpu_id)
{
	return gpu_id - fake_gpu_id(0) < fake.num_devices;
}

static bool known_queue(uint32_t id)
{
	return id - 1 < MAX_QUEUES && queues[id - 1];
}

int fake_queue_create(struct amdsvm_ioctl_queue_create_args *args)
{
	uint32_t i;

	if (!known_device(args->gpu_id) || args->flags || args->reserved)
		return EINVAL;

	for (i = 0; i < MAX_QUEUES; i++) {
		if (queues[i])
			continue;
		queues[i] = true;
		args->queue_id = i + 1;
		return 0;
	}
	return ENOSPC;
}

int fake_queue_destroy(const struct amdsvm_ioctl_queue_destroy_args *args)
{
	if (args->reserved)
		return EINVAL;
	if (!known_queue(args->queue_id))
		return ENOENT;

	queues[args->queue_id - 1] = false;
	return 0;
}

int fake_queue_submit(struct amdsvm_ioctl_queue_submit_args *args)
{
	int ends[2];

	if (!known_queue(args->queue_id))
		return ENOENT;
	if (args->flags || !args->packets_bytes || args->packets_bytes % 4 ||
	    args->packets_bytes > sizeof(fake.packets))
		return EINVAL;
	if (pipe2(ends, O_CLOEXEC))
		return errno;

	memcpy(fake.packets, (const void *)(uintptr_t)args->packets_ptr, args->packets_bytes);
	args->completion_fd = ends[0];
	fake.completion_end = ends[1];
	if (!fake.pending &&
	    write(ends[1], &fake.result, sizeof(fake.result)) != sizeof(fake.result))
		return EIO;
	return 0;
}

/* The reader finds the end behind the last line. */
static int tell_events(int to)
{
	int file = open(fake.events, O_RDONLY | O_CLOEXEC);
	char text[4096];
	ssize_t got;

	if (file < 0)
		return errno;
	got = read(file, text, sizeof(text));
	close(file);
	if (got < 0 || send(to, text, got, 0) != got)
		return EIO;
	return shutdown(to, SHUT_WR) ? errno : 0;
}

int fake_smi_events(struct amdsvm_ioctl_smi_events_args *args)
{
	int ends[2];

	if (!known_device(args->gpuid))
		return EINVAL;
	/* As KFD's: not closed on exec. */
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
		return errno;

	if (fake.unwritable_events) {
		close(ends[0]);
		ends[0] = open("/dev/full", O_RDWR);
	}
	args->anon_fd = ends[0];
	fake.events_end = ends[1];
	return fake.events ? tell_events(ends[1]) : 0;
}

int fake_device_counters(struct amdsvm_ioctl_get_device_counters_args *args)
{
	uint32_t gpu_id = args->gpu_id;

	if (!known_device(gpu_id) || args->reserved)
		return EINVAL;

	*args = fake.device_counters;
	args->gpu_id = gpu_id;
	return 0;
}
