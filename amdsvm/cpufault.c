// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The CPU touched a page of private device memory: bring it home.
 *
 * Called by core mm with mmap_lock held for reading and the page locked (core
 * does both; the lock of vmf->page is never ours to take or drop). Takes no
 * process, policy or block lock and needs no range: pages come home in forked
 * children and after mremap too. Only how much comes along is asked from
 * policy, under RCU. The process, if there is one, is kept by a reference for
 * what is counted and told. The page asked for must move, the others may stay.
 *
 * Offered only on kernels where the loser of a race for the page returns at
 * once (see SVM_COMPAT_PRIVATE), so nothing here waits for another fault.
 */
#include <linux/atomic.h>
#include <linux/cpumask.h>
#include <linux/migrate.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "block.h"
#include "copy.h"
#include "devmem.h"
#include "event.h"
#include "guard.h"
#include "home.h"
#include "migrate.h"
#include "process.h"
#include "scratch.h"
#include "space.h"
#include "split.h"
#include "thrash.h"
#include "window.h"

/* Pages of a window may come from several devices. */
static void count_spaces(struct svm_process *process,
			 const struct migrate_vma *args)
{
	unsigned long i;

	for (i = 0; i < args->npages; i += svm_entry_pages(args->dst[i])) {
		struct page *from = migrate_pfn_to_page(args->src[i]);
		struct svm_space *space;

		if (!from || !args->dst[i] ||
		    !(args->src[i] & MIGRATE_PFN_MIGRATE))
			continue;
		space = process->spaces[svm_devmem_of(from)->device->index];
		svm_space_count(space, SVM_SPACE_PAGES_OUT,
				svm_entry_pages(args->dst[i]));
	}
}

static void count_fault(struct svm_process *process,
			const struct migrate_vma *args, unsigned long moved)
{
	if (!process)
		return;
	svm_count(process, SVM_CPU_FAULTS, 1);
	svm_count(process, SVM_PAGES_OUT, moved);
	count_spaces(process, args);
}

/* What events say of the move. */
static struct svm_move_event describe_move(struct svm_process *process,
					   const struct vm_fault *vmf,
					   struct svm_window window)
{
	struct svm_move_event event = {
		.process = process,
		.start = window.start,
		.end = window.end,
		.from = svm_devmem_of(vmf->page)->device,
		.prefetch_loc = AMDSVM_IOCTL_SVM_LOCATION_UNDEFINED,
		.preferred_loc = AMDSVM_IOCTL_SVM_LOCATION_UNDEFINED,
		.trigger = AMDSVM_MIGRATE_TRIGGER_PAGEFAULT_CPU,
	};
	struct svm_range range;

	if (!process)
		return event;
	rcu_read_lock();
	svm_range_map_at(&process->ranges, window.start >> PAGE_SHIFT, &range);
	rcu_read_unlock();
	event.prefetch_loc = range.attrs.prefetch_loc;
	event.preferred_loc = range.attrs.preferred_loc;
	return event;
}

static int fault_error(vm_fault_t fault)
{
	if (fault & VM_FAULT_OOM)
		return -ENOMEM;
	return fault & VM_FAULT_SIGBUS ? -EIO : 0;
}

/* One page, with its content on return. */
static vm_fault_t fill_one(unsigned long src, unsigned long *dst,
			   struct vm_area_struct *vma, unsigned long addr)
{
	struct svm_copier copier;

	svm_copier_init(&copier, NULL, 0);
	if (svm_home_fill(&src, dst, 1, vma, addr, SVM_HOME_NEEDED, &copier))
		return VM_FAULT_OOM;
	if (!svm_copier_start(&copier))
		return 0;
	svm_home_drop(dst, 1);
	return VM_FAULT_SIGBUS;
}

/*
 * The page asked for first, so that it is the last to find memory out. The caller waits
 * for @copier before migrate_vma_finalize().
 */
static vm_fault_t fill(struct migrate_vma *args, unsigned long addr,
		       struct svm_copier *copier)
{
	unsigned long index = (addr - args->start) >> PAGE_SHIFT;
	unsigned long dst;
	vm_fault_t ret;

	if (!(args->src[index] & MIGRATE_PFN_MIGRATE))
		return 0;
	ret = fill_one(args->src[index], &dst, args->vma, addr);
	if (ret)
		return ret;

	svm_home_fill(args->src, args->dst, index, args->vma, args->start,
		      SVM_HOME_WELCOME, copier);
	svm_home_fill(args->src + index + 1, args->dst + index + 1,
		      args->npages - index - 1, args->vma, addr + PAGE_SIZE,
		      SVM_HOME_WELCOME, copier);
	if (svm_copier_start(copier))
		svm_home_drop(args->dst, args->npages);
	args->dst[index] = dst;
	return 0;
}

/*
 * A fault inside a folio that is mapped page by page becomes one of its first page: that
 * is what core unlocks and drops after us, for it looks at vmf->page again
 * (do_swap_page()).
 *
 * Core (migrate_vma_split_folio() in 7.2) splits the folio, which leaves lock and
 * reference with the first page, and would take those of the page asked for only then:
 * that may have come home by another fault in between, and would be freed once more. It
 * would also take the first page for locked by the fault, collect it without its lock,
 * and unlock it.
 */
static void pass_off(struct vm_fault *vmf)
{
	vmf->page = folio_page(page_folio(vmf->page), 0);
}

/*
 * struct homecoming - one fault
 * @vmf: it
 * @process: whose policy counts, or NULL
 * @window: what comes home
 * @copier: its copies
 * @large: 2 MiB to come home to in one piece, with @guard; NULL: page by page
 * @guard: of the folio that does
 * @again: page by page, for core would not take it in one piece
 */
struct homecoming {
	struct vm_fault *vmf;
	struct svm_process *process;
	struct svm_window window;
	struct svm_copier copier;
	struct page *large;
	struct svm_guard guard;
	bool again;
};

/*
 * 2 MiB come home in one piece if there is such a piece and nobody else maps them. If
 * not, core splits the folio.
 */
static void go_whole(struct homecoming *h)
{
	const struct vm_fault *vmf = h->vmf;

	if (!svm_large_pages || !h->process || !svm_window_is_whole(vmf))
		return;
	h->large = svm_home_large(vmf->vma, h->window.start, SVM_HOME_NEEDED);
	if (h->large && svm_guard_begin(&h->guard, h->process, h->window.start,
					page_folio(vmf->page)))
		return;
	svm_home_large_drop(h->large);
	h->large = NULL;
}

/*
 * Collect the window. Return: false: that was in vain. @ret is set only if it would be in
 * vain for ever.
 */
static bool collect(struct homecoming *h, struct migrate_vma *args,
		    vm_fault_t *ret)
{
	struct folio *folio = page_folio(h->vmf->page);
	bool lent = !h->large && svm_window_is_whole(h->vmf), failed;

	if (lent && !svm_split_lend(folio))
		return false;
	failed = WARN_ON_ONCE(migrate_vma_setup(args));
	if (failed)
		*ret = VM_FAULT_SIGBUS;
	if (lent)
		svm_split_take_back(folio);
	if (h->large && !svm_guard_collected(&h->guard, failed ? 0 : args->src[0])) {
		svm_home_large_drop(h->large);
		h->large = NULL;
		h->again = true;
		return false;
	}
	return !failed;
}

static vm_fault_t fill_all(struct homecoming *h, struct migrate_vma *args)
{
	struct page *large = h->large;

	/* Somebody else moves it: fault again. */
	if (!args->cpages ||
	    args->npages > (h->window.end - h->window.start) >> PAGE_SHIFT)
		return 0;
	if (!large)
		return fill(args, h->vmf->address & PAGE_MASK, &h->copier);
	h->large = NULL;
	args->dst[0] = svm_home_large_fill(large, migrate_pfn_to_page(args->src[0]),
					   &h->copier);
	if (!svm_copier_start(&h->copier))
		return 0;
	svm_home_drop(args->dst, 1);
	return VM_FAULT_SIGBUS;
}

static vm_fault_t bring_home(struct homecoming *h, unsigned long *src,
			     unsigned long *dst)
{
	struct svm_move_event event = describe_move(h->process, h->vmf,
						    h->window);
	struct migrate_vma args = {
		.vma = h->vmf->vma,
		.start = h->window.start,
		.end = h->window.end,
		.src = src,
		.dst = dst,
		.pgmap_owner = svm_devmem_owner(),
		.flags = MIGRATE_VMA_SELECT_DEVICE_PRIVATE |
			 (h->large ? MIGRATE_VMA_SELECT_COMPOUND : 0),
		.fault_page = h->vmf->page,
	};
	unsigned long moved;
	vm_fault_t ret = 0;

	src[0] = 0;
	dst[0] = 0;
	svm_event_migrate_start(&event);
	if (collect(h, &args, &ret))
		ret = fill_all(h, &args);
	migrate_vma_pages(&args);
	moved = svm_home_count(src, dst, args.npages);
	/* Else it was split only, or nothing: there will be another fault. */
	if (moved || ret)
		count_fault(h->process, &args, moved);
	svm_copier_wait(&h->copier);
	migrate_vma_finalize(&args);
	svm_guard_end(&h->guard, src[0], dst[0]);
	svm_event_migrate_end(&event, moved || ret ? fault_error(ret) : -EBUSY);
	return ret;
}

/* Copies of one fault that go on beside it; of scattered pages there may be more. */
#define MAX_RUNS 64

/* Faults that bring something home now. */
static atomic_t homecomings = ATOMIC_INIT(0);

/*
 * Return: memory for runs, to be freed; NULL: all is copied at once. So it is when there
 * are as many faults as processors: a copy engine would take its time from one of them.
 */
static struct svm_copy *runs_alloc(struct svm_copier *copier, unsigned long pages)
{
	struct svm_copy *runs = NULL;

	if (pages >= SVM_COPY_MIN_PAGES &&
	    atomic_read(&homecomings) < num_online_cpus())
		runs = kmalloc_array(MAX_RUNS, sizeof(*runs),
				     GFP_KERNEL | __GFP_NOWARN);
	svm_copier_init(copier, runs, MAX_RUNS);
	return runs;
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
	struct homecoming h = {
		.vmf = vmf,
		.process = svm_process_find(vmf->vma->vm_mm),
	};
	unsigned long one[2 * SVM_COLLECT_MAX(1)], *arrays, room, pages;
	struct svm_copy *runs;
	vm_fault_t ret;

	atomic_inc(&homecomings);
	h.window = svm_window_choose(h.process, vmf, addr);
	if (h.process)
		svm_thrash_home(h.process, addr, h.window.start, h.window.end);
	if (svm_window_is_inside(vmf))
		pass_off(vmf);
	/* Core sets all entries, source and destination. */
	pages = (h.window.end - h.window.start) >> PAGE_SHIFT;
	room = SVM_COLLECT_MAX(pages);
	arrays = kmalloc_array(2 * room, sizeof(*arrays),
			       GFP_KERNEL | __GFP_NOWARN);
	if (arrays) {
		runs = runs_alloc(&h.copier, pages);
		go_whole(&h);
		ret = bring_home(&h, arrays, arrays + room);
		if (h.again)
			ret = bring_home(&h, arrays, arrays + room);
		kfree(runs);
		kfree(arrays);
	} else {
		svm_copier_init(&h.copier, NULL, 0);
		h.window.start = addr;
		h.window.end = addr + PAGE_SIZE;
		ret = bring_home(&h, one, one + SVM_COLLECT_MAX(1));
	}
	atomic_dec(&homecomings);
	if (h.process)
		svm_process_put(h.process);
	return ret;
}
