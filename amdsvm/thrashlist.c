// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * How long blocks remember that their memory went back and forth.
 *
 * A block without device entries would be collected, and what it remembers with it.
 * So the collector leaves those alone that have something to remember: they are on a
 * list, with a reference, and a work lets go of them in time. It is the same work
 * that ends what is kept in place.
 *
 * Locks: the block lock, for what is remembered. The list has none.
 */
#include <linux/sched.h>

#include "block.h"
#include "process.h"
#include "thrash.h"
#include "thrashlist.h"

/**
 * svm_thrash_must_list() - is a block to be put on the list
 * @t: of the block
 *
 * Context: block lock held.
 * Return: true when the caller is to do so after the lock, with a reference.
 */
bool svm_thrash_must_list(struct svm_thrash *t)
{
	if (t->listed)
		return false;
	t->listed = true;
	return true;
}

/**
 * svm_thrash_list() - put a block on the list
 * @block: the block; a reference goes along
 *
 * Context: no lock needed; does not sleep.
 */
void svm_thrash_list(struct svm_block *block)
{
	struct svm_process *process = block->process;

	llist_add(&block->thrash.node, &process->thrash_list);
	svm_process_queue_delayed(process, &process->thrash_work,
				  svm_thrash_tick());
}

static bool any_home(const struct svm_thrash *t)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(t->home); i++)
		if (atomic_long_read(&t->home[i]))
			return true;
	return false;
}

/* Something that the next device fault may want to know. */
static bool remembers(const struct svm_thrash *t, unsigned long period)
{
	if (t->pinned)
		return true;
	if (!period)
		return false;
	if (t->turns && !svm_thrash_quiet(t))
		return true;
	if (any_home(t) && time_before(jiffies, READ_ONCE(t->home_at) + period))
		return true;
	return svm_thrash_evicted(t, period) || (t->chunk && READ_ONCE(t->chunk->leaving));
}

/**
 * svm_thrash_hold() - is a block to stay although nothing is mapped
 * @block: the block, with a reference
 *
 * Context: the collector; no lock held.
 * Return: true when it stays for a while; the collector is called again then.
 */
bool svm_thrash_hold(struct svm_block *block)
{
	struct svm_thrash *t = &block->thrash;
	bool hold, list = false;

	if (READ_ONCE(block->pt.mapped) || READ_ONCE(block->dead))
		return false;
	spin_lock(&block->lock);
	hold = t->listed || remembers(t, svm_thrash_period());
	if (hold)
		list = svm_thrash_must_list(t);
	spin_unlock(&block->lock);
	if (list) {
		svm_block_hold(block);
		svm_thrash_list(block);
	}
	return hold;
}

/*
 * Devices that used the block in place are to ask again, if its time is over. A
 * period later than faults are answered so: what was on the way then is done.
 */
static u64 take_unpinned(struct svm_thrash *t)
{
	u64 devices = t->pinned;

	if (!devices || time_before(jiffies, t->last + svm_thrash_tick()))
		return 0;
	t->pinned = 0;
	return devices;
}

/* One block of the list, whose reference is ours. */
static void look_after(struct svm_block *block)
{
	unsigned long start = svm_block_start(block);
	struct svm_thrash *t = &block->thrash;
	bool stays;
	u64 devices;

	spin_lock(&block->lock);
	/* A block that is no longer in the table remembers for nobody. */
	if (READ_ONCE(block->dead))
		t->pinned = 0;
	devices = take_unpinned(t);
	stays = !READ_ONCE(block->dead) && remembers(t, svm_thrash_period());
	t->listed = stays;
	spin_unlock(&block->lock);

	if (devices)
		svm_blocks_unmap(block->process, start, start + SVM_BLOCK_SIZE,
				 devices);
	if (stays)
		svm_thrash_list(block);
	else
		svm_block_put(block);
}

static void thrash_work(struct work_struct *work)
{
	struct svm_process *process = container_of(to_delayed_work(work),
						   struct svm_process,
						   thrash_work);
	struct llist_node *list = llist_del_all(&process->thrash_list);
	struct svm_block *block, *next;

	llist_for_each_entry_safe(block, next, list, thrash.node) {
		look_after(block);
		cond_resched();
	}
	svm_process_put(process);
}

/**
 * svm_thrash_drop() - the blocks are gone
 * @process: the process; its work is cancelled
 *
 * Context: may sleep.
 */
void svm_thrash_drop(struct svm_process *process)
{
	struct llist_node *list = llist_del_all(&process->thrash_list);
	struct svm_block *block, *next;

	llist_for_each_entry_safe(block, next, list, thrash.node) {
		spin_lock(&block->lock);
		block->thrash.listed = false;
		block->thrash.pinned = 0;
		spin_unlock(&block->lock);
		svm_block_put(block);
	}
}

/**
 * svm_thrash_init() - a new process
 * @process: the process
 */
void svm_thrash_init(struct svm_process *process)
{
	init_llist_head(&process->thrash_list);
	INIT_DELAYED_WORK(&process->thrash_work, thrash_work);
}
