// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Large folios of private memory become pages, where they stay: those that several map,
 * those for which there is no 2 MiB at the other end, those that are mapped page by page.
 *
 * Core exports nothing for that. But migrate_vma_setup() splits each large folio that it
 * is not to move whole, and that is all that is asked of it here.
 */
#include "split.h"

#ifdef SVM_HAVE_LARGE_FOLIOS
#include <linux/delay.h>
#include <linux/migrate.h>
#include <linux/mm.h>
#include <linux/pagemap.h>

#include "devmem.h"
#include "entry.h"
#include "scratch.h"

/*
 * One page is collected, without the others of its folio, and left.
 * @folio: the folio, which the caller has locked, with one reference
 * @lend: that reference is not to be seen while core splits it
 */
static void collect_and_leave(struct vm_area_struct *vma, unsigned long addr,
			      struct folio *folio, bool lend)
{
	unsigned long src[SVM_COLLECT_MAX(1)], dst[SVM_COLLECT_MAX(1)];
	struct migrate_vma args = {
		.vma = vma,
		.start = addr,
		.end = addr + PAGE_SIZE,
		.src = src,
		.dst = dst,
		.pgmap_owner = svm_devmem_owner(),
		.flags = MIGRATE_VMA_SELECT_DEVICE_PRIVATE,
		.fault_page = folio_page(folio, 0),
	};
	int ret;

	if (lend && !svm_split_lend(folio))
		return;
	ret = migrate_vma_setup(&args);
	if (lend)
		svm_split_take_back(folio);
	if (ret)
		return;
	migrate_vma_pages(&args);
	migrate_vma_finalize(&args);
}

/**
 * svm_split_folio() - split a large folio of ours that is mapped as one
 * @vma: a mapping
 * @addr: where in it, aligned
 *
 * Best effort: somebody may hold it. It is locked and held before core looks for it, for it
 * may be mapped page by page by then; see svm_split_ptes().
 *
 * Context: mmap_lock held (read), no reference to the folio; sleeps.
 */
void svm_split_folio(struct vm_area_struct *vma, unsigned long addr)
{
	struct folio *folio;
	bool locked;
	spinlock_t *ptl; /* of a page table */

	folio = svm_pmd_lock(vma->vm_mm, addr, &ptl);
	if (!folio)
		return;
	locked = folio_trylock(folio);
	if (locked)
		folio_get(folio);
	spin_unlock(ptl);
	if (!locked)
		return;
	collect_and_leave(vma, addr, folio, true);
	/* Lock and reference are those of its first page now. */
	folio_unlock(folio);
	folio_put(folio);
}

/**
 * svm_split_ptes() - split the large folios of ours that are mapped page by page
 * @vma: a mapping
 * @start: first byte
 * @end: byte after the last, in the same 2 MiB
 *
 * If it were left to migrate_vma_setup() of 7.2, that would take its reference after it has
 * dropped the lock of the page table (migrate_vma_split_folio()), when the folio may be
 * free; and it would wait for its lock. As "fault page", with lock and reference of the
 * caller, it does neither.
 *
 * Context: mmap_lock held (read); sleeps.
 * Return: the first address from which on there is one that was locked or held; @end when
 * there is none.
 */
unsigned long svm_split_ptes(struct vm_area_struct *vma, unsigned long start,
			     unsigned long end)
{
	struct folio *folio;
	unsigned long at, last = 0;

	for (;;) {
		at = svm_next_large_pte(vma->vm_mm, start, end, NULL, &folio);
		if (at == end)
			return end;
		if (at == last || !folio_trylock(folio)) {
			folio_put(folio);
			return at;
		}
		collect_and_leave(vma, at, folio, false);
		folio_unlock(folio);
		folio_put(folio);
		last = at;
		start = at;
	}
}

/**
 * svm_split_lend() - give up a reference for a while
 * @folio: locked by the caller, who has one reference that nothing accounts for: a CPU
 *	fault, whose lock and reference core has taken, or svm_split_folio()
 *
 * With that core would not split the folio. Without it whoever unmaps the last of it frees
 * it, but the fault would unlock and drop it, whatever it is then. So it stays in use, with
 * one reference, if it is freed before svm_split_take_back(), which must follow.
 *
 * Context: any that may sleep.
 * Return: false when nobody maps it any more; nothing was done, nothing must follow.
 */
bool svm_split_lend(struct folio *folio)
{
	struct svm_chunk *chunk = svm_chunk_of(folio);

	/* Before the reference is gone: for give_back() in devmem.c. */
	smp_store_release(&chunk->lent, SVM_LENT);
	if (!folio_put_testzero(folio))
		return true;
	set_page_count(folio_page(folio, 0), 1);
	WRITE_ONCE(chunk->lent, SVM_NOT_LENT);
	return false;
}

/**
 * svm_split_take_back() - have the reference again
 * @folio: from svm_split_lend(), split or not: its first page, locked
 *
 * Context: as svm_split_lend(). Sleeps while somebody is freeing the folio, which
 * takes him no lock and no sleep.
 */
void svm_split_take_back(struct folio *folio)
{
	struct svm_chunk *chunk = svm_chunk_of(folio);

	/* Pairs with give_back(), which says so before the folio has a reference. */
	while (smp_load_acquire(&chunk->lent) == SVM_LENT) {
		if (!folio_try_get(folio)) {
			usleep_range(1, 10);
			continue;
		}
		/* Two, if it was freed just now; pairs with give_back(). */
		if (smp_load_acquire(&chunk->lent) != SVM_LENT)
			folio_put(folio);
		break;
	}
	while (!folio_ref_count(folio))
		usleep_range(1, 10);
	WRITE_ONCE(chunk->lent, SVM_NOT_LENT);
}

#endif /* SVM_HAVE_LARGE_FOLIOS */
