// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The pagemap of a device page by function (7.x); before it was a field.
 * define: SVM_HAVE_PAGE_PGMAP
 * one-of: pagemap of a page: page_pgmap() or page->pgmap
 */
#include <linux/memremap.h>
#include <linux/mm.h>

static __used struct dev_pagemap *probe(struct page *page)
{
	return page_pgmap(page);
}
