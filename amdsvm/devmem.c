// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Device memory: registration and identity of its struct pages.
 *
 * The only file that turns pages into offsets of device memory and back, and
 * that knows how a pagemap is made. Which pages are free is in vram.c. No locks.
 */
#include <linux/hmm.h>
#include <linux/ioport.h>
#include <linux/mm.h>
#include <linux/numa.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "ahead.h"
#include "compat/compat.h"
#include "devmem.h"
#include "migrate.h"
#include "vram.h"

/* One address that no other driver has: owner of all our device pages. */
static char owner_cookie;

static struct svm_devmem_state state;

/* Constant while there are pages of ours. */
struct svm_devmem_span svm_devmem_all, svm_devmem_spans[SVM_MAX_DEVICES];
unsigned int svm_devmem_nr_spans;

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

static void spans_add(struct svm_devmem *mem)
{
	struct svm_devmem_span *all = &svm_devmem_all, span = {
		.first = mem->first_pfn,
		.pages = mem->nr_chunks * SVM_CHUNK_PAGES,
		.mem = mem,
	};
	unsigned long end = max(span.first + span.pages,
				all->first + all->pages);

	if (!svm_devmem_nr_spans)
		*all = span;
	all->first = min(all->first, span.first);
	all->pages = end - all->first;
	svm_devmem_spans[svm_devmem_nr_spans++] = span;
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

	return svm_devmem_place_in(mem, page);
}

/**
 * svm_devmem_start_page() - make a taken page a live struct page
 * @mem: device memory
 * @pfn: page from svm_vram_alloc()
 * @clear: result: it holds zeros, and will not be taken for clear again
 *
 * Return: the page, locked, with one reference; dropping it frees the page.
 */
struct page *svm_devmem_start_page(struct svm_devmem *mem, unsigned long pfn,
				   bool *clear)
{
	struct page *page = pfn_to_page(pfn);

	*clear = svm_vram_start(mem, pfn, 1);
	svm_compat_start_page(page, &mem->pagemap);
	/* Of its last owner; who comes with MADV_FREE must not find it. */
	__folio_clear_swapbacked(page_folio(page));
	return page;
}

/**
 * svm_devmem_start_large() - make a whole chunk one live folio
 * @mem: device memory
 * @pfn: first of SVM_CHUNK_PAGES pages from svm_vram_alloc() that are a chunk
 * @clear: result: all of it is zeros, and will not be taken for clear again
 *
 * Return: its first page, locked, with one reference; dropping it frees all.
 */
struct page *svm_devmem_start_large(struct svm_devmem *mem, unsigned long pfn,
				    bool *clear)
{
	struct svm_chunk *chunk = &mem->chunks[(pfn - mem->first_pfn) /
					       SVM_CHUNK_PAGES];
	struct page *page = pfn_to_page(pfn);

	*clear = svm_vram_start(mem, pfn, SVM_CHUNK_PAGES);
	svm_chunk_shape(chunk);
	svm_compat_start_folio((struct folio *)page, &mem->pagemap);
	svm_chunk_unshape(chunk);
	__folio_clear_swapbacked((struct folio *)page);
	return page;
}

/*
 * Somebody has lent his reference (split.c): the folio is his again, with the references to
 * the pagemap that core is about to drop.
 */
static bool give_back(struct svm_devmem *mem, struct folio *folio)
{
	unsigned long index = folio_pfn(folio) - mem->first_pfn;
	struct svm_chunk *chunk = &mem->chunks[index / SVM_CHUNK_PAGES];

	if (!SVM_COMPAT_LARGE || index % SVM_CHUNK_PAGES)
		return false;
	/* Pairs with svm_split_lend(). */
	if (likely(smp_load_acquire(&chunk->lent) != SVM_LENT))
		return false;
	percpu_ref_get_many(&mem->pagemap.ref, folio_nr_pages(folio));
	WRITE_ONCE(chunk->lent, SVM_GIVEN_BACK);
	/* Who gets a reference sees that: svm_split_take_back(). */
	smp_wmb();
	folio_set_count(folio, 1);
	return true;
}

/* Core mm: the last reference is gone. Any context. */
static void devmem_folio_free(struct folio *folio)
{
	struct page *page = folio_page(folio, 0);
	struct svm_devmem *mem = container_of(page_pgmap(page),
					      struct svm_devmem, pagemap);

	if (give_back(mem, folio))
		return;
	svm_vram_free(mem, page_to_pfn(page), folio_nr_pages(folio));
}

SVM_COMPAT_FOLIO_FREE(devmem_folio_free);

static const struct dev_pagemap_ops devmem_ops = {
	SVM_COMPAT_FOLIO_FREE_OP(devmem_folio_free),
	.migrate_to_ram = svm_migrate_to_ram,
};

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

	svm_ahead_end(mem);
	memunmap_pages(&mem->pagemap);
	for (i = 0; i < mem->nr_chunks; i++)
		if (mem->chunks[i].backed && mem->device->ops->unback)
			mem->device->ops->unback(mem->device, i);
	release_mem_region(mem->resource->start, resource_size(mem->resource));
	kvfree(mem->chunks);
	kfree(mem);
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
	mutex_init(&mem->room_lock);
	svm_vram_init(mem);

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
	spans_add(mem);
	svm_ahead_init(mem);
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

	svm_devmem_nr_spans = 0;
	svm_devmem_all.pages = 0;
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
	if (config->private_bytes < SVM_CHUNK_SIZE)
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

	if (svm_ahead_start() || svm_vram_shrinker_init()) {
		svm_devmem_exit();
		return -ENOMEM;
	}
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
	svm_vram_shrinker_exit();
	destroy_all();
	svm_ahead_stop();
}
