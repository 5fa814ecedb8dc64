// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * A page can be taken away from CPUs for atomics of a device (6.15 and later).
 * define: SVM_HAVE_DEVICE_EXCLUSIVE
 * symbols: make_device_exclusive
 */
#include <linux/mm.h>
#include <linux/rmap.h>

#if !IS_ENABLED(CONFIG_DEVICE_PRIVATE)
#error declared and not there
#endif

static __used struct page *probe(struct mm_struct *mm, struct folio **folio)
{
	return make_device_exclusive(mm, 0, NULL, folio);
}
