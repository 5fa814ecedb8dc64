// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Free device pages are reported by page (up to 6.18).
 * define: SVM_HAVE_PAGE_FREE
 * one-of: callback for a free device page: dev_pagemap_ops.folio_free or .page_free
 */
#include <linux/memremap.h>

static void probe(struct page *page)
{
}

static __used const struct dev_pagemap_ops ops = {
	.page_free = probe,
};
