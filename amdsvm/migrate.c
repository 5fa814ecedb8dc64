// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Migration on request: RAM to device, device to device, device to RAM.
 *
 * One migration is of one block at most, in the order of Documentation/mm/hmm.rst:
 *
 *	take device memory in advance	(room.c; may reclaim; nothing is held yet)
 *	decide what goes in one piece	(whole.c)
 *	migrate_vma_setup()		pages locked, isolated, unmapped
 *	choose destinations, begin to copy	(copy.c)
 *	migrate_vma_pages()		those without a source go live here
 *	look what moved
 *	wait for the copies
 *	migrate_vma_finalize()		the others go live here
 *
 * What comes before "wait" is svm_migration_begin(), the rest svm_migration_end(): the
 * next block is begun in between (move.c).
 *
 * Partial success is the normal outcome: each page ends in one
 * svm_page_state. 2 MiB move in one piece where both ends have one (place.c).
 *
 * Locks: mmap_lock (read) and the block mutex held by the caller; block->mover
 * tells the notifier that migrate_vma_*() is called under it.
 */
#include <linux/hmm.h>
#include <linux/migrate.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/userfaultfd_k.h>

#include "block.h"
#include "devmem.h"
#include "event.h"
#include "home.h"
#include "migrate.h"
#include "migration.h"
#include "process.h"
#include "scratch.h"
#include "space.h"
#include "vram.h"
#include "walk.h"

/* Rounds: the first, and one more after pages were brought in. */
#define MAX_ROUNDS 2

/* All pages that are not settled get @state. */
static void settle(struct migration *m, unsigned long first, unsigned long last,
		   u8 state)
{
	unsigned long i;

	m->uniform = false;
	for (i = first; i <= last; i++)
		if (!svm_state_final(m->scratch->state[i]))
			m->scratch->state[i] = state;
}

/* What a page needs, from where HMM saw it; 0: it saw none. */
static u8 seen_state(const struct migration *m, unsigned long pfn)
{
	bool valid = pfn & HMM_PFN_VALID;
	struct svm_devmem *mem = valid ? svm_devmem_of(hmm_pfn_to_page(pfn)) : NULL;

	if (m->device && mem == m->device->mem) {
		/* Asked for: not the next to leave. */
		svm_devmem_use_page(mem, hmm_pfn_to_page(pfn));
		return SVM_PAGE_ALREADY;
	}
	if (m->device)
		return SVM_PAGE_WAITING;
	if (mem)
		return SVM_PAGE_WAITING;
	return valid ? SVM_PAGE_ALREADY : SVM_PAGE_UNMOVABLE;
}

/* HMM saw a folio of 2 MiB, mapped as one. */
static bool one_folio(const struct migration *m)
{
	unsigned long pfn = m->scratch->pfns[0];

	return (pfn & HMM_PFN_VALID) &&
	       hmm_pfn_to_map_order(pfn) == SVM_BLOCK_SHIFT - PAGE_SHIFT;
}

/*
 * One look at the first page is enough for a folio of 2 MiB that is mapped as one. Not
 * in files: there every page is asked for.
 */
static bool scan_folio(struct migration *m)
{
	if (m->pages != SVM_BLOCK_PAGES || !vma_is_anonymous(m->args.vma) ||
	    svm_snapshot(m->args.vma->vm_mm, m->base, m->base + PAGE_SIZE,
			 m->scratch->pfns) ||
	    !one_folio(m))
		return false;
	m->looked = true;
	svm_states_set(m, 0, m->pages, seen_state(m, m->scratch->pfns[0]));
	return true;
}

/* Where the pages are before anything moves. */
static void scan(struct migration *m)
{
	struct svm_scratch *s = m->scratch;
	unsigned long i;
	int ret;

	/* HMM does not look into mappings without read access. */
	if (!(m->args.vma->vm_flags & VM_READ)) {
		svm_states_set(m, 0, m->pages, SVM_PAGE_WAITING);
		return;
	}
	if (scan_folio(m))
		return;

	ret = svm_snapshot(m->args.vma->vm_mm, m->base,
			   m->base + (m->pages << PAGE_SHIFT), s->pfns);
	m->looked = !ret;
	for (i = 0; i < m->pages; i++)
		s->state[i] = seen_state(m, ret ? 0 : s->pfns[i]);
}

/* First and last page that is not settled; false when there is none. */
static bool unsettled(const struct migration *m, unsigned long *first,
		      unsigned long *last)
{
	const u8 *state = m->scratch->state;
	unsigned long i;
	bool any = false;

	if (svm_one_state(m)) {
		*first = 0;
		*last = m->pages - 1;
		return !svm_state_final(state[0]);
	}
	for (i = 0; i < m->pages; i++) {
		if (svm_state_final(state[i]))
			continue;
		if (!any)
			*first = i;
		*last = i;
		any = true;
	}
	return any;
}

static void set_mover(struct migration *m, struct task_struct *task)
{
	if (m->block)
		WRITE_ONCE(m->block->mover, task);
}

/*
 * One pass of migrate_vma over pages first..last of the call, up to where its copies are
 * waited for. Return: false when nothing was collected, and nothing is to be landed.
 */
static bool collect(struct migration *m, unsigned long first, unsigned long last)
{
	struct migrate_vma *args = &m->args;
	unsigned long taken;

	args->start = m->base + (first << PAGE_SHIFT);
	args->end = m->base + ((last + 1) << PAGE_SHIFT);
	args->src = m->scratch->src;
	args->dst = m->scratch->dst;
	args->pgmap_owner = svm_devmem_owner();
	args->flags = svm_whole_begin(m, first, last);
	taken = first + ((args->end - args->start) >> PAGE_SHIFT);
	if (taken <= last)
		settle(m, taken, last, SVM_PAGE_BUSY);
	if (taken == first)
		return false;

	if (migrate_vma_setup(args)) {
		svm_whole_collected(m, 0);
		settle(m, first, taken - 1, SVM_PAGE_UNMOVABLE);
		return false;
	}
	svm_whole_collected(m, args->src[0]);
	if (!args->cpages || args->npages > taken - first) {
		settle(m, first, taken - 1, SVM_PAGE_BUSY);
		migrate_vma_pages(args);
		migrate_vma_finalize(args);
		svm_whole_end(m);
		return false;
	}
	svm_place_pages(m, first);
	migrate_vma_pages(args);
	svm_outcome_note(m, first);
	return true;
}

/* Room for pages first..last, and their collection. */
static void begin_round(struct migration *m, unsigned long first,
			unsigned long last)
{
	m->rounds++;
	if (svm_room_take(m)) {
		set_mover(m, current);
		m->under_way = collect(m, first, last);
		if (!m->under_way)
			set_mover(m, NULL);
	} else {
		settle(m, first, last, SVM_PAGE_NO_SPACE);
	}
	svm_room_return(m);
}

/**
 * svm_migration_land() - the end of what is under way
 * @m: the migration
 *
 * Once, by its owner or by whom that has asked: the locks of its folios have no owner.
 *
 * Context: sleeps, for the copy at most. Needs no lock, and mmap_lock held by the owner.
 */
void svm_migration_land(struct migration *m)
{
	svm_copier_wait(&m->copier);
	migrate_vma_finalize(&m->args);
	svm_whole_end(m);
	m->under_way = false;
}

static void land(struct migration *m)
{
	if (m->under_way)
		svm_migration_land(m);
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

/* What was swapped out or busy: once more. */
static void more_rounds(struct migration *m)
{
	unsigned long first, last;

	while (m->rounds < MAX_ROUNDS && may_bring_in(m->args.vma) &&
	       unsettled(m, &first, &last)) {
		bring_in(m, first, last);
		begin_round(m, first, last);
		land(m);
	}
}

/**
 * svm_migration_begin() - collect what is to move, and begin to copy it
 * @m: the migration, after its scan
 *
 * Context: mmap_lock (read) and the block mutex held, both until svm_migration_end(), which
 * must follow; sleeps. Folios may be locked on return.
 */
void svm_migration_begin(struct migration *m)
{
	unsigned long first, last;

	if (!unsettled(m, &first, &last))
		return;
	m->event = svm_outcome_event(m, first, last);
	m->told = true;
	svm_event_migrate_start(&m->event);
	begin_round(m, first, last);
}

/**
 * svm_migration_overlaps() - is there something to be done while this one is copied
 * @m: the migration, begun
 *
 * Not when part of it has to be brought in first, which waits for folios of others.
 */
bool svm_migration_overlaps(const struct migration *m)
{
	unsigned long first, last;

	return m->under_way && m->copier.started && !unsettled(m, &first, &last);
}

/**
 * svm_migration_end() - wait for the copies, finish
 * @m: the migration, begun
 * @counts: what became of the pages is added here
 *
 * Context: as svm_migration_begin(), whose task this is; sleeps.
 */
void svm_migration_end(struct migration *m, struct svm_move_counts *counts)
{
	struct svm_move_counts own;
	unsigned int i;

	land(m);
	if (m->told)
		more_rounds(m);
	own = svm_outcome_count(m);
	if (m->told)
		svm_event_migrate_end(&m->event, svm_outcome_error(m, &own));

	for (i = 0; i < SVM_NR_PAGE_STATES; i++)
		counts->state[i] += own.state[i];
	svm_count(m->process, SVM_PAGES_FAILED, own.state[SVM_PAGE_BUSY]);
	if (m->device && own.state[SVM_PAGE_MOVED] + own.state[SVM_PAGE_CLEARED])
		svm_space_count(m->process->spaces[m->device->index],
				SVM_SPACE_MIGRATIONS, 1);
}

/*
 * Memory that never goes to a device; a normal outcome, not an error.
 *
 * VM_MERGEABLE: ksmd maps a merged page before it notes where. migrate_vma in
 * between takes the page out of the page table, and its reverse map never finds
 * the place again: a migration entry stays behind. Seen as a BUG at exit on
 * 6.12, and as a fault in break_ksm() that never ends on 7.2.
 */
bool svm_stays_in_ram(struct vm_area_struct *vma)
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
	m->uniform = false;
	for (i = 0; i < m->pages; i++)
		if (m->scratch->state[i] == SVM_PAGE_WAITING &&
		    (!(m->scratch->pfns[i] & HMM_PFN_VALID) ||
		     !PageAnon(hmm_pfn_to_page(m->scratch->pfns[i]))))
			m->scratch->state[i] = SVM_PAGE_UNMOVABLE;
}

/**
 * svm_migration_scan() - where the pages are before anything moves
 * @m: the migration, with what is to move and where
 *
 * Context: mmap_lock (read) held; sleeps.
 */
void svm_migration_scan(struct migration *m)
{
	scan(m);
	if (m->device)
		settle_file_pages(m);
}

/**
 * svm_migrate() - move pages of a block
 * @m: the migration, with what is to move and where
 * @counts: what became of the pages is added here
 *
 * To a device: pages nobody ever touched are cleared there. Swapped pages are brought in
 * first. Without room there, others are evicted as far as @m->scratch says so.
 *
 * Context: mmap_lock (read) and the block mutex held; sleeps.
 */
void svm_migrate(struct migration *m, struct svm_move_counts *counts)
{
	if (m->device && svm_stays_in_ram(m->args.vma)) {
		counts->state[SVM_PAGE_UNMOVABLE] += m->pages;
		return;
	}
	svm_migration_scan(m);
	svm_migration_begin(m);
	svm_migration_end(m, counts);
}
