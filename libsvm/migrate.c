// SPDX-License-Identifier: MIT
/*
 * Where memory is, and moving it: residency, prefetch, evict.
 */
#include <errno.h>
#include <unistd.h>

#include "private.h"

/* The most that one RESIDENCY call looks at. */
#define RESIDENCY_MAX (1ULL << 30)

static int residency_once(struct amdsvm_context *ctx, uint64_t start, uint64_t size,
			  struct amdsvm_page_info *pages,
			  struct amdsvm_residency_sums *sums)
{
	struct amdsvm_ioctl_residency_args args = {
		.start = start,
		.size = size,
		.pages_ptr = (uintptr_t)pages,
		.entry_size = pages ? sizeof(*pages) : 0,
	};
	int ret = amdsvm_ioctl(ctx, AMDSVM_IOC_RESIDENCY, &args);

	if (ret)
		return ret;

	sums->pages_system += args.pages_system;
	sums->pages_device += args.pages_device;
	sums->pages_absent += args.pages_absent;
	sums->pages_mapped += args.pages_mapped;
	return 0;
}

AMDSVM_EXPORT int amdsvm_residency(struct amdsvm_context *ctx, uint64_t start, uint64_t size,
				   struct amdsvm_page_info *pages,
				   struct amdsvm_residency_sums *sums)
{
	const uint64_t page_size = sysconf(_SC_PAGESIZE);
	struct amdsvm_residency_sums total = {0};
	uint64_t chunk;
	int ret;

	/* The driver would see the parts only. */
	if (start + size < start)
		return -EINVAL;

	do {
		chunk = size < RESIDENCY_MAX ? size : RESIDENCY_MAX;
		ret = residency_once(ctx, start, chunk, pages, &total);
		if (ret)
			return ret;
		start += chunk;
		size -= chunk;
		if (pages)
			pages += chunk / page_size;
	} while (size);

	if (sums)
		*sums = total;
	return 0;
}

AMDSVM_EXPORT int amdsvm_prefetch(struct amdsvm_context *ctx, uint64_t start, uint64_t size,
				  uint32_t location, struct amdsvm_prefetch_result *result)
{
	struct amdsvm_ioctl_prefetch_args args = {
		.start = start,
		.size = size,
		.location = location,
	};
	int ret = amdsvm_ioctl_once(ctx, AMDSVM_IOC_PREFETCH, &args);

	if (!result)
		return ret;

	switch (ret) {
	case 0:
	case -ENOSPC:
	case -EBUSY:
	case -ENOMEM:
	case -EINTR:
		*result = (struct amdsvm_prefetch_result){
			.pages_moved = args.pages_moved,
			.pages_cleared = args.pages_cleared,
			.pages_already = args.pages_already,
			.pages_no_space = args.pages_no_space,
			.pages_busy = args.pages_busy,
			.pages_unmovable = args.pages_unmovable,
		};
	}
	return ret;
}

AMDSVM_EXPORT int amdsvm_evict(struct amdsvm_context *ctx, uint32_t gpu_id,
			       uint64_t *pages_moved, uint64_t *pages_left)
{
	struct amdsvm_ioctl_evict_args args = { .gpu_id = gpu_id };
	int ret = amdsvm_ioctl_once(ctx, AMDSVM_IOC_EVICT, &args);

	if (ret && ret != -ENOMEM && ret != -EINTR)
		return ret;

	if (pages_moved)
		*pages_moved = args.pages_moved;
	if (pages_left)
		*pages_left = args.pages_left;
	return ret;
}
