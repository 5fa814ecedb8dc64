/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Mirror: from CPU page tables to device page tables.
 */
#ifndef SVM_MIRROR_H
#define SVM_MIRROR_H

#include <linux/bitmap.h>
#include <linux/types.h>

#include "pagetable.h"

struct svm_block;
struct svm_process;
struct svm_scratch;
struct svm_space;

/**
 * struct svm_want - what a fault asks of a block
 * @space: the device that faulted; maps all that it may in the span
 * @pages: pages of the block to fault in and to map
 * @write: of these, to be writable
 */
struct svm_want {
	struct svm_space *space;
	DECLARE_BITMAP(pages, SVM_BLOCK_PAGES);
	DECLARE_BITMAP(write, SVM_BLOCK_PAGES);
};

int svm_mirror_block(struct svm_process *process, struct svm_block *block,
		     unsigned long start, unsigned long end,
		     const struct svm_want *want, struct svm_scratch *scratch);
int svm_mirror_range(struct svm_process *process, unsigned long start,
		     unsigned long end, struct svm_scratch *scratch);
bool svm_mirror_maps_system(struct svm_process *process, unsigned long start,
			    unsigned long end);
int svm_mirror_keep(struct svm_process *process, unsigned long start,
		    unsigned long end, struct svm_scratch *scratch);

#endif /* SVM_MIRROR_H */
