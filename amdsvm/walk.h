/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Looks at the CPU page tables, for advice.
 */
#ifndef SVM_WALK_H
#define SVM_WALK_H

struct mm_struct;

int svm_snapshot(struct mm_struct *mm, unsigned long start, unsigned long end,
		 unsigned long *pfns);
void svm_populate(struct mm_struct *mm, unsigned long start, unsigned long end,
		  unsigned long *pfns);
unsigned long svm_next_populated(struct mm_struct *mm, unsigned long start,
				 unsigned long end);

#endif /* SVM_WALK_H */
