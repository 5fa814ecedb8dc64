/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Spaces: the address space of a process as one device has it.
 */
#ifndef SVM_SPACE_H
#define SVM_SPACE_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/spinlock.h>

#include "amdsvm_ioctl.h"
#include "device.h"
#include "server.h"

struct svm_process;

/* What is counted; see amdsvm_ioctl_get_device_counters_args. */
enum svm_space_counter {
	SVM_SPACE_FAULTS,
	SVM_SPACE_DUPLICATES,
	SVM_SPACE_SERVICES,
	SVM_SPACE_OVERFLOWS,
	SVM_SPACE_BAD_ACCESSES,
	SVM_SPACE_PAGES_IN,
	SVM_SPACE_PAGES_OUT,
	SVM_SPACE_MIGRATIONS,
	SVM_SPACE_PAGES_MAPPED,
	SVM_SPACE_PAGES_UNMAPPED,
	SVM_SPACE_INVALIDATIONS,
	SVM_SPACE_MAP_RETRIES,
	SVM_SPACE_TLB_FLUSHES,
	SVM_SPACE_EVICTIONS,
	SVM_SPACE_RESTORES,
	SVM_SPACE_PACKETS,
	SVM_SPACE_TABLES,
	SVM_SPACE_LEAVES,
	SVM_SPACE_THRASH_PINS,
	SVM_SPACE_CLEARS_SAVED,
	SVM_NR_SPACE_COUNTERS
};

/**
 * struct svm_space - what one device sees of one process
 * @process: the process, which owns this
 * @device: the device
 * @root: page table; never changes
 * @lock: spinlock inside the block lock; protects the upper tables
 * @flush_wanted: counts changes of the page table that TLBs must follow
 * @flush_done: what of it is known to have reached all TLBs
 * @tlb_generation: the backend's, counts flushes issued
 * @dead: the process is gone or going; no fault is served any more
 * @queues: all queues; with what follows under queue_lock of @device
 * @nr_queues: their number
 * @stalled: queues that wait for a replay
 * @stalls: counts stalls
 * @serving: servers that serve a block
 * @servers: all of them
 * @counters: by enum svm_space_counter
 */
struct svm_space {
	struct svm_process *process;
	struct svm_device *device;
	u64 *root;
	spinlock_t lock; /* inside the block lock */
	atomic64_t flush_wanted;
	atomic64_t flush_done;
	atomic64_t tlb_generation;
	bool dead;

	struct list_head queues;
	unsigned int nr_queues;
	struct list_head stalled;
	u64 stalls;
	struct list_head serving;
	struct svm_server servers[SVM_MAX_SERVERS];

	atomic_long_t counters[SVM_NR_SPACE_COUNTERS];
};

int svm_spaces_init(struct svm_process *process);
void svm_spaces_free(struct svm_process *process);
void svm_spaces_kill(struct svm_process *process);

void svm_process_flush(struct svm_process *process);

static inline void svm_space_count(struct svm_space *space,
				   enum svm_space_counter counter, long n)
{
	if (n)
		atomic_long_add(n, &space->counters[counter]);
}

static inline void svm_space_changed(struct svm_space *space)
{
	atomic64_inc(&space->flush_wanted);
}

#endif /* SVM_SPACE_H */
