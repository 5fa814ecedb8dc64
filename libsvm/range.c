// SPDX-License-Identifier: MIT
/*
 * Ranges: walking those that have attributes, and giving them up. Setting
 * attributes is in attr.c.
 */
#include <errno.h>
#include <stdlib.h>

#include "private.h"

/* Ranges a call: 3.5 KiB of stack, and one call is enough for most programs. */
#define RANGES_PER_CALL 64

AMDSVM_EXPORT int amdsvm_for_each_range(struct amdsvm_context *ctx, uint64_t start,
					uint64_t size, amdsvm_range_fn *fn, void *data)
{
	struct amdsvm_range_info ranges[RANGES_PER_CALL];
	struct amdsvm_ioctl_list_ranges_args args;
	uint64_t end = size ? start + size : 0;
	uint64_t next = start;
	uint32_t i;
	int ret;

	/* Wrapping round is for the driver to refuse, in the first call. */
	do {
		args = (struct amdsvm_ioctl_list_ranges_args){
			.start = next,
			.size = next == start ? size : end ? end - next : 0,
			.ranges_ptr = (uintptr_t)ranges,
			.capacity = RANGES_PER_CALL,
			.entry_size = sizeof(ranges[0]),
		};
		ret = amdsvm_ioctl(ctx, AMDSVM_IOC_LIST_RANGES, &args);
		if (ret)
			return ret;

		for (i = 0; i < args.num_ranges; i++) {
			ret = fn(&ranges[i], data);
			if (ret)
				return ret;
		}
		/* Only forwards, or a driver gone wrong would keep us here. */
		if (args.next <= next || (end && args.next >= end))
			break;
		next = args.next;
	} while (1);

	return 0;
}

struct range_list {
	struct amdsvm_range_info *ranges;
	size_t count;
	size_t capacity;
};

static int append_range(const struct amdsvm_range_info *range, void *data)
{
	struct range_list *list = data;
	struct amdsvm_range_info *larger;
	size_t capacity;

	if (list->count == list->capacity) {
		capacity = list->capacity ? 2 * list->capacity : RANGES_PER_CALL;
		larger = reallocarray(list->ranges, capacity, sizeof(*larger));
		if (!larger)
			return -ENOMEM;
		list->ranges = larger;
		list->capacity = capacity;
	}

	list->ranges[list->count++] = *range;
	return 0;
}

AMDSVM_EXPORT int amdsvm_list_ranges(struct amdsvm_context *ctx, uint64_t start,
				     uint64_t size, struct amdsvm_range_info **ranges,
				     size_t *count)
{
	struct range_list list = {0};
	int ret = amdsvm_for_each_range(ctx, start, size, append_range, &list);

	if (ret) {
		free(list.ranges);
		return ret;
	}

	*ranges = list.ranges;
	*count = list.count;
	return 0;
}

AMDSVM_EXPORT void amdsvm_free_ranges(struct amdsvm_range_info *ranges)
{
	free(ranges);
}

AMDSVM_EXPORT int amdsvm_unset_range(struct amdsvm_context *ctx, uint64_t start, uint64_t size)
{
	struct amdsvm_ioctl_unset_range_args args = { .start = start, .size = size };

	return amdsvm_ioctl(ctx, AMDSVM_IOC_UNSET_RANGE, &args);
}
