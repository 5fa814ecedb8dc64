// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * A device page starts with its order (6.19 only).
 * define: SVM_HAVE_PAGE_INIT_ORDER
 * symbols: zone_device_page_init
 * one-of: start of a device page: zone_device_page_init() with 1, 2 or 3 arguments
 */
#include <linux/memremap.h>
#include <linux/mm.h>

static __used void probe(struct page *page)
{
	zone_device_page_init(page, 0);
}
