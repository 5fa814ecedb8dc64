// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Device pages of 2 MiB that core migrates whole, and splits when it must. All
 * three at once: kernels that have less mix orders up.
 * define: SVM_HAVE_LARGE_FOLIOS
 * symbols: zone_device_page_init
 */
#include <linux/memremap.h>
#include <linux/migrate.h>
#include <linux/mm.h>

#if !IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE)
#error no large folios of anonymous memory
#endif

static __used unsigned long probe(struct folio *folio, struct dev_pagemap *pagemap,
				  struct dev_pagemap_ops *ops)
{
	zone_device_folio_init(folio, pagemap, HPAGE_PMD_ORDER);
	ops->folio_split = NULL;
	return MIGRATE_VMA_SELECT_COMPOUND | MIGRATE_PFN_COMPOUND;
}
