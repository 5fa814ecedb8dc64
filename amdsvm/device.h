/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The device registry, and the only thing that a backend implements.
 *
 * A backend sees pages, offsets and devices; never a mm, a vma or a range.
 */
#ifndef SVM_DEVICE_H
#define SVM_DEVICE_H

#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>

#include "attr.h"

struct page;
struct svm_device;
struct svm_devmem;
struct svm_fault;
struct svm_space;

/* A place in memory: system memory by page, or device memory by offset. */
struct svm_mem {
	struct svm_device *device;	/* NULL: system memory */
	union {
		struct page *page;	/* first page, the rest follows by pfn */
		u64 offset;		/* bytes from the start of device memory */
	};
};

/* A run of pages to fill. @clear: with zeros, @src is not looked at. */
struct svm_copy {
	struct svm_mem dst;
	struct svm_mem src;
	unsigned long pages;
	bool clear;
};

/**
 * struct svm_copy_job - runs that are filled beside their owner
 * @runs: what to fill
 * @nr_runs: their number
 * @link: the backend's from here on: in a list while something is left to begin
 * @run: run that is next
 * @page: page of it that is next
 * @error: first error
 *
 * Its owner makes it of memory that it has already, and keeps it and all pages in it
 * from copy_start() until copy_wait() returns.
 */
struct svm_copy_job {
	struct svm_copy *runs;
	unsigned int nr_runs;
	struct list_head link;
	unsigned int run;
	unsigned long page;
	int error;
};

/**
 * struct svm_device_ops - what a backend implements
 * @back: make a 2 MiB chunk of device memory usable, and say in @clear whether all of
 *	it holds zeros; may sleep and reclaim; 0 or -ENOMEM. NULL when all memory always
 *	is, and nothing is known of what it holds.
 * @unback: give the memory behind an unused chunk back; must not sleep (called
 *	from reclaim); returns pages freed
 * @copy: fill @copy->dst, complete on return; may sleep. One side at least is
 *	memory of @device, the other is system memory or memory of a device of
 *	the same backend. 0 or a negative errno; nothing is known of the
 *	destination after an error.
 * @copy_start: begin the runs of a job, which are as for @copy; does not wait, allocates
 *	nothing. False: not begun, and copy_wait() must not be called. NULL: there is no
 *	engine that works beside its callers. Only for backends whose @copy does not fail:
 *	it makes good what the engine could not.
 * @copy_wait: wait until a job that was begun is at an end, and nothing uses its memory
 *	nor the job; bounded, sleeps. 0 or a negative errno; nothing is known of any
 *	destination after an error.
 * @flush_issue: TLBs shall forget @space; does not wait
 * @flush_wait: wait until no access uses what a TLB knew of @space when
 *	flush_issue() was last called; bounded, must not sleep
 *
 * Chunks are numbered from 0 in the order of offsets.
 */
struct svm_device_ops {
	int (*back)(struct svm_device *device, unsigned int chunk, bool *clear);
	unsigned long (*unback)(struct svm_device *device, unsigned int chunk);
	int (*copy)(struct svm_device *device, const struct svm_copy *copy);
	bool (*copy_start)(struct svm_device *device, struct svm_copy_job *job);
	int (*copy_wait)(struct svm_device *device, struct svm_copy_job *job);
	void (*flush_issue)(struct svm_device *device, struct svm_space *space);
	void (*flush_wait)(struct svm_device *device, struct svm_space *space);
};

/**
 * struct svm_device - one accelerator
 * @gpu_id: what users call it; stable, never 0 nor all ones
 * @index: bit of the device in masks, set by svm_device_register()
 * @name: for people
 * @ops: the backend
 * @priv: the backend's own
 * @mem: its memory, NULL when it has none
 * @queue_lock: spinlock; queues of the device, their states and lists
 * @ready: queues that wait for a lane
 * @ready_wait: lanes that wait for a queue
 * @fault_lock: spinlock inside queue_lock; the ring
 * @fault_ring: records, the first @nr_faults in use
 * @nr_faults: their number
 */
struct svm_device {
	u32 gpu_id;
	unsigned int index;
	char name[32];
	const struct svm_device_ops *ops;
	void *priv;
	struct svm_devmem *mem;

	spinlock_t queue_lock; /* inside the notifier */
	struct list_head ready;
	wait_queue_head_t ready_wait;

	spinlock_t fault_lock; /* inside queue_lock */
	struct svm_fault *fault_ring;
	unsigned int nr_faults;
};

int svm_device_register(struct svm_device *device);
void svm_device_unregister_all(void);
struct svm_device *svm_device_get(unsigned int index);
struct svm_device *svm_device_by_id(u32 gpu_id);
unsigned int svm_device_count(void);
u64 svm_device_mask(void);

#endif /* SVM_DEVICE_H */
