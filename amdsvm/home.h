/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Destinations for device pages that come home, whoever asked.
 */
#ifndef SVM_HOME_H
#define SVM_HOME_H

#include <linux/mm_types.h>

struct page *svm_home_page(struct vm_area_struct *vma, unsigned long addr);
unsigned long svm_home_fill(const unsigned long *src, unsigned long *dst,
			    unsigned long n, struct vm_area_struct *vma,
			    unsigned long addr);
void svm_home_drop(unsigned long *dst, unsigned long n);
unsigned long svm_home_count(const unsigned long *src, const unsigned long *dst,
			     unsigned long n);

#endif /* SVM_HOME_H */
