/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * What the CPU page tables say, and make them say what is wanted.
 */
#ifndef SVM_LOOK_H
#define SVM_LOOK_H

#include <linux/types.h>

struct svm_block;
struct svm_want;
struct vm_area_struct;

/**
 * struct svm_look - a span of one mapping in one block
 * @block: its notifier tells of changes
 * @vma: the mapping
 * @start: first byte
 * @end: byte after the last
 * @seq: mmu_interval_read_begin() of @block
 * @pfns: result: HMM's, one a page
 * @want: pages to fault in, or NULL
 * @all: fault everything in, for reading
 * @whole: result: the span is a block and one folio, mapped as one by the CPU;
 *	only @pfns[0] is set, see svm_look_spread()
 */
struct svm_look {
	struct svm_block *block;
	struct vm_area_struct *vma;
	unsigned long start;
	unsigned long end;
	unsigned long seq;
	unsigned long *pfns;
	const struct svm_want *want;
	bool all;
	bool whole;
};

int svm_look(struct svm_look *look);
void svm_look_spread(const struct svm_look *look);
int svm_vma_refused(const struct vm_area_struct *vma);

#endif /* SVM_LOOK_H */
