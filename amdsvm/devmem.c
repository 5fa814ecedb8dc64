// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Device memory: registration of its struct pages and the page allocator.
 *
 * The only file that turns pages into offsets of device memory and back, and
 * that knows how a pagemap is made. A device page is used from
 * svm_devmem_alloc() until the last reference to it is dropped anywhere, forked
 * children included; core mm then calls folio_free from atomic context, so the
 * allocator lock is irq-safe and innermost.
 *
 * While any page is in use the module is pinned: pages outlive the files and
 * processes that made them.
 */
#include <linux/bitmap.h>
#include <linux/ioport.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/numa.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "compat/compat.h"
#include "devmem.h"
#include "migrate.h"

/* One address that no other driver has: owner of all our device pages. */
static char owner_cookie;

static struct svm_devmem_state state;
static struct shrinker *shrinker;

/**
 * svm_devmem_owner() - the owner of all device pages of this driver
 *
 * Return: the value of pgmap_owner and dev_private_owner.
 */
void *svm_devmem_owner(void)
{
	return &owner_cookie;
}

/**
 * svm_devmem_state() - what kind of memory devices have, or why none
 *
 * Return: the state, constant after svm_devmem_init().
 */
const struct svm_devmem_state *svm_devmem_state(void)
{
	return &state;
}

/**
 * svm_devmem_of() - whose memory a page is
 * @page: any page with a stable identity
 *
 * Return: the device memory, or NULL for pages that are not ours.
 */
struct svm_devmem *svm_devmem_of(const struct page *page)
{
	struct dev_pagemap *pagemap;

	if (!is_device_private_page(page) && !is_device_coherent_page(page))
		return NULL;
	pagemap = page_pgmap(page);
	if (pagemap->owner != svm_devmem_owner())
		return NULL;
	return container_of(pagemap, struct svm_devmem, pagemap);
}

/**
 * svm_devmem_offset() - where in its device's memory a device page is
 * @page: one of our device pages
 *
 * Return: bytes from the start of the device's memory.
 */
u64 svm_devmem_offset(const struct page *page)
{
	struct svm_devmem *mem = svm_devmem_of(page);

	return (u64)(page_to_pfn(page) - mem->first_pfn) << PAGE_SHIFT;
}

/**
 * svm_devmem_page() - the device page at an offset
 * @device: a device with memory
 * @offset: bytes from the start of its memory
 *
 * Return: the page.
 */
struct page *svm_devmem_page(struct svm_device *device, u64 offset)
{
	return pfn_to_page(device->mem->first_pfn + (offset >> PAGE_SHIFT));
}

/**
 * svm_devmem_place() - a page as a backend wants it named
 * @page: a page of system memory or one of our device pages
 *
 * Return: the place.
 */
struct svm_mem svm_devmem_place(struct page *page)
{
	struct svm_devmem *mem = svm_devmem_of(page);

	if (!mem)
		return (struct svm_mem) { .page = page };
	return (struct svm_mem) {
		.device = mem->device,
		.offset = svm_devmem_offset(page),
	};
}

static void chunk_relink(struct svm_devmem *mem, struct svm_chunk *chunk)
{
	lockdep_assert_held(&mem->lock);

	if (!chunk->nr_used)
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

static unsigned long chunk_take(struct svm_devmem *mem, struct svm_chunk *chunk,
				unsigned long want, unsigned long *pfns)
{
	unsigned long base = mem->first_pfn +
			     (chunk - mem->chunks) * SVM_CHUNK_PAGES;
	unsigned long n = 0, bit = 0;

	while (n < want) {
		bit = find_next_zero_bit(chunk->used, SVM_CHUNK_PAGES, bit);
		if (bit == SVM_CHUNK_PAGES)
			break;
		__set_bit(bit, chunk->used);
		pfns[n++] = base + bit++;
	}
	if (n) {
		chunk->nr_used += n;
		used_add(mem, n);
		chunk_relink(mem, chunk);
	}
	return n;
}

/* Back one more chunk; drops and retakes the lock. False: no more to be had. */
static bool back_one(struct svm_devmem *mem, unsigned long *flags)
{
	struct svm_device *device = mem->device;
	struct svm_chunk *chunk;
	int ret;

	chunk = list_first_entry_or_null(&mem->bare, struct svm_chunk, link);
	if (!chunk)
		return false;
	list_del_init(&chunk->link);
	spin_unlock_irqrestore(&mem->lock, *flags);

	ret = device->ops->back(device, chunk - mem->chunks);

	spin_lock_irqsave(&mem->lock, *flags);
	if (ret) {
		list_add_tail(&chunk->link, &mem->bare);
		return false;
	}
	chunk->backed = true;
	mem->backed++;
	list_add(&chunk->link, &mem->idle);
	return true;
}

/**
 * svm_devmem_alloc() - take free device pages
 * @mem: device memory
 * @want: pages
 * @pfns: result, room for @want; ascending within a chunk
 *
 * The pages are the caller's: each must go to svm_devmem_start_page() or back
 * by svm_devmem_return(). Never evicts.
 *
 * Context: may sleep and reclaim system memory (a chunk's first use).
 * Return: pages taken, fewer than @want when device memory is full.
 */
unsigned long svm_devmem_alloc(struct svm_devmem *mem, unsigned long want,
			       unsigned long *pfns)
{
	unsigned long flags, n = 0;
	struct svm_chunk *chunk;

	spin_lock_irqsave(&mem->lock, flags);
	while (n < want) {
		chunk = list_first_entry_or_null(&mem->partial,
						 struct svm_chunk, link);
		if (!chunk)
			chunk = list_first_entry_or_null(&mem->idle,
							 struct svm_chunk, link);
		if (chunk)
			n += chunk_take(mem, chunk, want - n, pfns + n);
		else if (!back_one(mem, &flags))
			break;
	}
	spin_unlock_irqrestore(&mem->lock, flags);
	return n;
}

static void release_run(struct svm_devmem *mem, unsigned long pfn,
			unsigned long n)
{
	unsigned long index = pfn - mem->first_pfn;
	struct svm_chunk *chunk = &mem->chunks[index / SVM_CHUNK_PAGES];

	bitmap_clear(chunk->used, index % SVM_CHUNK_PAGES, n);
	chunk->nr_used -= n;
	used_sub(mem, n);
	chunk_relink(mem, chunk);
}

/**
 * svm_devmem_return() - give back pages that were not put to use
 * @mem: device memory
 * @pfns: pages from svm_devmem_alloc()
 * @n: number of them
 */
void svm_devmem_return(struct svm_devmem *mem, const unsigned long *pfns,
		       unsigned long n)
{
	unsigned long flags, i;

	spin_lock_irqsave(&mem->lock, flags);
	for (i = 0; i < n; i++)
		release_run(mem, pfns[i], 1);
	spin_unlock_irqrestore(&mem->lock, flags);
}

/**
 * svm_devmem_start_page() - make a taken page a live struct page
 * @mem: device memory
 * @pfn: page from svm_devmem_alloc()
 *
 * Return: the page, locked, with one reference; dropping it frees the page.
 */
struct page *svm_devmem_start_page(struct svm_devmem *mem, unsigned long pfn)
{
	struct page *page = pfn_to_page(pfn);

	svm_compat_start_page(page, &mem->pagemap);
	return page;
}

/* Core mm: the last reference is gone. Any context. */
static void devmem_folio_free(struct folio *folio)
{
	struct page *page = folio_page(folio, 0);
	struct svm_devmem *mem = container_of(page_pgmap(page),
					      struct svm_devmem, pagemap);
	unsigned long flags;

	spin_lock_irqsave(&mem->lock, flags);
	release_run(mem, page_to_pfn(page), folio_nr_pages(folio));
	spin_unlock_irqrestore(&mem->lock, flags);
}

SVM_COMPAT_FOLIO_FREE(devmem_folio_free);

static const struct dev_pagemap_ops devmem_ops = {
	SVM_COMPAT_FOLIO_FREE_OP(devmem_folio_free),
	.migrate_to_ram = svm_migrate_to_ram,
};

static unsigned long shrink_count(struct shrinker *s, struct shrink_control *sc)
{
	unsigned long chunks = 0;
	struct svm_chunk *chunk;
	unsigned long flags;
	unsigned int i;

	for (i = 0; i < svm_device_count(); i++) {
		struct svm_devmem *mem = svm_device_get(i)->mem;

		if (!mem || !mem->device->ops->unback)
			continue;
		spin_lock_irqsave(&mem->lock, flags);
		list_for_each_entry(chunk, &mem->idle, link)
			chunks++;
		spin_unlock_irqrestore(&mem->lock, flags);
	}
	return chunks ? chunks * SVM_CHUNK_PAGES : SHRINK_EMPTY;
}

static unsigned long shrink_one(struct svm_devmem *mem)
{
	struct svm_device *device = mem->device;
	struct svm_chunk *chunk;
	unsigned long flags, freed;

	spin_lock_irqsave(&mem->lock, flags);
	chunk = list_first_entry_or_null(&mem->idle, struct svm_chunk, link);
	if (chunk) {
		list_del_init(&chunk->link);
		chunk->backed = false;
		mem->backed--;
	}
	spin_unlock_irqrestore(&mem->lock, flags);
	if (!chunk)
		return 0;

	freed = device->ops->unback(device, chunk - mem->chunks);

	spin_lock_irqsave(&mem->lock, flags);
	list_add(&chunk->link, &mem->bare);
	spin_unlock_irqrestore(&mem->lock, flags);
	return freed;
}

static unsigned long shrink_scan(struct shrinker *s, struct shrink_control *sc)
{
	unsigned long freed = 0, n;
	unsigned int i;

	for (i = 0; i < svm_device_count(); i++) {
		struct svm_devmem *mem = svm_device_get(i)->mem;

		if (!mem || !mem->device->ops->unback)
			continue;
		while (freed < sc->nr_to_scan) {
			n = shrink_one(mem);
			if (!n)
				break;
			freed += n;
		}
	}
	return freed ? freed : SHRINK_STOP;
}

static struct resource *claim_range(u64 base, u64 size, int *reason)
{
	struct resource *res;

	if (region_intersects(base, size, IORESOURCE_SYSTEM_RAM,
			      IORES_DESC_NONE) != REGION_DISJOINT) {
		*reason = AMDSVM_REASON_RANGE_NOT_RESERVED;
		return NULL;
	}
	res = request_mem_region(base, size, "amdsvm");
	if (!res)
		*reason = AMDSVM_REASON_RANGE_BUSY;
	return res;
}

static struct resource *claim_private(u64 size, int *reason)
{
	struct resource *res;

	res = request_free_mem_region(&iomem_resource, size, "amdsvm");
	if (IS_ERR(res)) {
		*reason = AMDSVM_REASON_NO_RESOURCES;
		return NULL;
	}
	return res;
}

static void devmem_destroy(struct svm_devmem *mem)
{
	unsigned int i;

	if (!mem)
		return;

	memunmap_pages(&mem->pagemap);
	for (i = 0; i < mem->nr_chunks; i++)
		if (mem->chunks[i].backed && mem->device->ops->unback)
			mem->device->ops->unback(mem->device, i);
	release_mem_region(mem->resource->start, resource_size(mem->resource));
	kvfree(mem->chunks);
	kfree(mem);
}

static void chunks_init(struct svm_devmem *mem)
{
	bool bare = mem->device->ops->back != NULL;
	unsigned int i;

	spin_lock_init(&mem->lock);
	INIT_LIST_HEAD(&mem->partial);
	INIT_LIST_HEAD(&mem->idle);
	INIT_LIST_HEAD(&mem->bare);
	for (i = 0; i < mem->nr_chunks; i++) {
		mem->chunks[i].backed = !bare;
		list_add_tail(&mem->chunks[i].link,
			      bare ? &mem->bare : &mem->idle);
	}
	mem->backed = bare ? 0 : mem->nr_chunks;
}

/* Takes over @res, also on failure. */
static struct svm_devmem *devmem_create(struct svm_device *device,
					enum amdsvm_memory_kind kind,
					struct resource *res, u64 size)
{
	struct svm_devmem *mem = kzalloc(sizeof(*mem), GFP_KERNEL);
	void *addr;

	if (!mem)
		goto release;
	mem->device = device;
	mem->kind = kind;
	mem->resource = res;
	mem->first_pfn = PHYS_PFN(res->start);
	mem->nr_chunks = size >> SVM_CHUNK_SHIFT;
	mem->chunks = kvcalloc(mem->nr_chunks, sizeof(*mem->chunks), GFP_KERNEL);
	if (!mem->chunks)
		goto free;
	chunks_init(mem);

	mem->pagemap.type = kind == AMDSVM_MEMORY_PRIVATE ?
			    MEMORY_DEVICE_PRIVATE : MEMORY_DEVICE_COHERENT;
	mem->pagemap.range.start = res->start;
	mem->pagemap.range.end = res->start + size - 1;
	mem->pagemap.nr_range = 1;
	mem->pagemap.ops = &devmem_ops;
	mem->pagemap.owner = svm_devmem_owner();
	addr = memremap_pages(&mem->pagemap, numa_node_id());
	if (IS_ERR(addr))
		goto free;
	return mem;

free:
	kvfree(mem->chunks);
	kfree(mem);
release:
	release_mem_region(res->start, resource_size(res));
	return NULL;
}

/*
 * Size of one device's part of the coherent range. Sections of two pagemaps
 * must not meet, so parts begin at multiples of the section size when the range
 * is large enough.
 */
static u64 coherent_share(const struct svm_devmem_config *config)
{
	u64 share = config->coherent_bytes / svm_device_count();

	if (!IS_ALIGNED(config->coherent_base, SVM_CHUNK_SIZE))
		return 0;
	return share >= SZ_128M ? round_down(share, SZ_128M) :
				  round_down(share, SVM_CHUNK_SIZE);
}

static int give_coherent(const struct svm_devmem_config *config)
{
	u64 share = coherent_share(config);
	int reason = AMDSVM_REASON_NONE;
	unsigned int i;

	if (!share)
		return AMDSVM_REASON_RANGE_INVALID;

	for (i = 0; i < svm_device_count(); i++) {
		struct svm_device *device = svm_device_get(i);
		struct resource *res;

		res = claim_range(config->coherent_base + i * share, share,
				  &reason);
		if (!res)
			return reason;
		device->mem = devmem_create(device, AMDSVM_MEMORY_COHERENT,
					    res, share);
		if (!device->mem)
			return AMDSVM_REASON_NO_RESOURCES;
	}
	return reason;
}

static int give_private(const struct svm_devmem_config *config)
{
	u64 size = round_down(config->private_bytes, SVM_CHUNK_SIZE);
	int reason = AMDSVM_REASON_NONE;
	unsigned int i;

	for (i = 0; i < svm_device_count(); i++) {
		struct svm_device *device = svm_device_get(i);
		struct resource *res = claim_private(size, &reason);

		if (!res)
			return reason;
		device->mem = devmem_create(device, AMDSVM_MEMORY_PRIVATE,
					    res, size);
		if (!device->mem)
			return AMDSVM_REASON_NO_RESOURCES;
	}
	return reason;
}

static void destroy_all(void)
{
	unsigned int i;

	for (i = 0; i < svm_device_count(); i++) {
		struct svm_device *device = svm_device_get(i);

		devmem_destroy(device->mem);
		device->mem = NULL;
	}
}

static int give_memory(const struct svm_devmem_config *config,
		      enum amdsvm_memory_kind *kind)
{
	if (config->coherent_base || config->coherent_bytes) {
		*kind = AMDSVM_MEMORY_COHERENT;
		return give_coherent(config);
	}
	if (!config->private_bytes)
		return AMDSVM_REASON_DISABLED;
	if (!SVM_COMPAT_PRIVATE)
		return AMDSVM_REASON_NO_KERNEL_SUPPORT;
	*kind = AMDSVM_MEMORY_PRIVATE;
	return give_private(config);
}

/**
 * svm_devmem_init() - give all registered devices memory
 * @config: what memory
 *
 * Devices have all memory or none: when it cannot be had, they map system
 * memory only and svm_devmem_state() says why.
 *
 * Return: 0, or -ENOMEM when not even that is possible.
 */
int svm_devmem_init(const struct svm_devmem_config *config)
{
	enum amdsvm_memory_kind kind = AMDSVM_MEMORY_NONE;
	int reason = give_memory(config, &kind);

	state.reason = reason;
	state.kind = reason == AMDSVM_REASON_NONE ? kind : AMDSVM_MEMORY_NONE;
	if (state.kind == AMDSVM_MEMORY_NONE) {
		destroy_all();
		return 0;
	}

	shrinker = shrinker_alloc(0, "amdsvm");
	if (!shrinker) {
		destroy_all();
		return -ENOMEM;
	}
	shrinker->count_objects = shrink_count;
	shrinker->scan_objects = shrink_scan;
	shrinker_register(shrinker);
	return 0;
}

/**
 * svm_devmem_exit() - take the memory of all devices away
 *
 * Context: module unload; no device page is in use, since each pins the module.
 * Sleeps until core mm has dropped its last reference to the pagemaps.
 */
void svm_devmem_exit(void)
{
	if (shrinker)
		shrinker_free(shrinker);
	shrinker = NULL;
	destroy_all();
}
