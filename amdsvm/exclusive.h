/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * System memory for atomics of devices.
 */
#ifndef SVM_EXCLUSIVE_H
#define SVM_EXCLUSIVE_H

struct svm_block;
struct svm_space;

int svm_exclusive_map(struct svm_space *space, struct svm_block *block,
		      unsigned long addr, unsigned long policy_seq, u64 rights);

#endif /* SVM_EXCLUSIVE_H */
