// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Mirror: what the CPU page tables say becomes device page table entries.
 *
 * The loop is that of Documentation/mm/hmm.rst:
 *
 *	seq = mmu_interval_read_begin()		no lock held, may sleep
 *	mmap_read_lock
 *	  policy: attributes and policy_seq
 *	  block mutex
 *	    hmm_range_fault()
 *	    block lock
 *	      stale seq or policy_seq? drop all and begin again
 *	      write the entries
 *
 * Here entries are made for memory that is there (a snapshot): nothing is
 * faulted in, no COW is broken. Which device maps a page:
 *
 *	ACCESS_IN_PLACE	always
 *	ACCESS		when the page is in that device's memory, or the range
 *			has GPU_ALWAYS_MAPPED
 *
 * (KFD with XNACK on maps the same way: svm_range_validate_and_map().) A device
 * may write where the CPU may, except to file pages: their entries become
 * writable when a device writes, for clearing a writable entry makes the page
 * dirty.
 */
#include <linux/hmm.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>

#include "block.h"
#include "devmem.h"
#include "mirror.h"
#include "policy.h"
#include "scratch.h"
#include "walk.h"

/* Devices that may map some page of memory with these attributes unasked. */
static u64 eager_devices(const struct svm_attrs *attrs)
{
	if (svm_devmem_state()->kind != AMDSVM_MEMORY_NONE)
		return attrs->access | attrs->access_in_place;
	if (attrs->flags & AMDSVM_IOCTL_SVM_FLAG_GPU_ALWAYS_MAPPED)
		return attrs->access | attrs->access_in_place;
	return attrs->access_in_place;
}

/* Devices that map @page, see the top of the file. */
static u64 page_devices(const struct svm_attrs *attrs, struct page *page)
{
	struct svm_devmem *mem = svm_devmem_of(page);
	u64 devices = attrs->access_in_place;

	if (attrs->flags & AMDSVM_IOCTL_SVM_FLAG_GPU_ALWAYS_MAPPED)
		devices |= attrs->access;
	else if (mem)
		devices |= attrs->access & BIT_ULL(mem->device->index);
	return devices;
}

static unsigned long commit_page(struct svm_block *block,
				 const struct svm_attrs *attrs,
				 unsigned int index, unsigned long pfn)
{
	struct page *page = hmm_pfn_to_page(pfn);
	u64 devices = page_devices(attrs, page);
	unsigned long mapped = 0;
	bool write, exec;
	u64 pte;

	write = (pfn & HMM_PFN_WRITE) && PageAnon(page) &&
		!(attrs->flags & AMDSVM_IOCTL_SVM_FLAG_GPU_RO);
	exec = attrs->flags & AMDSVM_IOCTL_SVM_FLAG_GPU_EXEC;
	pte = svm_pagetable_entry(page, write, exec);

	for (; devices; devices &= devices - 1)
		mapped += svm_pagetable_set(&block->pt, __ffs64(devices), index,
					    pte);
	return mapped;
}

static void commit(struct svm_block *block, const struct svm_attrs *attrs,
		   unsigned long start, unsigned long end,
		   const unsigned long *pfns)
{
	unsigned long addr, mapped = 0;

	for (addr = start; addr < end; addr += PAGE_SIZE, pfns++)
		if ((*pfns & HMM_PFN_VALID) && !(*pfns & HMM_PFN_ERROR))
			mapped += commit_page(block, attrs,
					      svm_block_page(addr), *pfns);
	svm_count(block->process, SVM_PAGES_MAPPED, mapped);
}

/*
 * One attempt for pages with equal attributes, mmap_lock and block mutex held.
 * -EBUSY: something changed, begin again.
 */
static int mirror_piece(struct svm_process *process, struct svm_block *block,
			const struct svm_range *range, unsigned long policy_seq,
			unsigned long seq, unsigned long start,
			unsigned long end, unsigned long *pfns)
{
	struct hmm_range hmm = {
		.notifier = &block->notifier,
		.notifier_seq = seq,
		.start = start,
		.end = end,
		.hmm_pfns = pfns,
		.dev_private_owner = svm_devmem_owner(),
	};
	int ret;

	ret = svm_pagetable_prepare(&block->pt, &block->lock,
				    eager_devices(&range->attrs));
	if (ret)
		return ret;

	memset(pfns, 0, ((end - start) >> PAGE_SHIFT) * sizeof(*pfns));
	ret = hmm_range_fault(&hmm);
	if (ret)
		return ret;

	spin_lock(&block->lock);
	if (mmu_interval_read_retry(&block->notifier, seq) ||
	    READ_ONCE(process->policy_seq) != policy_seq)
		ret = -EBUSY;
	else
		commit(block, &range->attrs, start, end, pfns);
	spin_unlock(&block->lock);
	return ret;
}

/*
 * One round with the sequence count @seq: the pieces of [*start, end) by
 * attributes. Moves *start behind what is done.
 */
static int mirror_round(struct svm_process *process, struct svm_block *block,
			unsigned long seq, unsigned long *start,
			unsigned long end, unsigned long *pfns)
{
	unsigned long policy_seq, piece_end;
	struct svm_range range;
	int ret;

	while (*start < end) {
		ret = svm_policy_lock(process);
		if (ret)
			return ret;
		svm_range_map_at(&process->ranges, *start >> PAGE_SHIFT, &range);
		policy_seq = process->policy_seq;
		svm_policy_unlock(process);

		piece_end = end;
		if (range.last < (end - 1) >> PAGE_SHIFT)
			piece_end = (range.last + 1) << PAGE_SHIFT;

		if (eager_devices(&range.attrs)) {
			ret = svm_block_lock(block);
			if (ret)
				return ret;
			ret = mirror_piece(process, block, &range, policy_seq,
					   seq, *start, piece_end, pfns);
			svm_block_unlock(block);
			if (ret)
				return ret;
		}
		*start = piece_end;
	}
	return 0;
}

/**
 * svm_mirror_block() - make devices map what their attributes grant
 * @process: the process, mm held by mmget
 * @block: the block, with a reference
 * @start: first byte
 * @end: byte after the last, in the same block
 * @scratch: work space; pfns is used
 *
 * Context: no lock held; sleeps.
 * Return: 0; -EAGAIN when the block was collected; -EINTR; -ENOMEM; -EBUSY when
 * the memory did not come to rest within HMM_RANGE_DEFAULT_TIMEOUT ms.
 */
int svm_mirror_block(struct svm_process *process, struct svm_block *block,
		     unsigned long start, unsigned long end,
		     struct svm_scratch *scratch)
{
	unsigned long deadline = jiffies +
				 msecs_to_jiffies(HMM_RANGE_DEFAULT_TIMEOUT);
	unsigned long seq;
	int ret;

	for (;;) {
		seq = mmu_interval_read_begin(&block->notifier);
		if (mmap_read_lock_killable(process->mm))
			return -EINTR;
		ret = mirror_round(process, block, seq, &start, end,
				   scratch->pfns);
		mmap_read_unlock(process->mm);
		if (ret != -EBUSY)
			return ret;

		svm_count(process, SVM_MAP_RETRIES, 1);
		if (time_after(jiffies, deadline))
			return -EBUSY;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
}

/* The first block from *start on with memory in it; false: none up to @end. */
static int find_memory(struct svm_process *process, unsigned long *start,
		       unsigned long end)
{
	if (mmap_read_lock_killable(process->mm))
		return -EINTR;
	*start = svm_next_populated(process->mm, *start, end);
	mmap_read_unlock(process->mm);
	return *start < end;
}

/**
 * svm_mirror_range() - svm_mirror_block() for any span
 * @process: the process, mm held by mmget
 * @start: first byte
 * @end: byte after the last
 * @scratch: work space
 *
 * Makes no blocks where there is no memory.
 *
 * Context: no lock held; sleeps.
 * Return: 0, -EINTR, -ENOMEM or -EBUSY.
 */
int svm_mirror_range(struct svm_process *process, unsigned long start,
		     unsigned long end, struct svm_scratch *scratch)
{
	struct svm_block *block;
	unsigned long next;
	int ret;

	for (;;) {
		ret = find_memory(process, &start, end);
		if (ret <= 0)
			return ret;

		next = min(end, (start | (SVM_BLOCK_SIZE - 1)) + 1);
		block = svm_block_get(process, start >> SVM_BLOCK_SHIFT);
		if (IS_ERR(block))
			return PTR_ERR(block);
		ret = svm_mirror_block(process, block, start, next, scratch);
		svm_block_put(block);
		if (ret == -EAGAIN)
			continue;
		if (ret)
			return ret;
		if (fatal_signal_pending(current))
			return -EINTR;
		start = next;
		cond_resched();
	}
}
