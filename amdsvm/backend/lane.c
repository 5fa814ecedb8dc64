// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Lanes of vdev: threads that take queues and execute their packets, a step at
 * a time (exec.c). They use memory only through the device page table and their
 * TLB; they never look at CPU page tables and take no lock of a process.
 *
 * An access is a section with preemption off, of at most one page's length.
 * Whoever flushes first counts the generation up and then waits for sections
 * that began before: see svm_lane_begin() and svm_lanes_flush_wait(), whose
 * barriers pair.
 */
#include <linux/bitfield.h>
#include <linux/delay.h>
#include <linux/highmem.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "../devmem.h"
#include "../job.h"
#include "../pagetable.h"
#include "../queue.h"
#include "../space.h"
#include "lane.h"
#include "vdev.h"

/* How long a queue keeps a lane when others wait. */
#define SLICE_MS 4

/* With preemption off: no longer than this. */
#define MAX_REMOTE_NS 100000U

static void forget_translations(struct vdev_lane *lane)
{
	memset(lane->tlb, 0, sizeof(lane->tlb));
}

/**
 * svm_lane_begin() - begin an access
 * @lane: the caller's
 *
 * Context: preemption is off until svm_lane_end().
 */
void svm_lane_begin(struct vdev_lane *lane)
{
	s64 generation;

	preempt_disable();
	WRITE_ONCE(lane->seq, lane->seq + 1);
	/*
	 * Either the flusher sees us in the access, or we see its generation
	 * and the entries without what it removed.
	 */
	smp_mb();
	generation = atomic64_read(&lane->space->tlb_generation);
	if (generation != lane->tlb_generation) {
		forget_translations(lane);
		lane->tlb_generation = generation;
	}
}

/**
 * svm_lane_end() - end an access
 * @lane: the caller's; what it mapped is not used any more
 */
void svm_lane_end(struct vdev_lane *lane)
{
	while (lane->nr_maps)
		kunmap_local(lane->maps[--lane->nr_maps]);
	/* All use of memory is before this. */
	smp_store_release(&lane->seq, lane->seq + 1);
	preempt_enable();
}

static u64 rights_of(unsigned int access)
{
	u64 rights = SVM_PTE_VALID;

	if (access & SVM_ACCESS_WRITE)
		rights |= SVM_PTE_WRITE;
	if (access & SVM_ACCESS_EXEC)
		rights |= SVM_PTE_EXEC;
	if (access & SVM_ACCESS_ATOMIC)
		rights |= SVM_PTE_ATOMIC;
	return rights;
}

/* From the page table, with the mark that it is written: the entry or 0. */
static u64 walk(struct vdev_lane *lane, unsigned long addr, u64 rights)
{
	u64 pte, *entry;

	do {
		entry = svm_pagetable_walk(lane->space, addr, &pte);
		if (!entry || (pte & rights) != rights)
			return 0;
		if (!(rights & SVM_PTE_WRITE) || (pte & SVM_PTE_DIRTY))
			return pte;
	} while (!try_cmpxchg64(entry, &pte, pte | SVM_PTE_DIRTY));
	return pte | SVM_PTE_DIRTY;
}

/* The evictor takes what is not used: hardware would set an accessed bit. */
static void use_memory(u64 pte)
{
	struct svm_device *owner = svm_device_get(FIELD_GET(SVM_PTE_OWNER, pte));

	svm_devmem_use(owner->mem, (pte & SVM_PTE_FRAME) >> SVM_CHUNK_SHIFT);
}

static u64 translate(struct vdev_lane *lane, unsigned long addr, u64 rights)
{
	unsigned long page = addr >> PAGE_SHIFT;
	unsigned int slot = page % LANE_TLB_SIZE;
	u64 known = lane->tlb[slot].pte, pte;
	u64 needed = rights;

	if (rights & SVM_PTE_WRITE)
		needed |= SVM_PTE_DIRTY;
	if (lane->tlb[slot].page == page && (known & needed) == needed)
		return known;

	pte = walk(lane, addr, rights);
	if (!pte)
		return 0;
	if (pte & SVM_PTE_LEAF)
		pte = svm_pte_of_leaf(pte, page % SVM_BLOCK_PAGES);
	if (pte & SVM_PTE_DEVICE)
		use_memory(pte);
	lane->tlb[slot].page = page;
	lane->tlb[slot].pte = pte;
	return pte;
}

/* In the memory of the device itself. */
static bool is_local(const struct vdev_lane *lane, u64 pte)
{
	return (pte & SVM_PTE_DEVICE) &&
	       FIELD_GET(SVM_PTE_OWNER, pte) == lane->device->index;
}

static struct page *frame_page(u64 pte)
{
	struct svm_mem place;

	if (!(pte & SVM_PTE_DEVICE))
		return pfn_to_page(PHYS_PFN(pte & SVM_PTE_FRAME));
	place.device = svm_device_get(FIELD_GET(SVM_PTE_OWNER, pte));
	place.offset = pte & SVM_PTE_FRAME;
	return svm_vdev_page(&place, 0);
}

/**
 * svm_lane_map() - the memory behind an address
 * @lane: the caller's, in an access
 * @addr: bytes
 * @access: enum svm_access
 *
 * Return: where the byte is, good to the end of the page until svm_lane_end();
 * NULL: there is no usable entry, and @lane->miss_addr and miss_access say for
 * what.
 */
void *svm_lane_map(struct vdev_lane *lane, u64 addr, unsigned int access)
{
	unsigned int delay = READ_ONCE(svm_access_delay_us);
	unsigned int remote = READ_ONCE(svm_remote_ns);
	u64 pte = translate(lane, addr, rights_of(access));
	void *map;

	if (!pte) {
		lane->miss_addr = addr;
		lane->miss_access = access;
		return NULL;
	}
	/* Tests: whoever uses the frame after it was taken away is late now. */
	if (delay)
		udelay(delay);
	if (remote && !is_local(lane, pte))
		ndelay(min(remote, MAX_REMOTE_NS));
	map = kmap_local_page(frame_page(pte));
	lane->maps[lane->nr_maps++] = map;
	return map + offset_in_page(addr);
}

/**
 * svm_lanes_flush_wait() - wait until no lane uses translations from before
 * @lanes: lanes of a device
 * @n: their number
 * @space: whose generation was counted up before this call
 *
 * Context: any in which a lane of this CPU is not in an access; spins for one
 * access at most.
 */
void svm_lanes_flush_wait(struct vdev_lane *lanes, unsigned int n,
			  const struct svm_space *space)
{
	unsigned int i;

	/* Pairs with the barrier of svm_lane_begin(). */
	smp_mb();
	for (i = 0; i < n; i++) {
		unsigned long seq = READ_ONCE(lanes[i].seq);

		if (!(seq & 1) || READ_ONCE(lanes[i].space) != space)
			continue;
		/* Pairs with the release of svm_lane_end(). */
		smp_cond_load_acquire(&lanes[i].seq, VAL != seq);
	}
}

static bool others_wait(struct svm_device *device)
{
	return !list_empty_careful(&device->ready);
}

/* One job to its end. Return: 0; 1: let go of the queue; else as exec_step. */
static int run_job(struct vdev_lane *lane, struct svm_queue *queue,
		   struct svm_job *job, unsigned long until)
{
	int ret;

	for (;;) {
		if (svm_job_cancelled(job)) {
			svm_queue_job_done(queue, -ECANCELED);
			return 0;
		}
		if (READ_ONCE(queue->stopping))
			return 1;
		ret = svm_exec_step(lane, queue, job);
		if (ret < 0)
			return ret;
		if (ret) {
			svm_queue_job_done(queue, 0);
			return 0;
		}
		if (need_resched())
			cond_resched();
		if (time_after(jiffies, until) && others_wait(lane->device))
			return 1;
	}
}

static void run_queue(struct vdev_lane *lane, struct svm_queue *queue)
{
	unsigned long until = jiffies + msecs_to_jiffies(SLICE_MS);
	struct svm_job *job;
	int ret = 0;

	/* A space may be gone and another in its place when we come back. */
	forget_translations(lane);
	WRITE_ONCE(lane->space, queue->space);

	while (!ret) {
		job = svm_queue_job(queue);
		ret = job ? run_job(lane, queue, job, until) : 1;
		if (!ret && time_after(jiffies, until) &&
		    others_wait(lane->device))
			ret = 1;
	}
	/* After the last access: a flusher that sees this need not wait. */
	smp_store_release(&lane->space, NULL);

	if (ret > 0)
		svm_queue_yield(queue);
	else if (ret == -EAGAIN)
		svm_queue_stall(queue, lane->miss_addr, lane->miss_access);
	else
		svm_queue_stop(queue, ret, lane->miss_addr);
}

static int lane_main(void *data)
{
	struct vdev_lane *lane = data;
	struct svm_device *device = lane->device;

	while (!kthread_should_stop()) {
		struct svm_queue *queue = svm_queue_take(device);

		if (queue)
			run_queue(lane, queue);
		else
			wait_event_idle_exclusive(device->ready_wait,
						  others_wait(device) ||
						  kthread_should_stop());
	}
	return 0;
}

/**
 * svm_lanes_start() - give a device its threads
 * @device: the device
 * @n: how many
 *
 * Return: an array of @n, to be given to svm_lanes_stop(), or ERR_PTR(-ENOMEM).
 */
struct vdev_lane *svm_lanes_start(struct svm_device *device, unsigned int n)
{
	struct vdev_lane *lanes = kcalloc(n, sizeof(*lanes), GFP_KERNEL);
	unsigned int i;

	if (!lanes)
		return ERR_PTR(-ENOMEM);
	for (i = 0; i < n; i++) {
		struct task_struct *task;

		lanes[i].device = device;
		task = kthread_create(lane_main, &lanes[i], "amdsvm/%u:%u",
				      device->index, i);
		if (IS_ERR(task)) {
			svm_lanes_stop(lanes, i);
			return ERR_CAST(task);
		}
		lanes[i].task = task;
		wake_up_process(task);
	}
	return lanes;
}

/**
 * svm_lanes_stop() - end threads
 * @lanes: from svm_lanes_start()
 * @n: how many there are
 *
 * Context: no queue is left; sleeps.
 */
void svm_lanes_stop(struct vdev_lane *lanes, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		kthread_stop(lanes[i].task);
	kfree(lanes);
}
