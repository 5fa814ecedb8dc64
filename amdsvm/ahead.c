// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Room ahead of need: while what just arrived on a full device is copied, a worker
 * already evicts what the next block will need, so that the two copies overlap.
 *
 * A prefetch knows how much it will want (svm_scratch.ahead), and asks each time once it
 * has been short. A device fault does not: when it had to evict itself it supposes that
 * there will be another one like it, but what is there by then it takes without asking for
 * more. Else memory that just fits would be evicted for ever, by the faults that this
 * causes.
 *
 * A request is for one chunk, and there is one at a time. Who is short waits for the chunk
 * that the worker is in, or takes the request back and evicts itself.
 *
 * Where there is one processor nothing overlaps, and nothing is done ahead.
 *
 * Locks: svm_devmem.lock, for the request. The worker takes what eviction does (evict.c),
 * none of which is held by those who wait for it: they hold mmap_lock and block mutexes,
 * and the worker knows no address. It allocates only pages at home, without an effort.
 */
#include <linux/cpumask.h>
#include <linux/mm.h>
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
	unsigned long want;

	spin_lock_irq(&mem->lock);
	want = ahead->want;
	ahead->scratch->evict_before = ahead->before;
	ahead->scratch->residency = ahead->residency;
	spin_unlock_irq(&mem->lock);
	if (svm_vram_free_pages(mem) < want)
		svm_evict_coldest(mem, ahead->scratch, SVM_HOME_WELCOME);
}

/**
 * svm_ahead_settle() - before room is made: end what is under way
 * @mem: device memory
 *
 * Context: as svm_evict_room(); sleeps while a chunk is evicted.
 */
void svm_ahead_settle(struct svm_devmem *mem)
{
	cancel_work_sync(&mem->ahead.work);
}

/**
 * svm_ahead_begin() - room was taken, and more will be wanted: see that there is some
 * @mem: device memory
 * @want: pages, a chunk's at most
 * @scratch: who may be evicted for it
 *
 * Context: any that may schedule; does not wait.
 */
void svm_ahead_begin(struct svm_devmem *mem, unsigned long want,
		     const struct svm_scratch *scratch)
{
	struct svm_ahead *ahead = &mem->ahead;
	unsigned long flags;

	if (!ahead->scratch || !scratch->evict_before ||
	    !READ_ONCE(svm_oversubscription) || num_online_cpus() < 2 ||
	    svm_vram_free_pages(mem) >= want)
		return;
	spin_lock_irqsave(&mem->lock, flags);
	ahead->want = want;
	ahead->before = scratch->evict_before;
	ahead->residency = scratch->residency;
	spin_unlock_irqrestore(&mem->lock, flags);
	queue_work(ahead_wq, &ahead->work);
}

/**
 * svm_ahead_init() - device memory is made
 * @mem: the memory; without memory for this nothing is done ahead
 */
void svm_ahead_init(struct svm_devmem *mem)
{
	INIT_WORK(&mem->ahead.work, ahead_work);
	mem->ahead.scratch = svm_scratch_alloc();
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
	svm_scratch_free(mem->ahead.scratch);
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
