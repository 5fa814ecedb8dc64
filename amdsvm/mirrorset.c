// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Which devices map the pages that an attempt of mirror.c has found, and their entries.
 *
 * Which device maps a page that is there:
 *
 *	ACCESS_IN_PLACE	always
 *	ACCESS		when the page is in that device's memory, or the memory is
 *			kept mapped (XNACK off, GPU_ALWAYS_MAPPED)
 *	either		when the device asked, by a fault
 *
 * (KFD maps the same way: svm_range_validate_and_map().) A device may write
 * where the CPU may.
 *
 * Under the block mutex; what writes entries under the block lock, too.
 */
#include <linux/hmm.h>
#include <linux/mm.h>

#include "block.h"
#include "devmem.h"
#include "mirror.h"
#include "mirrorset.h"
#include "pagetable.h"
#include "process.h"
#include "space.h"
#include "thrash.h"

static u64 granted(const struct mirror *m)
{
	return m->attrs.access | m->attrs.access_in_place;
}

/**
 * svm_mirror_wanting() - the device that asked, if it has access
 * @m: the attempt
 *
 * Return: its bit, or 0.
 */
u64 svm_mirror_wanting(const struct mirror *m)
{
	return m->want ? granted(m) & BIT_ULL(m->want->space->device->index) : 0;
}

/**
 * svm_mirror_possible() - devices that may map some page of memory with these attributes
 * @m: the attempt
 *
 * Return: a bit for each.
 */
u64 svm_mirror_possible(const struct mirror *m)
{
	if (m->keep || svm_devmem_state()->kind != AMDSVM_MEMORY_NONE)
		return granted(m);
	return m->attrs.access_in_place | svm_mirror_wanting(m);
}

/* Devices that map @page, see the top of the file. */
static u64 page_devices(const struct mirror *m, struct page *page)
{
	struct svm_devmem *mem = svm_devmem_of(page);
	u64 devices = m->attrs.access_in_place | svm_mirror_wanting(m);

	if (m->keep)
		devices |= m->attrs.access;
	else if (mem)
		devices |= m->attrs.access & BIT_ULL(mem->device->index);
	return devices;
}

static void use_page(struct page *page)
{
	struct svm_devmem *mem = svm_devmem_of(page);

	if (mem)
		svm_devmem_use_page(mem, page);
}

static bool usable(unsigned long pfn)
{
	return (pfn & HMM_PFN_VALID) && !(pfn & HMM_PFN_ERROR);
}

static u64 rights(const struct mirror *m, unsigned long pfn)
{
	u64 rights = 0;

	if ((pfn & HMM_PFN_WRITE) &&
	    !(m->attrs.flags & AMDSVM_IOCTL_SVM_FLAG_GPU_RO))
		rights |= SVM_PTE_WRITE;
	if (m->attrs.flags & AMDSVM_IOCTL_SVM_FLAG_GPU_EXEC)
		rights |= SVM_PTE_EXEC;
	if (m->keep)
		rights |= SVM_PTE_KEEP;
	return rights;
}

/*
 * struct run - pages that follow each other in memory, of one chunk if in a device's
 * @pfn: the last one, as hmm_range_fault() gives it; 0: none yet
 * @pte: its entry
 * @devices: those that map it
 */
struct run {
	unsigned long pfn;
	u64 pte;
	u64 devices;
};

/* The next page of the run, with the same rights: what is true of one is of all. */
static bool run_goes_on(const struct run *run, unsigned long pfn)
{
	return pfn - run->pfn == 1 && pfn % SVM_CHUNK_PAGES;
}

static void run_start(const struct mirror *m, struct run *run,
		      unsigned long pfn)
{
	struct page *page = hmm_pfn_to_page(pfn);

	run->devices = page_devices(m, page);
	run->pte = svm_pagetable_entry(page, rights(m, pfn));
	if (run->devices)
		use_page(page);
}

static unsigned long commit_page(const struct mirror *m, struct run *run,
				 unsigned int index, unsigned long pfn)
{
	unsigned long mapped = 0;
	u64 devices;

	if (run_goes_on(run, pfn))
		run->pte += PAGE_SIZE;
	else
		run_start(m, run, pfn);
	run->pfn = pfn;
	for (devices = run->devices; devices; devices &= devices - 1)
		mapped += svm_pagetable_set(&m->block->pt, __ffs64(devices),
					    index, run->pte);
	return mapped;
}

/**
 * svm_mirror_leaf_fits() - one entry for the block can do
 * @m: the attempt; what its pages are is known, and they are one folio
 *
 * Return: true when no device has entries in it.
 */
bool svm_mirror_leaf_fits(const struct mirror *m)
{
	return !READ_ONCE(m->block->pt.mapped) &&
	       IS_ALIGNED(page_to_pfn(hmm_pfn_to_page(m->pfns[0])),
			  SVM_BLOCK_PAGES);
}

/**
 * svm_mirror_folio_done() - all devices that are to map the folio do so
 * @m: the attempt
 *
 * Return: true when there is nothing to do.
 */
bool svm_mirror_folio_done(const struct mirror *m)
{
	struct page *page = hmm_pfn_to_page(m->pfns[0]);
	u64 pte = svm_pagetable_entry(page, rights(m, m->pfns[0]));
	u64 devices = page_devices(m, page);

	for (; devices; devices &= devices - 1)
		if (!svm_pagetable_has_leaf(&m->block->pt, __ffs64(devices), pte))
			return false;
	return true;
}

/* Return: pages mapped; devices that have entries already are left out. */
static unsigned long commit_folio(const struct mirror *m)
{
	struct page *page = hmm_pfn_to_page(m->pfns[0]);
	u64 pte = svm_pagetable_entry(page, rights(m, m->pfns[0]));
	u64 devices = page_devices(m, page);
	unsigned long mapped = 0;

	if (devices)
		use_page(page);
	for (; devices; devices &= devices - 1)
		if (svm_pagetable_set_leaf(&m->block->pt, __ffs64(devices), pte))
			mapped += SVM_BLOCK_PAGES;
	return mapped;
}

static unsigned long commit_pages(const struct mirror *m, unsigned long start,
				  unsigned long end)
{
	const unsigned long *pfn = m->pfns;
	unsigned long addr, mapped = 0;
	struct run run = {};
	u64 devices;

	for (addr = start; addr < end; addr += PAGE_SIZE, pfn++)
		if (usable(*pfn))
			mapped += commit_page(m, &run, svm_block_page(addr),
					      *pfn);
	if (!mapped)
		return 0;
	for (devices = m->block->pt.devices; devices; devices &= devices - 1)
		svm_pagetable_join(&m->block->pt, __ffs64(devices));
	return mapped;
}

/* Where the first page is now: whether it is evicted from there is of interest later. */
static void note_place(const struct mirror *m, unsigned long start, bool leaf)
{
	struct svm_devmem *mem;
	struct page *page;

	if (!usable(m->pfns[0]))
		return;
	page = hmm_pfn_to_page(m->pfns[0]);
	mem = svm_devmem_of(page);
	if (mem)
		svm_thrash_mapped(m->block, mem, page, svm_block_page(start),
				  leaf);
}

/**
 * svm_mirror_commit() - write the entries
 * @m: the attempt, still true
 * @start: first address, bytes
 * @end: end, exclusive
 * @leaf: as one, see svm_mirror_leaf_fits()
 *
 * Context: block lock; tables prepared.
 */
void svm_mirror_commit(const struct mirror *m, unsigned long start,
		       unsigned long end, bool leaf)
{
	unsigned long mapped = 0;

	if (leaf)
		mapped = commit_folio(m);
	else
		mapped = commit_pages(m, start, end);
	if (mapped)
		note_place(m, start, leaf);
	svm_count(m->process, SVM_PAGES_MAPPED, mapped);
}

/**
 * svm_mirror_prepare() - tables for the devices that will have entries, and no others
 * @m: the attempt
 * @start: first address, bytes
 * @end: end, exclusive
 * @leaf: one entry for all
 *
 * Context: block mutex, not its lock; sleeps.
 * Return: 0 or -ENOMEM.
 */
int svm_mirror_prepare(const struct mirror *m, unsigned long start,
		       unsigned long end, bool leaf)
{
	unsigned long n = (end - start) >> PAGE_SHIFT, i;
	struct run run = {};
	u64 devices = 0;

	/* One page of a folio stands for all, and one entry. */
	if (leaf)
		n = 1;
	for (i = 0; i < n; i++) {
		if (!usable(m->pfns[i]))
			continue;
		if (!run_goes_on(&run, m->pfns[i]))
			devices |= page_devices(m, hmm_pfn_to_page(m->pfns[i]));
		run.pfn = m->pfns[i];
	}
	return svm_pagetable_prepare(&m->block->pt, &m->block->lock,
				     m->process->spaces, devices,
				     svm_block_start(m->block), leaf);
}
