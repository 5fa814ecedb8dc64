// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Blocks: life, invalidation.
 *
 * A block is made before the flow that needs it takes mmap_lock, found by
 * reference counted RCU look-up, and removed by the collector (blockgc.c) once no device
 * maps anything in it and nobody uses it. Inserting and removing an interval
 * notifier sleeps for running invalidations, so neither is ever done under a
 * lock or in a callback.
 *
 * Locks: block mutex (inside mmap_lock and the policy lock), folio locks, the
 * notifier, block lock. See docs/architecture.md.
 */
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "block.h"
#include "devmem.h"
#include "event.h"
#include "process.h"
#include "restore.h"
#include "space.h"

static void block_free(struct svm_block *block)
{
	svm_pagetable_free(&block->pt, svm_block_start(block));
	kfree_rcu(block, rcu);
}

/**
 * svm_block_hold() - one more reference
 * @block: a block that the caller knows to be alive
 */
void svm_block_hold(struct svm_block *block)
{
	refcount_inc(&block->refs);
}

/**
 * svm_block_drop() - drop a reference, and have nobody look whether it was in use
 * @block: the block
 *
 * Context: any; may free.
 */
void svm_block_drop(struct svm_block *block)
{
	if (refcount_dec_and_test(&block->refs))
		block_free(block);
}

/* On the collector's list, which has a reference. */
static void block_enlist_gc(struct svm_block *block)
{
	struct svm_process *process = block->process;

	llist_add(&block->gc, &process->gc_list);
	svm_process_queue(process, &process->gc_work);
}

/* Have the collector look at a block that maps nothing. Any context. */
static void block_queue_gc(struct svm_block *block)
{
	if (test_and_set_bit(0, &block->gc_queued))
		return;
	refcount_inc(&block->refs);
	block_enlist_gc(block);
}

/* Of a migration, or of taking a page away from CPUs for atomics. */
static bool own_event(const struct svm_block *block,
		      const struct mmu_notifier_range *range)
{
	return (range->event == MMU_NOTIFY_MIGRATE ||
		range->event == MMU_NOTIFY_EXCLUSIVE) &&
	       range->owner == svm_devmem_owner() &&
	       READ_ONCE(block->mover) == current;
}

static unsigned int unmap_trigger(const struct mmu_notifier_range *range)
{
	if (range->event == MMU_NOTIFY_UNMAP)
		return AMDSVM_SVM_UNMAP_TRIGGER_UNMAP_FROM_CPU;
	if (range->event == MMU_NOTIFY_MIGRATE)
		return AMDSVM_SVM_UNMAP_TRIGGER_MMU_NOTIFY_MIGRATE;
	return AMDSVM_SVM_UNMAP_TRIGGER_MMU_NOTIFY;
}

/*
 * What is unmapped needs no restore, and a page that is taken away from CPUs would
 * be given back by it; but the rest of a leaf does.
 */
static bool owes_restore(const struct svm_block *block,
			 const struct mmu_notifier_range *range,
			 const struct svm_cleared *cleared)
{
	if (range->event == MMU_NOTIFY_UNMAP ||
	    (range->event == MMU_NOTIFY_EXCLUSIVE && own_event(block, range)))
		return cleared->cut;
	return true;
}

static void tell_cleared(struct svm_block *block,
			 const struct svm_cleared *cleared,
			 unsigned long start, unsigned long end,
			 unsigned int trigger)
{
	u64 devices = cleared->devices;

	svm_count(block->process, SVM_INVALIDATIONS, 1);
	for (; devices; devices &= devices - 1) {
		struct svm_space *space =
			block->process->spaces[__ffs64(devices)];

		svm_space_count(space, SVM_SPACE_INVALIDATIONS, 1);
		svm_event_unmap(space, start, end, trigger);
	}
}

/*
 * Memory of the block changes. Device entries go in any case; the sequence
 * count is left alone only for the migration that holds the block mutex, whose
 * own mirror attempt would otherwise always be out of date. The owner alone
 * does not tell that: CPU faults migrate with the same one.
 *
 * A spinlock is enough, so a non-blockable event needs nothing special. TLBs are
 * flushed by the mm-wide notifier, which core runs after all of these.
 */
static bool block_invalidate(struct mmu_interval_notifier *notifier,
			     const struct mmu_notifier_range *range,
			     unsigned long seq)
{
	struct svm_block *block = container_of(notifier, struct svm_block,
					       notifier);
	unsigned long start = svm_block_start(block);
	unsigned long end = start + SVM_BLOCK_SIZE;
	struct svm_cleared cleared;
	unsigned int mapped;

	start = max(start, range->start);
	end = min(end, range->end);

	spin_lock(&block->lock);
	if (!own_event(block, range))
		mmu_interval_set_seq(notifier, seq);
	cleared = svm_pagetable_clear(&block->pt, ~0ULL, svm_block_page(start),
				      svm_block_page(end - 1));
	mapped = block->pt.mapped;
	spin_unlock(&block->lock);

	if (!cleared.pages)
		return true;
	tell_cleared(block, &cleared, start, end, unmap_trigger(range));
	if (cleared.keep && owes_restore(block, range, &cleared))
		svm_restore_block(block);
	else if (!mapped)
		block_queue_gc(block);
	return true;
}

static const struct mmu_interval_notifier_ops block_notifier_ops = {
	.invalidate = block_invalidate,
};

/**
 * svm_block_find() - look a block up
 * @process: the process
 * @index: address >> SVM_BLOCK_SHIFT
 *
 * Return: the block with a reference, or NULL.
 */
struct svm_block *svm_block_find(struct svm_process *process,
				 unsigned long index)
{
	struct svm_block *block;

	rcu_read_lock();
	block = xa_load(&process->blocks, index);
	if (block && !refcount_inc_not_zero(&block->refs))
		block = NULL;
	rcu_read_unlock();
	return block;
}

static struct svm_block *block_create(struct svm_process *process,
				      unsigned long index)
{
	struct svm_block *block = kmalloc(sizeof(*block), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!block)
		return ERR_PTR(-ENOMEM);
	/* In words: the allocator clears all of 1 KiB, and byte by byte. */
	BUILD_BUG_ON(sizeof(*block) % sizeof(u64));
	memset64((u64 *)block, 0, sizeof(*block) / sizeof(u64));
	block->process = process;
	block->index = index;
	refcount_set(&block->refs, 2);	/* the table's and the caller's */
	mutex_init(&block->mutex);
	spin_lock_init(&block->lock);

	ret = mmu_interval_notifier_insert(&block->notifier, process->mm,
					   svm_block_start(block),
					   SVM_BLOCK_SIZE, &block_notifier_ops);
	if (ret) {
		kfree(block);
		return ERR_PTR(ret);
	}

	ret = xa_insert(&process->blocks, index, block, GFP_KERNEL_ACCOUNT);
	if (ret) {
		mmu_interval_notifier_remove(&block->notifier);
		kfree(block);
		return ERR_PTR(ret);
	}
	return block;
}

/**
 * svm_block_get() - find or make a block
 * @process: the process; its mm is held by mmget
 * @index: address >> SVM_BLOCK_SHIFT
 *
 * Context: mmap_lock not held; sleeps for running invalidations at worst.
 * Return: the block with a reference, or ERR_PTR(-ENOMEM).
 */
struct svm_block *svm_block_get(struct svm_process *process,
				unsigned long index)
{
	struct svm_block *block;

	do {
		block = svm_block_find(process, index);
		if (!block)
			block = block_create(process, index);
		/* -EBUSY: somebody else made it meanwhile */
	} while (IS_ERR(block) && PTR_ERR(block) == -EBUSY);
	return block;
}

/**
 * svm_block_put() - a user is done with a block
 * @block: from svm_block_find() or svm_block_get()
 *
 * The reference goes before the collector is called, for the collector spares
 * blocks that somebody uses; RCU keeps the memory readable in between.
 */
void svm_block_put(struct svm_block *block)
{
	rcu_read_lock();
	if (refcount_dec_and_test(&block->refs)) {
		block_free(block);
		rcu_read_unlock();
		return;
	}
	/* The collector clears the bit, then counts references. */
	smp_mb__after_atomic();
	if (!READ_ONCE(block->pt.mapped) && !READ_ONCE(block->dead) &&
	    !test_bit(0, &block->gc_queued) &&
	    refcount_inc_not_zero(&block->refs)) {
		/* The list's; with one more the collector would spare it. */
		if (test_and_set_bit(0, &block->gc_queued))
			svm_block_drop(block);
		else
			block_enlist_gc(block);
	}
	rcu_read_unlock();
}

/**
 * svm_block_lock() - begin a migration or a mirror of the block
 * @block: the block, with a reference
 *
 * Context: sleeps; inside mmap_lock.
 * Return: 0; -EINTR on a fatal signal; -EAGAIN when the block was collected and
 * another must be got.
 */
int svm_block_lock(struct svm_block *block)
{
	if (mutex_lock_killable(&block->mutex))
		return -EINTR;
	if (!block->dead)
		return 0;
	mutex_unlock(&block->mutex);
	return -EAGAIN;
}

/**
 * svm_block_trylock() - the same without waiting, with another block locked perhaps
 * @block: the block, with a reference
 *
 * Return: false: somebody else has it, or it was collected.
 */
bool svm_block_trylock(struct svm_block *block)
{
	if (!mutex_trylock(&block->mutex))
		return false;
	if (!block->dead)
		return true;
	mutex_unlock(&block->mutex);
	return false;
}

/**
 * svm_block_unlock() - end what svm_block_lock() began
 * @block: the block
 */
void svm_block_unlock(struct svm_block *block)
{
	mutex_unlock(&block->mutex);
}

/**
 * svm_blocks_unmap() - take mappings away from devices
 * @process: the process
 * @start: first byte
 * @end: byte after the last
 * @devices: mask of devices that lose access
 *
 * On return none of them uses the memory any more. A mirror that is under way
 * commits nothing for them afterwards if the policy was changed before this call
 * (svm_policy_changed()). A leaf that is cut goes whole: what is left of it
 * outside is mapped again when a device needs it, or restored.
 *
 * Context: may sleep.
 */
void svm_blocks_unmap(struct svm_process *process, unsigned long start,
		      unsigned long end, u64 devices)
{
	unsigned long last = (end - 1) >> SVM_BLOCK_SHIFT;
	unsigned long index = start >> SVM_BLOCK_SHIFT;
	struct svm_block *block;

	xa_for_each_range(&process->blocks, index, block, index, last) {
		struct svm_cleared cleared;
		unsigned long from, to;

		block = svm_block_find(process, index);
		if (!block)
			continue;
		from = max(start, svm_block_start(block));
		to = min(end, svm_block_start(block) + SVM_BLOCK_SIZE);
		spin_lock(&block->lock);
		cleared = svm_pagetable_clear(&block->pt, devices,
					      svm_block_page(from),
					      svm_block_page(to - 1));
		spin_unlock(&block->lock);
		if (cleared.keep)
			svm_restore_block(block);
		svm_block_put(block);
		cond_resched();
	}
	svm_process_flush(process);
}

/**
 * svm_block_lockdep_prime() - teach lockdep what reclaim may come to hold
 *
 * Reclaim calls the notifier, which takes the block lock: with this a reclaiming
 * allocation under the block lock is reported the first time, whatever the load.
 */
void svm_block_lockdep_prime(void)
{
	struct svm_block *block;

	if (!IS_ENABLED(CONFIG_LOCKDEP))
		return;
	block = kzalloc(sizeof(*block), GFP_KERNEL);
	if (!block)
		return;
	spin_lock_init(&block->lock);
	fs_reclaim_acquire(GFP_KERNEL);
	might_lock(&block->lock);
	fs_reclaim_release(GFP_KERNEL);
	kfree(block);
}
