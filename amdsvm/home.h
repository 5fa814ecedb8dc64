/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Destinations for device pages that come home, whoever asked.
 */
#ifndef SVM_HOME_H
#define SVM_HOME_H

#include <linux/migrate.h>
#include <linux/mm_types.h>

#include "compat/compat.h"
#include "devmem.h"

struct svm_copier;

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

/* 2 MiB in one piece, see main.c; false where the kernel cannot. */
extern bool svm_large_pages;

/* Pages that an entry of migrate_vma's arrays stands for: 512 or 1. */
static inline unsigned long svm_entry_pages(unsigned long entry)
{
	return entry & MIGRATE_PFN_COMPOUND ? SVM_CHUNK_PAGES : 1;
}

/* A single page that is to move. */
static inline bool svm_entry_single(unsigned long entry)
{
	const unsigned long flags = MIGRATE_PFN_VALID | MIGRATE_PFN_MIGRATE;

	return (entry & flags) == flags && svm_entry_pages(entry) == 1;
}

unsigned long svm_home_pages(const struct vm_area_struct *vma,
			     enum svm_home_effort effort, unsigned long n,
			     struct page **pages);
struct page *svm_home_page(struct vm_area_struct *vma, unsigned long addr,
			   enum svm_home_effort effort);
struct page *svm_home_large(struct vm_area_struct *vma, unsigned long addr,
			    enum svm_home_effort effort);
void svm_home_large_drop(struct page *page);
unsigned long svm_home_large_fill(struct page *to, struct page *from,
				  struct svm_copier *copier);
unsigned long svm_home_fill(const unsigned long *src, unsigned long *dst,
			    unsigned long n, struct vm_area_struct *vma,
			    unsigned long addr, enum svm_home_effort effort,
			    struct svm_copier *copier);
void svm_home_drop(unsigned long *dst, unsigned long n);
unsigned long svm_home_count(const unsigned long *src, const unsigned long *dst,
			     unsigned long n);

#endif /* SVM_HOME_H */
