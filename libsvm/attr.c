// SPDX-License-Identifier: MIT
/*
 * Attributes of ranges, and the XNACK mode of the process: the calls that have
 * KFD's numbers and layouts.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "private.h"

/*
 * The attributes lie behind the arguments of the call, and the size in the
 * ioctl number says how many: it has 14 bits, hence the limit.
 */
static int svm_call(struct amdsvm_context *ctx, uint32_t op, uint64_t start, uint64_t size,
		    const struct amdsvm_ioctl_svm_attribute *in,
		    struct amdsvm_ioctl_svm_attribute *out, size_t nattr)
{
	struct amdsvm_ioctl_svm_args *args;
	size_t bytes;
	int ret;

	if (nattr > AMDSVM_IOCTL_SVM_MAX_ATTRS)
		return -EINVAL;

	bytes = nattr * sizeof(*in);
	args = calloc(1, sizeof(*args) + bytes);
	if (!args)
		return -ENOMEM;

	args->start_addr = start;
	args->size = size;
	args->op = op;
	args->nattr = nattr;
	if (nattr)
		memcpy(args->attrs, in, bytes);

	ret = amdsvm_ioctl(ctx, AMDSVM_IOC_SVM + (bytes << _IOC_SIZESHIFT), args);
	if (!ret && out && nattr)
		memcpy(out, args->attrs, bytes);

	free(args);
	return ret;
}

AMDSVM_EXPORT int amdsvm_set_attr(struct amdsvm_context *ctx, uint64_t start, uint64_t size,
				  const struct amdsvm_ioctl_svm_attribute *attrs,
				  size_t nattr)
{
	return svm_call(ctx, AMDSVM_IOCTL_SVM_OP_SET_ATTR, start, size, attrs, NULL, nattr);
}

AMDSVM_EXPORT int amdsvm_get_attr(struct amdsvm_context *ctx, uint64_t start, uint64_t size,
				  struct amdsvm_ioctl_svm_attribute *attrs, size_t nattr)
{
	return svm_call(ctx, AMDSVM_IOCTL_SVM_OP_GET_ATTR, start, size, attrs, attrs, nattr);
}

static int xnack_call(struct amdsvm_context *ctx, int32_t wanted, int *mode)
{
	struct amdsvm_ioctl_set_xnack_mode_args args = { .xnack_enabled = wanted };
	int ret = amdsvm_ioctl(ctx, AMDSVM_IOC_SET_XNACK_MODE, &args);

	if (!ret && mode)
		*mode = args.xnack_enabled;
	return ret;
}

AMDSVM_EXPORT int amdsvm_set_xnack_mode(struct amdsvm_context *ctx, int enabled)
{
	/* A negative value would be a question, and succeed. */
	if (enabled != 0 && enabled != 1)
		return -EINVAL;

	return xnack_call(ctx, enabled, NULL);
}

AMDSVM_EXPORT int amdsvm_get_xnack_mode(struct amdsvm_context *ctx, int *enabled)
{
	return xnack_call(ctx, -1, enabled);
}
