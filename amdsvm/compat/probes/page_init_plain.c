// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * A device page starts with nothing else (up to 6.18).
 * define: SVM_HAVE_PAGE_INIT_PLAIN
 * symbols: zone_device_page_init
 * one-of: start of a device page: zone_device_page_init() with 1, 2 or 3 arguments
 */
#include <linux/memremap.h>
#include <linux/mm.h>

static __used void probe(struct page *page)
{
	zone_device_page_init(page);
}
