// SPDX-License-Identifier: MIT
/*
 * What there is: capabilities of the driver, the devices, and what happened in
 * the process so far, by itself and on each device.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "private.h"

AMDSVM_EXPORT int amdsvm_get_caps(struct amdsvm_context *ctx,
				  struct amdsvm_ioctl_get_caps_args *caps)
{
	struct amdsvm_ioctl_get_caps_args args = {0};
	int ret = amdsvm_ioctl(ctx, AMDSVM_IOC_GET_CAPS, &args);

	if (ret)
		return ret;

	/* The driver's strings are terminated; a caller need not rely on it. */
	args.driver_version[sizeof(args.driver_version) - 1] = '\0';
	*caps = args;
	return 0;
}

static int read_devices(struct amdsvm_context *ctx, struct amdsvm_device_info *devices,
			uint32_t capacity, uint32_t *total)
{
	struct amdsvm_ioctl_get_devices_args args = {
		.devices_ptr = (uintptr_t)devices,
		.capacity = capacity,
		.entry_size = sizeof(*devices),
	};
	int ret = amdsvm_ioctl(ctx, AMDSVM_IOC_GET_DEVICES, &args);

	if (!ret)
		*total = args.num_devices;
	return ret;
}

AMDSVM_EXPORT int amdsvm_get_devices(struct amdsvm_context *ctx,
				     struct amdsvm_device_info **devices, size_t *count)
{
	struct amdsvm_device_info *list = NULL, *larger;
	uint32_t capacity = 0, total, i;
	int ret;

	for (;;) {
		ret = read_devices(ctx, list, capacity, &total);
		if (ret)
			goto err;
		if (total <= capacity)
			break;

		larger = reallocarray(list, total, sizeof(*list));
		if (!larger) {
			ret = -ENOMEM;
			goto err;
		}
		list = larger;
		memset(list, 0, total * sizeof(*list));
		capacity = total;
	}

	for (i = 0; i < total; i++)
		list[i].name[sizeof(list[i].name) - 1] = '\0';
	if (!total) {
		free(list);
		list = NULL;
	}
	*devices = list;
	*count = total;
	return 0;

err:
	free(list);
	return ret;
}

AMDSVM_EXPORT void amdsvm_free_devices(struct amdsvm_device_info *devices)
{
	free(devices);
}

AMDSVM_EXPORT int amdsvm_get_counters(struct amdsvm_context *ctx,
				      struct amdsvm_ioctl_get_counters_args *counters)
{
	struct amdsvm_ioctl_get_counters_args args = {0};
	int ret = amdsvm_ioctl(ctx, AMDSVM_IOC_GET_COUNTERS, &args);

	if (!ret)
		*counters = args;
	return ret;
}

AMDSVM_EXPORT int amdsvm_get_device_counters(struct amdsvm_context *ctx, uint32_t gpu_id,
					     struct amdsvm_ioctl_get_device_counters_args *counters)
{
	struct amdsvm_ioctl_get_device_counters_args args = { .gpu_id = gpu_id };
	int ret = amdsvm_ioctl(ctx, AMDSVM_IOC_GET_DEVICE_COUNTERS, &args);

	if (!ret)
		*counters = args;
	return ret;
}
