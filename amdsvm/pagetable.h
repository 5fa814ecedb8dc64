/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Device page tables.
 */
#ifndef SVM_PAGETABLE_H
#define SVM_PAGETABLE_H

#include <linux/bits.h>
#include <linux/mm.h>
#include <linux/types.h>

#include "device.h"

/* Pages of a block: aligned 2 MiB of an address space. */
#define SVM_BLOCK_SHIFT	21
#define SVM_BLOCK_SIZE	BIT(SVM_BLOCK_SHIFT)
#define SVM_BLOCK_PAGES	(SVM_BLOCK_SIZE >> PAGE_SHIFT)

/*
 * A device page table entry. The frame is a system memory pfn, or with
 * SVM_PTE_DEVICE a page number in the memory of the device in SVM_PTE_OWNER.
 */
#define SVM_PTE_VALID	BIT_ULL(0)
#define SVM_PTE_WRITE	BIT_ULL(1)
#define SVM_PTE_EXEC	BIT_ULL(2)
#define SVM_PTE_DEVICE	BIT_ULL(3)
#define SVM_PTE_OWNER	GENMASK_ULL(7, 4)
#define SVM_PTE_FRAME	GENMASK_ULL(51, 12)

/*
 * struct svm_pagetable - the entries of all devices for one block
 * @pte: a table of SVM_BLOCK_PAGES entries, or NULL while it was never needed
 * @devices: devices with a table
 * @mapped: valid entries in all tables together
 */
struct svm_pagetable {
	u64 *pte[SVM_MAX_DEVICES];
	u64 devices;
	unsigned int mapped;
};

int svm_pagetable_prepare(struct svm_pagetable *pt, spinlock_t *lock,
			  u64 devices);
void svm_pagetable_free(struct svm_pagetable *pt);

u64 svm_pagetable_entry(struct page *page, bool write, bool exec);
bool svm_pagetable_set(struct svm_pagetable *pt, unsigned int device,
		       unsigned int index, u64 pte);
unsigned int svm_pagetable_clear(struct svm_pagetable *pt, u64 devices,
				 unsigned int first, unsigned int last);
u64 svm_pagetable_mapped(const struct svm_pagetable *pt, unsigned int index);

#endif /* SVM_PAGETABLE_H */
