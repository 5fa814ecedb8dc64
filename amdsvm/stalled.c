// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Queues that stalled at an access, as the fault service sees them: what they wait for,
 * and how they go on or fail. The states of queues are in queue.c.
 */
#include <linux/mm.h>

#include "event.h"
#include "fault.h"
#include "pagetable.h"
#include "queue.h"
#include "space.h"

static bool stalled_in(const struct svm_queue *queue, unsigned long block)
{
	return queue->fault_addr >> SVM_BLOCK_SHIFT == block;
}

/**
 * svm_queue_replay() - queues that stalled in a block try their access again
 * @space: the space
 * @block: address >> SVM_BLOCK_SHIFT
 * @stalls: those whose stall was this one or before
 *
 * Context: queue_lock of the device held.
 */
void svm_queue_replay(struct svm_space *space, unsigned long block, u64 stalls)
{
	struct svm_queue *queue, *next;

	list_for_each_entry_safe(queue, next, &space->stalled, link) {
		if (queue->stall > stalls || !stalled_in(queue, block))
			continue;
		list_del_init(&queue->link);
		svm_queue_ready(queue);
	}
}

/**
 * svm_queue_faults() - what queues of a space stalled at in a block
 * @space: the space
 * @block: address >> SVM_BLOCK_SHIFT
 * @fault: result, room for AMDSVM_MAX_QUEUES
 *
 * For faults that found no room in the ring.
 *
 * Context: queue_lock of the device held.
 * Return: their number.
 */
unsigned int svm_queue_faults(struct svm_space *space, unsigned long block,
			      struct svm_fault *fault)
{
	struct svm_queue *queue;
	unsigned int n = 0;

	list_for_each_entry(queue, &space->stalled, link) {
		if (!stalled_in(queue, block))
			continue;
		fault[n++] = (struct svm_fault){
			.space = space,
			.addr = queue->fault_addr,
			.access = queue->fault_access,
		};
	}
	return n;
}

/* Which stalled queues: all, or those that asked just this, and in time. */
struct stalled_match {
	bool all;
	unsigned long addr;
	unsigned int access;
	u64 stalls;
};

static bool matches(const struct svm_queue *queue,
		    const struct stalled_match *match)
{
	return match->all || (queue->stall <= match->stalls &&
			      queue->fault_access == match->access &&
			      !((queue->fault_addr ^ match->addr) & PAGE_MASK));
}

/* The next stalled queue that matches, stopped; its jobs go to @jobs. */
static struct svm_queue *stop_stalled(struct svm_space *space,
				      const struct stalled_match *match,
				      struct list_head *jobs)
{
	struct svm_device *device = space->device;
	struct svm_queue *queue, *found = NULL;

	spin_lock(&device->queue_lock);
	list_for_each_entry(queue, &space->stalled, link) {
		if (!matches(queue, match))
			continue;
		kref_get(&queue->refs);
		svm_queue_stop_locked(queue, jobs);
		found = queue;
		break;
	}
	spin_unlock(&device->queue_lock);
	return found;
}

static void fail_stalled(struct svm_space *space,
			 const struct stalled_match *match, int status)
{
	struct svm_queue *queue;
	LIST_HEAD(jobs);

	while ((queue = stop_stalled(space, match, &jobs))) {
		struct amdsvm_result result = svm_queue_result(queue, status);

		if (status != -ECANCELED) {
			result.address = queue->fault_addr;
			svm_space_count(space, SVM_SPACE_BAD_ACCESSES, 1);
			svm_event_bad_access(space, queue->fault_addr, status);
		}
		svm_space_count(space, SVM_SPACE_PACKETS, queue->exec.packets);
		svm_queue_end_jobs(queue, &jobs, &result);
		svm_queue_put(queue);
	}
}

/**
 * svm_queue_fail() - an access is refused
 * @space: the space
 * @fault: the page, and exactly the access that was asked for
 * @stalls: of queues whose stall was this one or before; who stalled later asks
 *	of other memory, perhaps
 * @status: negative errno for those who wait
 *
 * Context: may sleep.
 */
void svm_queue_fail(struct svm_space *space, const struct svm_fault *fault,
		    u64 stalls, int status)
{
	const struct stalled_match match = {
		.addr = fault->addr,
		.access = fault->access,
		.stalls = stalls,
	};

	fail_stalled(space, &match, status);
}

/**
 * svm_queue_fail_all() - no stalled queue goes on
 * @space: the space
 * @status: negative errno for those who wait
 *
 * Context: may sleep.
 */
void svm_queue_fail_all(struct svm_space *space, int status)
{
	const struct stalled_match match = { .all = true };

	fail_stalled(space, &match, status);
}
