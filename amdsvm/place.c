// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Destinations for pages that migrate on request, and their content.
 *
 * An entry of migrate_vma stands for a page, or for 2 MiB (a large folio, or a
 * hole of that size): those move in one piece.
 *
 * Locks: those of migrate.c; the pages are locked and belong to the caller.
 */
#include <linux/migrate.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/userfaultfd_k.h>

#include "devmem.h"
#include "home.h"
#include "migration.h"
#include "process.h"
#include "scratch.h"
#include "space.h"

/*
 * File pages do not move. Neither do merged ones, shared over fork from a
 * mapping that may be merged, though core would let them: ksmd compares and
 * shares whatever its tree points to, as if it were RAM.
 */
static bool page_may_move(struct page *page)
{
	return PageAnon(page) && !folio_test_ksm(page_folio(page));
}

/* Why a page is not to move, or SVM_PAGE_WAITING: it is. */
static u8 objection(const struct migration *m, struct page *src)
{
	if (!m->device)
		/* A hole stays a hole. */
		return src ? SVM_PAGE_WAITING : SVM_PAGE_UNMOVABLE;
	if (src && svm_devmem_of(src) == m->device->mem)
		return SVM_PAGE_ALREADY;
	/* Userfaultfd is to see missing pages. */
	if (src ? !page_may_move(src) : userfaultfd_missing(m->args.vma))
		return SVM_PAGE_UNMOVABLE;
	return SVM_PAGE_WAITING;
}

/* @clear: it holds zeros. */
static struct page *new_page(struct migration *m, unsigned long index,
			     bool *clear)
{
	struct svm_scratch *s = m->scratch;
	unsigned long pfn;
	struct page *page;

	if (m->device) {
		if (m->used == m->taken)
			return NULL;
		pfn = m->chunk ? m->chunk + m->used : s->vram[m->used];
		m->used++;
		return svm_devmem_start_page(m->device->mem, pfn, clear);
	}
	if (m->used == m->taken)
		return svm_home_page(m->args.vma, m->base + (index << PAGE_SHIFT),
				     SVM_HOME_WANTED);
	page = (struct page *)s->vram[m->used++];
	lock_page(page);
	return page;
}

/* Pages at home for all that come one by one, as far as there are any. */
static void stock_up(struct migration *m)
{
	const struct migrate_vma *args = &m->args;
	unsigned long i, n = 0;

	for (i = 0; i < args->npages; i += svm_entry_pages(args->src[i]))
		n += svm_entry_single(args->src[i]);
	m->used = 0;
	m->taken = svm_home_pages(args->vma, SVM_HOME_WANTED, n,
				  (struct page **)m->scratch->vram);
}

static void drop_stock(struct migration *m)
{
	while (m->used < m->taken)
		__free_page((struct page *)m->scratch->vram[m->used++]);
}

static struct page *new_large(struct migration *m, bool *clear)
{
	if (!m->device)
		return svm_whole_place(m);
	if (!m->whole || m->used)
		return NULL;
	m->used = SVM_CHUNK_PAGES;
	return svm_devmem_start_large(m->device->mem, m->chunk, clear);
}

/* Copies, or clears where that is not so already. */
static void fill(struct migration *m, struct page *dst, struct page *src,
		 unsigned long n, bool clear)
{
	if (!src && clear)
		m->clears_saved += n;
	else
		svm_copier_add(&m->copier, dst, src, n);
}

static void place_page(struct migration *m, unsigned long first,
		       unsigned long i, struct page *src)
{
	u8 *state = &m->scratch->state[first + i];
	bool clear = false;
	struct page *dst;

	if (svm_state_final(*state))
		return;
	m->uniform = false;
	*state = objection(m, src);
	if (svm_state_final(*state))
		return;
	dst = new_page(m, first + i, &clear);
	if (!dst) {
		*state = SVM_PAGE_NO_SPACE;
		return;
	}
	fill(m, dst, src, 1, clear);
	m->args.dst[i] = migrate_pfn(page_to_pfn(dst));
}

/*
 * 2 MiB in one piece: core was asked for that only when there was a place for it
 * (whole.c). Page by page it would have to be split, which it cannot be with a guard; and
 * of a hole of that size core takes it that all 512 have a destination.
 */
static void place_large(struct migration *m, unsigned long first,
			unsigned long i, struct page *src)
{
	u8 why = objection(m, src);
	bool clear = false;
	struct page *dst;

	if (svm_state_final(why)) {
		svm_states_set(m, first + i, SVM_CHUNK_PAGES, why);
		return;
	}
	dst = new_large(m, &clear);
	if (WARN_ON_ONCE(!dst)) {
		svm_states_set(m, first + i, SVM_CHUNK_PAGES,
			       SVM_PAGE_NO_SPACE);
		return;
	}
	fill(m, dst, src, SVM_CHUNK_PAGES, clear);
	m->args.dst[i] = migrate_pfn(page_to_pfn(dst)) | MIGRATE_PFN_COMPOUND;
}

static void count_saved(struct migration *m)
{
	svm_space_count(m->process->spaces[m->device->index],
			SVM_SPACE_CLEARS_SAVED, m->clears_saved);
	m->clears_saved = 0;
}

/**
 * svm_place_pages() - choose destinations for what setup collected, begin to fill them
 * @m: the migration, between migrate_vma_setup() and migrate_vma_pages()
 * @first: page of the call that entry 0 is
 *
 * The caller waits for @m->copier before migrate_vma_finalize().
 *
 * Also notes which entries have a source, which migrate_vma_pages() forgets.
 *
 * Context: sleeps.
 */
void svm_place_pages(struct migration *m, unsigned long first)
{
	struct migrate_vma *args = &m->args;
	unsigned long i, n;

	svm_copier_init(&m->copier, m->scratch->runs, SVM_BLOCK_PAGES);
	if (!m->device)
		stock_up(m);
	bitmap_zero(m->had_source, SVM_BLOCK_PAGES);
	for (i = 0; i < args->npages; i += n) {
		struct page *src = migrate_pfn_to_page(args->src[i]);
		u8 *state = &m->scratch->state[first + i];

		n = svm_entry_pages(args->src[i]);
		if (src && n == 1)
			__set_bit(i, m->had_source);
		else if (src)
			bitmap_set(m->had_source, i, n);
		if (!(args->src[i] & MIGRATE_PFN_MIGRATE)) {
			if (!svm_state_final(*state))
				svm_states_set(m, first + i, n, SVM_PAGE_BUSY);
		} else if (n > 1) {
			place_large(m, first, i, src);
		} else {
			place_page(m, first, i, src);
		}
	}

	if (m->device)
		count_saved(m);
	else
		drop_stock(m);
	/* Nothing is live yet: without its content no page may go live. */
	if (svm_copier_start(&m->copier))
		svm_home_drop(args->dst, args->npages);
}
