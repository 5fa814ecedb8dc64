/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Blocks: the unit of mirroring and of migration on request.
 */
#ifndef SVM_BLOCK_H
#define SVM_BLOCK_H

#include <linux/llist.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>

#include "pagetable.h"
#include "thrash.h"

struct svm_process;

/**
 * struct svm_block - a touched, aligned 2 MiB of one address space
 * @notifier: tells of changes to the CPU page tables
 * @process: whose; outlives the block
 * @index: address >> SVM_BLOCK_SHIFT
 * @refs: table of the process, users, collector
 * @mutex: one migration or mirror at a time; protects @dead
 * @dead: no longer in the table; find or make another
 * @mover: the task that has a migrate_vma under way under @mutex, else NULL
 * @insister: the task that brings single pages home to break COW, else NULL
 * @lock: protects @pt and @thrash; taken in the notifier, so nothing under it may sleep or
 *	wait for anything that allocates
 * @pt: device page tables
 * @thrash: whether its memory goes back and forth
 * @gc_queued: on the collector's list, or about to be
 * @gc: in gc_list of the process
 * @restore_queued: on the restore list
 * @restore: in restore_list of the process
 * @restore_delay: jiffies to wait after the next failure; the worker's
 * @restore_due: when to try again, jiffies; the worker's
 * @rcu: readers of the table
 */
struct svm_block {
	struct mmu_interval_notifier notifier;
	struct svm_process *process;
	unsigned long index;
	refcount_t refs;
	struct mutex mutex; /* inside mmap_lock and the policy lock */
	bool dead;
	struct task_struct *mover;
	struct task_struct *insister;
	spinlock_t lock; /* inside the notifier */
	struct svm_pagetable pt;
	struct svm_thrash thrash;
	unsigned long gc_queued;
	struct llist_node gc;
	unsigned long restore_queued;
	struct llist_node restore;
	unsigned long restore_delay;
	unsigned long restore_due;
	struct rcu_head rcu;
};

static inline unsigned long svm_block_start(const struct svm_block *block)
{
	return block->index << SVM_BLOCK_SHIFT;
}

/* Page of the block that contains @addr. */
static inline unsigned int svm_block_page(unsigned long addr)
{
	return (addr & (SVM_BLOCK_SIZE - 1)) >> PAGE_SHIFT;
}

struct svm_block *svm_block_find(struct svm_process *process,
				 unsigned long index);
struct svm_block *svm_block_get(struct svm_process *process,
				unsigned long index);
void svm_block_hold(struct svm_block *block);
void svm_block_put(struct svm_block *block);
void svm_block_drop(struct svm_block *block);

int svm_block_lock(struct svm_block *block);
bool svm_block_trylock(struct svm_block *block);
void svm_block_unlock(struct svm_block *block);

void svm_blocks_unmap(struct svm_process *process, unsigned long start,
		      unsigned long end, u64 devices);
void svm_blocks_remove_all(struct svm_process *process);
void svm_blocks_gc_work(struct work_struct *work);
unsigned long svm_blocks_count(struct svm_process *process);
void svm_block_lockdep_prime(void);

#endif /* SVM_BLOCK_H */
