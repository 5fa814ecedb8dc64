// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The end of blocks: the collector, which removes those that no device maps anything in,
 * and the end of a process, which removes all.
 *
 * Removing an interval notifier sleeps for running invalidations: no lock is held then.
 *
 * Locks: block mutex, and block lock inside of it.
 */
#include "block.h"
#include "process.h"
#include "space.h"

/* The block is dead and out of the table. No lock is held: this waits. */
static void block_remove(struct svm_block *block)
{
	mmu_interval_notifier_remove(&block->notifier);
	svm_block_drop(block);
}

/**
 * svm_blocks_remove_all() - no device maps anything of this process any more
 * @process: the process; nobody makes blocks
 *
 * Context: may sleep; no lock that a callback takes is held.
 */
void svm_blocks_remove_all(struct svm_process *process)
{
	struct svm_block *block;
	unsigned long index;

	xa_for_each(&process->blocks, index, block) {
		bool mine;

		block = svm_block_find(process, index);
		if (!block)
			continue;
		mutex_lock(&block->mutex);
		mine = !block->dead;
		block->dead = true;
		mutex_unlock(&block->mutex);
		if (mine) {
			xa_erase(&process->blocks, index);
			spin_lock(&block->lock);
			svm_pagetable_clear(&block->pt, ~0ULL, 0,
					    SVM_BLOCK_PAGES - 1);
			spin_unlock(&block->lock);
			block_remove(block);
		}
		svm_block_drop(block);
		cond_resched();
	}
	svm_process_flush(process);
}

/* References to a block that only the table and the collector know. */
#define IDLE_REFS 2

static bool block_try_kill(struct svm_block *block)
{
	bool killed = false;

	mutex_lock(&block->mutex);
	if (!block->dead && !READ_ONCE(block->pt.mapped) &&
	    refcount_read(&block->refs) == IDLE_REFS) {
		block->dead = true;
		xa_erase(&block->process->blocks, block->index);
		killed = true;
	}
	mutex_unlock(&block->mutex);
	return killed;
}

/* Some device may have lost its last mapping here. */
static void block_trim(struct svm_block *block)
{
	mutex_lock(&block->mutex);
	svm_pagetable_trim(&block->pt, &block->lock, svm_block_start(block));
	mutex_unlock(&block->mutex);
}

/**
 * svm_blocks_gc_work() - the collector
 * @work: gc_work of a process
 *
 * Mappings appear under the block mutex only, so a block that maps nothing
 * while the mutex is held and then is dead never maps again. A user who found
 * it before sees it dead and gets another.
 */
void svm_blocks_gc_work(struct work_struct *work)
{
	struct svm_process *process = container_of(work, struct svm_process,
						   gc_work);
	struct llist_node *list = llist_del_all(&process->gc_list);
	struct svm_block *block, *next;

	llist_for_each_entry_safe(block, next, list, gc) {
		/* Before the look at the block: who empties it after, queues it. */
		clear_bit(0, &block->gc_queued);
		smp_mb__after_atomic(); /* pairs with test_and_set_bit() */
		if (!svm_thrash_hold(block) && block_try_kill(block))
			block_remove(block);
		else
			block_trim(block);
		svm_block_drop(block);
		cond_resched();
	}
	svm_process_put(process);
}

/**
 * svm_blocks_count() - how many blocks a process has now
 * @process: the process
 *
 * Return: the number.
 */
unsigned long svm_blocks_count(struct svm_process *process)
{
	struct svm_block *block;
	unsigned long index, n = 0;

	xa_for_each(&process->blocks, index, block) {
		n++;
		cond_resched();
	}
	return n;
}
