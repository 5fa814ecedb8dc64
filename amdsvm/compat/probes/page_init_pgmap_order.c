// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * A device page starts with its pagemap and order (7.x).
 * define: SVM_HAVE_PAGE_INIT_PGMAP_ORDER
 * symbols: zone_device_page_init
 * one-of: start of a device page: zone_device_page_init() with 1, 2 or 3 arguments
 */
#include <linux/memremap.h>
#include <linux/mm.h>

static __used void probe(struct page *page, struct dev_pagemap *map)
{
	zone_device_page_init(page, map, 0);
}
