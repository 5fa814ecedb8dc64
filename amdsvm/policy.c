// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Policy follows the address space: attributes go when their memory is
 * unmapped, and no later mapping at the same address inherits them.
 *
 * The UNMAP event comes in a notifier, where the policy lock cannot be taken
 * and nothing that sleeps can be allocated. It only records the span; whoever
 * takes the policy lock next applies the records first ("drains"). That is in
 * time: munmap and mremap raise the event before they let go of mmap_lock, a
 * new mapping needs mmap_lock for writing, and everybody who reads or changes
 * policy holds mmap_lock (read) from before the drain until they are done.
 *
 * A record that cannot be allocated comes from a reserve; with the reserve gone
 * the nearest record is widened. Memory then loses attributes it should have
 * kept, never the other way round.
 *
 * Locks: mmap_lock, then policy_lock, then unmap_lock (spinlock, also taken in
 * the notifier).
 */
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "device.h"
#include "policy.h"

/* Records that exist from the start, for when memory is out. */
#define RESERVE_RECORDS 8

/* struct unmap_record - pages @first..@last (inclusive) were unmapped */
struct unmap_record {
	struct list_head link;
	unsigned long first;
	unsigned long last;
	bool reserved;
};

static void drain_work(struct work_struct *work);

/**
 * svm_policy_init() - policy of a new process: defaults everywhere
 * @process: the process
 *
 * Return: 0 or -ENOMEM.
 */
int svm_policy_init(struct svm_process *process)
{
	struct unmap_record *record;
	struct svm_attrs defaults;
	unsigned int i;
	int ret;

	mutex_init(&process->policy_lock);
	spin_lock_init(&process->unmap_lock);
	INIT_LIST_HEAD(&process->unmapped);
	INIT_LIST_HEAD(&process->reserve);
	INIT_WORK(&process->drain_work, drain_work);

	svm_attrs_default(&defaults, svm_device_mask());
	ret = svm_range_map_init(&process->ranges, &defaults,
				 &process->policy_lock);
	if (ret)
		return ret;

	process->ranges.limit = svm_max_ranges;
	process->xnack = true;

	for (i = 0; i < RESERVE_RECORDS; i++) {
		record = kzalloc(sizeof(*record), GFP_KERNEL_ACCOUNT);
		if (!record) {
			svm_policy_destroy(process);
			return -ENOMEM;
		}
		record->reserved = true;
		list_add(&record->link, &process->reserve);
	}
	return 0;
}

static void record_done(struct svm_process *process, struct unmap_record *record)
{
	if (!record->reserved) {
		kfree(record);
		return;
	}
	spin_lock(&process->unmap_lock);
	list_add(&record->link, &process->reserve);
	spin_unlock(&process->unmap_lock);
}

static struct unmap_record *record_first(struct svm_process *process)
{
	struct unmap_record *record;

	spin_lock(&process->unmap_lock);
	record = list_first_entry_or_null(&process->unmapped,
					  struct unmap_record, link);
	if (record)
		list_del(&record->link);
	spin_unlock(&process->unmap_lock);
	return record;
}

/**
 * svm_policy_reset() - forget all that was said
 * @process: the process; nobody uses its policy at the moment but notifiers
 *
 * Context: may sleep.
 */
void svm_policy_reset(struct svm_process *process)
{
	struct unmap_record *record;

	mutex_lock(&process->policy_lock);
	svm_range_map_reset(&process->ranges);
	svm_policy_set_xnack(process, true);
	mutex_unlock(&process->policy_lock);

	while ((record = record_first(process)))
		record_done(process, record);
}

/**
 * svm_policy_destroy() - free all memory
 * @process: the process; nobody uses its policy any more
 *
 * Context: may sleep.
 */
void svm_policy_destroy(struct svm_process *process)
{
	struct unmap_record *record, *next;

	list_splice_init(&process->unmapped, &process->reserve);
	list_for_each_entry_safe(record, next, &process->reserve, link)
		kfree(record);
	svm_range_map_destroy(&process->ranges);
}

static bool record_joins(struct unmap_record *record, unsigned long first,
			 unsigned long last)
{
	if (last + 1 < record->first || record->last + 1 < first)
		return false;
	record->first = min(record->first, first);
	record->last = max(record->last, last);
	return true;
}

static unsigned long record_distance(const struct unmap_record *record,
				     unsigned long first, unsigned long last)
{
	if (last < record->first)
		return record->first - last;
	return first > record->last ? first - record->last : 0;
}

/* Memory is out and so is the reserve: widen the nearest record. */
static void record_widen(struct svm_process *process, unsigned long first,
			 unsigned long last)
{
	struct unmap_record *record, *best = NULL;

	list_for_each_entry(record, &process->unmapped, link)
		if (!best || record_distance(record, first, last) <
			     record_distance(best, first, last))
			best = record;
	if (WARN_ON_ONCE(!best))
		return;
	best->first = min(best->first, first);
	best->last = max(best->last, last);
}

/**
 * svm_policy_unmapped() - memory was unmapped
 * @process: the process
 * @first: first page
 * @last: last page, inclusive
 *
 * Context: mmu notifier; does not sleep, may be a non-blockable event.
 */
void svm_policy_unmapped(struct svm_process *process, unsigned long first,
			 unsigned long last)
{
	struct unmap_record *record, *spare;
	bool mine;

	rcu_read_lock();
	mine = svm_range_map_overlaps(&process->ranges, first, last);
	rcu_read_unlock();
	if (!mine)
		return;

	spare = kzalloc(sizeof(*spare), GFP_NOWAIT | __GFP_NOWARN);

	spin_lock(&process->unmap_lock);
	/* Neighbours are unmapped one after the other: look at the newest. */
	record = list_first_entry_or_null(&process->unmapped,
					  struct unmap_record, link);
	if (record && record_joins(record, first, last))
		goto recorded;

	record = spare;
	spare = NULL;
	if (!record) {
		record = list_first_entry_or_null(&process->reserve,
						  struct unmap_record, link);
		if (!record) {
			record_widen(process, first, last);
			goto recorded;
		}
		list_del(&record->link);
	}
	record->first = first;
	record->last = last;
	list_add(&record->link, &process->unmapped);
recorded:
	spin_unlock(&process->unmap_lock);

	kfree(spare);
	svm_process_queue(process, &process->drain_work);
}

/* A record that cannot be applied stays, for the next one who tries. */
static int drain(struct svm_process *process)
{
	struct unmap_record *record;
	int ret;

	while ((record = record_first(process))) {
		ret = svm_range_map_clear(&process->ranges, record->first,
					  record->last);
		if (ret) {
			spin_lock(&process->unmap_lock);
			list_add(&record->link, &process->unmapped);
			spin_unlock(&process->unmap_lock);
			return ret;
		}
		svm_policy_changed(process);
		record_done(process, record);
	}
	return 0;
}

/**
 * svm_policy_lock() - take the policy lock and bring policy up to date
 * @process: the process
 *
 * Context: mmap_lock held (read), which must not be dropped while the policy
 * is read or changed; may sleep.
 * Return: 0 with the lock held; -EINTR on a fatal signal, -ENOMEM.
 */
int svm_policy_lock(struct svm_process *process)
{
	int ret;

	mmap_assert_locked(process->mm);
	if (mutex_lock_killable(&process->policy_lock))
		return -EINTR;
	ret = drain(process);
	if (ret)
		mutex_unlock(&process->policy_lock);
	return ret;
}

/**
 * svm_policy_unlock() - let go of the policy lock
 * @process: the process
 */
void svm_policy_unlock(struct svm_process *process)
{
	mutex_unlock(&process->policy_lock);
}

/**
 * svm_policy_changed() - mappings made from the old policy must not be committed
 * @process: the process
 *
 * Context: policy lock held.
 */
void svm_policy_changed(struct svm_process *process)
{
	WRITE_ONCE(process->policy_seq, process->policy_seq + 1);
}

/**
 * svm_policy_keeps() - is memory to be mapped all the time
 * @process: the process
 * @attrs: attributes of the memory
 *
 * Context: policy lock held.
 * Return: true when devices that have access do not fault on it.
 */
bool svm_policy_keeps(const struct svm_process *process,
		      const struct svm_attrs *attrs)
{
	if (!attrs->access && !attrs->access_in_place)
		return false;
	return !process->xnack ||
	       (attrs->flags & AMDSVM_IOCTL_SVM_FLAG_GPU_ALWAYS_MAPPED);
}

/**
 * svm_policy_set_xnack() - with or without faults from now on
 * @process: the process; it has no queues
 * @xnack: devices fault
 *
 * As KFD: without faults nothing belongs to devices by default. What was set stays
 * where it differed from the defaults of the time.
 *
 * Context: policy lock held.
 */
void svm_policy_set_xnack(struct svm_process *process, bool xnack)
{
	process->xnack = xnack;
	svm_attrs_default(&process->ranges.defaults,
			  xnack ? svm_device_mask() : 0);
	svm_policy_changed(process);
}

static void drain_work(struct work_struct *work)
{
	struct svm_process *process = container_of(work, struct svm_process,
						   drain_work);

	if (mmget_not_zero(process->mm)) {
		mmap_read_lock(process->mm);
		if (!svm_policy_lock(process))
			svm_policy_unlock(process);
		mmap_read_unlock(process->mm);
		mmput_async(process->mm);
	}
	svm_process_put(process);
}
