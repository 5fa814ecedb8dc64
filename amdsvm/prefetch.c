// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Moving memory on request: PREFETCH, the prefetch of SET_ATTR, and EVICT.
 *
 * Block by block, so that mmap_lock is held for one block at a time and a fatal
 * signal is seen between two. What cannot move stays and is counted.
 *
 * Locks: mmap_lock (read), then the block mutex.
 */
#include <linux/capability.h>
#include <linux/hugetlb.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>

#include "block.h"
#include "calls.h"
#include "devmem.h"
#include "evict.h"
#include "migrate.h"
#include "mirror.h"
#include "process.h"
#include "scratch.h"
#include "walk.h"

/* Mappings inside one block; holes that appeared meanwhile have no pages. */
static void move_mappings(struct svm_process *process, struct svm_block *block,
			  unsigned long start, unsigned long end,
			  struct svm_device *device,
			  struct svm_scratch *scratch,
			  struct svm_move_counts *counts)
{
	unsigned long next;

	for (; start < end; start = next) {
		struct vm_area_struct *vma = find_vma(process->mm, start);

		next = vma ? min(end, vma->vm_start) : end;
		if (next > start) {
			counts->state[SVM_PAGE_UNMOVABLE] +=
				(next - start) >> PAGE_SHIFT;
			continue;
		}
		next = min(end, vma->vm_end);
		if (device)
			svm_migrate_to_device(block, vma, start, next, device,
					      scratch, counts);
		else
			svm_migrate_to_system(process, block, vma, start, next,
					      scratch, counts);
	}
}

/**
 * svm_move_block() - move memory of one block
 * @process: the process, mm held by mmget
 * @block: the block with a reference; NULL when there is none, then only home
 * @start: first byte
 * @end: byte after the last, in the same block
 * @device: destination, NULL for system memory
 * @scratch: work space
 * @counts: what became of the pages is added here
 *
 * Context: no lock held; sleeps.
 * Return: 0; -EINTR; -EAGAIN when the block was collected.
 */
int svm_move_block(struct svm_process *process, struct svm_block *block,
		   unsigned long start, unsigned long end,
		   struct svm_device *device, struct svm_scratch *scratch,
		   struct svm_move_counts *counts)
{
	int ret = 0;

	if (mmap_read_lock_killable(process->mm))
		return -EINTR;
	if (block)
		ret = svm_block_lock(block);
	if (!ret) {
		move_mappings(process, block, start, end, device, scratch,
			      counts);
		if (block)
			svm_block_unlock(block);
	}
	mmap_read_unlock(process->mm);
	return ret;
}

/* Devices that may use the memory where it is now map it. */
static int map_block(struct svm_process *process, struct svm_block *block,
		     unsigned long start, unsigned long end,
		     struct svm_scratch *scratch)
{
	int ret;

	if (block)
		ret = svm_mirror_block(process, block, start, end, NULL,
				       scratch);
	else
		ret = svm_mirror_range(process, start, end, scratch);
	/* Not mapped now: mapped when a device needs it. */
	return ret == -EBUSY || ret == -EAGAIN || ret == -EFAULT ? 0 : ret;
}

static int prefetch_block(struct svm_process *process, unsigned long start,
			  unsigned long end, struct svm_device *device,
			  struct svm_scratch *scratch,
			  struct svm_move_counts *counts)
{
	unsigned long index = start >> SVM_BLOCK_SHIFT;
	struct svm_block *block;
	int ret;

	do {
		block = device ? svm_block_get(process, index) :
				 svm_block_find(process, index);
		if (IS_ERR(block))
			return PTR_ERR(block);
		ret = svm_move_block(process, block, start, end, device,
				     scratch, counts);
		if (!ret && (device ||
			     svm_mirror_maps_system(process, start, end)))
			ret = map_block(process, block, start, end, scratch);
		if (block)
			svm_block_put(block);
	} while (ret == -EAGAIN);
	return ret;
}

/* What nobody ever touched is nowhere and stays so. */
static int skip_untouched(struct svm_process *process, unsigned long *start,
			  unsigned long end, struct svm_move_counts *counts)
{
	unsigned long from = *start;

	if (mmap_read_lock_killable(process->mm))
		return -EINTR;
	*start = svm_next_populated(process->mm, from, end);
	mmap_read_unlock(process->mm);
	counts->state[SVM_PAGE_UNMOVABLE] += (*start - from) >> PAGE_SHIFT;
	return 0;
}

static int verdict(const struct svm_move_counts *counts)
{
	if (counts->state[SVM_PAGE_MOVED] || counts->state[SVM_PAGE_CLEARED] ||
	    counts->state[SVM_PAGE_ALREADY])
		return 0;
	if (counts->state[SVM_PAGE_NO_SPACE])
		return -ENOSPC;
	return counts->state[SVM_PAGE_BUSY] ? -EBUSY : 0;
}

/**
 * svm_prefetch() - move memory
 * @process: the process, mm held by mmget
 * @start: first byte
 * @end: byte after the last
 * @device: destination, NULL for system memory
 * @counts: zeroed; result, valid also on error
 *
 * A device that is full gives up what it has not used for longest, but nothing
 * of what this call has brought.
 *
 * Context: no lock held; sleeps.
 * Return: 0 when something is there now or nothing could ever move; -ENOSPC:
 * nothing moved for want of memory there (-ENOMEM for system memory); -EBUSY:
 * all that could move was in use; -EINTR on a fatal signal; -ENOMEM.
 */
int svm_prefetch(struct svm_process *process, unsigned long start,
		 unsigned long end, struct svm_device *device,
		 struct svm_move_counts *counts)
{
	struct svm_scratch *scratch = svm_scratch_alloc();
	unsigned long next;
	int ret = 0;

	if (!scratch)
		return -ENOMEM;
	/* What the call itself brings there stays. */
	if (device)
		scratch->evict_before =
			atomic_long_read(&device->mem->clock);

	for (; start < end && !ret; start = next) {
		if (!device) {
			ret = skip_untouched(process, &start, end, counts);
			if (ret || start == end)
				break;
		}
		next = min(end, (start | (SVM_BLOCK_SIZE - 1)) + 1);
		ret = prefetch_block(process, start, next, device, scratch,
				     counts);
		if (fatal_signal_pending(current))
			ret = -EINTR;
		cond_resched();
	}
	svm_scratch_free(scratch);
	if (ret)
		return ret;
	ret = verdict(counts);
	return ret == -ENOSPC && !device ? -ENOMEM : ret;
}

int svm_call_prefetch(struct svm_call *call, void *arg)
{
	struct amdsvm_ioctl_prefetch_args *args = arg;
	struct svm_process *process = call->process;
	struct svm_move_counts counts = {};
	struct svm_device *device;
	int ret;

	if (args->reserved)
		return -EINVAL;
	ret = svm_process_check_span(process, args->start, args->size);
	if (!ret)
		ret = svm_check_location(args->location, &device);
	if (ret)
		return ret;

	if (mmap_read_lock_killable(process->mm))
		return -EINTR;
	ret = svm_check_mapped(process, args->start, args->start + args->size);
	mmap_read_unlock(process->mm);
	if (ret)
		return ret;

	ret = svm_prefetch(process, args->start, args->start + args->size,
			   device, &counts);
	args->pages_moved = counts.state[SVM_PAGE_MOVED];
	args->pages_cleared = counts.state[SVM_PAGE_CLEARED];
	args->pages_already = counts.state[SVM_PAGE_ALREADY];
	args->pages_no_space = counts.state[SVM_PAGE_NO_SPACE];
	args->pages_busy = counts.state[SVM_PAGE_BUSY];
	args->pages_unmovable = counts.state[SVM_PAGE_UNMOVABLE];
	return ret;
}

int svm_call_evict(struct svm_call *call, void *arg)
{
	struct amdsvm_ioctl_evict_args *args = arg;
	unsigned long moved = 0, left = 0;
	unsigned int i;
	int ret = 0;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (args->reserved || (args->gpu_id && !svm_device_by_id(args->gpu_id)))
		return -EINVAL;

	for (i = 0; i < svm_device_count() && !ret; i++) {
		struct svm_device *device = svm_device_get(i);

		if (device->mem && (!args->gpu_id ||
				    args->gpu_id == device->gpu_id))
			ret = svm_evict_all(device->mem, &moved, &left);
	}
	args->pages_moved = moved;
	args->pages_left = left;
	return ret;
}
