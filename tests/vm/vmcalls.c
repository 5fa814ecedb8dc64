// SPDX-License-Identifier: MIT
/*
 * The calls of /dev/amdsvm as functions that return 0 or a negative errno, and
 * short forms that fail the test when the call fails.
 */
#include <fcntl.h>

#include "vmtest.h"

int vm_open(void)
{
	int fd = open("/dev/amdsvm", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		vm_fail(HERE, "cannot open /dev/amdsvm: %s", strerror(errno));
	return fd;
}

int vm_ioctl(int fd, unsigned long request, void *argument)
{
	return ioctl(fd, request, argument) < 0 ? -errno : 0;
}

int vm_attr_on(int fd, uint32_t op, const void *start, size_t size,
	       struct amdsvm_ioctl_svm_attribute *attrs, uint32_t count)
{
	size_t bytes = sizeof(struct amdsvm_ioctl_svm_args) + count * sizeof(*attrs);
	struct amdsvm_ioctl_svm_args *args = calloc(1, bytes);
	int result;

	expect(args && count <= AMDSVM_IOCTL_SVM_MAX_ATTRS);
	args->start_addr = (uintptr_t)start;
	args->size = size;
	args->op = op;
	args->nattr = count;
	memcpy(args->attrs, attrs, count * sizeof(*attrs));
	result = vm_ioctl(fd, AMDSVM_IOC_SVM + ((count * sizeof(*attrs)) << _IOC_SIZESHIFT), args);
	memcpy(attrs, args->attrs, count * sizeof(*attrs));
	free(args);
	return result;
}

static struct amdsvm_ioctl_svm_attribute get_one(const char *file, int line, const void *start,
						 size_t size, uint32_t type, uint32_t value)
{
	struct amdsvm_ioctl_svm_attribute attr = { type, value };
	int result = vm_attr_on(vm.fd, AMDSVM_IOCTL_SVM_OP_GET_ATTR, start, size, &attr, 1);

	if (result)
		vm_fail(file, line, "GET_ATTR of type %u at %p returns %d", type, start, result);
	return attr;
}

uint32_t vm_get(const char *file, int line, const void *start, size_t size, uint32_t type)
{
	return get_one(file, line, start, size, type, 0).value;
}

uint32_t vm_get_access(const char *file, int line, const void *start, size_t size, uint32_t gpu_id)
{
	struct amdsvm_ioctl_svm_attribute attr =
		get_one(file, line, start, size, ATTR(ACCESS), gpu_id);

	if (attr.value != gpu_id)
		vm_fail(file, line, "GET_ATTR changed the gpu_id to 0x%x", attr.value);
	return attr.type;
}

int vm_prefetch_on(int fd, const void *start, size_t size, uint32_t location,
		   struct amdsvm_ioctl_prefetch_args *args)
{
	*args = (struct amdsvm_ioctl_prefetch_args){
		.start = (uintptr_t)start,
		.size = size,
		.location = location,
	};
	return vm_ioctl(fd, AMDSVM_IOC_PREFETCH, args);
}

int vm_unset_on(int fd, const void *start, size_t size)
{
	struct amdsvm_ioctl_unset_range_args args = { (uintptr_t)start, size };

	return vm_ioctl(fd, AMDSVM_IOC_UNSET_RANGE, &args);
}

int vm_list_on(int fd, uint64_t start, uint64_t size, struct amdsvm_range_info *ranges,
	       uint32_t capacity, uint32_t *count, uint64_t *next)
{
	struct amdsvm_ioctl_list_ranges_args args = {
		.start = start,
		.size = size,
		.ranges_ptr = (uintptr_t)ranges,
		.capacity = capacity,
		.entry_size = sizeof(*ranges),
	};
	int result = vm_ioctl(fd, AMDSVM_IOC_LIST_RANGES, &args);

	*count = args.num_ranges;
	*next = args.next;
	return result;
}

int vm_residency_on(int fd, const void *start, size_t size, struct amdsvm_page_info *pages,
		    struct amdsvm_ioctl_residency_args *args)
{
	*args = (struct amdsvm_ioctl_residency_args){
		.start = (uintptr_t)start,
		.size = size,
		.pages_ptr = (uintptr_t)pages,
		.entry_size = pages ? sizeof(*pages) : 0,
	};
	return vm_ioctl(fd, AMDSVM_IOC_RESIDENCY, args);
}

int vm_counters_on(int fd, struct amdsvm_ioctl_get_counters_args *counters)
{
	memset(counters, 0, sizeof(*counters));
	return vm_ioctl(fd, AMDSVM_IOC_GET_COUNTERS, counters);
}

int vm_evict_on(int fd, uint32_t gpu_id, struct amdsvm_ioctl_evict_args *args)
{
	*args = (struct amdsvm_ioctl_evict_args){ .gpu_id = gpu_id };
	return vm_ioctl(fd, AMDSVM_IOC_EVICT, args);
}

struct amdsvm_ioctl_get_counters_args vm_counters(void)
{
	struct amdsvm_ioctl_get_counters_args counters;

	expect_eq(vm_counters_on(vm.fd, &counters), 0);
	return counters;
}

/* On a file of its own: a test may have closed the fixture's. */
static uint32_t list_devices(struct amdsvm_device_info *infos)
{
	struct amdsvm_ioctl_get_devices_args args = {
		.devices_ptr = (uintptr_t)infos,
		.capacity = MAX_DEVICES,
		.entry_size = sizeof(*infos),
	};
	int fd = vm_open();

	expect_eq(vm_ioctl(fd, AMDSVM_IOC_GET_DEVICES, &args), 0);
	close(fd);
	return args.num_devices;
}

struct amdsvm_device_info vm_device(uint32_t gpu_id)
{
	struct amdsvm_device_info infos[MAX_DEVICES];
	uint32_t i, count = list_devices(infos);

	for (i = 0; i < count; i++)
		if (infos[i].gpu_id == gpu_id)
			return infos[i];
	vm_fail(HERE, "there is no device 0x%x", gpu_id);
}

uint64_t vm_used_pages(void)
{
	struct amdsvm_device_info infos[MAX_DEVICES];
	uint32_t i, count = list_devices(infos);
	uint64_t bytes = 0;

	for (i = 0; i < count; i++)
		bytes += infos[i].vram_used_bytes;
	return bytes / PAGE;
}

unsigned int vm_list(const void *start, size_t size, struct amdsvm_range_info *ranges,
		     unsigned int capacity)
{
	uint64_t next;
	uint32_t count;

	expect_eq(vm_list_on(vm.fd, (uintptr_t)start, size, ranges, capacity, &count, &next), 0);
	expect_eq(next, 0);
	return count;
}

unsigned int vm_range_count(void)
{
	struct amdsvm_range_info ranges[64];

	return vm_list(NULL, 0, ranges, 64);
}

struct amdsvm_ioctl_residency_args vm_sums(const void *start, size_t size)
{
	struct amdsvm_ioctl_residency_args args;

	expect_eq(vm_residency_on(vm.fd, start, size, NULL, &args), 0);
	return args;
}

uint32_t vm_page_flags(const void *page)
{
	struct amdsvm_ioctl_residency_args args;
	struct amdsvm_page_info info;

	expect_eq(vm_residency_on(vm.fd, page, PAGE, &info, &args), 0);
	return info.flags;
}
