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

#include <linux/memcontrol.h>
#include <linux/memremap.h>
#include <linux/migrate.h>
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
 * Device pages of 2 MiB (7.2). Without them entries of migrate_vma are pages of
 * 4 KiB, always.
 */
#ifdef SVM_HAVE_LARGE_FOLIOS
#define SVM_COMPAT_LARGE true
#else
#define SVM_COMPAT_LARGE false
#define MIGRATE_PFN_COMPOUND 0
#define MIGRATE_VMA_SELECT_COMPOUND 0
#endif

/* Make 2 MiB of free device pages one live folio: locked, one reference. */
static inline void svm_compat_start_folio(struct folio *folio,
					  struct dev_pagemap *pagemap)
{
#ifdef SVM_HAVE_LARGE_FOLIOS
	zone_device_folio_init(folio, pagemap, HPAGE_PMD_ORDER);
#else
	WARN_ON_ONCE(1);
#endif
}

/* 2 MiB of system memory in one folio, or NULL. @vma may be NULL. */
static inline struct folio *svm_compat_large_folio(gfp_t gfp,
						   struct vm_area_struct *vma,
						   unsigned long addr)
{
#ifdef SVM_HAVE_LARGE_FOLIOS
	return vma ? vma_alloc_folio(gfp, HPAGE_PMD_ORDER, vma, addr) :
		     folio_alloc(gfp, HPAGE_PMD_ORDER);
#else
	return NULL;
#endif
}

/* Was named by what it fills before. */
#ifndef alloc_pages_bulk
#define alloc_pages_bulk(gfp, n, pages) alloc_pages_bulk_array(gfp, n, pages)
#endif

/*
 * The callback for a free device page: by folio now, by page before.
 * SVM_COMPAT_FOLIO_FREE(f) stands behind the definition of f(struct folio *),
 * SVM_COMPAT_FOLIO_FREE_OP(f) in the initializer of struct dev_pagemap_ops.
 */
#ifdef SVM_HAVE_FOLIO_FREE
#define SVM_COMPAT_FOLIO_FREE(function)	\
	static_assert(__same_type(function, void (struct folio *)))
#define SVM_COMPAT_FOLIO_FREE_OP(function) .folio_free = function
#else
#define SVM_COMPAT_FOLIO_FREE(function)				\
	static void function##_page(struct page *page)		\
	{							\
		function(page_folio(page));			\
	}							\
	static_assert(true)
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

/* Pages of system memory can be taken away from CPUs for atomics of devices. */
#ifdef SVM_HAVE_DEVICE_EXCLUSIVE
#define SVM_COMPAT_EXCLUSIVE true
#else
#define SVM_COMPAT_EXCLUSIVE false
#endif

/* Shrinkers were the caller's objects before they were allocated. */
#ifndef SVM_HAVE_SHRINKER_ALLOC
struct svm_compat_shrinker {
	struct shrinker shrinker;
	const char *name;
};

static inline struct shrinker *shrinker_alloc(unsigned int flags,
					      const char *name)
{
	struct svm_compat_shrinker *own = kzalloc(sizeof(*own), GFP_KERNEL);

	if (!own)
		return NULL;
	own->shrinker.seeks = DEFAULT_SEEKS;
	own->shrinker.flags = flags;
	own->name = name;
	INIT_LIST_HEAD(&own->shrinker.list);
	return &own->shrinker;
}

static inline void shrinker_register(struct shrinker *shrinker)
{
	struct svm_compat_shrinker *own =
		container_of(shrinker, struct svm_compat_shrinker, shrinker);

	if (register_shrinker(shrinker, "%s", own->name))
		pr_warn("amdsvm: no memory for a shrinker: device memory is not given back under pressure\n");
}

static inline void shrinker_free(struct shrinker *shrinker)
{
	/* Not in a list: registration failed and there is nothing to undo. */
	if (!list_empty(&shrinker->list))
		unregister_shrinker(shrinker);
	kfree(container_of(shrinker, struct svm_compat_shrinker, shrinker));
}
#endif

/* Nobody pays for the page any more, as far as that is known. */
static inline bool svm_compat_uncharged(struct page *page)
{
#ifdef CONFIG_MEMCG
	return !mem_cgroup_disabled() &&
	       !READ_ONCE(page_folio(page)->memcg_data);
#else
	return false;
#endif
}

/* What the callback for the owner of a kobject is given. */
#ifdef SVM_HAVE_OWNERSHIP_CONST
#define SVM_COMPAT_OWNED const struct kobject
#else
#define SVM_COMPAT_OWNED struct kobject
#endif

/* Shadow stacks of user space came with 6.6. */
#ifndef VM_SHADOW_STACK
#define VM_SHADOW_STACK 0
#endif

#ifndef nth_page
#define nth_page(page, n) ((page) + (n))
#endif

#endif /* SVM_COMPAT_H */
