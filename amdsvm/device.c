// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The device registry: which devices there are.
 *
 * Devices are registered while the module loads and stay until it unloads, so
 * readers need no lock.
 */
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/kernel.h>

#include "device.h"
#include "fault.h"
#include "queue.h"

static struct svm_device *svm_devices[SVM_MAX_DEVICES];
static unsigned int svm_nr_devices;

/**
 * svm_device_register() - add a device
 * @device: the device, ready for use but for its index
 *
 * Context: module load only.
 * Return: 0; -ENOSPC when there are SVM_MAX_DEVICES; -ENOMEM.
 */
int svm_device_register(struct svm_device *device)
{
	int ret;

	if (svm_nr_devices == SVM_MAX_DEVICES)
		return -ENOSPC;

	ret = svm_faults_init(device);
	if (ret)
		return ret;
	svm_device_queues_init(device);
	device->index = svm_nr_devices;
	svm_devices[svm_nr_devices++] = device;
	return 0;
}

/**
 * svm_device_unregister_all() - forget all devices
 *
 * Context: module unload, after the last user is gone.
 */
void svm_device_unregister_all(void)
{
	while (svm_nr_devices)
		svm_faults_exit(svm_devices[--svm_nr_devices]);
}

/**
 * svm_device_get() - the device with an index
 * @index: below svm_device_count()
 *
 * Return: the device.
 */
struct svm_device *svm_device_get(unsigned int index)
{
	return svm_devices[index];
}

/**
 * svm_device_index() - from the name that users give to the bit in masks
 * @gpu_id: the id
 *
 * Return: the index, or -EINVAL when there is no such device.
 */
int svm_device_index(u32 gpu_id)
{
	unsigned int i;

	for (i = 0; i < svm_nr_devices; i++)
		if (svm_devices[i]->gpu_id == gpu_id)
			return i;
	return -EINVAL;
}

/**
 * svm_device_by_id() - the device that users call @gpu_id
 * @gpu_id: the id
 *
 * Return: the device, or NULL.
 */
struct svm_device *svm_device_by_id(u32 gpu_id)
{
	int index = svm_device_index(gpu_id);

	return index < 0 ? NULL : svm_devices[index];
}

/**
 * svm_device_count() - how many devices there are
 *
 * Return: the number; indices run from 0 to one below.
 */
unsigned int svm_device_count(void)
{
	return svm_nr_devices;
}

/**
 * svm_device_mask() - all devices as a mask
 *
 * Return: the mask.
 */
u64 svm_device_mask(void)
{
	return svm_nr_devices ? GENMASK_ULL(svm_nr_devices - 1, 0) : 0;
}
