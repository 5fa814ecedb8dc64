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
 *	    hmm_range_fault()			see look.c
 *	    block lock
 *	      stale seq or policy_seq? drop all and begin again
 *	      write the entries
 *
 * Which device maps what is in mirrorset.c. Memory that is not there is faulted in only
 * where a fault asks for it, and where it is to be kept mapped.
 */
#include <linux/hmm.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>

#include "block.h"
#include "devmem.h"
#include "look.h"
#include "mirror.h"
#include "mirrorset.h"
#include "policy.h"
#include "scratch.h"
#include "space.h"
#include "walk.h"

/*
 * One attempt for pages of one mapping with equal attributes, mmap_lock held.
 * -EBUSY: something changed, begin again.
 */
static int mirror_piece(const struct mirror *m, struct vm_area_struct *vma,
			unsigned long start, unsigned long end)
{
	struct svm_look look = {
		.block = m->block,
		.vma = vma,
		.start = start,
		.end = end,
		.seq = m->seq,
		.pfns = m->pfns,
		.want = svm_mirror_wanting(m) ? m->want : NULL,
		.all = m->keep,
	};
	bool leaf;
	int ret;

	ret = svm_look(&look);
	if (ret)
		return ret;
	if (look.whole && svm_mirror_folio_done(m))
		return 0;
	leaf = look.whole && svm_mirror_leaf_fits(m);
	if (look.whole && !leaf)
		svm_look_spread(&look);
	ret = svm_mirror_prepare(m, start, end, leaf);
	if (ret)
		return ret;

	spin_lock(&m->block->lock);
	if (mmu_interval_read_retry(&m->block->notifier, m->seq) ||
	    READ_ONCE(m->process->policy_seq) != m->policy_seq)
		ret = -EBUSY;
	else
		svm_mirror_commit(m, start, end, leaf);
	spin_unlock(&m->block->lock);
	return ret;
}

/* The mappings of a piece with equal attributes. */
static int mirror_mappings(const struct mirror *m, unsigned long start,
			   unsigned long end)
{
	int ret;

	ret = svm_block_lock(m->block);
	if (ret)
		return ret;
	while (start < end && !ret) {
		struct vm_area_struct *vma = find_vma(m->process->mm, start);
		unsigned long next;

		if (!vma || vma->vm_start >= end)
			break;
		start = max(start, vma->vm_start);
		next = min(end, vma->vm_end);
		if (!svm_vma_refused(vma))
			ret = mirror_piece(m, vma, start, next);
		start = next;
	}
	svm_pagetable_trim(&m->block->pt, &m->block->lock,
			   svm_block_start(m->block));
	svm_block_unlock(m->block);
	return ret;
}

/*
 * One round with the sequence count of @m: the pieces of [*start, end) by
 * attributes. Moves *start behind what is done.
 */
static int mirror_round(struct mirror *m, unsigned long *start,
			unsigned long end)
{
	struct svm_process *process = m->process;
	unsigned long piece_end;
	struct svm_range range;
	int ret;

	while (*start < end) {
		ret = svm_policy_lock(process);
		if (ret)
			return ret;
		svm_range_map_at(&process->ranges, *start >> PAGE_SHIFT, &range);
		m->policy_seq = process->policy_seq;
		m->attrs = range.attrs;
		m->keep = svm_policy_keeps(process, &range.attrs);
		svm_policy_unlock(process);

		piece_end = end;
		if (range.last < (end - 1) >> PAGE_SHIFT)
			piece_end = (range.last + 1) << PAGE_SHIFT;

		if (svm_mirror_possible(m)) {
			ret = mirror_mappings(m, *start, piece_end);
			if (ret)
				return ret;
		}
		*start = piece_end;
	}
	return 0;
}

static void count_retry(const struct mirror *m)
{
	svm_count(m->process, SVM_MAP_RETRIES, 1);
	if (m->want)
		svm_space_count(m->want->space, SVM_SPACE_MAP_RETRIES, 1);
}

/**
 * svm_mirror_block() - make devices map what their attributes grant
 * @process: the process, mm held by mmget
 * @block: the block, with a reference
 * @start: first byte
 * @end: byte after the last, in the same block
 * @want: what a fault asks for, or NULL
 * @scratch: work space; pfns is used
 *
 * Context: no lock held; sleeps.
 * Return: 0; -EAGAIN when the block was collected; -EINTR; -ENOMEM; -EBUSY when
 * the memory did not come to rest within HMM_RANGE_DEFAULT_TIMEOUT ms; -EFAULT
 * when a wanted page cannot be had.
 */
int svm_mirror_block(struct svm_process *process, struct svm_block *block,
		     unsigned long start, unsigned long end,
		     const struct svm_want *want, struct svm_scratch *scratch)
{
	unsigned long deadline = jiffies +
				 msecs_to_jiffies(HMM_RANGE_DEFAULT_TIMEOUT);
	struct mirror m = {
		.process = process,
		.block = block,
		.want = want,
		.pfns = scratch->pfns,
	};
	int ret;

	for (;;) {
		m.seq = mmu_interval_read_begin(&block->notifier);
		if (mmap_read_lock_killable(process->mm))
			return -EINTR;
		ret = mirror_round(&m, &start, end);
		mmap_read_unlock(process->mm);
		if (ret != -EBUSY)
			break;

		count_retry(&m);
		if (time_after(jiffies, deadline))
			break;
		if (fatal_signal_pending(current)) {
			ret = -EINTR;
			break;
		}
		cond_resched();
	}
	/* Entries that changed their rights. */
	svm_process_flush(process);
	return ret;
}

static int mirror_next(struct svm_process *process, unsigned long start,
		       unsigned long end, struct svm_scratch *scratch)
{
	struct svm_block *block;
	int ret;

	do {
		block = svm_block_get(process, start >> SVM_BLOCK_SHIFT);
		if (IS_ERR(block))
			return PTR_ERR(block);
		ret = svm_mirror_block(process, block, start, end, NULL,
				       scratch);
		svm_block_put(block);
	} while (ret == -EAGAIN);
	if (!ret && fatal_signal_pending(current))
		ret = -EINTR;
	return ret;
}

/* The first block from *start on with memory in it; 0: none up to @end. */
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
	unsigned long next;
	int ret;

	for (;;) {
		ret = find_memory(process, &start, end);
		if (ret <= 0)
			return ret;
		next = min(end, (start | (SVM_BLOCK_SIZE - 1)) + 1);
		ret = mirror_next(process, start, next, scratch);
		if (ret)
			return ret;
		start = next;
		cond_resched();
	}
}

/**
 * svm_mirror_maps_system() - would svm_mirror_block() map system memory
 * @process: the process
 * @start: first byte
 * @end: byte after the last
 *
 * Most memory is mapped by devices only while it is in theirs, and then there is
 * nothing to look for after it came home.
 *
 * Context: mmap_lock not held; sleeps.
 * Return: true when some range of the span is to be mapped where it is, or kept
 * mapped; also when that is not to be found out.
 */
bool svm_mirror_maps_system(struct svm_process *process, unsigned long start,
			    unsigned long end)
{
	unsigned long page = start >> PAGE_SHIFT, last = (end - 1) >> PAGE_SHIFT;
	struct svm_range range;
	bool maps = false;

	if (mmap_read_lock_killable(process->mm))
		return true;
	if (svm_policy_lock(process)) {
		mmap_read_unlock(process->mm);
		return true;
	}
	/* Memory without attributes is neither. */
	while (!maps &&
	       svm_range_map_next(&process->ranges, page, last, &range)) {
		maps = range.attrs.access_in_place ||
		       svm_policy_keeps(process, &range.attrs);
		if (range.last >= last)
			break;
		page = range.last + 1;
	}
	svm_policy_unlock(process);
	mmap_read_unlock(process->mm);
	return maps;
}

/* The first piece from *start on that is to be kept mapped; 0: none. */
static int find_kept(struct svm_process *process, unsigned long *start,
		     unsigned long *end)
{
	unsigned long last = (*end - 1) >> PAGE_SHIFT;
	unsigned long page = *start >> PAGE_SHIFT;
	struct svm_range range;
	int ret;

	if (mmap_read_lock_killable(process->mm))
		return -EINTR;
	ret = svm_policy_lock(process);
	if (!ret) {
		/* Memory without attributes is never kept. */
		while (svm_range_map_next(&process->ranges, page, last, &range)) {
			ret = svm_policy_keeps(process, &range.attrs);
			if (ret || range.last >= last)
				break;
			page = range.last + 1;
		}
		svm_policy_unlock(process);
	}
	mmap_read_unlock(process->mm);
	if (ret > 0) {
		*start = max(*start, range.first << PAGE_SHIFT);
		*end = min(*end, (range.last + 1) << PAGE_SHIFT);
	}
	return ret;
}

/**
 * svm_mirror_keep() - map all that is to be kept mapped
 * @process: the process, mm held by mmget
 * @start: first byte
 * @end: byte after the last
 * @scratch: work space
 *
 * Faults it in as well.
 *
 * Context: no lock held; sleeps.
 * Return: 0; -EINTR; -ENOMEM; -EBUSY; -EFAULT when some of it cannot be had.
 */
int svm_mirror_keep(struct svm_process *process, unsigned long start,
		    unsigned long end, struct svm_scratch *scratch)
{
	while (start < end) {
		unsigned long piece_end = end, next;
		int ret = find_kept(process, &start, &piece_end);

		if (ret <= 0)
			return ret;
		for (; start < piece_end; start = next) {
			next = min(piece_end,
				   (start | (SVM_BLOCK_SIZE - 1)) + 1);
			ret = mirror_next(process, start, next, scratch);
			if (ret)
				return ret;
			cond_resched();
		}
	}
	return 0;
}
