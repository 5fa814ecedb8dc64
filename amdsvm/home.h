/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Destinations for device pages that come home, whoever asked.
 */
#ifndef SVM_HOME_H
#define SVM_HOME_H

#include <linux/mm_types.h>

/*
 * How much a page is wanted at home.
 * SVM_HOME_NEEDED	the CPU waits for it: as any page fault
 * SVM_HOME_WANTED	somebody asked: reclaim, but kill nobody for it
 * SVM_HOME_WELCOME	it lies beside: only if memory is at hand
 */
enum svm_home_effort {
	SVM_HOME_NEEDED,
	SVM_HOME_WANTED,
	SVM_HOME_WELCOME,
};

struct page *svm_home_page(struct vm_area_struct *vma, unsigned long addr,
			   enum svm_home_effort effort);
unsigned long svm_home_fill(const unsigned long *src, unsigned long *dst,
			    unsigned long n, struct vm_area_struct *vma,
			    unsigned long addr, enum svm_home_effort effort);
void svm_home_drop(unsigned long *dst, unsigned long n);
unsigned long svm_home_count(const unsigned long *src, const unsigned long *dst,
			     unsigned long n);

#endif /* SVM_HOME_H */
