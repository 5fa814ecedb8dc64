/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Large folios of private memory that are not to move in one piece become pages first.
 */
#ifndef SVM_SPLIT_H
#define SVM_SPLIT_H

#include <linux/mm_types.h>

#include "compat/compat.h"

#ifdef SVM_HAVE_LARGE_FOLIOS
void svm_split_folio(struct vm_area_struct *vma, unsigned long addr);
unsigned long svm_split_ptes(struct vm_area_struct *vma, unsigned long start,
			     unsigned long end);
bool svm_split_lend(struct folio *folio);
void svm_split_take_back(struct folio *folio);
#else
static inline void svm_split_folio(struct vm_area_struct *vma, unsigned long addr)
{
}

static inline unsigned long svm_split_ptes(struct vm_area_struct *vma,
					   unsigned long start, unsigned long end)
{
	return end;
}

static inline bool svm_split_lend(struct folio *folio)
{
	return false;
}

static inline void svm_split_take_back(struct folio *folio)
{
}
#endif

#endif /* SVM_SPLIT_H */
