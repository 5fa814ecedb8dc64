/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Between mirror.c, which finds out what the CPU maps, and mirrorset.c, which writes it
 * down for devices.
 */
#ifndef SVM_MIRRORSET_H
#define SVM_MIRRORSET_H

#include "attr.h"
#include "look.h"

struct svm_block;
struct svm_process;

/**
 * struct mirror - one attempt for a block, under one sequence count
 * @process: whose memory it is
 * @block: the block
 * @want: what a device asked for, or NULL
 * @pfns: result of hmm_range_fault() for the piece at hand
 * @seq: of the block's notifier, when the attempt began
 * @policy_seq: of the policy, likewise
 * @attrs: of the piece
 * @keep: it is to stay mapped
 */
struct mirror {
	struct svm_process *process;
	struct svm_block *block;
	const struct svm_want *want;
	unsigned long *pfns;
	unsigned long seq;
	unsigned long policy_seq;
	struct svm_attrs attrs;
	bool keep;
};

u64 svm_mirror_wanting(const struct mirror *m);
u64 svm_mirror_possible(const struct mirror *m);
bool svm_mirror_leaf_fits(const struct mirror *m);
bool svm_mirror_folio_done(const struct mirror *m);
int svm_mirror_prepare(const struct mirror *m, unsigned long start,
		       unsigned long end, bool leaf);
void svm_mirror_commit(const struct mirror *m, unsigned long start,
		       unsigned long end, bool leaf);

#endif /* SVM_MIRRORSET_H */
