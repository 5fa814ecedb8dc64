// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Which pages of device memory are free, and what is behind them.
 *
 * A page is in use from svm_vram_alloc() until the last reference to it is
 * dropped anywhere, forked children included; core mm then frees it from atomic
 * context, so the lock is irq-safe and innermost.
 *
 * While any page is in use the module is pinned: pages outlive the files and
 * processes that made them.
 */
#include <linux/bitmap.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "compat/compat.h"
#include "vram.h"

/**
 * svm_vram_init() - all pages are free
 * @mem: device memory with its chunks allocated and zeroed
 */
void svm_vram_init(struct svm_devmem *mem)
{
	bool bare = mem->device->ops->back;
	unsigned int i;

	spin_lock_init(&mem->lock);
	INIT_LIST_HEAD(&mem->partial);
	INIT_LIST_HEAD(&mem->idle);
	INIT_LIST_HEAD(&mem->bare);
	for (i = 0; i < mem->nr_chunks; i++) {
		mem->chunks[i].backed = !bare;
		mem->chunks[i].idle = !bare;
		list_add_tail(&mem->chunks[i].link,
			      bare ? &mem->bare : &mem->idle);
	}
	mem->backed = bare ? 0 : mem->nr_chunks;
	mem->nr_idle = mem->backed;
}

/**
 * svm_chunk_relink() - put a chunk into the list that it belongs to now
 * @mem: device memory, locked
 * @chunk: the chunk; stays in none while it is leaving
 */
void svm_chunk_relink(struct svm_devmem *mem, struct svm_chunk *chunk)
{
	lockdep_assert_held(&mem->lock);

	if (chunk->leaving)
		return;
	if (chunk->idle)
		mem->nr_idle--;
	chunk->idle = !chunk->nr_used;
	if (chunk->idle)
		mem->nr_idle++;

	if (chunk->idle)
		list_move(&chunk->link, &mem->idle);
	else if (chunk->nr_used < SVM_CHUNK_PAGES)
		list_move(&chunk->link, &mem->partial);
	else
		list_del_init(&chunk->link);
}

static void used_add(struct svm_devmem *mem, unsigned long n)
{
	if (!mem->used)
		__module_get(THIS_MODULE);
	mem->used += n;
}

/*
 * The text of this module stays while this runs on behalf of the last page:
 * module unload waits in memunmap_pages() for the reference that core mm drops
 * after folio_free.
 */
static void used_sub(struct svm_devmem *mem, unsigned long n)
{
	mem->used -= n;
	if (!mem->used)
		module_put(THIS_MODULE);
}

static unsigned long chunk_pfn(const struct svm_devmem *mem,
			       const struct svm_chunk *chunk)
{
	return mem->first_pfn + (chunk - mem->chunks) * SVM_CHUNK_PAGES;
}

static struct svm_chunk *chunk_of(const struct svm_devmem *mem,
				  unsigned long pfn)
{
	return &mem->chunks[(pfn - mem->first_pfn) / SVM_CHUNK_PAGES];
}

/* @n of its pages are in use now, their bits are set. */
static void chunk_taken(struct svm_devmem *mem, struct svm_chunk *chunk,
			unsigned long n)
{
	svm_devmem_use(mem, chunk - mem->chunks);
	WRITE_ONCE(chunk->filled_at, jiffies);
	chunk->nr_used += n;
	used_add(mem, n);
	svm_chunk_relink(mem, chunk);
}

static unsigned long chunk_take(struct svm_devmem *mem, struct svm_chunk *chunk,
				unsigned long want, unsigned long *pfns)
{
	unsigned long base = chunk_pfn(mem, chunk), n = 0, bit = 0;

	while (n < want) {
		bit = find_next_zero_bit(chunk->used, SVM_CHUNK_PAGES, bit);
		if (bit == SVM_CHUNK_PAGES)
			break;
		__set_bit(bit, chunk->used);
		pfns[n++] = base + bit++;
	}
	if (n)
		chunk_taken(mem, chunk, n);
	return n;
}

/* Back one more chunk; drops and retakes the lock. False: no more to be had. */
static bool back_one(struct svm_devmem *mem, unsigned long *flags)
{
	struct svm_device *device = mem->device;
	struct svm_chunk *chunk;
	bool clear = false;
	int ret;

	chunk = list_first_entry_or_null(&mem->bare, struct svm_chunk, link);
	if (!chunk)
		return false;
	list_del_init(&chunk->link);
	mem->held += SVM_CHUNK_PAGES;
	spin_unlock_irqrestore(&mem->lock, *flags);

	ret = device->ops->back(device, chunk - mem->chunks, &clear);

	spin_lock_irqsave(&mem->lock, *flags);
	mem->held -= SVM_CHUNK_PAGES;
	if (ret) {
		list_add_tail(&chunk->link, &mem->bare);
		return false;
	}
	chunk->backed = true;
	if (clear)
		bitmap_fill(chunk->clear, SVM_CHUNK_PAGES);
	else
		bitmap_zero(chunk->clear, SVM_CHUNK_PAGES);
	mem->backed++;
	svm_chunk_relink(mem, chunk);
	return true;
}

static struct svm_chunk *first_chunk(struct list_head *list)
{
	return list_first_entry_or_null(list, struct svm_chunk, link);
}

/* A chunk that nobody uses; may drop and retake the lock. */
static struct svm_chunk *idle_chunk(struct svm_devmem *mem,
				    unsigned long *flags)
{
	struct svm_chunk *chunk = first_chunk(&mem->idle);

	if (!chunk && back_one(mem, flags))
		/* Somebody else may have had it meanwhile. */
		chunk = first_chunk(&mem->idle);
	return chunk;
}

/* Single pages come from what is broken already. */
static struct svm_chunk *next_chunk(struct svm_devmem *mem,
				    unsigned long *flags)
{
	struct svm_chunk *chunk = first_chunk(&mem->partial);

	if (!chunk)
		chunk = idle_chunk(mem, flags);
	return chunk ? chunk : first_chunk(&mem->partial);
}

/**
 * svm_vram_alloc_chunk() - take SVM_CHUNK_PAGES device pages in one piece
 * @mem: device memory
 *
 * The pages are the caller's, as those of svm_vram_alloc(), and go back by
 * svm_vram_free().
 *
 * Context: may sleep and reclaim system memory (a chunk's first use).
 * Return: the first page; 0 when no chunk is free.
 */
unsigned long svm_vram_alloc_chunk(struct svm_devmem *mem)
{
	unsigned long flags, pfn = 0;
	struct svm_chunk *chunk;

	spin_lock_irqsave(&mem->lock, flags);
	chunk = idle_chunk(mem, &flags);
	if (chunk) {
		bitmap_fill(chunk->used, SVM_CHUNK_PAGES);
		chunk_taken(mem, chunk, SVM_CHUNK_PAGES);
		pfn = chunk_pfn(mem, chunk);
	}
	spin_unlock_irqrestore(&mem->lock, flags);
	return pfn;
}

/**
 * svm_vram_alloc() - take free device pages
 * @mem: device memory
 * @want: pages
 * @pfns: result, room for @want; ascending within a chunk
 *
 * The pages are the caller's: each must go to svm_devmem_start_page() or back
 * by svm_vram_return(). Never evicts.
 *
 * Context: may sleep and reclaim system memory (a chunk's first use).
 * Return: pages taken, fewer than @want when device memory is full.
 */
unsigned long svm_vram_alloc(struct svm_devmem *mem, unsigned long want,
			     unsigned long *pfns)
{
	unsigned long flags, n = 0;
	struct svm_chunk *chunk;

	spin_lock_irqsave(&mem->lock, flags);
	while (n < want) {
		chunk = next_chunk(mem, &flags);
		if (!chunk)
			break;
		n += chunk_take(mem, chunk, want - n, pfns + n);
	}
	spin_unlock_irqrestore(&mem->lock, flags);
	return n;
}

/**
 * svm_vram_start() - taken pages are put to use
 * @mem: device memory
 * @pfn: first page
 * @n: number of pages, a chunk or 1
 *
 * From here on nobody takes them for clear, whatever becomes of them.
 *
 * Context: any.
 * Return: true when all of them hold zeros.
 */
bool svm_vram_start(struct svm_devmem *mem, unsigned long pfn, unsigned long n)
{
	struct svm_chunk *chunk = chunk_of(mem, pfn);
	unsigned long index = pfn - mem->first_pfn;
	bool clear;

	/* Others have pages in the same words, and their bits. */
	if (n == 1)
		return test_bit(index % SVM_CHUNK_PAGES, chunk->clear) &&
		       test_and_clear_bit(index % SVM_CHUNK_PAGES,
					  chunk->clear);
	clear = bitmap_full(chunk->clear, SVM_CHUNK_PAGES);
	bitmap_zero(chunk->clear, SVM_CHUNK_PAGES);
	return clear;
}

static void release_run(struct svm_devmem *mem, unsigned long pfn,
			unsigned long n)
{
	struct svm_chunk *chunk = chunk_of(mem, pfn);
	unsigned long index = pfn - mem->first_pfn;
	bool was_full = chunk->nr_used == SVM_CHUNK_PAGES;

	if (n == 1)
		__clear_bit(index % SVM_CHUNK_PAGES, chunk->used);
	else
		bitmap_clear(chunk->used, index % SVM_CHUNK_PAGES, n);
	chunk->nr_used -= n;
	if (!chunk->nr_used)
		WRITE_ONCE(chunk->freed, chunk->freed + 1);
	used_sub(mem, n);
	if (chunk->leaving)
		mem->held += n;
	/* Else it stays where it is. */
	if (was_full || !chunk->nr_used)
		svm_chunk_relink(mem, chunk);
}

/**
 * svm_vram_return() - give back pages that were not put to use
 * @mem: device memory
 * @pfns: pages from svm_vram_alloc()
 * @n: number of them
 */
void svm_vram_return(struct svm_devmem *mem, const unsigned long *pfns,
		     unsigned long n)
{
	unsigned long flags, i;

	spin_lock_irqsave(&mem->lock, flags);
	for (i = 0; i < n; i++)
		release_run(mem, pfns[i], 1);
	spin_unlock_irqrestore(&mem->lock, flags);
}

/**
 * svm_vram_free() - the last reference to used pages is gone
 * @mem: device memory
 * @pfn: first page
 * @n: number of pages, in one chunk
 *
 * Context: any.
 */
void svm_vram_free(struct svm_devmem *mem, unsigned long pfn, unsigned long n)
{
	unsigned long flags;

	spin_lock_irqsave(&mem->lock, flags);
	release_run(mem, pfn, n);
	spin_unlock_irqrestore(&mem->lock, flags);
}

/**
 * svm_vram_free_pages() - pages that can be had
 * @mem: device memory
 *
 * Return: their number, at this moment; none of chunks that are leaving.
 */
unsigned long svm_vram_free_pages(const struct svm_devmem *mem)
{
	long free = mem->nr_chunks * SVM_CHUNK_PAGES - READ_ONCE(mem->used) -
		    READ_ONCE(mem->held);

	return max(free, 0L);
}
