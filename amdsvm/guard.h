/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * A large folio of private memory on its way, guarded against defects of Linux 7.2; see
 * guard.c.
 *
 *	svm_guard_begin()	before core takes the folio; false: not in one piece
 *	migrate_vma_setup()
 *	svm_guard_collected()
 *	migrate_vma_pages(), migrate_vma_finalize()
 *	svm_guard_end()
 */
#ifndef SVM_GUARD_H
#define SVM_GUARD_H

#include <linux/mm_types.h>

#include "compat/compat.h"

struct svm_process;

/**
 * struct svm_guard - one folio
 * @folio: it; NULL: none
 * @process: the only one that maps it, with mmap_lock held (read)
 * @addr: where
 * @freed: svm_chunk.freed when it began
 * @entire: what a mapping as one adds to folio->_nr_pages_mapped
 */
struct svm_guard {
	struct folio *folio;
	struct svm_process *process;
	unsigned long addr;
	unsigned long freed;
	int entire;
};

#ifdef SVM_HAVE_LARGE_FOLIOS
bool svm_guard_begin(struct svm_guard *guard, struct svm_process *process,
		     unsigned long addr, const struct folio *folio);
bool svm_guard_collected(struct svm_guard *guard, unsigned long src);
void svm_guard_end(struct svm_guard *guard, unsigned long src, unsigned long dst);
#else
static inline bool svm_guard_begin(struct svm_guard *guard,
				   struct svm_process *process,
				   unsigned long addr, const struct folio *folio)
{
	return false;
}

static inline bool svm_guard_collected(struct svm_guard *guard, unsigned long src)
{
	return false;
}

static inline void svm_guard_end(struct svm_guard *guard, unsigned long src,
				 unsigned long dst)
{
}
#endif

#endif /* SVM_GUARD_H */
