/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Memory that goes back and forth between a device and the CPU.
 */
#ifndef SVM_THRASH_H
#define SVM_THRASH_H

#include <linux/atomic.h>
#include <linux/llist.h>
#include <linux/types.h>

#include "pagetable.h"

struct page;
struct svm_block;
struct svm_chunk;
struct svm_devmem;
struct svm_process;
struct svm_space;

extern unsigned int svm_thrash_ms;

/**
 * struct svm_thrash - what a block remembers of how its memory moved
 * @home: pages that CPU faults took home since a device last asked for them; CPU
 *	faults set bits without a lock
 * @home_at: jiffies of the last such fault; no lock
 * @turns: how often in a row memory came back to devices too soon; no lock to read
 * @pins: how often in a row it was kept in place for that
 * @last: jiffies of the last turn, or to which it is kept in place; no lock to read
 * @pinned: devices that use it in place meanwhile, until they are made to ask again
 * @chunk: device memory that devices last mapped for the block, or NULL
 * @evictions: of @chunk at that time
 * @page: the first page of the block that was mapped then
 * @listed: in thrash_list of the process, which has a reference
 * @node: there
 *
 * The block lock protects all but @home and @home_at.
 */
struct svm_thrash {
	atomic_long_t home[SVM_BLOCK_PAGES / BITS_PER_LONG];
	unsigned long home_at;
	unsigned int turns;
	unsigned int pins;
	unsigned long last;
	u64 pinned;
	struct svm_chunk *chunk;
	unsigned long evictions;
	unsigned int page;
	bool listed;
	struct llist_node node;
};

void svm_thrash_home(struct svm_process *process, unsigned long addr,
		     unsigned long start, unsigned long end);
unsigned long svm_thrash_granule(struct svm_process *process,
				 unsigned long addr);

bool svm_thrash_in_place(struct svm_space *space, struct svm_block *block,
			 unsigned long start, unsigned long end, bool may_pin);
void svm_thrash_mapped(struct svm_block *block, struct svm_devmem *mem,
		       const struct page *page, unsigned int index, bool whole);
void svm_thrash_reset(struct svm_block *block);

bool svm_thrash_hold(struct svm_block *block);
void svm_thrash_init(struct svm_process *process);
void svm_thrash_drop(struct svm_process *process);

#endif /* SVM_THRASH_H */
