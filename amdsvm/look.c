// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * What the CPU page tables say, and make them say what is wanted.
 *
 * hmm_range_fault() twice: for the pages that a fault wants, in runs of just
 * these (where a page table is missing HMM faults in all of the span it is
 * given), and then for the whole span without asking for anything.
 *
 * Locks: mmap_lock (read) and the block mutex held by the caller.
 */
#include <linux/fs.h>
#include <linux/hmm.h>
#include <linux/hugetlb.h>
#include <linux/magic.h>
#include <linux/mm.h>
#include <linux/userfaultfd_k.h>

#include "block.h"
#include "compat/compat.h"
#include "devmem.h"
#include "look.h"
#include "mirror.h"

/* Pages that the kernel itself cannot read, and so no device that runs on it. */
static bool vma_is_secret(const struct vm_area_struct *vma)
{
	return vma->vm_file &&
	       file_inode(vma->vm_file)->i_sb->s_magic == SECRETMEM_MAGIC;
}

/**
 * svm_vma_refused() - may devices use memory of a mapping at all
 * @vma: the mapping
 *
 * Return: 0; -EFAULT: device I/O memory, hugetlb, memfd_secret, or a shadow stack;
 * -EACCES: not readable.
 */
int svm_vma_refused(const struct vm_area_struct *vma)
{
	if ((vma->vm_flags & (VM_IO | VM_PFNMAP | VM_MIXEDMAP |
			      VM_SHADOW_STACK)) ||
	    is_vm_hugetlb_page((struct vm_area_struct *)vma) ||
	    vma_is_secret(vma))
		return -EFAULT;
	return vma->vm_flags & VM_READ ? 0 : -EACCES;
}

/*
 * Of a large device folio 7.2 reports pages from its first one on, wherever the look
 * begins (hmm_vma_handle_absent_pmd() does not add what hmm_vma_handle_pmd() adds). What
 * is mapped as 2 MiB is aligned to them in memory, too.
 */
static void put_right(unsigned long start, unsigned long end,
		      unsigned long *pfns)
{
	for (; start < end; start += PAGE_SIZE, pfns++) {
		unsigned long pfn = *pfns & ~HMM_PFN_FLAGS;

		if (!(*pfns & HMM_PFN_VALID) ||
		    hmm_pfn_to_map_order(*pfns) != SVM_BLOCK_SHIFT - PAGE_SHIFT)
			continue;
		pfn = round_down(pfn, SVM_BLOCK_PAGES) + svm_block_page(start);
		*pfns = (*pfns & HMM_PFN_FLAGS) | pfn;
	}
}

static int ask(const struct svm_look *look, unsigned long start,
	       unsigned long end, unsigned long *pfns, void *owner)
{
	int ret;
	struct hmm_range hmm = {
		.notifier = &look->block->notifier,
		.notifier_seq = look->seq,
		.start = start,
		.end = end,
		.hmm_pfns = pfns,
		.pfn_flags_mask = HMM_PFN_REQ_FAULT | HMM_PFN_REQ_WRITE,
		.dev_private_owner = owner,
	};

	ret = hmm_range_fault(&hmm);
	if (SVM_COMPAT_LARGE && !ret && !IS_ALIGNED(start, SVM_BLOCK_SIZE))
		put_right(start, end, pfns);
	return ret;
}

static bool wanted(const struct svm_look *look, unsigned long addr)
{
	unsigned int page = svm_block_page(addr);

	if (look->want && test_bit(page, look->want->pages))
		return true;
	/* What a device has alone would be given back to CPUs. */
	return look->all && !svm_pagetable_exclusive(&look->block->pt, page);
}

static unsigned long request(const struct svm_look *look, unsigned long addr)
{
	unsigned long request = HMM_PFN_REQ_FAULT;

	if (look->want && test_bit(svm_block_page(addr), look->want->write))
		request |= HMM_PFN_REQ_WRITE;
	return request;
}

/*
 * HMM gives our own private pages as they are. One that lost its write bit (fork,
 * mprotect) is asked for as a stranger: it comes home, and core breaks COW. It
 * comes alone (cpufault.c): its neighbours would have to go back at once.
 */
static int insist_on_write(const struct svm_look *look, unsigned long start,
			   unsigned long end)
{
	unsigned long addr, *pfn = look->pfns;
	int ret = 0;

	for (addr = start; addr < end && !ret; addr += PAGE_SIZE, pfn++) {
		if (!(request(look, addr) & HMM_PFN_REQ_WRITE) ||
		    (*pfn & HMM_PFN_WRITE))
			continue;
		*pfn = request(look, addr);
		WRITE_ONCE(look->block->insister, current);
		ret = ask(look, addr, addr + PAGE_SIZE, pfn, NULL);
		WRITE_ONCE(look->block->insister, NULL);
		/* That changed the mapping: the span is out of date. */
		if (!ret)
			ret = -EBUSY;
	}
	return ret;
}

static int fault_run(const struct svm_look *look, unsigned long start,
		     unsigned long end)
{
	unsigned long addr, *pfn = look->pfns;
	int ret;

	for (addr = start; addr < end; addr += PAGE_SIZE)
		*pfn++ = request(look, addr);
	ret = ask(look, start, end, look->pfns, svm_devmem_owner());
	if (ret || !look->want)
		return ret;
	return insist_on_write(look, start, end);
}

static int fault_wanted(const struct svm_look *look)
{
	unsigned long addr = look->start, end;
	int ret = 0;

	while (addr < look->end && !ret) {
		if (!wanted(look, addr)) {
			addr += PAGE_SIZE;
			continue;
		}
		end = addr + PAGE_SIZE;
		while (end < look->end && wanted(look, end))
			end += PAGE_SIZE;
		ret = fault_run(look, addr, end);
		addr = end;
	}
	return ret;
}

static int snapshot(const struct svm_look *look)
{
	unsigned long n = (look->end - look->start) >> PAGE_SHIFT;

	memset(look->pfns, 0, n * sizeof(*look->pfns));
	return ask(look, look->start, look->end, look->pfns,
		   svm_devmem_owner());
}

/*
 * All that is to be kept mapped, as far as it can be had: a page beyond the end of
 * its file must not keep its neighbours from being mapped.
 */
static int fault_in(const struct svm_look *look)
{
	struct svm_look only = *look;
	int ret = fault_wanted(look);

	if (ret != -EFAULT || !look->all)
		return ret;
	only.all = false;
	return look->want ? fault_wanted(&only) : 0;
}

/*
 * Whoever armed userfaultfd is not asked: our fault could not wait for the answer,
 * and fails. A kernel with CONFIG_DEBUG_VM prints a stack for each such fault, so
 * memory is taken as it is there.
 */
static bool may_fault(const struct svm_look *look)
{
	return !IS_ENABLED(CONFIG_DEBUG_VM) || !userfaultfd_armed(look->vma);
}

/* After a snapshot: is all there that is wanted. */
static bool satisfied(const struct svm_look *look)
{
	unsigned long addr, *pfn = look->pfns;

	for (addr = look->start; addr < look->end; addr += PAGE_SIZE, pfn++) {
		if (!test_bit(svm_block_page(addr), look->want->pages))
			continue;
		if (!(*pfn & HMM_PFN_VALID) ||
		    (test_bit(svm_block_page(addr), look->want->write) &&
		     !(*pfn & HMM_PFN_WRITE)))
			return false;
	}
	return true;
}

static bool writes(const struct svm_look *look)
{
	return look->want && !bitmap_empty(look->want->write, SVM_BLOCK_PAGES);
}

/*
 * A folio that is mapped as one is told by its first page, at a hundredth of the
 * price. Return: there is one, and nothing is left to wish for.
 */
static bool look_whole(struct svm_look *look)
{
	unsigned long pfn;

	if (look->end - look->start != SVM_BLOCK_SIZE)
		return false;
	look->pfns[0] = 0;
	if (ask(look, look->start, look->start + PAGE_SIZE, look->pfns,
		svm_devmem_owner()))
		return false;
	pfn = look->pfns[0];
	if (!(pfn & HMM_PFN_VALID) || (pfn & HMM_PFN_ERROR) ||
	    hmm_pfn_to_map_order(pfn) != SVM_BLOCK_SHIFT - PAGE_SHIFT)
		return false;
	return (pfn & HMM_PFN_WRITE) || !writes(look);
}

/**
 * svm_look_spread() - set all of @look->pfns
 * @look: the result of svm_look(); @look->whole
 */
void svm_look_spread(const struct svm_look *look)
{
	unsigned long i;

	for (i = 1; i < SVM_BLOCK_PAGES; i++)
		look->pfns[i] = look->pfns[0] + i;
}

/**
 * svm_look() - what is there, after faulting in what is wanted
 * @look: what to look at
 *
 * Context: sleeps; pages may come home or move.
 * Return: 0; -EBUSY: something changed, begin again with another sequence
 * count; -EFAULT: a wanted page cannot be had; -EINTR on a fatal signal.
 */
int svm_look(struct svm_look *look)
{
	bool fault = may_fault(look);
	int ret = 0;

	look->whole = look_whole(look);
	if (look->whole)
		return 0;
	if ((look->want || look->all) && fault)
		ret = fault_in(look);
	if (!ret)
		ret = snapshot(look);
	if (!ret && !fault && look->want && !satisfied(look))
		ret = -EFAULT;
	return ret;
}
