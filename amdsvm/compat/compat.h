/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * One driver for many kernels: the rest of the driver is written in the
 * spelling of the newest kernel, and what older ones lack is here.
 *
 * SVM_HAVE_* come from probes that are compiled against the headers the module
 * is built for (probe.sh, probes/). Version numbers decide nothing:
 * distributions carry changes back.
 */
#ifndef SVM_COMPAT_H
#define SVM_COMPAT_H

#include <linux/memremap.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/shrinker.h>
#include <linux/slab.h>

#include "config.h"

/* The pagemap of a device page was a field before it was a function. */
#ifndef SVM_HAVE_PAGE_PGMAP
static inline struct dev_pagemap *page_pgmap(const struct page *page)
{
	return page->pgmap;
}
#endif

/* Make a free device page live: locked, one reference. */
static inline void svm_compat_start_page(struct page *page,
					 struct dev_pagemap *pagemap)
{
#if defined(SVM_HAVE_PAGE_INIT_PGMAP_ORDER)
	zone_device_page_init(page, pagemap, 0);
#elif defined(SVM_HAVE_PAGE_INIT_ORDER)
	zone_device_page_init(page, 0);
#else
	zone_device_page_init(page);
#endif
}

/*
 * The callback for a free device page: by folio now, by page before.
 * SVM_COMPAT_FOLIO_FREE(f) stands behind the definition of f(struct folio *),
 * SVM_COMPAT_FOLIO_FREE_OP(f) in the initializer of struct dev_pagemap_ops.
 */
#ifdef SVM_HAVE_FOLIO_FREE
#define SVM_COMPAT_FOLIO_FREE(function)	\
	struct dev_pagemap_ops	/* takes the semicolon */
#define SVM_COMPAT_FOLIO_FREE_OP(function) .folio_free = function
#else
#define SVM_COMPAT_FOLIO_FREE(function)				\
	static void function##_page(struct page *page)		\
	{							\
		function(page_folio(page));			\
	}							\
	struct dev_pagemap_ops	/* takes the semicolon */
#define SVM_COMPAT_FOLIO_FREE_OP(function) .page_free = function##_page
#endif

/*
 * Private device memory is offered where the kernel supports it and where
 * do_swap_page() takes the page lock before it calls us: before, two CPU faults
 * on one page can keep each other from migrating for ever. That change (6.15)
 * cannot be probed; folio_free is younger and can.
 */
#if IS_ENABLED(CONFIG_DEVICE_PRIVATE) && defined(SVM_HAVE_FOLIO_FREE)
#define SVM_COMPAT_PRIVATE true
#else
#define SVM_COMPAT_PRIVATE false
#endif

/* Shrinkers were static objects before they were allocated. */
#ifndef SVM_HAVE_SHRINKER_ALLOC
static inline struct shrinker *svm_compat_shrinker_alloc(void)
{
	struct shrinker *shrinker = kzalloc(sizeof(*shrinker), GFP_KERNEL);

	if (shrinker)
		shrinker->seeks = DEFAULT_SEEKS;
	return shrinker;
}

static inline void svm_compat_shrinker_free(struct shrinker *shrinker)
{
	/* Without the first, registration failed and there is nothing to undo. */
	if (!list_empty(&shrinker->list))
		unregister_shrinker(shrinker);
	kfree(shrinker);
}

static inline void svm_compat_shrinker_register(struct shrinker *shrinker)
{
	INIT_LIST_HEAD(&shrinker->list);
	if (register_shrinker(shrinker, "amdsvm"))
		pr_warn("amdsvm: no memory for a shrinker: device memory is not given back under pressure\n");
}

#define shrinker_alloc(flags, name)	svm_compat_shrinker_alloc()
#define shrinker_register(shrinker)	svm_compat_shrinker_register(shrinker)
#define shrinker_free(shrinker)		svm_compat_shrinker_free(shrinker)
#endif

#ifndef nth_page
#define nth_page(page, n) ((page) + (n))
#endif

#endif /* SVM_COMPAT_H */
