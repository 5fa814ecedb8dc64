// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The CPU touched a page of private device memory: bring it home.
 *
 * Called by core mm with mmap_lock held for reading and the page locked (core
 * does both; the lock of vmf->page is never ours to take or drop). Takes no
 * process, policy or block lock and needs no range: pages come home in forked
 * children and after mremap too. Only how much comes along is asked from
 * policy, under RCU. The page asked for must move, the others may stay.
 *
 * Offered only on kernels where the loser of a race for the page returns at
 * once (see SVM_COMPAT_PRIVATE), so nothing here waits for another fault.
 */
#include <linux/migrate.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "devmem.h"
#include "home.h"
#include "migrate.h"
#include "process.h"

/* Pages brought home for one fault: [start, end). */
struct window {
	unsigned long start;
	unsigned long end;
};

/*
 * The granule round the address, inside its mapping and inside memory of equal
 * attributes. Memory without policy moves by the default granularity.
 */
static struct window choose_window(struct vm_area_struct *vma,
				   unsigned long addr)
{
	unsigned long first = 0, last = ULONG_MAX >> PAGE_SHIFT;
	unsigned long page = addr >> PAGE_SHIFT;
	unsigned long granule = 1UL << SVM_MAX_GRANULARITY;
	struct svm_process *process;
	struct window window;

	rcu_read_lock();
	process = svm_process_find_rcu(vma->vm_mm);
	if (process)
		granule = svm_range_map_granule(&process->ranges, page, &first,
						&last);
	rcu_read_unlock();

	first = max(first, round_down(page, granule));
	last = min(last, round_down(page, granule) + granule - 1);
	window.start = max(first << PAGE_SHIFT, vma->vm_start);
	window.end = min((last + 1) << PAGE_SHIFT, vma->vm_end);
	return window;
}

static void count_fault(struct mm_struct *mm, unsigned long moved)
{
	struct svm_process *process;

	rcu_read_lock();
	process = svm_process_find_rcu(mm);
	if (process) {
		svm_count(process, SVM_CPU_FAULTS, 1);
		svm_count(process, SVM_PAGES_OUT, moved);
	}
	rcu_read_unlock();
}

/* The page asked for first, so that it is the last to find memory out. */
static vm_fault_t fill(struct migrate_vma *args, unsigned long addr)
{
	unsigned long index = (addr - args->start) >> PAGE_SHIFT;
	unsigned long dst;

	if (!(args->src[index] & MIGRATE_PFN_MIGRATE))
		return 0;
	if (svm_home_fill(args->src + index, &dst, 1, args->vma, addr,
			  SVM_HOME_NEEDED))
		return VM_FAULT_OOM;
	if (!dst)
		return VM_FAULT_SIGBUS;

	svm_home_fill(args->src, args->dst, index, args->vma, args->start,
		      SVM_HOME_WELCOME);
	svm_home_fill(args->src + index + 1, args->dst + index + 1,
		      args->npages - index - 1, args->vma, addr + PAGE_SIZE,
		      SVM_HOME_WELCOME);
	args->dst[index] = dst;
	return 0;
}

static vm_fault_t bring_home(struct vm_fault *vmf, struct window window,
			     unsigned long *src, unsigned long *dst)
{
	struct migrate_vma args = {
		.vma = vmf->vma,
		.start = window.start,
		.end = window.end,
		.src = src,
		.dst = dst,
		.pgmap_owner = svm_devmem_owner(),
		.flags = MIGRATE_VMA_SELECT_DEVICE_PRIVATE,
		.fault_page = vmf->page,
	};
	vm_fault_t ret;

	if (WARN_ON_ONCE(migrate_vma_setup(&args)))
		return VM_FAULT_SIGBUS;
	/* Somebody else moves it: fault again. */
	if (!args.cpages)
		return 0;

	ret = fill(&args, vmf->address & PAGE_MASK);
	migrate_vma_pages(&args);
	count_fault(vmf->vma->vm_mm, svm_home_count(src, dst, args.npages));
	migrate_vma_finalize(&args);
	return ret;
}

/**
 * svm_migrate_to_ram() - the CPU needs a page that is in private device memory
 * @vmf: the fault; vmf->page is the device page, locked by core
 *
 * Context: page fault, mmap_lock held (read); sleeps and reclaims.
 * Return: 0: look again; VM_FAULT_OOM: no memory for the page; VM_FAULT_SIGBUS:
 * the device cannot be read any more.
 */
vm_fault_t svm_migrate_to_ram(struct vm_fault *vmf)
{
	unsigned long addr = vmf->address & PAGE_MASK;
	struct window window = choose_window(vmf->vma, addr);
	unsigned long pages = (window.end - window.start) >> PAGE_SHIFT;
	unsigned long one[2], *arrays;
	vm_fault_t ret;

	arrays = kcalloc(2 * pages, sizeof(*arrays), GFP_KERNEL | __GFP_NOWARN);
	if (!arrays) {
		window.start = addr;
		window.end = addr + PAGE_SIZE;
		return bring_home(vmf, window, &one[0], &one[1]);
	}
	ret = bring_home(vmf, window, arrays, arrays + pages);
	kfree(arrays);
	return ret;
}
