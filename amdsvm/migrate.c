// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Migration on request: RAM to device, device to device, device to RAM.
 *
 * One call moves at most one block, in the order of Documentation/mm/hmm.rst:
 *
 *	take device memory in advance	(may reclaim; nothing is held yet)
 *	migrate_vma_setup()		pages locked, isolated, unmapped
 *	choose destinations, copy	complete before anything can see them
 *	migrate_vma_pages()		those without a source go live here
 *	look what moved
 *	migrate_vma_finalize()		the others go live here
 *
 * Partial success is the normal outcome: each page ends in one
 * svm_page_state. Pages are order 0 on the device; core splits larger ones.
 *
 * Locks: mmap_lock (read) and the block mutex held by the caller; block->mover
 * tells the notifier that migrate_vma_*() is called under it.
 */
#include <linux/hmm.h>
#include <linux/migrate.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/userfaultfd_k.h>

#include "block.h"
#include "copy.h"
#include "devmem.h"
#include "event.h"
#include "home.h"
#include "migrate.h"
#include "process.h"
#include "scratch.h"
#include "space.h"
#include "vram.h"
#include "walk.h"

/* Rounds: the first, and one more after pages were brought in. */
#define MAX_ROUNDS 2

/**
 * struct migration - one call for one block
 * @args: of migrate_vma
 * @block: the block, NULL when there is none
 * @process: who is charged with the counts
 * @device: destination, NULL for system memory
 * @looked: scratch->pfns says where the pages are
 * @scratch: arrays; pfns, vram and state are indexed from @base
 * @base: first byte of the whole call
 * @pages: of the whole call
 * @taken: device pages in scratch->vram
 * @used: how many of them are in use
 */
struct migration {
	struct migrate_vma args;
	struct svm_block *block;
	struct svm_process *process;
	struct svm_device *device;
	struct svm_scratch *scratch;
	unsigned long base;
	unsigned long pages;
	bool looked;
	unsigned long taken;
	unsigned long used;
};

static bool state_final(u8 state)
{
	return state > SVM_PAGE_BUSY;
}

/* All pages that are not settled get @state. */
static void settle(struct migration *m, unsigned long first, unsigned long last,
		   u8 state)
{
	unsigned long i;

	for (i = first; i <= last; i++)
		if (!state_final(m->scratch->state[i]))
			m->scratch->state[i] = state;
}

/* Where the pages are before anything moves. */
static void scan(struct migration *m)
{
	struct svm_scratch *s = m->scratch;
	unsigned long i;
	int ret;

	memset(s->state, SVM_PAGE_WAITING, m->pages);
	/* HMM does not look into mappings without read access. */
	if (!(m->args.vma->vm_flags & VM_READ))
		return;

	ret = svm_snapshot(m->args.vma->vm_mm, m->base,
			   m->base + (m->pages << PAGE_SHIFT), s->pfns);
	m->looked = !ret;
	for (i = 0; i < m->pages; i++) {
		struct svm_devmem *mem = NULL;
		bool valid = !ret && (s->pfns[i] & HMM_PFN_VALID);

		if (valid)
			mem = svm_devmem_of_pfn(s->pfns[i]);
		if (m->device && mem == m->device->mem)
			s->state[i] = SVM_PAGE_ALREADY;
		else if (!m->device && !mem)
			s->state[i] = valid ? SVM_PAGE_ALREADY :
					      SVM_PAGE_UNMOVABLE;
	}
}

/* First and last page that is not settled; false when there is none. */
static bool unsettled(const struct migration *m, unsigned long *first,
		      unsigned long *last)
{
	const u8 *state = m->scratch->state;
	unsigned long i;
	bool any = false;

	for (i = 0; i < m->pages; i++) {
		if (state_final(state[i]))
			continue;
		if (!any)
			*first = i;
		*last = i;
		any = true;
	}
	return any;
}

/*
 * File pages do not move. Neither do merged ones, shared over fork from a
 * mapping that may be merged, though core would let them: ksmd compares and
 * shares whatever its tree points to, as if it were RAM.
 */
static bool page_may_move(struct page *page)
{
	return PageAnon(page) && !folio_test_ksm(page_folio(page));
}

/*
 * The destination for one page on the device, or NULL with the state set.
 * Userfaultfd is to see missing pages.
 */
static struct page *device_page(struct migration *m, unsigned long i,
				struct page *src)
{
	struct svm_scratch *s = m->scratch;

	if (src && svm_devmem_of(src) == m->device->mem) {
		s->state[i] = SVM_PAGE_ALREADY;
		return NULL;
	}
	if (src ? !page_may_move(src) : userfaultfd_missing(m->args.vma)) {
		s->state[i] = SVM_PAGE_UNMOVABLE;
		return NULL;
	}
	if (m->used == m->taken) {
		s->state[i] = SVM_PAGE_NO_SPACE;
		return NULL;
	}
	return svm_devmem_start_page(m->device->mem, s->vram[m->used++]);
}

/* The same at home; a hole stays a hole. */
static struct page *system_page(struct migration *m, unsigned long i,
				struct page *src)
{
	struct page *page;

	if (!src) {
		m->scratch->state[i] = SVM_PAGE_UNMOVABLE;
		return NULL;
	}
	page = svm_home_page(m->args.vma, m->base + (i << PAGE_SHIFT),
			     SVM_HOME_WANTED);
	if (!page)
		m->scratch->state[i] = SVM_PAGE_NO_SPACE;
	return page;
}

/* Choose destinations for what setup collected, and fill them. */
static void prepare_and_copy(struct migration *m, unsigned long first)
{
	struct migrate_vma *args = &m->args;
	struct svm_copier copier = {};
	unsigned long i, page_index;

	for (i = 0; i < args->npages; i++) {
		struct page *src = migrate_pfn_to_page(args->src[i]);
		struct page *dst;

		page_index = first + i;
		if (!(args->src[i] & MIGRATE_PFN_MIGRATE)) {
			if (!state_final(m->scratch->state[page_index]))
				m->scratch->state[page_index] = SVM_PAGE_BUSY;
			continue;
		}
		if (state_final(m->scratch->state[page_index]))
			continue;
		dst = m->device ? device_page(m, page_index, src) :
				  system_page(m, page_index, src);
		if (!dst)
			continue;
		svm_copier_add(&copier, dst, src);
		args->dst[i] = migrate_pfn(page_to_pfn(dst));
	}

	/* Nothing is live yet: without its content no page may go live. */
	if (svm_copier_finish(&copier))
		svm_home_drop(args->dst, args->npages);
}

static void count_space(struct migration *m, const struct svm_device *device,
			enum svm_space_counter counter)
{
	svm_space_count(m->process->spaces[device->index], counter, 1);
}

static void count_move(struct migration *m, struct page *src)
{
	struct svm_devmem *from = src ? svm_devmem_of(src) : NULL;
	enum svm_counter counter;

	if (from) {
		atomic_long_inc(&from->pages_out);
		count_space(m, from->device, SVM_SPACE_PAGES_OUT);
	}
	if (m->device) {
		atomic_long_inc(&m->device->mem->pages_in);
		count_space(m, m->device, SVM_SPACE_PAGES_IN);
	}

	if (!src)
		counter = SVM_PAGES_CLEARED;
	else if (!m->device)
		counter = SVM_PAGES_OUT;
	else
		counter = from ? SVM_PAGES_PEER : SVM_PAGES_IN;
	svm_count(m->process, counter, 1);
}

/* After migrate_vma_pages(): what moved. */
static void note_results(struct migration *m, unsigned long first,
			 const unsigned long *had_source)
{
	struct migrate_vma *args = &m->args;
	unsigned long i;

	for (i = 0; i < args->npages; i++) {
		bool source = test_bit(i, had_source);
		u8 *state = &m->scratch->state[first + i];

		if (!args->dst[i]) {
			if (!state_final(*state))
				*state = SVM_PAGE_BUSY;
			continue;
		}
		if (!(args->src[i] & MIGRATE_PFN_MIGRATE)) {
			*state = SVM_PAGE_BUSY;
			continue;
		}
		*state = source ? SVM_PAGE_MOVED : SVM_PAGE_CLEARED;
		count_move(m, source ? migrate_pfn_to_page(args->src[i]) : NULL);
	}
}

static unsigned long selection(const struct migration *m)
{
	unsigned long flags = svm_devmem_state()->kind == AMDSVM_MEMORY_PRIVATE ?
			      MIGRATE_VMA_SELECT_DEVICE_PRIVATE :
			      MIGRATE_VMA_SELECT_DEVICE_COHERENT;

	if (m->device)
		flags |= MIGRATE_VMA_SELECT_SYSTEM;
	return flags;
}

static void set_mover(struct migration *m, struct task_struct *task)
{
	if (m->block)
		WRITE_ONCE(m->block->mover, task);
}

/* One pass of migrate_vma over pages first..last of the call. */
static void move_round(struct migration *m, unsigned long first,
		       unsigned long last)
{
	DECLARE_BITMAP(had_source, SVM_BLOCK_PAGES);
	struct migrate_vma *args = &m->args;
	unsigned long i;

	args->start = m->base + (first << PAGE_SHIFT);
	args->end = m->base + ((last + 1) << PAGE_SHIFT);
	args->src = m->scratch->src;
	args->dst = m->scratch->dst;
	args->pgmap_owner = svm_devmem_owner();
	args->flags = selection(m);

	set_mover(m, current);
	if (migrate_vma_setup(args)) {
		settle(m, first, last, SVM_PAGE_UNMOVABLE);
		goto out;
	}
	if (!args->cpages) {
		settle(m, first, last, SVM_PAGE_BUSY);
		goto out;
	}

	/* migrate_vma_pages() forgets which entries had a source. */
	bitmap_zero(had_source, SVM_BLOCK_PAGES);
	for (i = 0; i < args->npages; i++)
		if (migrate_pfn_to_page(args->src[i]))
			__set_bit(i, had_source);

	prepare_and_copy(m, first);
	migrate_vma_pages(args);
	note_results(m, first, had_source);
	migrate_vma_finalize(args);
out:
	set_mover(m, NULL);
}

/* Bring in what was not collected: swapped out, or on the move elsewhere. */
static void bring_in(struct migration *m, unsigned long first,
		     unsigned long last)
{
	unsigned long *pfns = m->scratch->pfns;
	unsigned long i;

	for (i = first; i <= last; i++)
		pfns[i - first] = m->scratch->state[i] == SVM_PAGE_BUSY ?
				  HMM_PFN_REQ_FAULT : 0;
	svm_populate(m->args.vma->vm_mm, m->base + (first << PAGE_SHIFT),
		     m->base + ((last + 1) << PAGE_SHIFT), pfns);
}

/*
 * A missing file page is not for us to read in, and whoever armed userfaultfd
 * wants to be asked.
 */
static bool may_bring_in(struct vm_area_struct *vma)
{
	return vma_is_anonymous(vma) && !userfaultfd_armed(vma);
}

/* Device memory for all pages that may still move; false when there is none. */
static bool take_vram(struct migration *m)
{
	unsigned long wanted = 0, i;

	if (!m->device)
		return true;
	for (i = 0; i < m->pages; i++)
		wanted += !state_final(m->scratch->state[i]);
	m->used = 0;
	m->taken = svm_vram_alloc(m->device->mem, wanted, m->scratch->vram);
	return m->taken;
}

/* Pages that were put to use are core mm's, also when they did not move. */
static void return_vram(struct migration *m)
{
	if (m->device)
		svm_vram_return(m->device->mem, m->scratch->vram + m->used,
				m->taken - m->used);
}

static void move_rounds(struct migration *m)
{
	unsigned long first, last;
	int round;

	for (round = 0; round < MAX_ROUNDS; round++) {
		if (!unsettled(m, &first, &last))
			break;
		if (round)
			bring_in(m, first, last);
		if (take_vram(m))
			move_round(m, first, last);
		else
			settle(m, first, last, SVM_PAGE_NO_SPACE);
		return_vram(m);
		if (!may_bring_in(m->args.vma))
			break;
	}
}

/* What events say of pages first..last, all or some of which are to move. */
static struct svm_move_event describe_move(struct migration *m,
					   unsigned long first,
					   unsigned long last)
{
	struct svm_move_event event = {
		.process = m->process,
		.start = m->base + (first << PAGE_SHIFT),
		.end = m->base + ((last + 1) << PAGE_SHIFT),
		.to = m->device,
		.trigger = m->scratch->trigger,
	};
	struct svm_devmem *mem = NULL;
	struct svm_range range;

	if (m->looked && (m->scratch->pfns[first] & HMM_PFN_VALID))
		mem = svm_devmem_of_pfn(m->scratch->pfns[first]);
	event.from = mem ? mem->device : NULL;

	/* The policy lock is outside of the block mutex. */
	rcu_read_lock();
	svm_range_map_at(&m->process->ranges, event.start >> PAGE_SHIFT, &range);
	rcu_read_unlock();
	event.prefetch_loc = range.attrs.prefetch_loc;
	event.preferred_loc = range.attrs.preferred_loc;
	return event;
}

/* Partial migration is no error (R5). */
static int move_error(const struct migration *m,
		      const struct svm_move_counts *counts)
{
	if (counts->state[SVM_PAGE_MOVED] || counts->state[SVM_PAGE_CLEARED])
		return 0;
	if (counts->state[SVM_PAGE_NO_SPACE])
		return m->device ? -ENOSPC : -ENOMEM;
	return counts->state[SVM_PAGE_BUSY] ? -EBUSY : 0;
}

/* What became of the pages of this call. */
static struct svm_move_counts count_states(const struct migration *m)
{
	struct svm_move_counts counts = {};
	unsigned long i;

	for (i = 0; i < m->pages; i++)
		counts.state[m->scratch->state[i]]++;
	return counts;
}

static void run(struct migration *m, struct svm_move_counts *counts)
{
	struct svm_move_event event;
	struct svm_move_counts own;
	unsigned long first, last;
	unsigned int i;

	if (unsettled(m, &first, &last)) {
		event = describe_move(m, first, last);
		svm_event_migrate_start(&event);
		move_rounds(m);
		own = count_states(m);
		svm_event_migrate_end(&event, move_error(m, &own));
	} else {
		own = count_states(m);
	}

	for (i = 0; i < SVM_NR_PAGE_STATES; i++)
		counts->state[i] += own.state[i];
	svm_count(m->process, SVM_PAGES_FAILED, own.state[SVM_PAGE_BUSY]);
	if (m->device && own.state[SVM_PAGE_MOVED] + own.state[SVM_PAGE_CLEARED])
		count_space(m, m->device, SVM_SPACE_MIGRATIONS);
}

/*
 * Memory that never goes to a device; a normal outcome, not an error.
 *
 * VM_MERGEABLE: ksmd maps a merged page before it notes where. migrate_vma in
 * between takes the page out of the page table, and its reverse map never finds
 * the place again: a migration entry stays behind. Seen as a BUG at exit on
 * 6.12, and as a fault in break_ksm() that never ends on 7.2.
 */
static bool stays_in_ram(struct vm_area_struct *vma)
{
	return (vma->vm_flags & (VM_SPECIAL | VM_SHARED | VM_MERGEABLE)) ||
	       !(vma->vm_flags & VM_READ) || vma_is_dax(vma) ||
	       is_vm_hugetlb_page(vma);
}

/* Pages of a private file mapping that were never written are the file's. */
static void settle_file_pages(struct migration *m)
{
	unsigned long i;

	if (vma_is_anonymous(m->args.vma))
		return;
	for (i = 0; i < m->pages; i++)
		if (m->scratch->state[i] == SVM_PAGE_WAITING &&
		    (!(m->scratch->pfns[i] & HMM_PFN_VALID) ||
		     !PageAnon(hmm_pfn_to_page(m->scratch->pfns[i]))))
			m->scratch->state[i] = SVM_PAGE_UNMOVABLE;
}

/**
 * svm_migrate_to_device() - move pages of a block into device memory
 * @block: the block, locked by svm_block_lock()
 * @vma: the mapping they are in
 * @start: first byte
 * @end: byte after the last, in the block and in @vma
 * @device: destination, with memory
 * @scratch: work space
 * @counts: what became of the pages is added here
 *
 * Pages nobody ever touched are cleared there. Swapped pages are brought in
 * first. Never evicts.
 *
 * Context: mmap_lock (read) and the block mutex held; sleeps.
 */
void svm_migrate_to_device(struct svm_block *block, struct vm_area_struct *vma,
			   unsigned long start, unsigned long end,
			   struct svm_device *device,
			   struct svm_scratch *scratch,
			   struct svm_move_counts *counts)
{
	struct migration m = {
		.args.vma = vma,
		.block = block,
		.process = block->process,
		.device = device,
		.scratch = scratch,
		.base = start,
		.pages = (end - start) >> PAGE_SHIFT,
	};

	if (stays_in_ram(vma)) {
		counts->state[SVM_PAGE_UNMOVABLE] += m.pages;
		return;
	}

	scan(&m);
	settle_file_pages(&m);
	run(&m, counts);
}

/**
 * svm_migrate_to_system() - bring pages of a block home
 * @process: the process
 * @block: the block, locked by svm_block_lock(); NULL when there is none
 * @vma: the mapping they are in
 * @start: first byte
 * @end: byte after the last, in one block and in @vma
 * @scratch: work space
 * @counts: what became of the pages is added here
 *
 * Context: mmap_lock (read) held; sleeps.
 */
void svm_migrate_to_system(struct svm_process *process, struct svm_block *block,
			   struct vm_area_struct *vma, unsigned long start,
			   unsigned long end, struct svm_scratch *scratch,
			   struct svm_move_counts *counts)
{
	struct migration m = {
		.args.vma = vma,
		.block = block,
		.process = process,
		.scratch = scratch,
		.base = start,
		.pages = (end - start) >> PAGE_SHIFT,
	};

	scan(&m);
	run(&m, counts);
}
