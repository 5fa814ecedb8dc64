/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * One object for each address space that uses the driver.
 */
#ifndef SVM_PROCESS_H
#define SVM_PROCESS_H

#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/kref.h>
#include <linux/llist.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "range.h"
#include "take.h"

struct svm_space;

/* What is counted for each process; see amdsvm_ioctl_get_counters_args. */
enum svm_counter {
	SVM_PAGES_IN,
	SVM_PAGES_CLEARED,
	SVM_PAGES_OUT,
	SVM_PAGES_PEER,
	SVM_PAGES_FAILED,
	SVM_CPU_FAULTS,
	SVM_PAGES_MAPPED,
	SVM_INVALIDATIONS,
	SVM_MAP_RETRIES,
	SVM_NR_COUNTERS
};

/**
 * struct svm_process - one address space that has /dev/amdsvm open
 * @notifier: mm-wide notifier; its users are the open files
 * @mm: held by mmgrab until the object is freed
 * @id: tells this object from all others there were and will be; never 0
 * @opener: thread group that opened first, for people and tools
 * @refs: notifier, queued work
 * @node: in the table from mm to process, read under RCU
 * @rcu: the table's readers
 * @files_lock: serializes first open, last close and exit
 * @files: open files
 * @ended: the address space is no more
 * @reset: policy, queues and mappings are gone after the last close
 * @announced: there are files in sysfs, and listeners were told
 * @takes: large folios that core is taking, and who unmaps meanwhile
 * @policy_lock: protects @ranges and @policy_seq
 * @ranges: what the user said
 * @policy_seq: counts changes of @ranges; read without lock by the mirror
 * @unmap_lock: spinlock, taken in the notifier; protects @unmapped, @reserve
 * @unmapped: spans that were unmapped and still have attributes
 * @reserve: records for when none can be allocated
 * @drain_work: takes @unmapped out of @ranges when no call does
 * @exit_work: drops everything after the address space is gone
 * @free_work: last reference, in a context that may sleep
 * @blocks: struct svm_block by address >> SVM_BLOCK_SHIFT; RCU for readers
 * @gc_list: blocks that lost their last device mapping
 * @gc_work: removes them
 * @spaces: what each device sees, by index
 * @queues: struct svm_queue by id
 * @pending_words: of packets submitted and not completed
 * @xnack: devices fault; under policy_lock, changed while there is no queue
 * @restore_list: blocks that lost what is to stay mapped
 * @restore_work: maps them again
 * @stopped: blocks that wait for it
 * @thrash_list: blocks that remember how their memory moved
 * @thrash_work: looks after them
 * @helpers: of crews, at work on this process; the end of it waits for them
 * @helpers_gone: there
 * @counters: by enum svm_counter
 */
struct svm_process {
	struct mmu_notifier notifier;
	struct mm_struct *mm;
	u64 id;
	struct pid *opener;
	struct kref refs;
	struct hlist_node node;
	struct rcu_head rcu;

	struct mutex files_lock; /* outside of all but mmap_lock in open */
	unsigned int files;
	bool ended;
	struct completion reset;
	bool announced;

	struct svm_takes takes;

	struct mutex policy_lock; /* inside mmap_lock */
	struct svm_range_map ranges;
	unsigned long policy_seq;

	spinlock_t unmap_lock; /* inside the notifier */
	struct list_head unmapped;
	struct list_head reserve;
	struct work_struct drain_work;

	struct work_struct exit_work;
	struct work_struct free_work;

	struct xarray blocks;
	struct llist_head gc_list;
	struct work_struct gc_work;

	struct svm_space *spaces[SVM_MAX_DEVICES];
	struct xarray queues;
	atomic_long_t pending_words;

	bool xnack;
	struct llist_head restore_list;
	struct delayed_work restore_work;
	atomic_t stopped;

	struct llist_head thrash_list;
	struct delayed_work thrash_work;
	atomic_t helpers;
	wait_queue_head_t helpers_gone;

	atomic_long_t counters[SVM_NR_COUNTERS];
};

int svm_process_init(void);
void svm_process_exit(void);

struct svm_process *svm_process_open(void);
void svm_process_close(struct svm_process *process);

void svm_process_get(struct svm_process *process);
void svm_process_put(struct svm_process *process);
void svm_process_queue(struct svm_process *process, struct work_struct *work);
void svm_process_queue_helper(struct svm_process *process,
			      struct work_struct *work);
void svm_process_queue_delayed(struct svm_process *process,
			       struct delayed_work *work, unsigned long delay);
struct svm_process *svm_process_find_rcu(struct mm_struct *mm);
struct svm_process *svm_process_find(struct mm_struct *mm);

int svm_process_check_span(struct svm_process *process, u64 start, u64 size);

static inline void svm_count(struct svm_process *process,
			     enum svm_counter counter, unsigned long n)
{
	if (n)
		atomic_long_add(n, &process->counters[counter]);
}

#endif /* SVM_PROCESS_H */
