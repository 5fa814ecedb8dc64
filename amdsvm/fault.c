// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Faults of devices: the ring that records them, and batches.
 *
 * A record leaves the ring when the work of its space runs, which is one work
 * item for each process and device: nobody waits behind another's memory. A
 * record that found the ring full is not lost: its queue says what it stalled at.
 * A queue that stops takes its record along, so the ring holds no more than
 * devices wait for.
 *
 * What is done for a block is in serve.c.
 *
 * Locks: queue_lock and inside of it fault_lock of the device, spinlocks; none
 * is held while faults are served.
 */
#include <linux/delay.h>
#include <linux/memcontrol.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include "evict.h"
#include "fault.h"
#include "process.h"
#include "queue.h"
#include "serve.h"
#include "space.h"

/* One for each queue that a process can have is enough for a batch. */
#define BATCH_SIZE AMDSVM_MAX_QUEUES

/* How long to wait when memory is out. */
#define NO_MEMORY_WAIT_MS 10

/* After so many the work begins again, so that nothing waits for it for long. */
#define MAX_BATCHES 16

/* struct batch - faults of one space, and work space for their service */
struct batch {
	struct svm_service service;
	struct svm_fault fault[BATCH_SIZE];
};

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

/* Move records of @space to @fault, at most @max; NULL: forget them. */
static unsigned int take_records(struct svm_space *space,
				 struct svm_fault *fault, unsigned int max)
{
	struct svm_device *device = space->device;
	struct svm_fault *ring = device->fault_ring;
	unsigned int i, kept = 0, taken = 0;

	spin_lock(&device->fault_lock);
	for (i = 0; i < device->nr_faults; i++) {
		if (ring[i].space != space || taken == max) {
			ring[kept++] = ring[i];
			continue;
		}
		if (fault)
			fault[taken] = ring[i];
		taken++;
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
	take_records(space, NULL, UINT_MAX);
}

static int compare_faults(const void *a, const void *b)
{
	const struct svm_fault *x = a, *y = b;
	unsigned long page_x = x->addr & PAGE_MASK;
	unsigned long page_y = y->addr & PAGE_MASK;

	if (page_x != page_y)
		return page_x < page_y ? -1 : 1;
	/* The one that asks for more first: it answers the others. */
	return (int)y->access - (int)x->access;
}

static bool same_question(const struct svm_fault *first,
			  const struct svm_fault *fault)
{
	return !((first->addr ^ fault->addr) & PAGE_MASK) &&
	       (first->access & fault->access) == fault->access;
}

/* Sort, and drop what another asks for or what the page table answers now. */
static unsigned int distinct(struct svm_space *space, struct svm_fault *fault,
			     unsigned int n)
{
	unsigned int i, kept = 0;

	sort(fault, n, sizeof(*fault), compare_faults, NULL);
	for (i = 0; i < n; i++)
		if (!(kept && same_question(&fault[kept - 1], &fault[i])) &&
		    !svm_fault_answered(space, fault[i].addr, fault[i].access))
			fault[kept++] = fault[i];
	svm_space_count(space, SVM_SPACE_DUPLICATES, n - kept);
	return kept;
}

static bool anyone_stalled(struct svm_space *space)
{
	bool any;

	spin_lock(&space->device->queue_lock);
	any = !list_empty(&space->stalled);
	spin_unlock(&space->device->queue_lock);
	return any;
}

static bool may_go_on(struct svm_space *space)
{
	return anyone_stalled(space) && !READ_ONCE(space->dead);
}

/* As long as somebody waits for it: a close waits for us. */
static void serve_blocks(struct svm_space *space, struct batch *batch,
			 unsigned int n)
{
	unsigned int i, first = 0;

	for (i = 1; i <= n; i++) {
		if (i < n && batch->fault[first].addr >> SVM_BLOCK_SHIFT ==
			     batch->fault[i].addr >> SVM_BLOCK_SHIFT)
			continue;
		if (!may_go_on(space))
			return;
		svm_serve_block(space, &batch->fault[first], i - first,
				&batch->service);
		first = i;
		cond_resched();
	}
}

static u64 stalls_so_far(struct svm_space *space)
{
	u64 stalls;

	spin_lock(&space->device->queue_lock);
	stalls = space->stalls;
	spin_unlock(&space->device->queue_lock);
	return stalls;
}

static void serve_batch(struct svm_space *space, struct batch *batch)
{
	u64 stalls = stalls_so_far(space);
	unsigned int n = take_records(space, batch->fault, BATCH_SIZE);

	/* None: the ring was full of others. */
	if (!n)
		n = svm_queue_faults(space, batch->fault);
	batch->service.stalls = stalls;
	serve_blocks(space, batch, distinct(space, batch->fault, n));
	svm_queue_replay(space, stalls);
}

static struct batch *batch_alloc(void)
{
	struct batch *batch = kvmalloc(sizeof(*batch),
				       GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	struct svm_scratch *scratch;

	if (!batch)
		return NULL;
	scratch = &batch->service.scratch;
	scratch->trigger = AMDSVM_MIGRATE_TRIGGER_PAGEFAULT_GPU;
	scratch->evict_before = ULONG_MAX;
	scratch->residency = msecs_to_jiffies(READ_ONCE(svm_min_residency_ms));
	return batch;
}

/* Memory is charged to the process that is served. */
static void serve(struct svm_space *space)
{
	struct mem_cgroup *memcg = get_mem_cgroup_from_mm(space->process->mm);
	struct mem_cgroup *old = set_active_memcg(memcg);
	struct batch *batch;
	unsigned int i;

	batch = batch_alloc();
	if (!batch) {
		msleep(NO_MEMORY_WAIT_MS);
		svm_queue_replay(space, stalls_so_far(space));
	}
	for (i = 0; batch && i < MAX_BATCHES && may_go_on(space); i++) {
		serve_batch(space, batch);
		cond_resched();
	}
	kvfree(batch);
	set_active_memcg(old);
	mem_cgroup_put(memcg);
}

/**
 * svm_fault_work() - serve the faults of a space
 * @work: fault_work of a space; its process has a reference for it
 *
 * Context: work item, never twice at once for one space.
 */
void svm_fault_work(struct work_struct *work)
{
	struct svm_space *space = container_of(work, struct svm_space,
					       fault_work);
	struct svm_process *process = space->process;

	if (mmget_not_zero(process->mm)) {
		serve(space);
		mmput_async(process->mm);
		if (may_go_on(space))
			svm_process_queue(process, work);
	} else {
		svm_queue_fail_all(space, -ECANCELED);
	}
	svm_process_put(process);
}
