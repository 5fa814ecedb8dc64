// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Spaces: made and gone with their process, flushed with it.
 *
 * A flush is owed when entries were removed and paid before whoever removed
 * them returns: by the mm-wide notifier once for an event, however many blocks
 * it concerned, or by the path that took mappings away.
 *
 * Locks: none of its own; see docs/devices.md for the order of the counts.
 */
#include <linux/slab.h>

#include "fault.h"
#include "pagetable.h"
#include "process.h"
#include "queue.h"
#include "server.h"
#include "space.h"

static struct svm_space *space_create(struct svm_process *process,
				      struct svm_device *device)
{
	struct svm_space *space = kzalloc(sizeof(*space), GFP_KERNEL_ACCOUNT);

	if (!space)
		return NULL;
	space->process = process;
	space->device = device;
	spin_lock_init(&space->lock);
	INIT_LIST_HEAD(&space->queues);
	INIT_LIST_HEAD(&space->stalled);
	svm_servers_init(space);
	space->root = svm_pagetable_root_alloc(space);
	if (!space->root) {
		kfree(space);
		return NULL;
	}
	return space;
}

/**
 * svm_spaces_init() - a space for each device
 * @process: the process; without spaces so far
 *
 * Return: 0 or -ENOMEM.
 */
int svm_spaces_init(struct svm_process *process)
{
	unsigned int i;

	for (i = 0; i < svm_device_count(); i++) {
		process->spaces[i] = space_create(process, svm_device_get(i));
		if (!process->spaces[i]) {
			svm_spaces_free(process);
			return -ENOMEM;
		}
	}
	return 0;
}

/**
 * svm_spaces_free() - the process is freed
 * @process: without blocks and queues
 */
void svm_spaces_free(struct svm_process *process)
{
	unsigned int i;

	for (i = 0; i < SVM_MAX_DEVICES; i++) {
		struct svm_space *space = process->spaces[i];

		if (!space)
			continue;
		svm_fault_forget(space);
		svm_pagetable_root_free(space);
		kfree(space);
		process->spaces[i] = NULL;
	}
}

/**
 * svm_spaces_kill() - the address space ends: serve no more faults
 * @process: the process
 *
 * Context: any.
 */
void svm_spaces_kill(struct svm_process *process)
{
	unsigned int i;

	for (i = 0; i < svm_device_count(); i++)
		WRITE_ONCE(process->spaces[i]->dead, true);
}

/* Flushes may end in another order than they began. */
static void flush_note(struct svm_space *space, s64 wanted)
{
	s64 done = atomic64_read(&space->flush_done);

	while (done < wanted &&
	       !atomic64_try_cmpxchg(&space->flush_done, &done, wanted))
		;
}

/**
 * svm_process_flush() - wait until no device uses entries that were removed
 * @process: the process
 *
 * Issues to all devices that owe a flush, then waits for all. What others
 * remove meanwhile is theirs to flush.
 *
 * Context: any but under a lock that lanes take; spins for one access of a lane
 * at most.
 */
void svm_process_flush(struct svm_process *process)
{
	s64 wanted[SVM_MAX_DEVICES];
	u64 owing = 0, rest;
	unsigned int i;

	/* Entries went before this, the flush follows. */
	smp_mb();
	for (i = 0; i < svm_device_count(); i++) {
		struct svm_space *space = process->spaces[i];

		wanted[i] = atomic64_read(&space->flush_wanted);
		if (atomic64_read(&space->flush_done) >= wanted[i])
			continue;
		owing |= BIT_ULL(i);
		space->device->ops->flush_issue(space->device, space);
		svm_space_count(space, SVM_SPACE_TLB_FLUSHES, 1);
	}
	for (rest = owing; rest; rest &= rest - 1) {
		struct svm_space *space;

		i = __ffs64(rest);
		space = process->spaces[i];
		space->device->ops->flush_wait(space->device, space);
		flush_note(space, wanted[i]);
	}
	/* Whoever sees flush_done sees the waiting done. */
	smp_mb();
}
