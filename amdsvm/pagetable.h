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

struct svm_space;

/* Pages of a block: aligned 2 MiB of an address space. */
#define SVM_BLOCK_SHIFT	21
#define SVM_BLOCK_SIZE	BIT(SVM_BLOCK_SHIFT)
#define SVM_BLOCK_PAGES	(SVM_BLOCK_SIZE >> PAGE_SHIFT)

/*
 * A device page table entry. The frame is a system memory pfn, or with
 * SVM_PTE_DEVICE a page number in the memory of the device in SVM_PTE_OWNER. In
 * upper tables it is the next table, unless SVM_PTE_LEAF is set.
 *
 * SVM_PTE_DIRTY is set by the device, atomically, before it writes.
 */
#define SVM_PTE_VALID	BIT_ULL(0)
#define SVM_PTE_WRITE	BIT_ULL(1)
#define SVM_PTE_EXEC	BIT_ULL(2)
#define SVM_PTE_DEVICE	BIT_ULL(3)
#define SVM_PTE_OWNER	GENMASK_ULL(7, 4)
#define SVM_PTE_DIRTY	BIT_ULL(8)
#define SVM_PTE_LEAF	BIT_ULL(9)
#define SVM_PTE_ATOMIC	BIT_ULL(10)
#define SVM_PTE_KEEP	BIT_ULL(11)
#define SVM_PTE_FRAME	GENMASK_ULL(51, 12)

/* Rights that an entry can give. */
#define SVM_PTE_RIGHTS	(SVM_PTE_WRITE | SVM_PTE_EXEC | SVM_PTE_ATOMIC)

/*
 * struct svm_block_table - the part of one space's page table that is a block's
 * @space: the space
 * @slot: the block's entry in the third level: a table, a leaf, or 0
 * @table: last level, linked in @slot while @used; NULL when not needed
 * @used: valid entries of @table
 */
struct svm_block_table {
	struct svm_space *space;
	u64 *slot;
	u64 *table;
	unsigned int used;
};

/*
 * struct svm_pagetable - what all devices map of one block
 * @table: by device; in use for those in @devices
 * @devices: devices with a slot
 * @mapped: pages mapped, all devices together
 */
struct svm_pagetable {
	struct svm_block_table table[SVM_MAX_DEVICES];
	u64 devices;
	unsigned int mapped;
};

/* struct svm_cleared - what svm_pagetable_clear() removed */
struct svm_cleared {
	unsigned int pages;
	u64 devices;	/* that lost some */
	bool keep;	/* some had SVM_PTE_KEEP */
	bool cut;	/* more went than was asked for: a leaf */
};

u64 *svm_pagetable_root_alloc(struct svm_space *space);
void svm_pagetable_root_free(struct svm_space *space);

int svm_pagetable_prepare(struct svm_pagetable *pt, spinlock_t *lock,
			  struct svm_space *const *spaces, u64 devices,
			  unsigned long addr, bool leaf);
void svm_pagetable_trim(struct svm_pagetable *pt, spinlock_t *lock,
			unsigned long addr);
void svm_pagetable_free(struct svm_pagetable *pt, unsigned long addr);

u64 svm_pagetable_entry(struct page *page, u64 rights);
bool svm_pagetable_set(struct svm_pagetable *pt, unsigned int device,
		       unsigned int index, u64 pte);
bool svm_pagetable_has_leaf(const struct svm_pagetable *pt, unsigned int device,
			    u64 pte);
bool svm_pagetable_set_leaf(struct svm_pagetable *pt, unsigned int device,
			    u64 pte);
bool svm_pagetable_join(struct svm_pagetable *pt, unsigned int device);
struct svm_cleared svm_pagetable_clear(struct svm_pagetable *pt, u64 devices,
				       unsigned int first, unsigned int last);
bool svm_pagetable_exclusive(const struct svm_pagetable *pt,
			     unsigned int index);
u64 svm_pagetable_mapped(const struct svm_pagetable *pt, unsigned int index);

u64 *svm_pagetable_walk(const struct svm_space *space, unsigned long addr,
			u64 *pte);

/* The entry for one page of a leaf. */
static inline u64 svm_pte_of_leaf(u64 leaf, unsigned int index)
{
	return (leaf & ~SVM_PTE_LEAF) + ((u64)index << PAGE_SHIFT);
}

#endif /* SVM_PAGETABLE_H */
