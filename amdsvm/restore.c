// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Restore: memory that is to stay mapped (XNACK off, GPU_ALWAYS_MAPPED) is
 * mapped again after the CPU page tables changed.
 *
 * A block that lost such entries goes on a list, with a reference. A worker maps
 * them again as long as a queue of the process has work; an idle process is left
 * alone until it submits. Each block waits for itself after a failure, so one
 * that cannot be mapped holds nobody up. Lanes that miss meanwhile are answered
 * by the fault service and do not wait for the worker.
 *
 * Locks: none is held while blocks are mapped.
 */
#include <linux/jiffies.h>
#include <linux/memcontrol.h>
#include <linux/sched/mm.h>

#include "block.h"
#include "event.h"
#include "mirror.h"
#include "process.h"
#include "queue.h"
#include "restore.h"
#include "scratch.h"
#include "space.h"

#define FIRST_DELAY	max(HZ / 1000, 1)
#define LAST_DELAY	HZ

static void restore_kick(struct svm_process *process, unsigned long delay)
{
	if (svm_queues_busy(process))
		svm_process_queue_delayed(process, &process->restore_work,
					  delay);
}

static void tell_all(struct svm_process *process, bool stopped, bool again)
{
	unsigned int i;

	for (i = 0; i < svm_device_count(); i++) {
		struct svm_space *space = process->spaces[i];

		if (stopped)
			svm_space_count(space, SVM_SPACE_EVICTIONS, 1);
		if (!READ_ONCE(space->nr_queues))
			continue;
		if (stopped)
			svm_event_eviction(space);
		else
			svm_event_restore(space, again);
	}
}

/* On the list; the list has a reference. */
static void block_enlist(struct svm_block *block)
{
	llist_add(&block->restore, &block->process->restore_list);
}

/* Off the list for good. */
static void block_done(struct svm_block *block)
{
	struct svm_process *process = block->process;

	if (atomic_dec_and_test(&process->stopped))
		tell_all(process, false, false);
	svm_block_put(block);
}

/**
 * svm_restore_block() - entries went that are to stay
 * @block: the block
 *
 * Context: any, also the notifier; no lock of ours held.
 */
void svm_restore_block(struct svm_block *block)
{
	struct svm_process *process = block->process;

	if (test_and_set_bit(0, &block->restore_queued))
		return;
	svm_block_hold(block);
	if (atomic_inc_return(&process->stopped) == 1)
		tell_all(process, true, false);
	block_enlist(block);
	restore_kick(process, FIRST_DELAY);
}

/**
 * svm_restore_resume() - the process has work again
 * @process: the process
 *
 * Context: any.
 */
void svm_restore_resume(struct svm_process *process)
{
	if (!llist_empty(&process->restore_list))
		restore_kick(process, 0);
}

/* Not now: later, but each time later than before. */
static void block_later(struct svm_block *block)
{
	unsigned long delay = block->restore_delay;

	delay = clamp_t(unsigned long, 2 * delay, FIRST_DELAY, LAST_DELAY);
	block->restore_delay = delay;
	block->restore_due = jiffies + delay;
	tell_all(block->process, false, true);
	if (test_and_set_bit(0, &block->restore_queued))
		/* Lost again meanwhile, and on the list for that. */
		block_done(block);
	else
		block_enlist(block);
}

static void restore_one(struct svm_process *process, struct svm_block *block,
			struct svm_scratch *scratch)
{
	unsigned long start = svm_block_start(block);
	unsigned int i;
	int ret;

	/* Before the look: what is lost from now on is queued anew. */
	clear_bit(0, &block->restore_queued);
	smp_mb__after_atomic(); /* pairs with test_and_set_bit() */
	ret = svm_mirror_keep(process, start, start + SVM_BLOCK_SIZE, scratch);
	if (ret == -EBUSY || ret == -ENOMEM || ret == -EINTR) {
		block_later(block);
		return;
	}
	/* What cannot be had (-EFAULT) is answered when a device asks for it. */
	block->restore_delay = 0;
	for (i = 0; i < svm_device_count() && !ret; i++)
		svm_space_count(process->spaces[i], SVM_SPACE_RESTORES, 1);
	block_done(block);
}

/* Those that are due; the others go back. Return: jiffies until the next. */
static unsigned long restore_due(struct svm_process *process,
				 struct svm_scratch *scratch)
{
	struct llist_node *list = llist_del_all(&process->restore_list);
	struct svm_block *block, *next;
	unsigned long wait = LAST_DELAY;

	llist_for_each_entry_safe(block, next, list, restore) {
		if (svm_queues_busy(process) &&
		    (!block->restore_delay ||
		     time_after_eq(jiffies, block->restore_due))) {
			restore_one(process, block, scratch);
		} else {
			wait = min(wait, block->restore_due - jiffies);
			block_enlist(block);
		}
		cond_resched();
	}
	return clamp_t(unsigned long, wait, FIRST_DELAY, LAST_DELAY);
}

static void restore_work(struct work_struct *work)
{
	struct svm_process *process = container_of(to_delayed_work(work),
						   struct svm_process,
						   restore_work);
	unsigned long wait = LAST_DELAY;
	struct svm_scratch *scratch;

	if (mmget_not_zero(process->mm)) {
		/* Memory is charged to the process that is served. */
		struct mem_cgroup *memcg = get_mem_cgroup_from_mm(process->mm);
		struct mem_cgroup *old = set_active_memcg(memcg);

		scratch = svm_scratch_alloc();
		if (scratch)
			wait = restore_due(process, scratch);
		svm_scratch_free(scratch);
		set_active_memcg(old);
		mem_cgroup_put(memcg);
		mmput_async(process->mm);
		if (!llist_empty(&process->restore_list))
			restore_kick(process, wait);
	}
	svm_process_put(process);
}

/**
 * svm_restore_drop() - nothing is mapped any more
 * @process: the process, without queues
 *
 * Context: may sleep.
 */
void svm_restore_drop(struct svm_process *process)
{
	struct llist_node *list = llist_del_all(&process->restore_list);
	struct svm_block *block, *next;

	llist_for_each_entry_safe(block, next, list, restore) {
		clear_bit(0, &block->restore_queued);
		block_done(block);
	}
}

/**
 * svm_restore_init() - a new process
 * @process: the process
 */
void svm_restore_init(struct svm_process *process)
{
	init_llist_head(&process->restore_list);
	INIT_DELAYED_WORK(&process->restore_work, restore_work);
}
