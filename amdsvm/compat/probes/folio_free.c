// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Free device pages are reported by folio (7.x).
 * define: SVM_HAVE_FOLIO_FREE
 * one-of: callback for a free device page: dev_pagemap_ops.folio_free or .page_free
 */
#include <linux/memremap.h>

static void probe(struct folio *folio)
{
}

static __used const struct dev_pagemap_ops ops = {
	.folio_free = probe,
};
