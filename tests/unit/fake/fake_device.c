// SPDX-License-Identifier: MIT
/*
 * The fake driver behind fake_calls.c: versions, devices, attributes. Memory
 * that moves is in fake_memory.c, queues and events are in fake_queue.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake.h"
#include "fake_memory.h"
#include "fake_queue.h"

struct fake fake = {
	.major_version = AMDSVM_IOCTL_MAJOR_VERSION,
	.minor_version = AMDSVM_IOCTL_MINOR_VERSION,
	.interrupt_errno = EINTR,
	.features = AMDSVM_CAP_MIGRATE | AMDSVM_CAP_DEVICE_PRIVATE | AMDSVM_CAP_KERNEL_PRIVATE,
	.memory_kind = AMDSVM_MEMORY_PRIVATE,
	.num_devices = 2,
	.vram_bytes = 256ULL << 20,
	.xnack = 1,
};

static long environment(const char *name, long otherwise)
{
	const char *value = getenv(name);

	return value ? strtol(value, NULL, 0) : otherwise;
}

static void set_kind(const char *kind)
{
	if (!kind || !strcmp(kind, "private"))
		return;

	if (!strcmp(kind, "coherent")) {
		fake.memory_kind = AMDSVM_MEMORY_COHERENT;
		fake.features = AMDSVM_CAP_MIGRATE | AMDSVM_CAP_DEVICE_COHERENT;
		return;
	}
	fake.memory_kind = AMDSVM_MEMORY_NONE;
	fake.memory_reason = AMDSVM_REASON_NO_KERNEL_SUPPORT;
	fake.features = 0;
	fake.vram_bytes = 0;
}

static void set_miscount(const char *counter)
{
	if (!counter)
		return;
	fake.miscount_in = !strcmp(counter, "in");
	fake.miscount_out = !strcmp(counter, "out");
	fake.miscount_peer = !strcmp(counter, "peer");
}

__attribute__((constructor))
static void read_environment(void)
{
	set_kind(getenv("FAKE_KIND"));
	fake.open_error = environment("FAKE_OPEN_ERROR", 0);
	fake.call_error = environment("FAKE_CALL_ERROR", 0);
	fake.num_devices = environment("FAKE_DEVICES", fake.num_devices);
	fake.vram_bytes = environment("FAKE_VRAM_MB", fake.vram_bytes >> 20) << 20;
	fake.busy_pages = environment("FAKE_BUSY", 0);
	fake.lose_page = environment("FAKE_LOSE", 0);
	fake.corrupt_byte = environment("FAKE_CORRUPT", 0);
	fake.pagemap_lie = environment("FAKE_PAGEMAP", 0);
	fake.result.status = -environment("FAKE_STATUS", 0);
	fake.result.packet_offset = environment("FAKE_OFFSET", 0);
	fake.result.address = environment("FAKE_ADDRESS", 0);
	fake.device_counters.faults = environment("FAKE_FAULTS", 0);
	fake.events = getenv("FAKE_EVENTS");
	set_miscount(getenv("FAKE_MISCOUNT"));
	fake_add_ranges(environment("FAKE_RANGES", 0));
}

uint32_t fake_gpu_id(unsigned int index)
{
	return 0x1000 + index;
}

void fake_add_ranges(size_t count)
{
	const uint64_t page_size = sysconf(_SC_PAGESIZE);
	struct amdsvm_range_info *range;
	size_t i;

	for (i = 0; i < count && fake.num_ranges < FAKE_MAX_RANGES; i++) {
		range = &fake.ranges[fake.num_ranges];
		*range = (struct amdsvm_range_info){
			.start = FAKE_RANGES_START + 2 * fake.num_ranges * page_size,
			.size = page_size,
			.preferred_loc = AMDSVM_IOCTL_SVM_LOCATION_UNDEFINED,
			.flags = AMDSVM_IOCTL_SVM_FLAG_GPU_RO,
			.granularity = 9,
			.access = 1,
		};
		fake.num_ranges++;
	}
}

static int get_caps(struct amdsvm_ioctl_get_caps_args *args)
{
	args->features = fake.features;
	args->num_devices = fake.num_devices;
	args->memory_kind = fake.memory_kind;
	args->memory_reason = fake.memory_reason;
	strcpy(args->driver_version, FAKE_DRIVER_VERSION);
	return 0;
}

static int get_devices(struct amdsvm_ioctl_get_devices_args *args)
{
	struct amdsvm_device_info *info = (void *)(uintptr_t)args->devices_ptr;
	uint32_t i;

	args->num_devices = fake.num_devices;
	if (args->capacity && args->entry_size != sizeof(*info))
		return EINVAL;
	for (i = 0; i < fake.num_devices && i < args->capacity; i++) {
		memset(&info[i], 0, sizeof(info[i]));
		info[i].gpu_id = fake_gpu_id(i);
		info[i].index = i;
		info[i].memory_kind = fake.memory_kind;
		info[i].vram_bytes = fake.vram_bytes;
		info[i].vram_used_bytes = fake_memory_used(i);
		snprintf(info[i].name, sizeof(info[i].name), "fake%u", i);
	}
	return 0;
}

static int set_attr(const struct amdsvm_ioctl_svm_args *args)
{
	if (fake.num_ranges == FAKE_MAX_RANGES)
		return ENOMEM;

	fake.ranges[fake.num_ranges++] = (struct amdsvm_range_info){
		.start = args->start_addr,
		.size = args->size,
		.preferred_loc = AMDSVM_IOCTL_SVM_LOCATION_UNDEFINED,
	};
	return 0;
}

/* The answer to everything: value + 1, and ACCESS becomes ACCESS_IN_PLACE. */
static int get_attr(struct amdsvm_ioctl_svm_args *args)
{
	uint32_t i;

	for (i = 0; i < args->nattr; i++) {
		if (args->attrs[i].type == AMDSVM_IOCTL_SVM_ATTR_ACCESS)
			args->attrs[i].type = AMDSVM_IOCTL_SVM_ATTR_ACCESS_IN_PLACE;
		else
			args->attrs[i].value++;
	}
	return 0;
}

static int svm(struct amdsvm_ioctl_svm_args *args, size_t size)
{
	if (sizeof(*args) + args->nattr * sizeof(args->attrs[0]) > size)
		return EINVAL;
	return args->op == AMDSVM_IOCTL_SVM_OP_GET_ATTR ? get_attr(args) : set_attr(args);
}

static int list_ranges(struct amdsvm_ioctl_list_ranges_args *args)
{
	struct amdsvm_range_info *to = (void *)(uintptr_t)args->ranges_ptr;
	uint64_t end = args->size ? args->start + args->size : UINT64_MAX;
	const struct amdsvm_range_info *range;
	size_t i;

	if (end < args->start || !args->capacity || args->entry_size != sizeof(*to))
		return EINVAL;

	args->num_ranges = 0;
	args->next = 0;
	for (i = 0; i < fake.num_ranges; i++) {
		range = &fake.ranges[i];
		if (range->start + range->size <= args->start || range->start >= end)
			continue;
		if (args->num_ranges == args->capacity) {
			args->next = range->start;
			break;
		}
		to[args->num_ranges++] = *range;
	}
	return 0;
}

static int xnack(struct amdsvm_ioctl_set_xnack_mode_args *args)
{
	if (args->xnack_enabled >= 0)
		fake.xnack = args->xnack_enabled;
	args->xnack_enabled = fake.xnack;
	return 0;
}

static int unset_range(const struct amdsvm_ioctl_unset_range_args *args)
{
	size_t i = 0;

	while (i < fake.num_ranges) {
		if (fake.ranges[i].start == args->start)
			fake.ranges[i] = fake.ranges[--fake.num_ranges];
		else
			i++;
	}
	return 0;
}

/* Pages are left out only where there are some. */
static uint64_t counted(uint64_t pages, uint64_t miscount)
{
	return pages < miscount ? pages : pages - miscount;
}

static int get_counters(struct amdsvm_ioctl_get_counters_args *args)
{
	*args = fake.counters;
	args->pages_in = counted(args->pages_in, fake.miscount_in);
	args->pages_out = counted(args->pages_out, fake.miscount_out);
	args->pages_peer = counted(args->pages_peer, fake.miscount_peer);
	return 0;
}

int fake_call(unsigned long request, void *args)
{
	struct amdsvm_ioctl_get_version_args *version = args;

	/* A call may be larger than its structure: SVM with attributes. */
	if (_IOC_NR(request) == _IOC_NR(AMDSVM_IOC_GET_VERSION)) {
		version->major_version = fake.major_version;
		version->minor_version = fake.minor_version;
		return fake.error_request == request ? fake.call_error : 0;
	}
	if (fake.call_error && (!fake.error_request || fake.error_request == request))
		return fake_memory_error(request, args, fake.call_error);

	switch (_IOC_NR(request)) {
	case _IOC_NR(AMDSVM_IOC_SVM):
		return svm(args, _IOC_SIZE(request));
	case _IOC_NR(AMDSVM_IOC_SET_XNACK_MODE):
		return xnack(args);
	case _IOC_NR(AMDSVM_IOC_GET_CAPS):
		return get_caps(args);
	case _IOC_NR(AMDSVM_IOC_GET_DEVICES):
		return get_devices(args);
	case _IOC_NR(AMDSVM_IOC_LIST_RANGES):
		return list_ranges(args);
	case _IOC_NR(AMDSVM_IOC_UNSET_RANGE):
		return unset_range(args);
	case _IOC_NR(AMDSVM_IOC_RESIDENCY):
		return fake_residency(args);
	case _IOC_NR(AMDSVM_IOC_EVICT):
		return fake_evict(args);
	case _IOC_NR(AMDSVM_IOC_PREFETCH):
		return fake_prefetch(args);
	case _IOC_NR(AMDSVM_IOC_GET_COUNTERS):
		return get_counters(args);
	case _IOC_NR(AMDSVM_IOC_SMI_EVENTS):
		return fake_smi_events(args);
	case _IOC_NR(AMDSVM_IOC_QUEUE_CREATE):
		return fake_queue_create(args);
	case _IOC_NR(AMDSVM_IOC_QUEUE_DESTROY):
		return fake_queue_destroy(args);
	case _IOC_NR(AMDSVM_IOC_QUEUE_SUBMIT):
		return fake_queue_submit(args);
	case _IOC_NR(AMDSVM_IOC_GET_DEVICE_COUNTERS):
		return fake_device_counters(args);
	default:
		return ENOTTY;
	}
}
