// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * How much comes home for one CPU fault.
 *
 * Policy is asked under RCU; no lock is taken but that of a page table.
 */
#include "window.h"

#include <linux/minmax.h>
#include <linux/mm.h>

#include "block.h"
#include "devmem.h"
#include "entry.h"
#include "process.h"
#include "thrash.h"

/* The fault is our own, for one page that is to leave a COW share (look.c). */
static bool insisting(struct svm_process *process, unsigned long addr)
{
	struct svm_block *block = xa_load(&process->blocks,
					  addr >> SVM_BLOCK_SHIFT);

	return block && READ_ONCE(block->insister) == current;
}

/* What there is in 2 MiB of a large folio round a page that is mapped on its own. */
static struct svm_window folio_window(const struct vm_fault *vmf,
				      unsigned long addr)
{
	struct folio *folio = page_folio(vmf->page);
	unsigned long before = folio_page_idx(folio, vmf->page) << PAGE_SHIFT;
	unsigned long after = folio_size(folio) - before;
	unsigned long chunk = round_down(addr, SVM_CHUNK_SIZE);
	const struct vm_area_struct *vma = vmf->vma;

	return (struct svm_window) {
		.start = max3(addr - min(before, addr - vma->vm_start),
			      chunk, vma->vm_start),
		.end = min3(addr + after, chunk + SVM_CHUNK_SIZE, vma->vm_end),
	};
}

/*
 * Without large folios that are mapped page by page: core would wait for the lock of each,
 * and two faults could wait for each other; and it would hold them too late (see
 * svm_split_ptes()). That of the fault itself is locked, and held.
 */
static struct svm_window without_folios(const struct vm_fault *vmf,
					struct svm_window window,
					unsigned long addr)
{
	struct mm_struct *mm = vmf->vma->vm_mm;
	struct folio *own = page_folio(vmf->page);
	unsigned long at;

	while ((at = svm_next_large_pte(mm, window.start, addr, own, NULL)) < addr)
		window.start = at + PAGE_SIZE;
	window.end = svm_next_large_pte(mm, addr, window.end, own, NULL);
	return window;
}

/* Pages that are to come home together, where @range is what the user said. */
static unsigned long choose_granule(struct svm_process *process,
				    unsigned long addr,
				    struct svm_range *range)
{
	if (insisting(process, addr))
		return 1;
	svm_range_map_at(&process->ranges, addr >> PAGE_SHIFT, range);
	if (range->attrs.granularity == SVM_DEFAULT_GRANULARITY)
		return svm_thrash_granule(process, addr);
	return svm_attrs_granule(&range->attrs);
}

/*
 * The granule round the address, inside its mapping and inside memory of equal
 * attributes. Memory without policy moves by the default granularity.
 */
static struct svm_window granule_window(struct svm_process *process,
					struct vm_area_struct *vma,
					unsigned long addr)
{
	struct svm_range range = { .last = ULONG_MAX >> PAGE_SHIFT };
	unsigned long granule = 1UL << SVM_DEFAULT_GRANULARITY;
	unsigned long page = addr >> PAGE_SHIFT, first, last;
	struct svm_window window;

	rcu_read_lock();
	if (process)
		granule = choose_granule(process, addr, &range);
	rcu_read_unlock();

	first = max(range.first, round_down(page, granule));
	last = min(range.last, round_down(page, granule) + granule - 1);
	window.start = max(first << PAGE_SHIFT, vma->vm_start);
	window.end = min((last + 1) << PAGE_SHIFT, vma->vm_end);
	return window;
}

/**
 * svm_window_choose() - what comes home for a CPU fault
 * @process: whose policy counts, or NULL
 * @vmf: the fault, of a page of private device memory
 * @addr: first byte of the page
 *
 * A large folio comes home whole, whatever the granule is: less would have to split it. So
 * does one that is no longer mapped as one (after mremap, or a split of the mapping).
 *
 * Context: CPU fault, mmap_lock held (read).
 * Return: inside one mapping, and inside 2 MiB; @addr is in it.
 */
struct svm_window svm_window_choose(struct svm_process *process,
				    const struct vm_fault *vmf,
				    unsigned long addr)
{
	unsigned long chunk = round_down(addr, SVM_CHUNK_SIZE);

	if (!SVM_COMPAT_LARGE)
		return granule_window(process, vmf->vma, addr);
	if (svm_window_is_whole(vmf))
		return (struct svm_window) { chunk, chunk + SVM_CHUNK_SIZE };
	if (folio_test_large(page_folio(vmf->page)))
		return without_folios(vmf, folio_window(vmf, addr), addr);
	return without_folios(vmf, granule_window(process, vmf->vma, addr), addr);
}
