/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Entries of the CPU page tables that stand for large folios of private device memory
 * (Linux 7.2), seen under their own lock.
 *
 * Context of all: mmap_lock of @mm held (read), or the lock of an anon_vma that a mapping
 * round @addr is in: tables of page tables stay then. Do not sleep.
 */
#ifndef SVM_ENTRY_H
#define SVM_ENTRY_H

#include <linux/mm.h>

#include "compat/compat.h"

/* What the page tables have for 2 MiB. */
enum svm_pmd_kind {
	SVM_PMD_OTHER,	/* nothing, 2 MiB of RAM, or something on its way */
	SVM_PMD_TABLE,	/* entries of pages */
	SVM_PMD_FOLIO,	/* one large folio of our memory */
};

#ifdef SVM_HAVE_LARGE_FOLIOS
struct folio *svm_pmd_lock(struct mm_struct *mm, unsigned long addr,
			   spinlock_t **ptl); /* of a page table */
enum svm_pmd_kind svm_pmd_kind(struct mm_struct *mm, unsigned long addr);
void svm_pmd_settle(struct mm_struct *mm, unsigned long addr);
unsigned long svm_next_large_pte(struct mm_struct *mm, unsigned long start,
				 unsigned long end, const struct folio *but,
				 struct folio **folio);
#else
static inline enum svm_pmd_kind svm_pmd_kind(struct mm_struct *mm,
					     unsigned long addr)
{
	return SVM_PMD_TABLE;
}

static inline unsigned long svm_next_large_pte(struct mm_struct *mm,
					       unsigned long start,
					       unsigned long end,
					       const struct folio *but,
					       struct folio **folio)
{
	return end;
}
#endif

#endif /* SVM_ENTRY_H */
