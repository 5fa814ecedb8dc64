// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Copies between pages: neighbours become one run, one call of the backend.
 *
 * No locks; the pages belong to the caller. Sleeps.
 */
#include <linux/mm.h>

#include "copy.h"
#include "devmem.h"

static struct svm_mem place_of(struct svm_copier *copier, struct page *page)
{
	unsigned long pfn = page_to_pfn(page);

	if (pfn - svm_devmem_first >= svm_devmem_span)
		return svm_devmem_place_in(NULL, page);
	if (!copier->mem || !svm_devmem_has(copier->mem, pfn))
		copier->mem = svm_devmem_find(pfn);
	return svm_devmem_place_in(copier->mem, page);
}

static bool place_follows(const struct svm_mem *base, unsigned long pages,
			  const struct svm_mem *place)
{
	if (base->device != place->device)
		return false;
	if (base->device)
		return base->offset + (pages << PAGE_SHIFT) == place->offset;
	return page_to_pfn(base->page) + pages == page_to_pfn(place->page);
}

static void flush(struct svm_copier *copier)
{
	struct svm_copy *run = &copier->run;
	struct svm_device *device = run->dst.device;
	int ret;

	if (!run->pages)
		return;
	if (!device)
		device = run->src.device;
	ret = device->ops->copy(device, run);
	if (ret && !copier->error)
		copier->error = ret;
	run->pages = 0;
}

/**
 * svm_copier_add() - copy or clear pages
 * @copier: zeroed before the first page
 * @dst: first page to fill; at least one of the two is device memory of ours
 * @src: first page to copy, or NULL to clear @dst
 * @n: number of pages, contiguous on both sides
 */
void svm_copier_add(struct svm_copier *copier, struct page *dst,
		    struct page *src, unsigned long n)
{
	struct svm_mem to = place_of(copier, dst);
	struct svm_mem from = {};
	struct svm_copy *run = &copier->run;

	if (src)
		from = place_of(copier, src);

	if (run->pages && run->clear == !src &&
	    place_follows(&run->dst, run->pages, &to) &&
	    (!src || place_follows(&run->src, run->pages, &from))) {
		run->pages += n;
		return;
	}
	flush(copier);
	*run = (struct svm_copy) {
		.dst = to,
		.src = from,
		.pages = n,
		.clear = !src,
	};
}

/**
 * svm_copier_finish() - complete all copies
 * @copier: the copier, ready for other pages afterwards
 *
 * Return: 0, or the first error of the backend; then no page that was added
 * may be used.
 */
int svm_copier_finish(struct svm_copier *copier)
{
	int error;

	flush(copier);
	error = copier->error;
	copier->error = 0;
	return error;
}
