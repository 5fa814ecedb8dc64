// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Destinations for device pages that come home: allocate, fill, give up.
 *
 * Works on the arrays of migrate_vma and migrate_device between setup and
 * finalize: all pages in them are locked and belong to the caller. Takes no
 * lock of ours. Sleeps and reclaims.
 */
#include <linux/gfp.h>
#include <linux/migrate.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched.h>

#include "copy.h"
#include "devmem.h"
#include "home.h"

static gfp_t gfp_of(enum svm_home_effort effort)
{
	static const gfp_t efforts[] = {
		[SVM_HOME_NEEDED] = 0,
		[SVM_HOME_WANTED] = __GFP_RETRY_MAYFAIL,
		[SVM_HOME_WELCOME] = __GFP_NORETRY,
	};

	return GFP_HIGHUSER_MOVABLE | __GFP_NOWARN | efforts[effort];
}

/**
 * svm_home_page() - a system page to come home to
 * @vma: mapping, for its NUMA policy; NULL when nobody knows it
 * @addr: address in @vma
 * @effort: how much it is wanted
 *
 * Return: a locked page, or NULL. No word in the log: the caller has an answer.
 */
struct page *svm_home_page(struct vm_area_struct *vma, unsigned long addr,
			   enum svm_home_effort effort)
{
	gfp_t gfp = gfp_of(effort);
	struct page *page;

	page = vma ? alloc_page_vma(gfp, vma, addr) : alloc_page(gfp);
	if (page)
		lock_page(page);
	return page;
}

/* Somebody said on which NUMA nodes memory shall be. */
static bool has_policy(const struct vm_area_struct *vma)
{
#ifdef CONFIG_NUMA
	return current->mempolicy || (vma && vma->vm_policy);
#else
	return false;
#endif
}

/**
 * svm_home_pages() - many system pages to come home to
 * @vma: mapping, for its NUMA policy; NULL when nobody knows it
 * @effort: how much they are wanted
 * @n: pages
 * @pages: result, room for @n; NULL behind the last
 *
 * One by one a page costs five times as much.
 *
 * Return: how many there are, not locked; fewer than @n, or none, means no more
 * than that they have to be taken one by one.
 */
unsigned long svm_home_pages(const struct vm_area_struct *vma,
			     enum svm_home_effort effort, unsigned long n,
			     struct page **pages)
{
	memset(pages, 0, n * sizeof(*pages));
	if (n < 2 || has_policy(vma))
		return 0;
	return alloc_pages_bulk(gfp_of(effort), n, pages);
}

/**
 * svm_home_large() - 2 MiB of system memory to come home to, in one folio
 * @vma: mapping, for its NUMA policy; NULL when nobody knows it
 * @addr: address in @vma, aligned
 * @effort: how much it is wanted; single pages can do instead if @vma is known, for then
 *	the source can be split
 *
 * Return: the first page, of a locked folio, or NULL.
 */
struct page *svm_home_large(struct vm_area_struct *vma, unsigned long addr,
			    enum svm_home_effort effort)
{
	gfp_t gfp = GFP_TRANSHUGE_LIGHT | __GFP_NOWARN;
	struct folio *folio;

	/* Also when it was said after the memory had gone to the device. */
	if (vma && (vma->vm_flags & VM_NOHUGEPAGE))
		return NULL;
	if (!vma && effort == SVM_HOME_WANTED)
		gfp = GFP_TRANSHUGE | __GFP_RETRY_MAYFAIL | __GFP_NOWARN;
	folio = svm_compat_large_folio(gfp, vma, addr);
	if (!folio)
		return NULL;
	folio_lock(folio);
	return folio_page(folio, 0);
}

/**
 * svm_home_drop() - give up destinations
 * @dst: entries of migrate_vma; set to 0
 * @n: number of entries
 */
void svm_home_drop(unsigned long *dst, unsigned long n)
{
	unsigned long i;

	for (i = 0; i < n; i++) {
		struct page *page = migrate_pfn_to_page(dst[i]);

		if (!page)
			continue;
		dst[i] = 0;
		unlock_page(page);
		put_page(page);
	}
}

/**
 * svm_home_large_drop() - give up what was not needed
 * @page: from svm_home_large(), or NULL
 */
void svm_home_large_drop(struct page *page)
{
	if (!page)
		return;
	unlock_page(page);
	put_page(page);
}

/**
 * svm_home_large_fill() - copy 2 MiB to a destination
 * @to: from svm_home_large()
 * @from: the source's first page
 * @copier: the copy is added to it
 *
 * Return: entry for migrate_vma.
 */
unsigned long svm_home_large_fill(struct page *to, struct page *from,
				  struct svm_copier *copier)
{
	svm_copier_add(copier, to, from, SVM_CHUNK_PAGES);
	return migrate_pfn(page_to_pfn(to)) | MIGRATE_PFN_COMPOUND;
}

/* struct filling - one svm_home_fill() */
struct filling {
	struct svm_copier *copier;
	struct vm_area_struct *vma;
	enum svm_home_effort effort;
	unsigned long short_of;
};

/* @to: one that is at hand, or NULL. */
static unsigned long fill_page(struct filling *f, struct page *from,
			       unsigned long addr, struct page *to)
{
	if (to)
		lock_page(to);
	else
		to = svm_home_page(f->vma, addr, f->effort);
	if (!to) {
		f->short_of++;
		return 0;
	}
	svm_copier_add(f->copier, to, from, 1);
	return migrate_pfn(page_to_pfn(to));
}

/* In one piece, or not at all. */
static unsigned long fill_large(struct filling *f, struct page *from)
{
	struct page *to = svm_home_large(NULL, 0, f->effort);

	if (!to) {
		f->short_of += SVM_CHUNK_PAGES;
		return 0;
	}
	return svm_home_large_fill(to, from, f->copier);
}

/* Every entry is a single page that is to move. */
static bool all_single(const unsigned long *src, unsigned long n)
{
	unsigned long i;

	for (i = 0; i < n; i++)
		if (!svm_entry_single(src[i]))
			return false;
	return true;
}

/**
 * svm_home_fill() - destinations for all that can come home, and their copies
 * @src: entries after setup
 * @dst: result
 * @n: number of entries
 * @vma: mapping or NULL
 * @addr: address of entry 0 in @vma
 * @effort: how much they are wanted
 * @copier: the copies are added to it. If they fail, @dst is for svm_home_drop()
 *
 * Return: pages for which there was no memory.
 */
unsigned long svm_home_fill(const unsigned long *src, unsigned long *dst,
			    unsigned long n, struct vm_area_struct *vma,
			    unsigned long addr, enum svm_home_effort effort,
			    struct svm_copier *copier)
{
	struct filling f = { .vma = vma, .effort = effort, .copier = copier };
	unsigned long i, stock = 0;

	BUILD_BUG_ON(sizeof(*dst) != sizeof(struct page *));
	/* Each entry is its destination's page before it is its number. */
	if (all_single(src, n))
		stock = svm_home_pages(vma, effort, n, (struct page **)dst);
	else
		memset(dst, 0, n * sizeof(*dst));
	for (i = 0; i < n; i += svm_entry_pages(src[i])) {
		struct page *from = migrate_pfn_to_page(src[i]);
		struct page *to = i < stock ? (struct page *)dst[i] : NULL;

		if (!from || !(src[i] & MIGRATE_PFN_MIGRATE))
			continue;
		if (svm_entry_pages(src[i]) > 1)
			dst[i] = fill_large(&f, from);
		else
			dst[i] = fill_page(&f, from, addr + (i << PAGE_SHIFT),
					   to);
	}
	return f.short_of;
}

/**
 * svm_home_count() - pages that came home, and whose memory they left
 * @src: entries after migrate_vma_pages() or migrate_device_pages()
 * @dst: destinations
 * @n: number of entries
 *
 * Return: pages.
 */
unsigned long svm_home_count(const unsigned long *src, const unsigned long *dst,
			     unsigned long n)
{
	unsigned long i, moved = 0;

	for (i = 0; i < n; i += svm_entry_pages(dst[i])) {
		struct page *from = migrate_pfn_to_page(src[i]);
		unsigned long pages = svm_entry_pages(dst[i]);

		if (!from || !dst[i] || !(src[i] & MIGRATE_PFN_MIGRATE))
			continue;
		atomic_long_add(pages, &svm_devmem_of(from)->pages_out);
		moved += pages;
	}
	return moved;
}
