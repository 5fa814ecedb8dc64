/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Who maps a large folio of private memory, for whoever knows only the folio.
 */
#ifndef SVM_MAPPER_H
#define SVM_MAPPER_H

#include <linux/mm_types.h>

#include "compat/compat.h"

/**
 * struct svm_mapper - an address space that maps a folio, and where
 * @mm: held by mmget, mmap_lock held for reading
 * @vma: the mapping
 * @addr: first byte of the folio in it
 * @locked: mmap_lock was taken here, not by who asked
 */
struct svm_mapper {
	struct mm_struct *mm;
	struct vm_area_struct *vma;
	unsigned long addr;
	bool locked;
};

#ifdef SVM_HAVE_LARGE_FOLIOS
bool svm_mapper_get(struct svm_mapper *mapper, struct folio *folio,
		    const struct mm_struct *held);
void svm_mapper_put(struct svm_mapper *mapper);
#else
static inline bool svm_mapper_get(struct svm_mapper *mapper, struct folio *folio,
				  const struct mm_struct *held)
{
	return false;
}

static inline void svm_mapper_put(struct svm_mapper *mapper)
{
}
#endif

#endif /* SVM_MAPPER_H */
