// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Looks at the CPU page tables, for advice: what is where at this moment.
 *
 * Nothing here promises that the answer is still true when it is used. Whoever
 * needs that, uses a block and its notifier (mirror.c).
 *
 * Locks: mmap_lock (read) held by the caller in all functions.
 */
#include <linux/hmm.h>
#include <linux/hugetlb.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/pgtable.h>
#include <linux/sched.h>

#include "devmem.h"
#include "pagetable.h"
#include "walk.h"

/* Whose pages changed while one looked is no matter for advice. */
static void unwatched(struct mmu_interval_notifier *notifier,
		      struct mm_struct *mm)
{
	memset(notifier, 0, sizeof(*notifier));
	notifier->mm = mm;
	notifier->invalidate_seq = 1;
}

/**
 * svm_snapshot() - where pages are, right now and without any promise
 * @mm: address space
 * @start: first byte
 * @end: byte after the last, at most SVM_BLOCK_SIZE from @start
 * @pfns: result, one entry a page, for hmm_pfn_to_page()
 *
 * Uses a notifier that is never inserted, so it costs no registration; whoever
 * needs the answer to stay true must use a block.
 *
 * Context: mmap_lock held (read).
 * Return: 0 or the error of hmm_range_fault().
 */
int svm_snapshot(struct mm_struct *mm, unsigned long start, unsigned long end,
		 unsigned long *pfns)
{
	struct mmu_interval_notifier notifier;
	struct hmm_range range = {
		.notifier = &notifier,
		.notifier_seq = 1,
		.start = start,
		.end = end,
		.hmm_pfns = pfns,
		.dev_private_owner = svm_devmem_owner(),
	};

	unwatched(&notifier, mm);
	memset(pfns, 0, ((end - start) >> PAGE_SHIFT) * sizeof(*pfns));
	return hmm_range_fault(&range);
}

/**
 * svm_populate() - bring pages in that are swapped out or on the move
 * @mm: address space
 * @start: first byte
 * @end: byte after the last, at most SVM_BLOCK_SIZE from @start
 * @pfns: HMM_PFN_REQ_FAULT for the pages wanted, 0 for the others; overwritten
 *
 * Where a whole page table is missing, HMM brings in all of it when one page is
 * wanted. Best effort: what cannot be brought in (userfaultfd, out of memory) stays.
 *
 * Context: mmap_lock held (read); sleeps for pages that migrate.
 */
void svm_populate(struct mm_struct *mm, unsigned long start, unsigned long end,
		  unsigned long *pfns)
{
	struct mmu_interval_notifier notifier;
	struct hmm_range range = {
		.notifier = &notifier,
		.notifier_seq = 1,
		.start = start,
		.end = end,
		.hmm_pfns = pfns,
		.pfn_flags_mask = HMM_PFN_REQ_FAULT,
		.dev_private_owner = svm_devmem_owner(),
	};

	unwatched(&notifier, mm);
	hmm_range_fault(&range);
}

/* Where the page tables have something at or behind @addr, inside one mapping. */
static unsigned long next_in_vma(struct mm_struct *mm, unsigned long addr,
				 unsigned long end)
{
	while (addr < end) {
		pgd_t *pgd = pgd_offset(mm, addr);
		pud_t *pud, entry;
		p4d_t *p4d;

		if (pgd_none(READ_ONCE(*pgd))) {
			addr = pgd_addr_end(addr, end);
			continue;
		}
		p4d = p4d_offset(pgd, addr);
		if (p4d_none(READ_ONCE(*p4d))) {
			addr = p4d_addr_end(addr, end);
			continue;
		}
		pud = pud_offset(p4d, addr);
		entry = READ_ONCE(*pud);
		if (pud_none(entry)) {
			addr = pud_addr_end(addr, end);
			continue;
		}
		if (pud_leaf(entry) ||
		    !pmd_none(READ_ONCE(*pmd_offset(&entry, addr))))
			return addr;
		addr = pmd_addr_end(addr, end);
	}
	return end;
}

/**
 * svm_next_populated() - skip what was never touched
 * @mm: address space
 * @start: first byte
 * @end: byte after the last
 *
 * Steps over whole missing tables, so that a terabyte nobody touched costs
 * nothing. Reads upper tables only: they stay while a mapping that uses them
 * does, and it does under mmap_lock.
 *
 * Return: an address in [start, end) from which on there may be pages, in steps
 * of 2 MiB; @end when there are none.
 */
unsigned long svm_next_populated(struct mm_struct *mm, unsigned long start,
				 unsigned long end)
{
	while (start < end) {
		struct vm_area_struct *vma = find_vma(mm, start);
		unsigned long stop, found;

		if (!vma || vma->vm_start >= end)
			break;
		start = max(start, vma->vm_start);
		stop = min(end, vma->vm_end);
		/* Other processes may take shared hugetlb tables away. */
		found = is_vm_hugetlb_page(vma) ? stop :
						  next_in_vma(mm, start, stop);
		if (found < stop)
			return found;
		start = stop;
		cond_resched();
	}
	return end;
}
