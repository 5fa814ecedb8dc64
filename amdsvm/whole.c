// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * A migration on request takes 2 MiB in one piece, or sees to it that core can take them page
 * by page: what is decided before migrate_vma_setup().
 *
 * In one piece go RAM, and memory nobody ever touched, to a device; and a large folio of
 * private memory, with a guard (guard.c), if nobody else maps it and there are 2 MiB at
 * the other end. Without a guard core is never asked for large folios of private memory
 * in one piece, not even for such as turn up in between.
 *
 * Locks: those of migrate.c.
 */
#include <linux/migrate.h>
#include <linux/mm.h>

#include "devmem.h"
#include "entry.h"
#include "home.h"
#include "migration.h"
#include "split.h"

static bool is_whole_block(const struct migration *m, unsigned long first,
			   unsigned long last)
{
	return !first && last == SVM_BLOCK_PAGES - 1 &&
	       IS_ALIGNED(m->base, SVM_BLOCK_SIZE);
}

/* 2 MiB at the other end. */
static bool has_place(struct migration *m)
{
	if (m->device)
		return m->whole;
	m->large = svm_home_large(m->args.vma, m->base, SVM_HOME_WANTED);
	return m->large;
}

static void drop_place(struct migration *m)
{
	svm_home_large_drop(m->large);
	m->large = NULL;
}

/* The large folio that is mapped as one goes in one piece. */
static bool go_whole(struct migration *m, unsigned long first, unsigned long last)
{
	if (svm_large_pages && !m->in_pages && is_whole_block(m, first, last) &&
	    has_place(m) && svm_guard_begin(&m->guard, m->process, m->base, NULL))
		return true;
	drop_place(m);
	return false;
}

/**
 * svm_whole_begin() - what migrate_vma is to take
 * @m: the migration; args.start and args.end are set, the second may be changed: it may
 *	become the first
 * @first: page of the call that is args.start
 * @last: the last page
 *
 * Context: mmap_lock (read) and the block mutex held; sleeps. svm_whole_collected() must
 * follow.
 * Return: flags for migrate_vma.
 */
unsigned long svm_whole_begin(struct migration *m, unsigned long first,
			      unsigned long last)
{
	unsigned long system = m->device ? MIGRATE_VMA_SELECT_SYSTEM : 0;
	struct mm_struct *mm = m->args.vma->vm_mm;
	struct migrate_vma *args = &m->args;

	if (svm_devmem_state()->kind != AMDSVM_MEMORY_PRIVATE)
		return system | MIGRATE_VMA_SELECT_DEVICE_COHERENT;
	if (svm_pmd_kind(mm, args->start) == SVM_PMD_FOLIO) {
		if (go_whole(m, first, last))
			return system | MIGRATE_VMA_SELECT_DEVICE_PRIVATE |
			       MIGRATE_VMA_SELECT_COMPOUND;
		svm_split_folio(args->vma, round_down(args->start,
						      SVM_BLOCK_SIZE));
	}
	switch (svm_pmd_kind(mm, args->start)) {
	case SVM_PMD_FOLIO:
		/* Somebody holds it. */
		args->end = args->start;
		return system;
	case SVM_PMD_TABLE:
		args->end = svm_split_ptes(args->vma, args->start, args->end);
		return system | MIGRATE_VMA_SELECT_DEVICE_PRIVATE;
	default:
		/* Core takes 2 MiB whole only if it is asked for all of them. */
		return system | (m->whole ? MIGRATE_VMA_SELECT_COMPOUND : 0);
	}
}

/**
 * svm_whole_collected() - after migrate_vma_setup()
 * @m: the migration
 * @src: entry of the first page; 0 when there is none
 */
void svm_whole_collected(struct migration *m, unsigned long src)
{
	if (!m->guard.folio || svm_guard_collected(&m->guard, src))
		return;
	m->in_pages = true;
	drop_place(m);
}

/**
 * svm_whole_place() - the place for a large folio that comes home
 * @m: the migration
 *
 * Return: its first page, the folio locked, or NULL; the caller's from now on.
 */
struct page *svm_whole_place(struct migration *m)
{
	struct page *page = m->large;

	m->large = NULL;
	return page;
}

/**
 * svm_whole_end() - after migrate_vma_finalize()
 * @m: the migration
 */
void svm_whole_end(struct migration *m)
{
	drop_place(m);
	svm_guard_end(&m->guard, m->args.src[0], m->args.dst[0]);
}
