/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Mirror: from CPU page tables to device page tables.
 */
#ifndef SVM_MIRROR_H
#define SVM_MIRROR_H

#include <linux/types.h>

struct svm_block;
struct svm_process;
struct svm_scratch;

int svm_mirror_block(struct svm_process *process, struct svm_block *block,
		     unsigned long start, unsigned long end,
		     struct svm_scratch *scratch);
int svm_mirror_range(struct svm_process *process, unsigned long start,
		     unsigned long end, struct svm_scratch *scratch);

#endif /* SVM_MIRROR_H */
