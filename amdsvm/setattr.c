// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The SVM call (SET_ATTR, GET_ATTR), UNSET_RANGE and SET_XNACK_MODE.
 *
 * SET_ATTR: everything that can be refused is checked before anything is
 * stored; storing is all or nothing; what follows (taking mappings away, moving
 * memory, mapping) leaves the attributes set whatever comes of it.
 *
 * Locks: mmap_lock (read), then the policy lock; both dropped before memory
 * moves.
 */
#include <linux/hugetlb.h>
#include <linux/mm.h>
#include <linux/overflow.h>

#include "block.h"
#include "calls.h"
#include "devmem.h"
#include "migrate.h"
#include "mirror.h"
#include "policy.h"
#include "scratch.h"

/**
 * svm_check_mapped() - is all of [start, end) memory that can be shared
 * @process: the process
 * @start: first byte
 * @end: byte after the last
 *
 * Context: mmap_lock held (read).
 * Return: 0; -EFAULT: a part is not mapped or is device I/O memory (as KFD's
 * svm_range_is_valid()); -EOPNOTSUPP: hugetlb, which migrate_vma does not move.
 */
int svm_check_mapped(struct svm_process *process, unsigned long start,
		     unsigned long end)
{
	while (start < end) {
		struct vm_area_struct *vma = find_vma(process->mm, start);

		if (!vma || vma->vm_start > start ||
		    (vma->vm_flags & (VM_IO | VM_PFNMAP | VM_MIXEDMAP)))
			return -EFAULT;
		if (is_vm_hugetlb_page(vma))
			return -EOPNOTSUPP;
		start = vma->vm_end;
	}
	return 0;
}

/**
 * svm_check_location() - can memory move there
 * @location: gpu_id or SYSMEM
 * @device: result, NULL for system memory
 *
 * Return: 0; -EINVAL: no such device; -EOPNOTSUPP: it has no memory.
 */
int svm_check_location(u32 location, struct svm_device **device)
{
	*device = NULL;
	if (location == AMDSVM_IOCTL_SVM_LOCATION_SYSMEM)
		return 0;
	*device = svm_device_by_id(location);
	if (!*device)
		return -EINVAL;
	return (*device)->mem ? 0 : -EOPNOTSUPP;
}

/* Take mmap_lock and the policy lock over memory that is mapped. */
static int lock_mapped(struct svm_process *process, unsigned long start,
		       unsigned long end)
{
	int ret;

	if (mmap_read_lock_killable(process->mm))
		return -EINTR;
	ret = svm_check_mapped(process, start, end);
	if (!ret)
		ret = svm_policy_lock(process);
	if (ret)
		mmap_read_unlock(process->mm);
	return ret;
}

static void unlock_mapped(struct svm_process *process)
{
	svm_policy_unlock(process);
	mmap_read_unlock(process->mm);
}

static int store_attrs(struct svm_process *process, unsigned long start,
		       unsigned long end, const struct svm_attr_change *change)
{
	int ret = lock_mapped(process, start, end);

	if (ret)
		return ret;
	ret = svm_range_map_apply(&process->ranges, start >> PAGE_SHIFT,
				  (end - 1) >> PAGE_SHIFT, change);
	svm_policy_changed(process);
	unlock_mapped(process);
	return ret;
}

static bool changes_mapping(const struct svm_attr_change *change)
{
	return change->access || change->access_in_place || change->no_access ||
	       change->set_flags || change->clr_flags;
}

/* Entries made under the old attributes go; those the new grant come. */
static int remap(struct svm_process *process, unsigned long start,
		 unsigned long end)
{
	struct svm_scratch *scratch;
	int ret;

	svm_blocks_unmap(process, start, end, ~0ULL);
	scratch = svm_scratch_alloc();
	if (!scratch)
		return -ENOMEM;
	ret = svm_mirror_range(process, start, end, scratch);
	if (!ret || ret == -EBUSY || ret == -EFAULT)
		ret = svm_mirror_keep(process, start, end, scratch);
	svm_scratch_free(scratch);
	/* What does not come to rest or cannot be had: when a device needs it. */
	return ret == -EBUSY || ret == -EFAULT ? 0 : ret;
}

static int set_attr(struct svm_call *call, unsigned long start,
		    unsigned long end,
		    const struct amdsvm_ioctl_svm_args *args)
{
	struct svm_process *process = call->process;
	struct svm_move_counts counts = {};
	struct svm_device *device = NULL;
	struct svm_attr_change change;
	int ret;

	if (!svm_call_may_act(call))
		return -EPERM;
	ret = svm_attr_change_parse(&change, args->attrs, args->nattr);
	if (!ret && change.has_prefetch)
		ret = svm_check_location(change.prefetch_loc, &device);
	if (!ret)
		ret = store_attrs(process, start, end, &change);
	if (ret)
		return ret;

	if (changes_mapping(&change)) {
		ret = remap(process, start, end);
		if (ret)
			return ret;
	}
	if (change.has_prefetch)
		ret = svm_prefetch(process, start, end, device, &counts);
	return ret;
}

static int get_attr(struct svm_call *call, unsigned long start,
		    unsigned long end, struct amdsvm_ioctl_svm_args *args)
{
	unsigned long page = start >> PAGE_SHIFT;
	unsigned long last = (end - 1) >> PAGE_SHIFT;
	struct svm_process *process = call->process;
	struct svm_attr_query query = {};
	struct svm_range range;
	int ret;

	ret = svm_attr_query_check(args->attrs, args->nattr);
	if (!ret)
		ret = lock_mapped(process, start, end);
	if (ret)
		return ret;

	do {
		svm_range_map_at(&process->ranges, page, &range);
		svm_attr_query_add(&query, &range.attrs);
		page = range.last + 1;
		cond_resched();
	} while (range.last < last);
	unlock_mapped(process);
	svm_attr_query_answer(&query, args->attrs, args->nattr);
	return 0;
}

int svm_call_svm(struct svm_call *call, void *arg)
{
	struct amdsvm_ioctl_svm_args *args = arg;
	int ret;

	if (struct_size(args, attrs, args->nattr) > call->size)
		return -EINVAL;
	ret = svm_process_check_span(call->process, args->start_addr, args->size);
	if (ret)
		return ret;

	switch (args->op) {
	case AMDSVM_IOCTL_SVM_OP_SET_ATTR:
		return set_attr(call, args->start_addr,
				args->start_addr + args->size, args);
	case AMDSVM_IOCTL_SVM_OP_GET_ATTR:
		return get_attr(call, args->start_addr,
				args->start_addr + args->size, args);
	default:
		return -EINVAL;
	}
}

int svm_call_unset_range(struct svm_call *call, void *arg)
{
	struct amdsvm_ioctl_unset_range_args *args = arg;
	struct svm_process *process = call->process;
	int ret;

	ret = svm_process_check_span(process, args->start, args->size);
	if (ret)
		return ret;
	if (mmap_read_lock_killable(process->mm))
		return -EINTR;
	ret = svm_policy_lock(process);
	if (!ret) {
		ret = svm_range_map_unset(&process->ranges,
					  args->start >> PAGE_SHIFT,
					  (args->start + args->size - 1) >>
					  PAGE_SHIFT);
		svm_policy_changed(process);
		svm_policy_unlock(process);
	}
	mmap_read_unlock(process->mm);
	if (ret)
		return ret;
	return remap(process, args->start, args->start + args->size);
}

static int set_mode(struct svm_process *process, bool xnack)
{
	int ret;

	if (mmap_read_lock_killable(process->mm))
		return -EINTR;
	ret = svm_policy_lock(process);
	if (!ret) {
		svm_policy_set_xnack(process, xnack);
		svm_policy_unlock(process);
	}
	mmap_read_unlock(process->mm);
	return ret;
}

/* No queue comes while the lock is held that they are published under. */
static int set_mode_without_queues(struct svm_process *process, bool xnack)
{
	int ret = 0;

	mutex_lock(&process->files_lock);
	if (!xa_empty(&process->queues))
		ret = -EBUSY;
	else if (process->xnack != xnack)
		ret = set_mode(process, xnack);
	mutex_unlock(&process->files_lock);
	return ret;
}

/* What was mapped by the old default goes; what is now to be kept comes. */
static int keep_all(struct svm_process *process)
{
	unsigned long end = process->mm->task_size;
	struct svm_scratch *scratch = svm_scratch_alloc();
	int ret;

	if (!scratch)
		return -ENOMEM;
	svm_blocks_unmap(process, PAGE_SIZE, end, ~0ULL);
	ret = svm_mirror_keep(process, PAGE_SIZE, end, scratch);
	svm_scratch_free(scratch);
	return ret == -EBUSY || ret == -EFAULT ? 0 : ret;
}

int svm_call_set_xnack_mode(struct svm_call *call, void *arg)
{
	struct amdsvm_ioctl_set_xnack_mode_args *args = arg;
	struct svm_process *process = call->process;
	int ret;

	if (args->xnack_enabled < 0) {
		args->xnack_enabled = READ_ONCE(process->xnack);
		return 0;
	}
	if (args->xnack_enabled > 1)
		return -EINVAL;
	if (!svm_call_may_act(call))
		return -EPERM;
	ret = set_mode_without_queues(process, args->xnack_enabled);
	if (ret)
		return ret;
	return keep_all(process);
}

int svm_call_get_version(struct svm_call *call, void *arg)
{
	struct amdsvm_ioctl_get_version_args *args = arg;

	args->major_version = AMDSVM_IOCTL_MAJOR_VERSION;
	args->minor_version = AMDSVM_IOCTL_MINOR_VERSION;
	return 0;
}
