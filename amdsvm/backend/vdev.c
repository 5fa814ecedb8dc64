// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * vdev: the software device. Its memory and how that is copied; the copy engine is in
 * engine.c, the lanes that execute packets in lane.c.
 *
 * Private memory has no bytes of its own, so each 2 MiB chunk is backed by
 * system memory the first time it is used: one large page where there is one,
 * single pages otherwise. Coherent memory is real memory at its own address.
 *
 * Chunks are backed and unbacked by the allocator of device memory, which
 * never does either to a chunk that is in use; so no lock is needed here.
 */
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "../compat/compat.h"
#include "../devmem.h"
#include "../space.h"
#include "engine.h"
#include "lane.h"
#include "vdev.h"

/* gpu_ids of vdev: "VD" and the number of the device, counted from 1. */
#define VDEV_GPU_ID_BASE 0x56440000u

#define CHUNK_ORDER (SVM_CHUNK_SHIFT - PAGE_SHIFT)

/* struct vdev_chunk - what is behind 2 MiB of private memory */
struct vdev_chunk {
	struct page *large;	/* one allocation of CHUNK_ORDER, or NULL */
	struct page **pages;	/* or single pages, or NULL */
};

struct vdev {
	struct svm_device device;
	struct vdev_chunk *chunks;	/* private memory only */
	struct vdev_lane *lanes;
	unsigned int nr_lanes;
	struct vdev_engine *engine;
};

static struct vdev *vdevs;
static unsigned int nr_vdevs;

static struct vdev *to_vdev(struct svm_device *device)
{
	return container_of(device, struct vdev, device);
}

static unsigned long chunk_free(struct vdev_chunk *chunk)
{
	unsigned long i, freed = 0;

	if (chunk->large) {
		__free_pages(chunk->large, CHUNK_ORDER);
		freed = SVM_CHUNK_PAGES;
	}
	for (i = 0; chunk->pages && i < SVM_CHUNK_PAGES; i++) {
		if (!chunk->pages[i])
			continue;
		__free_page(chunk->pages[i]);
		freed++;
	}
	kfree(chunk->pages);
	chunk->large = NULL;
	chunk->pages = NULL;
	return freed;
}

/* The kernel clears what it gives out, if it was booted so: no need to do it twice. */
static int vdev_back(struct svm_device *device, unsigned int index, bool *clear)
{
	struct vdev_chunk *chunk = &to_vdev(device)->chunks[index];
	unsigned int i;

	*clear = want_init_on_alloc(GFP_HIGHUSER);
	/* Cheap when there is a large page, no effort to make one. */
	chunk->large = alloc_pages(GFP_HIGHUSER | __GFP_NORETRY | __GFP_NOWARN,
				   CHUNK_ORDER);
	if (chunk->large)
		return 0;

	chunk->pages = kcalloc(SVM_CHUNK_PAGES, sizeof(*chunk->pages),
			       GFP_KERNEL);
	if (!chunk->pages)
		return -ENOMEM;
	for (i = 0; i < SVM_CHUNK_PAGES; i++) {
		chunk->pages[i] = alloc_page(GFP_HIGHUSER |
					     __GFP_RETRY_MAYFAIL |
					     __GFP_NOWARN);
		if (!chunk->pages[i]) {
			chunk_free(chunk);
			return -ENOMEM;
		}
	}
	return 0;
}

static unsigned long vdev_unback(struct svm_device *device, unsigned int index)
{
	return chunk_free(&to_vdev(device)->chunks[index]);
}

/**
 * svm_vdev_page() - the memory that holds the bytes of a page
 * @place: memory of the system or of a vdev
 * @n: page number, counted from @place
 *
 * Context: the page is in use, so that what is behind it stays.
 * Return: a page with an address in the kernel.
 */
struct page *svm_vdev_page(const struct svm_mem *place, unsigned long n)
{
	struct vdev_chunk *chunk;
	unsigned long page;

	if (!place->device)
		return nth_page(place->page, n);

	page = (place->offset >> PAGE_SHIFT) + n;
	if (place->device->mem->kind == AMDSVM_MEMORY_COHERENT)
		return svm_devmem_page(place->device, (u64)page << PAGE_SHIFT);

	chunk = &to_vdev(place->device)->chunks[page / SVM_CHUNK_PAGES];
	page %= SVM_CHUNK_PAGES;
	return chunk->large ? chunk->large + page : chunk->pages[page];
}

/* How many pages from page @n on lie side by side, behind the first. */
static unsigned long pages_beside(const struct svm_mem *place, unsigned long n)
{
	unsigned long page = (place->offset >> PAGE_SHIFT) + n;

	if (!place->device ||
	    place->device->mem->kind == AMDSVM_MEMORY_COHERENT)
		return ULONG_MAX;
	if (!to_vdev(place->device)->chunks[page / SVM_CHUNK_PAGES].large)
		return 1;
	return SVM_CHUNK_PAGES - page % SVM_CHUNK_PAGES;
}

static void clear_run(struct page *dst, unsigned long n)
{
	for (; n; n--)
		clear_page(page_address(dst++));
}

#define UNROLLED 8

static void copy_run(struct page *dst, struct page *src, unsigned long n)
{
	void *to = page_address(dst), *from = page_address(src);
	unsigned int i;

	/* A loop around each page is a hundredth of what its copy costs. */
	for (; n >= UNROLLED; n -= UNROLLED) {
#pragma GCC unroll 8
		for (i = 0; i < UNROLLED; i++)
			copy_page(to + i * PAGE_SIZE, from + i * PAGE_SIZE);
		to += UNROLLED * PAGE_SIZE;
		from += UNROLLED * PAGE_SIZE;
	}
	for (; n; n--, to += PAGE_SIZE, from += PAGE_SIZE)
		copy_page(to, from);
}

/**
 * svm_vdev_copy() - fill a run
 * @copy: the run
 *
 * Context: any thread; the pages are in use. Sleeps.
 */
void svm_vdev_copy(const struct svm_copy *copy)
{
	unsigned long i, n;

	for (i = 0; i < copy->pages; i += n) {
		struct page *dst = svm_vdev_page(&copy->dst, i);

		n = min(copy->pages - i, pages_beside(&copy->dst, i));
		if (copy->clear) {
			clear_run(dst, n);
			continue;
		}
		n = min(n, pages_beside(&copy->src, i));
		copy_run(dst, svm_vdev_page(&copy->src, i), n);
	}
	cond_resched();
}

static int vdev_copy(struct svm_device *device, const struct svm_copy *copy)
{
	if (svm_engine_refuses(to_vdev(device)->engine))
		return -EIO;
	svm_vdev_copy(copy);
	return 0;
}

static bool vdev_copy_start(struct svm_device *device, struct svm_copy_job *job)
{
	return svm_engine_submit(to_vdev(device)->engine, job);
}

static int vdev_copy_wait(struct svm_device *device, struct svm_copy_job *job)
{
	return svm_engine_wait(to_vdev(device)->engine, job);
}

static void vdev_flush_issue(struct svm_device *device, struct svm_space *space)
{
	atomic64_inc(&space->tlb_generation);
}

static void vdev_flush_wait(struct svm_device *device, struct svm_space *space)
{
	struct vdev *vdev = to_vdev(device);

	svm_lanes_flush_wait(vdev->lanes, vdev->nr_lanes, space);
}

static const struct svm_device_ops vdev_private_ops = {
	.back = vdev_back,
	.unback = vdev_unback,
	.copy = vdev_copy,
	.copy_start = vdev_copy_start,
	.copy_wait = vdev_copy_wait,
	.flush_issue = vdev_flush_issue,
	.flush_wait = vdev_flush_wait,
};

static const struct svm_device_ops vdev_plain_ops = {
	.copy = vdev_copy,
	.copy_start = vdev_copy_start,
	.copy_wait = vdev_copy_wait,
	.flush_issue = vdev_flush_issue,
	.flush_wait = vdev_flush_wait,
};

static int vdev_start(struct vdev *vdev, unsigned int number,
		      unsigned int lanes)
{
	struct svm_device *device = &vdev->device;
	struct vdev_engine *engine;
	struct vdev_lane *started;
	int ret;

	device->gpu_id = VDEV_GPU_ID_BASE + number + 1;
	device->ops = &vdev_plain_ops;
	snprintf(device->name, sizeof(device->name), "vdev%u", number);
	ret = svm_device_register(device);
	if (ret)
		return ret;
	started = svm_lanes_start(device, lanes);
	if (IS_ERR(started))
		return PTR_ERR(started);
	vdev->lanes = started;
	vdev->nr_lanes = lanes;
	engine = svm_engine_start(device);
	if (IS_ERR(engine))
		return PTR_ERR(engine);
	vdev->engine = engine;
	return 0;
}

/**
 * svm_vdev_init() - make and register devices
 * @count: how many
 * @lanes: threads of each
 *
 * They have no memory yet. Without private memory nothing has to be backed;
 * svm_vdev_memory() is called before private memory is given to them.
 *
 * Return: 0; -ENOMEM; -ENOSPC when there are too many.
 */
int svm_vdev_init(unsigned int count, unsigned int lanes)
{
	unsigned int i;
	int ret;

	vdevs = kcalloc(count, sizeof(*vdevs), GFP_KERNEL);
	if (!vdevs)
		return -ENOMEM;
	nr_vdevs = count;

	for (i = 0; i < count; i++) {
		ret = vdev_start(&vdevs[i], i, lanes);
		if (ret) {
			svm_vdev_exit();
			return ret;
		}
	}
	return 0;
}

/**
 * svm_vdev_memory() - the devices are going to have private memory
 * @chunks: 2 MiB chunks of each
 *
 * Return: 0 or -ENOMEM.
 */
int svm_vdev_memory(unsigned int chunks)
{
	unsigned int i;

	for (i = 0; i < nr_vdevs; i++) {
		vdevs[i].chunks = kvcalloc(chunks, sizeof(*vdevs[i].chunks),
					   GFP_KERNEL);
		if (!vdevs[i].chunks)
			return -ENOMEM;
		vdevs[i].device.ops = &vdev_private_ops;
	}
	return 0;
}

/**
 * svm_vdev_exit() - unregister and free the devices
 *
 * Context: module unload; the memory is gone already.
 */
void svm_vdev_exit(void)
{
	unsigned int i;

	for (i = 0; i < nr_vdevs; i++) {
		if (vdevs[i].lanes)
			svm_lanes_stop(vdevs[i].lanes, vdevs[i].nr_lanes);
		if (vdevs[i].engine)
			svm_engine_stop(vdevs[i].engine);
		kvfree(vdevs[i].chunks);
	}
	svm_device_unregister_all();
	kfree(vdevs);
	vdevs = NULL;
	nr_vdevs = 0;
}
