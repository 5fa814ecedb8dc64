// SPDX-License-Identifier: MIT
/*
 * Contexts: opening and closing /dev/amdsvm, and the way every other file of
 * the library calls the driver. Contexts for other processes are in pid.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "private.h"

int amdsvm_ioctl_once(struct amdsvm_context *ctx, unsigned long request, void *arg)
{
	if (ioctl(ctx->fd, request, arg) >= 0)
		return 0;

	return errno == ENOTTY ? -EOPNOTSUPP : -errno;
}

int amdsvm_ioctl(struct amdsvm_context *ctx, unsigned long request, void *arg)
{
	int ret;

	do {
		ret = amdsvm_ioctl_once(ctx, request, arg);
	} while (ret == -EINTR || ret == -EAGAIN);

	return ret;
}

static int read_version(struct amdsvm_context *ctx)
{
	struct amdsvm_ioctl_get_version_args args = {0};
	int ret = amdsvm_ioctl(ctx, AMDSVM_IOC_GET_VERSION, &args);

	/* Every driver knows this call: what does not is another file. */
	if (ret == -EOPNOTSUPP)
		return -ENODEV;
	if (ret)
		return ret;
	if (args.major_version != AMDSVM_IOCTL_MAJOR_VERSION)
		return -EPROTO;

	ctx->major = args.major_version;
	ctx->minor = args.minor_version;
	return 0;
}

AMDSVM_EXPORT int amdsvm_open_fd(int fd, struct amdsvm_context **ctx)
{
	struct amdsvm_context *new = calloc(1, sizeof(*new));
	int ret;

	if (!new)
		return -ENOMEM;

	new->fd = fd;
	ret = read_version(new);
	if (ret) {
		free(new);
		return ret;
	}

	*ctx = new;
	return 0;
}

AMDSVM_EXPORT int amdsvm_open(struct amdsvm_context **ctx)
{
	int fd, ret;

	do {
		fd = open(AMDSVM_DEVICE_PATH, O_RDWR | O_CLOEXEC);
	} while (fd < 0 && errno == EINTR);
	if (fd < 0)
		/* A node without its driver: as if there were no such device. */
		return errno == ENXIO ? -ENODEV : -errno;

	ret = amdsvm_open_fd(fd, ctx);
	if (ret)
		close(fd);
	return ret;
}

AMDSVM_EXPORT void amdsvm_close(struct amdsvm_context *ctx)
{
	if (!ctx)
		return;

	close(ctx->fd);
	free(ctx);
}

AMDSVM_EXPORT int amdsvm_fd(const struct amdsvm_context *ctx)
{
	return ctx->fd;
}

AMDSVM_EXPORT const char *amdsvm_library_version(void)
{
	return AMDSVM_LIBRARY_VERSION;
}

AMDSVM_EXPORT int amdsvm_get_version(struct amdsvm_context *ctx, uint32_t *major,
				     uint32_t *minor)
{
	if (major)
		*major = ctx->major;
	if (minor)
		*minor = ctx->minor;
	return 0;
}
