// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Faults of devices: the ring that records them.
 *
 * A record leaves the ring when a server of its space takes the block it is in
 * (server.c). A record that found the ring full is not lost: its queue says what it
 * stalled at. A queue that stops takes its record along, so the ring holds no more
 * than devices wait for.
 *
 * Locks: queue_lock and inside of it fault_lock of the device, spinlocks.
 */
#include <linux/slab.h>

#include "device.h"
#include "fault.h"
#include "pagetable.h"
#include "space.h"

/**
 * svm_faults_init() - the ring of a new device
 * @device: the device
 *
 * Return: 0 or -ENOMEM.
 */
int svm_faults_init(struct svm_device *device)
{
	spin_lock_init(&device->fault_lock);
	device->fault_ring = kcalloc(svm_fault_ring_size,
				     sizeof(*device->fault_ring), GFP_KERNEL);
	return device->fault_ring ? 0 : -ENOMEM;
}

/**
 * svm_faults_exit() - the device goes
 * @device: the device, without processes
 */
void svm_faults_exit(struct svm_device *device)
{
	kfree(device->fault_ring);
}

/**
 * svm_fault_record() - an access found no usable entry
 * @space: whose
 * @addr: bytes
 * @access: enum svm_access
 *
 * Context: queue_lock of the device held, so that a stall and its record are
 * seen together.
 */
void svm_fault_record(struct svm_space *space, unsigned long addr,
		      unsigned int access)
{
	struct svm_device *device = space->device;
	bool full;

	svm_space_count(space, SVM_SPACE_FAULTS, 1);
	spin_lock(&device->fault_lock);
	full = device->nr_faults == svm_fault_ring_size;
	if (!full)
		device->fault_ring[device->nr_faults++] = (struct svm_fault){
			.space = space,
			.addr = addr,
			.access = access,
		};
	spin_unlock(&device->fault_lock);
	if (full)
		svm_space_count(space, SVM_SPACE_OVERFLOWS, 1);
}

/**
 * svm_fault_drop() - nobody waits for the answer any more
 * @space: whose
 * @addr: as recorded
 * @access: as recorded
 *
 * One record, if there is one: it may have been taken, or found no room.
 *
 * Context: queue_lock of the device held.
 */
void svm_fault_drop(struct svm_space *space, unsigned long addr,
		    unsigned int access)
{
	struct svm_device *device = space->device;
	struct svm_fault *ring = device->fault_ring;
	unsigned int i;

	spin_lock(&device->fault_lock);
	for (i = 0; i < device->nr_faults; i++)
		if (ring[i].space == space && ring[i].addr == addr &&
		    ring[i].access == access)
			break;
	if (i < device->nr_faults)
		ring[i] = ring[--device->nr_faults];
	spin_unlock(&device->fault_lock);
}

/**
 * svm_fault_take() - records of a block leave the ring
 * @space: whose
 * @block: address >> SVM_BLOCK_SHIFT
 * @fault: result
 * @max: room there; what does not fit stays
 *
 * Context: queue_lock of the device held.
 * Return: how many there were.
 */
unsigned int svm_fault_take(struct svm_space *space, unsigned long block,
			    struct svm_fault *fault, unsigned int max)
{
	struct svm_device *device = space->device;
	struct svm_fault *ring = device->fault_ring;
	unsigned int i, kept = 0, taken = 0;

	spin_lock(&device->fault_lock);
	for (i = 0; i < device->nr_faults; i++) {
		if (ring[i].space == space && taken < max &&
		    ring[i].addr >> SVM_BLOCK_SHIFT == block)
			fault[taken++] = ring[i];
		else
			ring[kept++] = ring[i];
	}
	device->nr_faults = kept;
	spin_unlock(&device->fault_lock);
	return taken;
}

/**
 * svm_fault_forget() - a space goes
 * @space: the space, without queues
 */
void svm_fault_forget(struct svm_space *space)
{
	struct svm_device *device = space->device;
	struct svm_fault *ring = device->fault_ring;
	unsigned int i, kept = 0;

	spin_lock(&device->fault_lock);
	for (i = 0; i < device->nr_faults; i++)
		if (ring[i].space != space)
			ring[kept++] = ring[i];
	device->nr_faults = kept;
	spin_unlock(&device->fault_lock);
}
