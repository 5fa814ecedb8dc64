// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Calls that only tell: capabilities, devices, ranges, residency, counters.
 *
 * Answers of unknown length are made in pieces in kernel memory and copied to
 * the user between two pieces, with no lock held.
 */
#include <linux/hmm.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/uaccess.h>

#include "block.h"
#include "calls.h"
#include "compat/compat.h"
#include "devmem.h"
#include "policy.h"
#include "scratch.h"
#include "walk.h"

/* Ranges copied to the user at a time. */
#define RANGES_A_ROUND 32

/* A page of memory a call may be asked about: as the uapi header says. */
#define RESIDENCY_MAX SZ_1G

int svm_call_get_caps(struct svm_call *call, void *arg)
{
	const struct svm_devmem_state *state = svm_devmem_state();
	struct amdsvm_ioctl_get_caps_args *args = arg;

	if (args->reserved)
		return -EINVAL;

	args->features = AMDSVM_CAP_QUEUES | AMDSVM_CAP_XNACK_OFF;
	if (SVM_COMPAT_PRIVATE)
		args->features |= AMDSVM_CAP_KERNEL_PRIVATE;
	if (SVM_COMPAT_EXCLUSIVE)
		args->features |= AMDSVM_CAP_ATOMIC_EXCLUSIVE;
	if (state->kind != AMDSVM_MEMORY_NONE)
		args->features |= AMDSVM_CAP_MIGRATE;
	if (state->kind == AMDSVM_MEMORY_PRIVATE)
		args->features |= AMDSVM_CAP_DEVICE_PRIVATE;
	if (state->kind == AMDSVM_MEMORY_COHERENT)
		args->features |= AMDSVM_CAP_DEVICE_COHERENT;
	args->num_devices = svm_device_count();
	args->memory_kind = state->kind;
	args->memory_reason = state->reason;
	memset(args->driver_version, 0, sizeof(args->driver_version));
	strscpy(args->driver_version, SVM_VERSION, sizeof(args->driver_version));
	return 0;
}

static void describe_device(const struct svm_device *device,
			    struct amdsvm_device_info *info)
{
	const struct svm_devmem *mem = device->mem;

	memset(info, 0, sizeof(*info));
	info->gpu_id = device->gpu_id;
	info->index = device->index;
	strscpy(info->name, device->name, sizeof(info->name));
	if (!mem)
		return;
	info->memory_kind = mem->kind;
	info->vram_bytes = (u64)mem->nr_chunks << SVM_CHUNK_SHIFT;
	info->vram_used_bytes = (u64)READ_ONCE(mem->used) << PAGE_SHIFT;
	info->vram_backed_bytes = (u64)READ_ONCE(mem->backed) << SVM_CHUNK_SHIFT;
	info->pages_in = atomic_long_read(&mem->pages_in);
	info->pages_out = atomic_long_read(&mem->pages_out);
}

/* Structures grow at the end: a shorter one gets what it knows. */
static int put_entry(u64 array, u64 index, u32 entry_size, const void *entry,
		     size_t size)
{
	void __user *user = u64_to_user_ptr(array + index * entry_size);

	if (copy_to_user(user, entry, min_t(size_t, entry_size, size)))
		return -EFAULT;
	if (entry_size > size && clear_user(user + size, entry_size - size))
		return -EFAULT;
	return 0;
}

/* Entries of the first release are the shortest there are. */
static bool entry_size_bad(u32 entry_size, size_t first_size)
{
	return entry_size < first_size || entry_size > PAGE_SIZE;
}

int svm_call_get_devices(struct svm_call *call, void *arg)
{
	struct amdsvm_ioctl_get_devices_args *args = arg;
	struct amdsvm_device_info info;
	unsigned int i;
	int ret;

	if (args->reserved)
		return -EINVAL;
	if (args->capacity && entry_size_bad(args->entry_size, sizeof(info)))
		return -EINVAL;

	for (i = 0; i < min(args->capacity, svm_device_count()); i++) {
		describe_device(svm_device_get(i), &info);
		ret = put_entry(args->devices_ptr, i, args->entry_size, &info,
				sizeof(info));
		if (ret)
			return ret;
	}
	args->num_devices = svm_device_count();
	return 0;
}

static void describe_range(const struct svm_range *range, unsigned long first,
			   unsigned long last, struct amdsvm_range_info *info)
{
	first = max(first, range->first);
	last = min(last, range->last);
	*info = (struct amdsvm_range_info) {
		.start = (u64)first << PAGE_SHIFT,
		.size = (u64)(last - first + 1) << PAGE_SHIFT,
		.preferred_loc = range->attrs.preferred_loc,
		.prefetch_loc = range->attrs.prefetch_loc,
		.flags = range->attrs.flags,
		.granularity = range->attrs.granularity,
		.access = range->attrs.access,
		.access_in_place = range->attrs.access_in_place,
	};
}

/*
 * Up to RANGES_A_ROUND ranges from page *next on; *next moves behind the last.
 * Fewer than @want means there are no more.
 */
static int collect_ranges(struct svm_process *process, unsigned long *next,
			  unsigned long last, unsigned int want,
			  struct amdsvm_range_info *infos)
{
	struct svm_range range;
	int n = 0, ret;

	if (mmap_read_lock_killable(process->mm))
		return -EINTR;
	ret = svm_policy_lock(process);
	if (!ret) {
		while (n < want && *next <= last &&
		       svm_range_map_next(&process->ranges, *next, last, &range)) {
			describe_range(&range, *next, last, &infos[n++]);
			*next = range.last + 1;
		}
		svm_policy_unlock(process);
	}
	mmap_read_unlock(process->mm);
	return ret ? ret : n;
}

static int list_ranges(struct svm_process *process,
		       struct amdsvm_ioctl_list_ranges_args *args,
		       unsigned long first, unsigned long last,
		       struct amdsvm_range_info *infos)
{
	unsigned long next = first;
	unsigned int want;
	int n, i, ret;

	args->num_ranges = 0;
	args->next = 0;
	while (args->num_ranges < args->capacity) {
		want = min_t(u32, args->capacity - args->num_ranges,
			     RANGES_A_ROUND);
		n = collect_ranges(process, &next, last, want, infos);
		if (n < 0)
			return n;
		for (i = 0; i < n; i++) {
			ret = put_entry(args->ranges_ptr, args->num_ranges++,
					args->entry_size, &infos[i],
					sizeof(*infos));
			if (ret)
				return ret;
		}
		if (n < want)
			return 0;
		if (fatal_signal_pending(current))
			return -EINTR;
	}
	/* No more room; is there more to list? */
	n = collect_ranges(process, &next, last, 1, infos);
	if (n < 0)
		return n;
	if (n)
		args->next = infos[0].start;
	return 0;
}

int svm_call_list_ranges(struct svm_call *call, void *arg)
{
	struct amdsvm_ioctl_list_ranges_args *args = arg;
	u64 limit = min_t(u64, call->process->mm->task_size, BIT_ULL(48));
	struct amdsvm_range_info *infos;
	u64 size = args->size;
	int ret;

	if (args->reserved || !args->capacity ||
	    entry_size_bad(args->entry_size, sizeof(*infos)))
		return -EINVAL;
	if (!PAGE_ALIGNED(args->start) || !PAGE_ALIGNED(size) ||
	    args->start >= limit || size > limit - args->start)
		return -EINVAL;
	if (!size)
		size = PAGE_ALIGN_DOWN(limit) - args->start;

	infos = kcalloc(RANGES_A_ROUND, sizeof(*infos), GFP_KERNEL);
	if (!infos)
		return -ENOMEM;
	ret = list_ranges(call->process, args, args->start >> PAGE_SHIFT,
			  (args->start + size - 1) >> PAGE_SHIFT, infos);
	kfree(infos);
	return ret;
}

static void describe_page(unsigned long pfn, struct amdsvm_page_info *info,
			  struct amdsvm_ioctl_residency_args *sums)
{
	struct svm_devmem *mem;

	if (!(pfn & HMM_PFN_VALID)) {
		sums->pages_absent++;
		return;
	}
	info->flags = AMDSVM_PAGE_PRESENT;
	if (pfn & HMM_PFN_WRITE)
		info->flags |= AMDSVM_PAGE_WRITE;
	mem = svm_devmem_of(hmm_pfn_to_page(pfn));
	if (!mem) {
		sums->pages_system++;
		return;
	}
	info->flags |= AMDSVM_PAGE_DEVICE;
	info->gpu_id = mem->device->gpu_id;
	sums->pages_device++;
}

static void describe_mappings(struct svm_process *process, unsigned long start,
			      unsigned long end, struct amdsvm_page_info *infos,
			      struct amdsvm_ioctl_residency_args *sums)
{
	struct svm_block *block = svm_block_find(process,
						 start >> SVM_BLOCK_SHIFT);
	unsigned long addr;

	if (!block)
		return;
	spin_lock(&block->lock);
	for (addr = start; addr < end; addr += PAGE_SIZE, infos++) {
		infos->mapped_devices = svm_pagetable_mapped(&block->pt,
							     svm_block_page(addr));
		sums->pages_mapped += infos->mapped_devices != 0;
	}
	spin_unlock(&block->lock);
	svm_block_put(block);
}

static int residency_block(struct svm_process *process, unsigned long start,
			   unsigned long end, unsigned long *pfns,
			   struct amdsvm_page_info *infos,
			   struct amdsvm_ioctl_residency_args *sums)
{
	unsigned long i, n = (end - start) >> PAGE_SHIFT;
	int ret;

	if (mmap_read_lock_killable(process->mm))
		return -EINTR;
	ret = svm_snapshot(process->mm, start, end, pfns);
	memset(infos, 0, n * sizeof(*infos));
	for (i = 0; i < n && !ret; i++)
		describe_page(pfns[i], &infos[i], sums);
	mmap_read_unlock(process->mm);
	if (!ret)
		describe_mappings(process, start, end, infos, sums);
	return ret;
}

static int residency(struct svm_process *process,
		     struct amdsvm_ioctl_residency_args *args,
		     unsigned long *pfns, struct amdsvm_page_info *infos)
{
	unsigned long start = args->start, end = start + args->size, next;
	unsigned long i, index = 0;
	int ret;

	for (; start < end; start = next) {
		next = min(end, (start | (SVM_BLOCK_SIZE - 1)) + 1);
		ret = residency_block(process, start, next, pfns, infos, args);
		if (ret)
			return ret;
		for (i = 0; args->pages_ptr && i < (next - start) >> PAGE_SHIFT; i++) {
			ret = put_entry(args->pages_ptr, index++,
					args->entry_size, &infos[i],
					sizeof(*infos));
			if (ret)
				return ret;
		}
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

int svm_call_residency(struct svm_call *call, void *arg)
{
	struct amdsvm_ioctl_residency_args *args = arg;
	struct amdsvm_page_info *infos;
	unsigned long *pfns;
	int ret;

	if (args->reserved || args->size > RESIDENCY_MAX)
		return -EINVAL;
	if (args->pages_ptr ? entry_size_bad(args->entry_size, sizeof(*infos)) :
			      args->entry_size)
		return -EINVAL;
	ret = svm_process_check_span(call->process, args->start, args->size);
	if (ret)
		return ret;

	args->pages_system = 0;
	args->pages_device = 0;
	args->pages_absent = 0;
	args->pages_mapped = 0;
	infos = kvmalloc_array(SVM_BLOCK_PAGES, sizeof(*infos), GFP_KERNEL);
	pfns = kvmalloc_array(SVM_BLOCK_PAGES, sizeof(*pfns), GFP_KERNEL);
	ret = infos && pfns ? residency(call->process, args, pfns, infos) :
			      -ENOMEM;
	kvfree(pfns);
	kvfree(infos);
	return ret;
}
