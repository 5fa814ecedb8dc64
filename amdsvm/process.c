// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The process object: one for each address space, from the first open of
 * /dev/amdsvm to the last close or the end of the address space.
 *
 * Lifetime. The mm-wide mmu_notifier is embedded: core mm keeps one for each
 * (mm, ops) pair and counts the files that use it. The object is freed with its
 * last reference (the notifier's, dropped by core mm after an SRCU grace
 * period, and one for each queued work). Policy, device mappings and blocks go
 * earlier: when the last file is closed or the address space ends, whichever
 * comes first. Device pages stay where they are.
 *
 * Locks: mmap_lock (write, in open only) is outside of everything; files_lock
 * is outside of the policy lock and of block mutexes.
 */
#include <linux/hashtable.h>
#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/sched/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include "block.h"
#include "device.h"
#include "event.h"
#include "policy.h"
#include "process.h"
#include "queue.h"
#include "restore.h"
#include "server.h"
#include "space.h"
#include "sysfs.h"
#include "thrash.h"

static DEFINE_HASHTABLE(process_table, 8);
static DEFINE_SPINLOCK(process_table_lock);

/*
 * What serves processes may wait for memory; what ends them must not wait for it, nor
 * what serves them for what only makes it faster.
 */
static struct workqueue_struct *process_wq;
static struct workqueue_struct *helper_wq;
static struct workqueue_struct *exit_wq;
static atomic_t live_processes = ATOMIC_INIT(0);
static atomic64_t last_id = ATOMIC64_INIT(0);
static DECLARE_WAIT_QUEUE_HEAD(live_wait);

/**
 * svm_process_get() - take a reference
 * @process: an object that is alive
 */
void svm_process_get(struct svm_process *process)
{
	kref_get(&process->refs);
}

static void process_free(struct kref *ref)
{
	struct svm_process *process = container_of(ref, struct svm_process, refs);

	/* May be an SRCU callback, which must not sleep. */
	queue_work(exit_wq, &process->free_work);
}

/**
 * svm_process_put() - drop a reference
 * @process: the object
 *
 * Context: any, does not sleep.
 */
void svm_process_put(struct svm_process *process)
{
	kref_put(&process->refs, process_free);
}

static void queue_on(struct workqueue_struct *wq, struct svm_process *process,
		     struct work_struct *work)
{
	svm_process_get(process);
	if (!queue_work(wq, work))
		svm_process_put(process);
}

/**
 * svm_process_queue() - run one of the process's works
 * @process: the process; its work functions end with svm_process_put()
 * @work: a work of @process
 *
 * Context: any, does not sleep.
 */
void svm_process_queue(struct svm_process *process, struct work_struct *work)
{
	queue_on(process_wq, process, work);
}

/**
 * svm_process_queue_helper() - run a work that makes others faster
 * @process: the process; the work function ends with svm_process_put()
 * @work: a work that nobody depends on: it may come late
 *
 * Context: any, does not sleep.
 */
void svm_process_queue_helper(struct svm_process *process,
			      struct work_struct *work)
{
	queue_on(helper_wq, process, work);
}

/**
 * svm_process_queue_delayed() - run one of the process's works later
 * @process: the process; the work function ends with svm_process_put()
 * @work: a work of @process; when it is queued already, that stays
 * @delay: jiffies
 *
 * Context: any, does not sleep.
 */
void svm_process_queue_delayed(struct svm_process *process,
			       struct delayed_work *work, unsigned long delay)
{
	svm_process_get(process);
	if (!queue_delayed_work(process_wq, work, delay))
		svm_process_put(process);
}

static void free_work(struct work_struct *work)
{
	struct svm_process *process = container_of(work, struct svm_process,
						   free_work);

	spin_lock(&process_table_lock);
	hash_del_rcu(&process->node);
	spin_unlock(&process_table_lock);

	svm_policy_destroy(process);
	WARN_ON_ONCE(!xa_empty(&process->blocks));
	xa_destroy(&process->blocks);
	WARN_ON_ONCE(!xa_empty(&process->queues));
	svm_spaces_free(process);
	mmdrop(process->mm);
	put_pid(process->opener);
	kfree_rcu(process, rcu);

	if (atomic_dec_and_test(&live_processes))
		wake_up(&live_wait);
}

/*
 * Works of a process that may be queued, and of which each has a reference, and
 * helpers of a caller who was killed.
 */
static void works_cancel(struct svm_process *process)
{
	unsigned int i;

	/* Not for the hung task detector: helpers may wait for a file system. */
	wait_event_idle(process->helpers_gone, !atomic_read(&process->helpers));
	for (i = 0; i < svm_device_count(); i++)
		svm_servers_cancel(process->spaces[i]);
	if (cancel_delayed_work_sync(&process->restore_work))
		svm_process_put(process);
	if (cancel_delayed_work_sync(&process->thrash_work))
		svm_process_put(process);
}

/*
 * Nobody makes calls any more, or nobody has yet. Without queues nothing faults
 * or asks for a restore, so after the works are gone nobody makes blocks.
 */
static void process_reset(struct svm_process *process)
{
	if (process->announced) {
		process->announced = false;
		svm_sysfs_remove(process);
		svm_event_process(process, false);
	}
	svm_queues_destroy(process);
	works_cancel(process);
	svm_policy_reset(process);
	svm_blocks_remove_all(process);
	/* An event that was under way may have queued the restore once more. */
	works_cancel(process);
	svm_restore_drop(process);
	svm_thrash_drop(process);
}

static void exit_work(struct work_struct *work)
{
	struct svm_process *process = container_of(work, struct svm_process,
						   exit_work);

	mutex_lock(&process->files_lock);
	/* Opened again before the last close was over: it goes on. */
	if (!process->files || process->ended)
		process_reset(process);
	mutex_unlock(&process->files_lock);
	complete_all(&process->reset);
	svm_process_put(process);
}

static void queue_exit(struct svm_process *process)
{
	svm_process_get(process);
	if (!queue_work(exit_wq, &process->exit_work))
		svm_process_put(process);
}

static struct mmu_notifier *notifier_alloc(struct mm_struct *mm)
{
	struct svm_process *process = kzalloc(sizeof(*process), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!process)
		return ERR_PTR(-ENOMEM);

	kref_init(&process->refs);
	mutex_init(&process->files_lock);
	process->takes.unwatched = true;
	init_waitqueue_head(&process->helpers_gone);
	init_completion(&process->reset);
	xa_init_flags(&process->blocks, XA_FLAGS_ACCOUNT);
	init_llist_head(&process->gc_list);
	INIT_WORK(&process->gc_work, svm_blocks_gc_work);
	INIT_WORK(&process->exit_work, exit_work);
	INIT_WORK(&process->free_work, free_work);
	svm_queues_init(process);
	svm_restore_init(process);
	svm_thrash_init(process);
	ret = svm_policy_init(process);
	if (ret) {
		kfree(process);
		return ERR_PTR(ret);
	}
	ret = svm_spaces_init(process);
	if (ret) {
		svm_policy_destroy(process);
		kfree(process);
		return ERR_PTR(ret);
	}

	mmgrab(mm);
	process->mm = mm;
	process->id = atomic64_inc_return(&last_id);
	process->opener = get_pid(task_tgid(current));
	atomic_inc(&live_processes);
	spin_lock(&process_table_lock);
	hash_add_rcu(process_table, &process->node, (unsigned long)mm);
	spin_unlock(&process_table_lock);
	return &process->notifier;
}

static void notifier_free(struct mmu_notifier *notifier)
{
	svm_process_put(container_of(notifier, struct svm_process, notifier));
}

/*
 * The address space ends. The interval notifiers were told before, so no device
 * maps anything, and after the flush none uses anything. Memory of ours is
 * dropped where sleeping is no harm.
 */
static void notifier_release(struct mmu_notifier *notifier, struct mm_struct *mm)
{
	struct svm_process *process = container_of(notifier, struct svm_process,
						   notifier);

	svm_spaces_kill(process);
	svm_process_flush(process);
	WRITE_ONCE(process->ended, true);
	queue_exit(process);
}

/*
 * Core calls this after the interval notifiers of the event, so here is where
 * TLBs are flushed, once. And where an invalidation may have to wait a little
 * (take.c): not in the interval notifiers, whose sequence is odd already.
 *
 * Returns 0 always: an error after the interval tree ran would leave the
 * address space invalidating for ever (mm/mmu_notifier.c, all versions).
 */
static int notifier_start(struct mmu_notifier *notifier,
			  const struct mmu_notifier_range *range)
{
	struct svm_process *process = container_of(notifier, struct svm_process,
						   notifier);

	svm_process_flush(process);
	svm_takes_invalidate(&process->takes, range);
	if (range->event == MMU_NOTIFY_UNMAP)
		svm_policy_unmapped(process, range->start >> PAGE_SHIFT,
				    (range->end - 1) >> PAGE_SHIFT);
	return 0;
}

#ifdef SVM_HAVE_LARGE_FOLIOS
static void notifier_end(struct mmu_notifier *notifier,
			 const struct mmu_notifier_range *range)
{
	struct svm_process *process = container_of(notifier, struct svm_process,
						   notifier);

	svm_takes_invalidated(&process->takes, range);
}
#endif

static const struct mmu_notifier_ops process_notifier_ops = {
	.alloc_notifier = notifier_alloc,
	.free_notifier = notifier_free,
	.release = notifier_release,
	.invalidate_range_start = notifier_start,
#ifdef SVM_HAVE_LARGE_FOLIOS
	.invalidate_range_end = notifier_end,
#endif
};

/**
 * svm_process_find_rcu() - the process of an address space
 * @mm: the address space
 *
 * Context: under rcu_read_lock(), which also keeps the result alive.
 * Return: the process or NULL.
 */
struct svm_process *svm_process_find_rcu(struct mm_struct *mm)
{
	struct svm_process *process;

	hash_for_each_possible_rcu(process_table, process, node, (unsigned long)mm)
		if (process->mm == mm)
			return process;
	return NULL;
}

/**
 * svm_process_find() - the process of an address space, to be kept
 * @mm: the address space
 *
 * Return: the process, for svm_process_put(), or NULL.
 */
struct svm_process *svm_process_find(struct mm_struct *mm)
{
	struct svm_process *process;

	rcu_read_lock();
	process = svm_process_find_rcu(mm);
	if (process && !kref_get_unless_zero(&process->refs))
		process = NULL;
	rcu_read_unlock();
	return process;
}

/**
 * svm_process_open() - the caller opens /dev/amdsvm
 *
 * Context: takes mmap_lock of the caller for writing; may sleep.
 * Return: the caller's process, to be given to svm_process_close();
 * ERR_PTR(-EINTR) when a signal came, -ENOMEM, -EINVAL without memory.
 */
struct svm_process *svm_process_open(void)
{
	struct mm_struct *mm = current->mm;
	struct mmu_notifier *notifier;
	struct svm_process *process;
	int ret;

	/* A kernel thread has no memory to share. */
	if (!mm)
		return ERR_PTR(-EINVAL);
	if (mmap_write_lock_killable(mm))
		return ERR_PTR(-EINTR);
	notifier = mmu_notifier_get_locked(&process_notifier_ops, mm);
	if (IS_ERR(notifier)) {
		mmap_write_unlock(mm);
		return ERR_CAST(notifier);
	}
	/* From here on inserting an interval notifier needs no mmap_lock. */
	ret = __mmu_notifier_register(NULL, mm);
	mmap_write_unlock(mm);
	if (ret) {
		mmu_notifier_put(notifier);
		return ERR_PTR(ret);
	}

	process = container_of(notifier, struct svm_process, notifier);
	if (mutex_lock_killable(&process->files_lock)) {
		mmu_notifier_put(notifier);
		return ERR_PTR(-EINTR);
	}
	process->files++;
	svm_takes_watch(&process->takes);
	if (!process->announced) {
		process->announced = true;
		svm_sysfs_add(process);
		svm_event_process(process, true);
	}
	mutex_unlock(&process->files_lock);
	return process;
}

/* How long a close waits for what it has begun. */
#define CLOSE_WAIT (2 * HZ)

/**
 * svm_process_close() - a file is closed
 * @process: from svm_process_open()
 *
 * With the last one queues, policy and mappings go. A fault that is being served
 * may wait for somebody else's file system; the close does not wait for that. No
 * lane uses memory any more when the notifier goes.
 *
 * Context: may sleep; any task.
 */
void svm_process_close(struct svm_process *process)
{
	bool last;

	mutex_lock(&process->files_lock);
	last = !--process->files;
	if (last) {
		svm_queues_destroy(process);
		svm_takes_unwatch(&process->takes);
		reinit_completion(&process->reset);
	}
	mutex_unlock(&process->files_lock);
	if (last) {
		queue_exit(process);
		wait_for_completion_timeout(&process->reset, CLOSE_WAIT);
	}
	mmu_notifier_put(&process->notifier);
}

/**
 * svm_process_check_span() - is [start, start + size) one that calls may name
 * @process: whose address space
 * @start: bytes
 * @size: bytes
 *
 * Return: 0, or -EINVAL when unaligned, empty, wrapping, or beyond the end of
 * user addresses or of 48 bits.
 */
int svm_process_check_span(struct svm_process *process, u64 start, u64 size)
{
	u64 limit = min_t(u64, process->mm->task_size, BIT_ULL(48));

	if (!PAGE_ALIGNED(start) || !PAGE_ALIGNED(size) || !start || !size)
		return -EINVAL;
	if (start >= limit || size > limit - start)
		return -EINVAL;
	return 0;
}

/**
 * svm_process_init() - module load
 *
 * Return: 0 or -ENOMEM.
 */
int svm_process_init(void)
{
	process_wq = alloc_workqueue("amdsvm", WQ_UNBOUND, 0);
	if (!process_wq)
		return -ENOMEM;
	helper_wq = alloc_workqueue("amdsvm-helper", WQ_UNBOUND, 0);
	if (!helper_wq)
		goto destroy_process;
	exit_wq = alloc_workqueue("amdsvm-exit", WQ_UNBOUND, 0);
	if (!exit_wq)
		goto destroy_helper;
	return 0;

destroy_helper:
	destroy_workqueue(helper_wq);
destroy_process:
	destroy_workqueue(process_wq);
	return -ENOMEM;
}

/**
 * svm_process_exit() - module unload
 *
 * Context: no file is open. Sleeps until the last process is freed: core mm
 * drops notifiers after a grace period, and mmu_notifier_synchronize() alone
 * does not wait for the works that follow.
 */
void svm_process_exit(void)
{
	mmu_notifier_synchronize();
	wait_event(live_wait, !atomic_read(&live_processes));
	destroy_workqueue(exit_wq);
	destroy_workqueue(helper_wq);
	destroy_workqueue(process_wq);
	/* Page tables that are still to be freed, by code of ours. */
	rcu_barrier();
}
