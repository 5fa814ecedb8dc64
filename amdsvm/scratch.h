/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Work space of one call for one block at a time: too large for the stack, and
 * allocated once for a call so that nothing is in the middle of a migration.
 */
#ifndef SVM_SCRATCH_H
#define SVM_SCRATCH_H

#include <linux/slab.h>

#include "device.h"
#include "migrate.h"
#include "pagetable.h"

/*
 * Entries that migrate_vma_setup() may set for @n pages. It begins a span again in which
 * it had to split a folio, from where it was; but when the page table has gone meanwhile
 * (MADV_DONTNEED, since 6.14), it takes all of the span for a hole, behind what it has
 * collected (migrate_vma_collect_pmd() in 7.2). Then it has set too many, and nothing can
 * be made of them.
 */
#define SVM_COLLECT_MAX(n) (2 * (n))

#define SVM_AHEAD_UNKNOWN ULONG_MAX

struct svm_pair;

/**
 * struct svm_scratch - arrays of one entry a page of a block
 * @src: migrate_vma source entries; SVM_COLLECT_MAX of them
 * @dst: migrate_vma destination entries
 * @pfns: hmm_range_fault results
 * @vram: device pages taken in advance
 * @state: what became of each page, enum svm_page_state
 * @runs: copies that are under way
 * @evict_before: device memory that was not used since svm_devmem.clock had this
 *	value may be evicted to make room; 0: none may
 * @residency: jiffies that pages have to have been there for that
 * @ahead: pages that will be wanted on the device next; SVM_AHEAD_UNKNOWN: nobody knows
 * @tight: the call has had to make room before
 * @held: address space of which the caller has mmap_lock (read) while room is made
 * @trigger: why, for events: enum AMDSVM_MIGRATE_TRIGGERS; a prefetch unless
 *	the caller says otherwise
 * @counts: of a prefetch, what became of the pages that its owner moved
 * @pair: more of it, for two blocks at once, or NULL; of move.c
 */
struct svm_scratch {
	unsigned long src[SVM_COLLECT_MAX(SVM_BLOCK_PAGES)];
	unsigned long dst[SVM_COLLECT_MAX(SVM_BLOCK_PAGES)];
	unsigned long pfns[SVM_BLOCK_PAGES];
	unsigned long vram[SVM_BLOCK_PAGES];
	u8 state[SVM_BLOCK_PAGES] __aligned(sizeof(u64));
	struct svm_copy runs[SVM_BLOCK_PAGES];
	unsigned long evict_before;
	unsigned long residency;
	unsigned long ahead;
	bool tight;
	struct mm_struct *held;
	unsigned int trigger;
	struct svm_move_counts counts;
	struct svm_pair *pair;
};

void svm_pair_free(struct svm_pair *pair);

/* What is not an array, whatever was there before; svm_scratch_alloc() does so. */
static inline void svm_scratch_init(struct svm_scratch *scratch)
{
	scratch->evict_before = 0;
	scratch->residency = 0;
	scratch->ahead = 0;
	scratch->tight = false;
	scratch->held = NULL;
	scratch->trigger = AMDSVM_MIGRATE_TRIGGER_PREFETCH;
	scratch->counts = (struct svm_move_counts){};
	scratch->pair = NULL;
}

static inline struct svm_scratch *svm_scratch_alloc(void)
{
	struct svm_scratch *scratch = kvmalloc(sizeof(*scratch),
					       GFP_KERNEL_ACCOUNT);

	if (scratch)
		svm_scratch_init(scratch);
	return scratch;
}

/* For somebody who takes part in the same call. */
static inline void svm_scratch_init_like(struct svm_scratch *scratch,
					 const struct svm_scratch *other)
{
	svm_scratch_init(scratch);
	scratch->evict_before = other->evict_before;
	scratch->residency = other->residency;
	scratch->ahead = other->ahead;
	scratch->trigger = other->trigger;
}

static inline void svm_scratch_free(struct svm_scratch *scratch)
{
	if (scratch)
		svm_pair_free(scratch->pair);
	kvfree(scratch);
}

#endif /* SVM_SCRATCH_H */
