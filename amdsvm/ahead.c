// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Room ahead of need: while what just arrived on a full device is copied, a worker
 * already evicts what the next block will need, so that the two copies overlap.
 *
 * Who takes room says how much will be wanted next (svm_scratch.ahead): a prefetch knows,
 * a fault service supposes that there will be another fault like this one. So no more
 * than a chunk is ever evicted that nobody comes for. One request at a time: who is short
 * again waits for the chunk that the worker is in, or takes the request back and evicts
 * itself.
 *
 * Where there is one processor nothing overlaps, and nothing is done ahead.
 *
 * Locks: svm_devmem.lock, for the request. The worker takes what eviction does (evict.c),
 * none of which is held by those who wait for it: they hold mmap_lock and block mutexes,
 * and the worker knows no address.
 */
#include <linux/cpumask.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "ahead.h"
#include "devmem.h"
#include "evict.h"
#include "scratch.h"
#include "vram.h"

static struct workqueue_struct *ahead_wq;

static void ahead_work(struct work_struct *work)
{
	struct svm_ahead *ahead = container_of(work, struct svm_ahead, work);
	struct svm_devmem *mem = container_of(ahead, struct svm_devmem, ahead);
	struct svm_scratch *scratch = kvmalloc(sizeof(*scratch),
					       GFP_KERNEL | __GFP_NOWARN);
	unsigned long want;

	/* Who is short evicts itself, then. */
	if (!scratch)
		return;
	spin_lock_irq(&mem->lock);
	want = ahead->want;
	scratch->evict_before = ahead->before;
	scratch->residency = ahead->residency;
	spin_unlock_irq(&mem->lock);
	if (svm_evict_room(mem, want, scratch))
		WRITE_ONCE(ahead->made, want);
	kvfree(scratch);
}

/**
 * svm_ahead_settle() - before room is taken: end what is under way, if it is needed
 * @mem: device memory
 * @wanted: pages that are going to be taken
 *
 * Context: as svm_evict_room(); sleeps while a chunk is evicted.
 * Return: true when there would not be so much without room made ahead, so that more of
 * it should be made: see svm_ahead_begin().
 */
bool svm_ahead_settle(struct svm_devmem *mem, unsigned long wanted)
{
	unsigned long made;

	if (svm_vram_free_pages(mem) < wanted)
		cancel_work_sync(&mem->ahead.work);
	made = READ_ONCE(mem->ahead.made) ? xchg(&mem->ahead.made, 0) : 0;
	return svm_vram_free_pages(mem) < wanted + made;
}

/**
 * svm_ahead_begin() - room was taken, and was short: see that there is more
 * @mem: device memory
 * @scratch: how much will be wanted, and who may be evicted for it
 *
 * Context: any that may schedule; does not wait.
 */
void svm_ahead_begin(struct svm_devmem *mem, const struct svm_scratch *scratch)
{
	struct svm_ahead *ahead = &mem->ahead;
	unsigned long flags;

	if (!scratch->ahead || !scratch->evict_before ||
	    !READ_ONCE(svm_oversubscription) || num_online_cpus() < 2 ||
	    svm_vram_free_pages(mem) >= scratch->ahead)
		return;
	spin_lock_irqsave(&mem->lock, flags);
	ahead->want = scratch->ahead;
	ahead->before = scratch->evict_before;
	ahead->residency = scratch->residency;
	spin_unlock_irqrestore(&mem->lock, flags);
	queue_work(ahead_wq, &ahead->work);
}

/**
 * svm_ahead_init() - device memory is made
 * @mem: the memory
 */
void svm_ahead_init(struct svm_devmem *mem)
{
	INIT_WORK(&mem->ahead.work, ahead_work);
}

/**
 * svm_ahead_end() - device memory is about to go
 * @mem: the memory, of which nothing is in use and nobody takes any
 *
 * Context: sleeps.
 */
void svm_ahead_end(struct svm_devmem *mem)
{
	cancel_work_sync(&mem->ahead.work);
}

/**
 * svm_ahead_start() - make what works for all devices
 *
 * Return: 0 or -ENOMEM.
 */
int svm_ahead_start(void)
{
	ahead_wq = alloc_workqueue("amdsvm-ahead", WQ_UNBOUND, 0);
	return ahead_wq ? 0 : -ENOMEM;
}

/**
 * svm_ahead_stop() - undo svm_ahead_start()
 *
 * Context: after svm_ahead_end() of all device memory.
 */
void svm_ahead_stop(void)
{
	if (ahead_wq)
		destroy_workqueue(ahead_wq);
	ahead_wq = NULL;
}
