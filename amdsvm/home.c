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

#include "copy.h"
#include "devmem.h"
#include "home.h"

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
	static const gfp_t efforts[] = {
		[SVM_HOME_NEEDED] = 0,
		[SVM_HOME_WANTED] = __GFP_RETRY_MAYFAIL,
		[SVM_HOME_WELCOME] = __GFP_NORETRY,
	};
	gfp_t gfp = GFP_HIGHUSER_MOVABLE | __GFP_NOWARN | efforts[effort];
	struct page *page;

	page = vma ? alloc_page_vma(gfp, vma, addr) : alloc_page(gfp);
	if (page)
		lock_page(page);
	return page;
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
 * svm_home_fill() - destinations with content for all that can come home
 * @src: entries after setup
 * @dst: result
 * @n: number of entries
 * @vma: mapping or NULL
 * @addr: address of entry 0 in @vma
 * @effort: how much they are wanted
 *
 * Return: pages for which there was no memory. When the backend fails to copy,
 * no entry of @dst is set.
 */
unsigned long svm_home_fill(const unsigned long *src, unsigned long *dst,
			    unsigned long n, struct vm_area_struct *vma,
			    unsigned long addr, enum svm_home_effort effort)
{
	struct svm_copier copier = {};
	unsigned long i, short_of = 0;

	for (i = 0; i < n; i++) {
		struct page *from = migrate_pfn_to_page(src[i]);
		struct page *to;

		dst[i] = 0;
		if (!from || !(src[i] & MIGRATE_PFN_MIGRATE))
			continue;
		to = svm_home_page(vma, addr + (i << PAGE_SHIFT), effort);
		if (!to) {
			short_of++;
			continue;
		}
		svm_copier_add(&copier, to, from);
		dst[i] = migrate_pfn(page_to_pfn(to));
	}
	if (svm_copier_finish(&copier))
		svm_home_drop(dst, n);
	return short_of;
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

	for (i = 0; i < n; i++) {
		struct page *from = migrate_pfn_to_page(src[i]);

		if (!from || !dst[i] || !(src[i] & MIGRATE_PFN_MIGRATE))
			continue;
		atomic_long_inc(&svm_devmem_of(from)->pages_out);
		moved++;
	}
	return moved;
}
