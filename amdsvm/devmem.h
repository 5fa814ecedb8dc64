/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Device memory: its struct pages, and who uses which of them.
 */
#ifndef SVM_DEVMEM_H
#define SVM_DEVMEM_H

#include <linux/bits.h>
#include <linux/list.h>
#include <linux/memremap.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait_bit.h>
#include <linux/workqueue.h>

#include "device.h"

#define SVM_CHUNK_SHIFT	21
#define SVM_CHUNK_SIZE	BIT(SVM_CHUNK_SHIFT)
#define SVM_CHUNK_PAGES	(SVM_CHUNK_SIZE >> PAGE_SHIFT)

/* struct svm_devmem_config - what memory devices are to have */
struct svm_devmem_config {
	u64 private_bytes;	/* of one device, 0: none */
	u64 coherent_base;	/* physical */
	u64 coherent_bytes;	/* of all devices together, 0: not coherent */
};

/* Where device memory comes from and, when there is none, why. */
struct svm_devmem_state {
	enum amdsvm_memory_kind kind;
	enum amdsvm_memory_reason reason;
};

/* What became of a reference that was lent, see svm_split_lend(). */
enum svm_lent {
	SVM_NOT_LENT,
	SVM_LENT,
	SVM_GIVEN_BACK,
};

/**
 * struct svm_chunk - 2 MiB of device memory
 * @link: in one of the lists of svm_devmem; empty when full or @leaving
 * @used: pages in use
 * @nr_used: their number
 * @clear: pages that hold zeros: their backing was made so, and nobody has had them
 *	since; no lock, but the bits of a taken page are its owner's
 * @backed: has memory behind it
 * @idle: in the list of that name
 * @leaving: its pages are being evicted; no new ones meanwhile
 * @used_at: svm_devmem.clock when a device last used it; no lock
 * @filled_at: jiffies when pages of it were last taken; no lock to read
 * @evictions: how often it was chosen to leave; no lock to read
 * @left_at: jiffies when it last had; no lock to read
 * @shape: bit lock, see svm_chunk_shape()
 * @freed: how often the last of its pages was given back; no lock to read
 * @guarded: somebody moves the folio that begins here, see guard.c
 * @lent: of that folio, see svm_split_lend()
 */
struct svm_chunk {
	struct list_head link;
	DECLARE_BITMAP(used, SVM_CHUNK_PAGES);
	DECLARE_BITMAP(clear, SVM_CHUNK_PAGES);
	unsigned int nr_used;
	bool backed;
	bool idle;
	bool leaving;
	unsigned long used_at;
	unsigned long filled_at;
	unsigned long evictions;
	unsigned long left_at;
	unsigned long shape;
	unsigned long freed;
	bool guarded;
	enum svm_lent lent;
};

/**
 * struct svm_ahead - room that is made before it is needed, see ahead.c
 * @work: makes it
 * @want: pages that are to be free; with what follows under svm_devmem.lock
 * @before: as svm_scratch.evict_before of who asked last
 * @residency: likewise
 * @scratch: work space of @work, NULL: there was no memory for it
 */
struct svm_ahead {
	struct work_struct work;
	unsigned long want;
	unsigned long before;
	unsigned long residency;
	struct svm_scratch *scratch;
};

/**
 * struct svm_devmem - memory of one device
 * @pagemap: its struct pages
 * @device: whose it is
 * @kind: private or coherent
 * @resource: the physical addresses it holds
 * @first_pfn: of page 0
 * @nr_chunks: size in chunks
 * @chunks: one for each 2 MiB
 * @clock: counts uses by devices, for their order; no lock
 * @lock: irq-safe; protects what follows and all chunks
 * @partial: chunks with used and free pages
 * @idle: backed chunks without used pages
 * @bare: chunks that have no backing
 * @nr_idle: chunks in @idle
 * @used: pages in use
 * @held: pages that are not in use, in chunks that are leaving, or that get or lose
 *	their backing at this moment
 * @backed: chunks with backing
 * @pages_in: pages that moved here
 * @pages_out: pages that moved away
 * @ahead: room that is made before it is needed
 * @room_lock: mutex inside block mutexes: those who want less than a chunk evict one
 *	for all of them
 */
struct svm_devmem {
	struct dev_pagemap pagemap;
	struct svm_device *device;
	enum amdsvm_memory_kind kind;
	struct resource *resource;
	unsigned long first_pfn;
	unsigned int nr_chunks;
	struct svm_chunk *chunks;
	atomic_long_t clock;
	spinlock_t lock; /* innermost, irq-safe */
	struct list_head partial;
	struct list_head idle;
	struct list_head bare;
	unsigned long nr_idle;
	unsigned long used;
	unsigned long held;
	unsigned long backed;
	atomic_long_t pages_in;
	atomic_long_t pages_out;
	struct svm_ahead ahead;
	struct mutex room_lock; /* inside the block mutex */
};

/*
 * While a chunk becomes one folio, nobody walks over its pages. Eviction does, and
 * migrate_device_range() looks at them before it holds them: a page that becomes a tail
 * at that moment is a BUG for kernels with DEBUG_VM_PGFLAGS.
 *
 * Innermost but for what core takes for either; may sleep.
 */
static inline void svm_chunk_shape(struct svm_chunk *chunk)
{
	wait_on_bit_lock(&chunk->shape, 0, TASK_UNINTERRUPTIBLE);
}

static inline void svm_chunk_unshape(struct svm_chunk *chunk)
{
	clear_and_wake_up_bit(0, &chunk->shape);
}

int svm_devmem_init(const struct svm_devmem_config *config);
void svm_devmem_exit(void);
const struct svm_devmem_state *svm_devmem_state(void);
void *svm_devmem_owner(void);

struct page *svm_devmem_start_page(struct svm_devmem *mem, unsigned long pfn,
				   bool *clear);
struct page *svm_devmem_start_large(struct svm_devmem *mem, unsigned long pfn,
				    bool *clear);

static inline bool svm_devmem_has(const struct svm_devmem *mem,
				  unsigned long pfn)
{
	return pfn - mem->first_pfn <
	       (unsigned long)mem->nr_chunks * SVM_CHUNK_PAGES;
}

/* Page numbers of one device's memory. */
struct svm_devmem_span {
	unsigned long first;
	unsigned long pages;
	struct svm_devmem *mem;
};

/* From the first of ours to the last, mostly nothing else is there; and each of them. */
extern struct svm_devmem_span svm_devmem_all, svm_devmem_spans[];
extern unsigned int svm_devmem_nr_spans;

/**
 * svm_devmem_of() - whose memory a page is
 * @page: any page; by its number, so that it may be gone meanwhile
 *
 * Return: the device memory, or NULL for pages that are not ours.
 */
static inline struct svm_devmem *svm_devmem_of(const struct page *page)
{
	unsigned long pfn = page_to_pfn(page);
	const struct svm_devmem_span *span = svm_devmem_spans;
	unsigned int n;

	if (pfn - svm_devmem_all.first >= svm_devmem_all.pages)
		return NULL;
	for (n = svm_devmem_nr_spans; n; n--, span++)
		if (pfn - span->first < span->pages)
			return span->mem;
	return NULL;
}

/* The chunk that a folio of device memory is in. */
static inline struct svm_chunk *svm_chunk_of(const struct folio *folio)
{
	const struct page *page = folio_page(folio, 0);
	struct svm_devmem *mem = svm_devmem_of(page);

	return &mem->chunks[(page_to_pfn(page) - mem->first_pfn) /
			    SVM_CHUNK_PAGES];
}

struct page *svm_devmem_page(struct svm_device *device, u64 offset);
struct svm_mem svm_devmem_place(struct page *page);

/* A page as a backend wants it named; @mem: whose it is, NULL: system memory. */
static inline struct svm_mem svm_devmem_place_in(const struct svm_devmem *mem,
						 struct page *page)
{
	if (!mem)
		return (struct svm_mem) { .page = page };
	return (struct svm_mem) {
		.device = mem->device,
		.offset = (u64)(page_to_pfn(page) - mem->first_pfn) << PAGE_SHIFT,
	};
}

/* The device that a chunk belongs to, or another one, uses it. Any context. */
static inline void svm_devmem_use(struct svm_devmem *mem, unsigned long chunk)
{
	WRITE_ONCE(mem->chunks[chunk].used_at,
		   atomic_long_inc_return(&mem->clock));
}

static inline void svm_devmem_use_page(struct svm_devmem *mem,
				       const struct page *page)
{
	svm_devmem_use(mem, (page_to_pfn(page) - mem->first_pfn) /
			    SVM_CHUNK_PAGES);
}

#endif /* SVM_DEVMEM_H */
