/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * How much comes home for one CPU fault.
 */
#ifndef SVM_WINDOW_H
#define SVM_WINDOW_H

#include <linux/mm.h>

#include "compat/compat.h"

struct svm_process;

/* Pages brought home for one fault: [start, end). */
struct svm_window {
	unsigned long start;
	unsigned long end;
};

/* The page belongs to a large folio, which is mapped as one. */
static inline bool svm_window_is_whole(const struct vm_fault *vmf)
{
	return SVM_COMPAT_LARGE && !vmf->pte &&
	       folio_test_large(page_folio(vmf->page));
}

/* A page of a large folio, mapped on its own, and not the first. */
static inline bool svm_window_is_inside(const struct vm_fault *vmf)
{
	return SVM_COMPAT_LARGE && vmf->pte &&
	       folio_page_idx(page_folio(vmf->page), vmf->page);
}

struct svm_window svm_window_choose(struct svm_process *process,
				    const struct vm_fault *vmf,
				    unsigned long addr);

#endif /* SVM_WINDOW_H */
