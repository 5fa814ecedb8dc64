// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Copies between pages: neighbours become one run. Runs are kept, and given to the copy
 * engine of the device all together, which works on them while migrate_vma_pages() does
 * and while the caller notes what came of it.
 *
 * That is allowed because both ends of each copy stay locked and referenced until
 * migrate_vma_finalize(), and nobody has an entry that leads to either: see "Copies" in
 * docs/architecture.md, also for the two things that are not put off: what goes live in
 * migrate_vma_pages(), and an error that would have to be undone.
 *
 * No locks; the pages belong to the caller. Sleeps.
 */
#include <linux/mm.h>

#include "compat/compat.h"
#include "copy.h"
#include "devmem.h"

static bool place_follows(const struct svm_mem *base, unsigned long pages,
			  const struct svm_mem *place)
{
	if (base->device != place->device)
		return false;
	if (base->device)
		return base->offset + (pages << PAGE_SHIFT) == place->offset;
	return page_to_pfn(base->page) + pages == page_to_pfn(place->page);
}

static struct svm_device *engine_of(const struct svm_copy *run)
{
	return run->dst.device ? run->dst.device : run->src.device;
}

static void copy_now(struct svm_copier *copier, const struct svm_copy *run)
{
	struct svm_device *device = engine_of(run);
	int ret = device->ops->copy(device, run);

	if (ret && !copier->error)
		copier->error = ret;
}

/*
 * A page that had no source is mapped by migrate_vma_pages() already. In coherent memory
 * the CPU could read what was there before; a private page it cannot reach while that
 * is locked.
 */
static bool may_be_late(const struct svm_copy *run)
{
	return !run->clear ||
	       run->dst.device->mem->kind != AMDSVM_MEMORY_COHERENT;
}

static void flush(struct svm_copier *copier)
{
	struct svm_copy *run = &copier->run;
	struct svm_copy_job *job = &copier->job;

	if (!run->pages)
		return;
	if (!job->nr_runs)
		copier->device = engine_of(run);
	if (job->nr_runs < copier->room && engine_of(run) == copier->device &&
	    may_be_late(run)) {
		job->runs[job->nr_runs++] = *run;
		copier->pages += run->pages;
	} else {
		copy_now(copier, run);
	}
	run->pages = 0;
}

/* The same without a question whose memory it is: within 2 MiB it does not change. */
static bool goes_on(const struct svm_copier *copier, struct page *dst,
		    struct page *src)
{
	return dst == copier->next_dst && src == copier->next_src &&
	       page_to_pfn(dst) % SVM_CHUNK_PAGES &&
	       (!src || page_to_pfn(src) % SVM_CHUNK_PAGES);
}

static void set_next(struct svm_copier *copier, struct page *dst,
		     struct page *src, unsigned long n)
{
	copier->next_dst = nth_page(dst, n);
	copier->next_src = src ? nth_page(src, n) : NULL;
}

/**
 * svm_copier_add() - copy or clear pages
 * @copier: not started
 * @dst: first page to fill; at least one of the two is device memory of ours
 * @src: first page to copy, or NULL to clear @dst
 * @n: number of pages, contiguous on both sides
 *
 * Context: both are locked, and stay so until svm_copier_wait(); may sleep.
 */
void svm_copier_add(struct svm_copier *copier, struct page *dst,
		    struct page *src, unsigned long n)
{
	struct svm_copy *run = &copier->run;
	struct svm_mem to, from = {};

	if (run->pages && goes_on(copier, dst, src)) {
		run->pages += n;
		set_next(copier, dst, src, n);
		return;
	}
	set_next(copier, dst, src, n);
	to = svm_devmem_place_in(svm_devmem_of(dst), dst);
	if (src)
		from = svm_devmem_place_in(svm_devmem_of(src), src);

	if (run->pages && run->clear == !src &&
	    place_follows(&run->dst, run->pages, &to) &&
	    (!src || place_follows(&run->src, run->pages, &from))) {
		run->pages += n;
		return;
	}
	flush(copier);
	*run = (struct svm_copy) {
		.dst = to,
		.src = from,
		.pages = n,
		.clear = !src,
	};
}

static bool hand_over(struct svm_copier *copier)
{
	struct svm_device *device = copier->device;

	return copier->pages >= SVM_COPY_MIN_PAGES && device->ops->copy_start &&
	       device->ops->copy_start(device, &copier->job);
}

static void copy_all_now(struct svm_copier *copier)
{
	unsigned int i;

	for (i = 0; i < copier->job.nr_runs; i++)
		copy_now(copier, &copier->job.runs[i]);
}

/**
 * svm_copier_start() - all pages were added
 * @copier: the copier
 *
 * What goes live in migrate_vma_pages() has its content now; the rest may get it until
 * svm_copier_wait() returns, which must be called if this returns 0.
 *
 * Context: before migrate_vma_pages() or migrate_device_pages(); sleeps.
 * Return: 0, or an error of the backend; then no page that was added may be used, and
 * nothing writes to any.
 */
int svm_copier_start(struct svm_copier *copier)
{
	flush(copier);
	if (!copier->job.nr_runs || copier->error)
		return copier->error;
	copier->started = hand_over(copier);
	if (!copier->started)
		copy_all_now(copier);
	return copier->error;
}

/**
 * svm_copier_wait() - until all pages have their content
 * @copier: started; ready to be forgotten afterwards, and the memory of its runs
 *
 * By now core mm has made the destinations the pages (their place in the mapping and
 * their charge): nothing can be given up any more. So what the engine failed to copy is
 * copied here.
 *
 * Context: before migrate_vma_finalize(); sleeps, for the copy at most.
 */
void svm_copier_wait(struct svm_copier *copier)
{
	struct svm_device *device = copier->device;

	if (!copier->started)
		return;
	copier->started = false;
	if (!device->ops->copy_wait(device, &copier->job))
		return;
	copy_all_now(copier);
	WARN_ON_ONCE(copier->error);
}
