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
#include "home.h"
#include "migrate.h"
#include "process.h"
#include "scratch.h"
#include "space.h"
#include "thrash.h"

/* Pages brought home for one fault: [start, end). */
struct window {
	unsigned long start;
	unsigned long end;
};

/*
 * The process of an address space, with a reference, or NULL: whoever inherited
 * the page may not use the driver.
 */
static struct svm_process *process_get(struct mm_struct *mm)
{
	struct svm_process *process;

	rcu_read_lock();
	process = svm_process_find_rcu(mm);
	if (process && !kref_get_unless_zero(&process->refs))
		process = NULL;
	rcu_read_unlock();
	return process;
}

/* The fault is our own, for one page that is to leave a COW share (look.c). */
static bool insisting(struct svm_process *process, unsigned long addr)
{
	struct svm_block *block = xa_load(&process->blocks,
					  addr >> SVM_BLOCK_SHIFT);

	return block && READ_ONCE(block->insister) == current;
}

/* A page of a large folio, mapped on its own, and not the first. */
static bool is_inside_folio(const struct vm_fault *vmf)
{
	return SVM_COMPAT_LARGE && vmf->pte &&
	       folio_page_idx(page_folio(vmf->page), vmf->page);
}

/* What there is of a large folio round a page that is mapped on its own. */
static struct window folio_window(const struct vm_fault *vmf,
				  unsigned long addr)
{
	struct folio *folio = page_folio(vmf->page);
	unsigned long before = folio_page_idx(folio, vmf->page) << PAGE_SHIFT;
	unsigned long after = folio_size(folio) - before;
	const struct vm_area_struct *vma = vmf->vma;

	return (struct window) {
		.start = addr - min(before, addr - vma->vm_start),
		.end = addr + min(after, vma->vm_end - addr),
	};
}

/* Pages that are to come home together, where @range is what the user said. */
static unsigned long choose_granule(struct svm_process *process,
				    unsigned long addr,
				    struct svm_range *range)
{
	if (insisting(process, addr))
		return 1;
	svm_range_map_at(&process->ranges, addr >> PAGE_SHIFT, range);
	if (range->attrs.granularity == SVM_DEFAULT_GRANULARITY)
		return svm_thrash_granule(process, addr);
	return svm_attrs_granule(&range->attrs);
}

/*
 * The granule round the address, inside its mapping and inside memory of equal
 * attributes. Memory without policy moves by the default granularity.
 */
static struct window granule_window(struct svm_process *process,
				    struct vm_area_struct *vma,
				    unsigned long addr)
{
	struct svm_range range = { .last = ULONG_MAX >> PAGE_SHIFT };
	unsigned long granule = 1UL << SVM_DEFAULT_GRANULARITY;
	unsigned long page = addr >> PAGE_SHIFT, first, last;
	struct window window;

	rcu_read_lock();
	if (process)
		granule = choose_granule(process, addr, &range);
	rcu_read_unlock();

	first = max(range.first, round_down(page, granule));
	last = min(range.last, round_down(page, granule) + granule - 1);
	window.start = max(first << PAGE_SHIFT, vma->vm_start);
	window.end = min((last + 1) << PAGE_SHIFT, vma->vm_end);
	return window;
}

/*
 * A large folio comes home whole, whatever the granule is: less would have to
 * split it. One that is no longer mapped as one (vmf->pte is set: after mremap, or
 * a split of the mapping) comes alone, for core locks every such folio in the
 * window and waits for it, and two faults could wait for each other.
 */
static struct window choose_window(struct svm_process *process,
				   const struct vm_fault *vmf,
				   unsigned long addr)
{
	if (!SVM_COMPAT_LARGE || !folio_test_large(page_folio(vmf->page)))
		return granule_window(process, vmf->vma, addr);
	if (vmf->pte)
		return folio_window(vmf, addr);
	return (struct window) {
		.start = round_down(addr, SVM_CHUNK_SIZE),
		.end = round_down(addr, SVM_CHUNK_SIZE) + SVM_CHUNK_SIZE,
	};
}

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
					   struct window window)
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
 * 2 MiB in one piece. Without memory for that, one page is offered: core splits
 * the mapping then, but not the folio (it counts the fault's own reference as a
 * stranger's), nothing moves, and the CPU faults again on a page of its own.
 */
static vm_fault_t fill_large(struct migrate_vma *args, struct svm_copier *copier)
{
	struct page *page = migrate_pfn_to_page(args->src[0]);
	unsigned long src = migrate_pfn(page_to_pfn(page)) |
			    MIGRATE_PFN_MIGRATE;

	if (!svm_home_large_fill(args->src[0], args->dst, args->vma,
				 args->start, copier))
		return fill_one(src, args->dst, args->vma, args->start);
	if (!svm_copier_start(copier))
		return 0;
	svm_home_drop(args->dst, 1);
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

	if (svm_entry_pages(args->src[0]) > 1) {
		/* A hole now, if it was unmapped meanwhile. */
		if (!migrate_pfn_to_page(args->src[0]) ||
		    !(args->src[0] & MIGRATE_PFN_MIGRATE))
			return 0;
		return fill_large(args, copier);
	}
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

static struct migrate_vma migrate_args(const struct vm_fault *vmf,
				       struct window window, unsigned long *src,
				       unsigned long *dst)
{
	return (struct migrate_vma) {
		.vma = vmf->vma,
		.start = window.start,
		.end = window.end,
		.src = src,
		.dst = dst,
		.pgmap_owner = svm_devmem_owner(),
		.flags = MIGRATE_VMA_SELECT_DEVICE_PRIVATE |
			 (svm_large_pages ? MIGRATE_VMA_SELECT_COMPOUND : 0),
		.fault_page = vmf->page,
	};
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
 */
struct homecoming {
	struct vm_fault *vmf;
	struct svm_process *process;
	struct window window;
	struct svm_copier copier;
};

static vm_fault_t bring_home(struct homecoming *h, unsigned long *src,
			     unsigned long *dst)
{
	struct svm_move_event event = describe_move(h->process, h->vmf,
						    h->window);
	struct migrate_vma args = migrate_args(h->vmf, h->window, src, dst);
	unsigned long moved;
	vm_fault_t ret;

	svm_event_migrate_start(&event);
	if (WARN_ON_ONCE(migrate_vma_setup(&args))) {
		svm_event_migrate_end(&event, -EINVAL);
		return VM_FAULT_SIGBUS;
	}
	/* Somebody else moves it: fault again. */
	ret = 0;
	if (args.cpages &&
	    args.npages <= (h->window.end - h->window.start) >> PAGE_SHIFT)
		ret = fill(&args, h->vmf->address & PAGE_MASK, &h->copier);
	migrate_vma_pages(&args);
	moved = svm_home_count(src, dst, args.npages);
	/* Else it was split only, or nothing: there will be another fault. */
	if (moved || ret)
		count_fault(h->process, &args, moved);
	svm_copier_wait(&h->copier);
	migrate_vma_finalize(&args);
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
		.process = process_get(vmf->vma->vm_mm),
	};
	unsigned long one[2 * SVM_COLLECT_MAX(1)], *arrays, room, pages;
	struct svm_copy *runs;
	vm_fault_t ret;

	atomic_inc(&homecomings);
	h.window = choose_window(h.process, vmf, addr);
	if (h.process)
		svm_thrash_home(h.process, addr, h.window.start, h.window.end);
	if (is_inside_folio(vmf))
		pass_off(vmf);
	/* Core sets all entries, source and destination. */
	pages = (h.window.end - h.window.start) >> PAGE_SHIFT;
	room = SVM_COLLECT_MAX(pages);
	arrays = kmalloc_array(2 * room, sizeof(*arrays),
			       GFP_KERNEL | __GFP_NOWARN);
	if (arrays) {
		runs = runs_alloc(&h.copier, pages);
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
