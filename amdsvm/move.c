// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Blocks move: one, or several under one hold of mmap_lock. Of several, one is collected
 * while the copy engine is at the one before; see "Two blocks at once" in
 * docs/architecture.md.
 *
 * While that happens folios of the first are locked, and its block mutex is held. So the
 * second mutex is only tried, and the second block begins when it needs neither room that
 * others must leave nor pages that have to be brought in. Core itself may wait for a folio
 * all the same (migrate_vma_split_folio() of 7.2), whose owner may wait for one of ours.
 * That cannot last: a work lands the first block if its owner has not done so in time.
 *
 * Locks: mmap_lock (read), the block mutex, that of the next block by trying.
 */
#include <linux/cpumask.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "block.h"
#include "devmem.h"
#include "migration.h"
#include "move.h"
#include "process.h"
#include "scratch.h"
#include "walk.h"

/* struct flight - a block on its way */
struct flight {
	struct migration m;
	struct delayed_work landing;
};

/* struct svm_pair - work space for two of them, beside the scratch of the call */
struct svm_pair {
	struct flight flights[2];
	struct svm_scratch *second;
};

/* struct hold - one hold of mmap_lock */
struct hold {
	const struct svm_move *move;
	struct svm_pair *pair;		/* NULL: one after the other */
	struct flight *under_way;	/* one of the pair's, or NULL */
};

static struct workqueue_struct *landing_wq;

static void landing_work(struct work_struct *work)
{
	struct flight *flight = container_of(to_delayed_work(work),
					     struct flight, landing);

	svm_migration_land(&flight->m);
}

/* No engine would be at work meanwhile. */
static bool never_overlaps(const struct svm_move *move)
{
	return (move->start ^ (move->end - 1)) < SVM_BLOCK_SIZE ||
	       num_online_cpus() < 2 ||
	       svm_devmem_state()->kind == AMDSVM_MEMORY_NONE;
}

/* The pair of the call, made when there is a use for it. */
static struct svm_pair *pair_of(const struct svm_move *move)
{
	struct svm_pair *pair = move->scratch->pair;
	unsigned int i;

	if (pair || never_overlaps(move))
		return pair;
	pair = kzalloc(sizeof(*pair), GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!pair)
		return NULL;
	pair->second = svm_scratch_alloc();
	if (!pair->second) {
		kfree(pair);
		return NULL;
	}
	for (i = 0; i < ARRAY_SIZE(pair->flights); i++)
		INIT_DELAYED_WORK(&pair->flights[i].landing, landing_work);
	return move->scratch->pair = pair;
}

/**
 * svm_pair_free() - free what svm_move_blocks() has put aside for the next time
 * @pair: of a scratch, or NULL
 */
void svm_pair_free(struct svm_pair *pair)
{
	if (!pair)
		return;
	svm_scratch_free(pair->second);
	kfree(pair);
}

/* A migration of memory of one mapping, not begun. */
static struct migration migration_of(const struct svm_move *move,
				     struct svm_block *block,
				     struct vm_area_struct *vma,
				     unsigned long start, unsigned long end)
{
	return (struct migration) {
		.args.vma = vma,
		.block = block,
		.process = move->process,
		.device = move->device,
		.scratch = move->scratch,
		.base = start,
		.pages = (end - start) >> PAGE_SHIFT,
	};
}

/* One mapping after the other; holes that appeared meanwhile have no pages. */
static void move_mappings(const struct svm_move *move, struct svm_block *block,
			  unsigned long start, unsigned long end)
{
	unsigned long next;

	for (; start < end; start = next) {
		struct vm_area_struct *vma = find_vma(move->process->mm, start);
		struct migration m;

		next = vma ? min(end, vma->vm_start) : end;
		if (next > start) {
			move->counts->state[SVM_PAGE_UNMOVABLE] +=
				(next - start) >> PAGE_SHIFT;
			continue;
		}
		next = min(end, vma->vm_end);
		m = migration_of(move, block, vma, start, next);
		svm_migrate(&m, move->counts);
	}
}

static void unlock(struct svm_block *block)
{
	if (block)
		svm_block_unlock(block);
}

/* What one of the pair has learned of the call. */
static void note_tight(struct hold *hold, const struct flight *flight)
{
	hold->move->scratch->tight |= flight->m.scratch->tight;
}

/* What is under way ends: copied, live, counted, its block unlocked. */
static void land(struct hold *hold)
{
	struct flight *flight = hold->under_way;

	if (!flight)
		return;
	if (!cancel_delayed_work(&flight->landing))
		flush_delayed_work(&flight->landing);
	svm_migration_end(&flight->m, hold->move->counts);
	note_tight(hold, flight);
	unlock(flight->m.block);
	hold->under_way = NULL;
}

/* With another under way its mutex is only tried. */
static int lock(struct hold *hold, struct svm_block *block)
{
	if (!block)
		return 0;
	if (hold->under_way) {
		if (svm_block_trylock(block))
			return 0;
		land(hold);
	}
	return svm_block_lock(block);
}

/* The mapping that all of it is in, if it may move; else NULL. */
static struct vm_area_struct *one_mapping(const struct svm_move *move,
					  unsigned long start, unsigned long end)
{
	struct vm_area_struct *vma = find_vma(move->process->mm, start);

	if (!vma || vma->vm_start > start || vma->vm_end < end ||
	    (move->device && svm_stays_in_ram(vma)))
		return NULL;
	return vma;
}

/* The work space that no block under way needs. */
static struct flight *prepare(struct hold *hold, struct svm_block *block,
			      struct vm_area_struct *vma, unsigned long start,
			      unsigned long end)
{
	struct svm_pair *pair = hold->pair;
	struct svm_scratch *own = hold->move->scratch;
	struct flight *flight;

	flight = hold->under_way == pair->flights ? pair->flights + 1 :
						    pair->flights;
	flight->m = migration_of(hold->move, block, vma, start, end);
	if (flight == pair->flights + 1) {
		svm_scratch_init_like(pair->second, own);
		pair->second->tight = own->tight;
		flight->m.scratch = pair->second;
	}
	return flight;
}

/* Collect it while the one before is copied; then that one ends. */
static void overlap(struct hold *hold, struct flight *flight)
{
	struct migration *m = &flight->m;

	svm_migration_scan(m);
	if (hold->under_way && !svm_room_at_hand(m))
		land(hold);
	if (hold->under_way)
		queue_delayed_work(landing_wq, &hold->under_way->landing,
				   msecs_to_jiffies(READ_ONCE(svm_landing_ms)));
	svm_migration_begin(m);
	note_tight(hold, flight);
	land(hold);
	hold->under_way = flight;
	if (!svm_migration_overlaps(m))
		land(hold);
}

static int move_one(struct hold *hold, struct svm_block *block,
		    unsigned long start, unsigned long end)
{
	const struct svm_move *move = hold->move;
	struct vm_area_struct *vma = NULL;
	int ret;

	ret = lock(hold, block);
	if (ret)
		return ret;
	/* Several mappings, or one that stays: one after the other, without another block. */
	if (hold->pair)
		vma = one_mapping(move, start, end);
	if (vma) {
		overlap(hold, prepare(hold, block, vma, start, end));
		return 0;
	}
	land(hold);
	move_mappings(move, block, start, end);
	unlock(block);
	return 0;
}

/*
 * Home: what nobody ever touched is nowhere and stays so. HMM and migrate_vma have other
 * words for some of it.
 */
static bool stays_nowhere(const struct svm_move *move, unsigned long start,
			  unsigned long end)
{
	return !move->device &&
	       svm_next_populated(move->process->mm, start, end) == end;
}

/* Somebody wants mmap_lock, or the caller to end. */
static bool wanted_elsewhere(const struct svm_move *move)
{
	return mmap_lock_is_contended(move->process->mm) ||
	       fatal_signal_pending(current);
}

/**
 * svm_move_blocks() - move memory of some blocks
 * @move: what, and where to
 * @done: result: first byte that was not tried, also on error
 *
 * Ends early, and after the block it is in, when others want mmap_lock for writing or the
 * caller was killed.
 *
 * Context: no lock held; sleeps.
 * Return: 0, with one block tried at least; -EINTR; -EAGAIN when the block at @done was
 * collected and another must be got.
 */
int svm_move_blocks(const struct svm_move *move, unsigned long *done)
{
	struct hold hold = { .move = move, .pair = pair_of(move) };
	unsigned long ahead = move->scratch->ahead;
	struct svm_block *const *block = move->blocks;
	unsigned long at, next;
	int ret = 0;

	*done = move->start;
	if (mmap_read_lock_killable(move->process->mm))
		return -EINTR;
	for (at = move->start; at < move->end; at = next, block++) {
		if (at != move->start && wanted_elsewhere(move))
			break;
		next = min(move->end, (at | (SVM_BLOCK_SIZE - 1)) + 1);
		if (ahead != SVM_AHEAD_UNKNOWN)
			move->scratch->ahead =
				ahead + ((move->end - next) >> PAGE_SHIFT);
		if (stays_nowhere(move, at, next))
			move->counts->state[SVM_PAGE_UNMOVABLE] +=
				(next - at) >> PAGE_SHIFT;
		else
			ret = move_one(&hold, *block, at, next);
		if (ret)
			break;
		*done = next;
	}
	land(&hold);
	mmap_read_unlock(move->process->mm);
	move->scratch->ahead = ahead;
	return ret;
}

/**
 * svm_move_block() - move memory of one block
 * @process: the process, mm held by mmget
 * @block: the block with a reference; NULL when there is none, then only home
 * @start: first byte
 * @end: byte after the last, in the same block
 * @device: destination, NULL for system memory
 * @scratch: work space
 * @counts: what became of the pages is added here
 *
 * Context: no lock held; sleeps.
 * Return: 0; -EINTR; -EAGAIN when the block was collected.
 */
int svm_move_block(struct svm_process *process, struct svm_block *block,
		   unsigned long start, unsigned long end,
		   struct svm_device *device, struct svm_scratch *scratch,
		   struct svm_move_counts *counts)
{
	struct svm_move move = {
		.process = process,
		.blocks = { block },
		.start = start,
		.end = end,
		.device = device,
		.scratch = scratch,
		.counts = counts,
	};
	unsigned long done;

	return svm_move_blocks(&move, &done);
}

/**
 * svm_move_init() - module load
 *
 * Return: 0 or -ENOMEM.
 */
int svm_move_init(void)
{
	/* Memory may be waiting for what it lands. */
	landing_wq = alloc_workqueue("amdsvm-landing",
				     WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	return landing_wq ? 0 : -ENOMEM;
}

/**
 * svm_move_exit() - module unload, or a load that failed
 */
void svm_move_exit(void)
{
	if (landing_wq)
		destroy_workqueue(landing_wq);
	landing_wq = NULL;
}
