/* SPDX-License-Identifier: MIT */
/*
 * What the files of libamdsvm share. Not installed.
 */
#ifndef AMDSVM_PRIVATE_H
#define AMDSVM_PRIVATE_H

#include <amdsvm/amdsvm.h>

/* Marks the functions of amdsvm.h; everything else stays in the library. */
#define AMDSVM_EXPORT __attribute__((visibility("default")))

/* Never changes after it was opened, so threads need no lock. */
struct amdsvm_context {
	int fd;
	uint32_t major;
	uint32_t minor;
};

/*
 * amdsvm_ioctl_once() - one ioctl; 0 or a negative errno.
 *
 * -ENOTTY, a call that the driver does not know, becomes -EOPNOTSUPP.
 */
int amdsvm_ioctl_once(struct amdsvm_context *ctx, unsigned long request, void *arg);

/* amdsvm_ioctl() - the same, restarted after -EINTR and -EAGAIN. */
int amdsvm_ioctl(struct amdsvm_context *ctx, unsigned long request, void *arg);

#endif /* AMDSVM_PRIVATE_H */
