// SPDX-License-Identifier: MIT
/*
 * svmctl demo: one step, and the proof of it. Where the pages are is asked from
 * the driver for every page; the page that is watched also from the CPU's page
 * table, which knows nothing of the driver. They must agree, and so must the
 * driver's counters.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "demo.h"
#include "pagemap.h"
#include "progress.h"
#include "svmctl.h"

/*
 * Pages that are in use for a moment stay behind: normal, and a reason to try
 * again, not for ever.
 */
#define MAX_TRIES 5

double demo_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec * 1e-9;
}

struct demo_step *demo_begin(struct demo *demo, const char *fmt, ...)
{
	struct demo_step *step = &demo->steps[demo->nsteps];
	va_list ap;

	memset(step, 0, sizeof(*step));
	va_start(ap, fmt);
	vsnprintf(step->name, sizeof(step->name), fmt, ap);
	va_end(ap);
	return step;
}

static void count_pages(struct demo *demo, struct demo_step *step)
{
	const struct amdsvm_page_info *page;
	size_t i, device;

	for (i = 0; i < demo->npages; i++) {
		page = &demo->pages[i];
		if (!(page->flags & AMDSVM_PAGE_PRESENT)) {
			step->pages_absent++;
			continue;
		}
		if (!(page->flags & AMDSVM_PAGE_DEVICE)) {
			step->pages_system++;
			continue;
		}
		for (device = 0; device < demo->ndevices; device++)
			if (page->gpu_id == demo->devices[device].gpu_id)
				step->pages_device[device]++;
	}
}

static uint64_t pages_at(const struct demo *demo, const struct demo_step *step, uint32_t gpu_id)
{
	size_t device;

	if (gpu_id == AMDSVM_IOCTL_SVM_LOCATION_SYSMEM)
		return step->pages_system;
	for (device = 0; device < demo->ndevices; device++)
		if (demo->devices[device].gpu_id == gpu_id)
			return step->pages_device[device];
	return 0;
}

/* The CPU addresses all memory but the private memory of a device. */
static bool cpu_addresses(const struct demo *demo, uint32_t gpu_id)
{
	size_t device;

	for (device = 0; device < demo->ndevices; device++)
		if (demo->devices[device].gpu_id == gpu_id)
			return demo->devices[device].memory_kind != AMDSVM_MEMORY_PRIVATE;
	return true;
}

/* A driver that only says that pages moved is found out here. */
static int check_pagemap(const struct demo *demo, const struct demo_step *step, uint32_t gpu_id)
{
	bool present = cpu_addresses(demo, gpu_id);

	if (pagemap_present(step->pagemap) == present && pagemap_swap(step->pagemap) == !present)
		return SVMCTL_OK;
	return failed("%s: the driver says that all pages are there, but /proc/self/pagemap has present %d and swap %d for 0x%jx, not %d and %d: report it",
		      step->name, pagemap_present(step->pagemap), pagemap_swap(step->pagemap),
		      (uintmax_t)demo->watched, present, !present);
}

/*
 * All pages made the same way in a step, from where the last one left them, so
 * exactly one counter has moved, by all of them; none if they stayed.
 */
static int check_counters(const struct demo *demo, const struct demo_step *step, uint32_t gpu_id)
{
	const uint32_t home = AMDSVM_IOCTL_SVM_LOCATION_SYSMEM;
	uint64_t in = 0, out = 0, peer = 0;

	if (demo->location == gpu_id)
		;
	else if (demo->location == home)
		in = demo->npages;
	else if (gpu_id == home)
		out = demo->npages;
	else
		peer = demo->npages;

	if (step->counters.pages_in == in && step->counters.pages_out == out &&
	    step->counters.pages_peer == peer)
		return SVMCTL_OK;
	return failed("%s: the driver counted %ju pages to devices, %ju home and %ju between devices, not %ju, %ju and %ju: run it again while nobody evicts, and report it if it stays so",
		      step->name, (uintmax_t)step->counters.pages_in,
		      (uintmax_t)step->counters.pages_out, (uintmax_t)step->counters.pages_peer,
		      (uintmax_t)in, (uintmax_t)out, (uintmax_t)peer);
}

static void subtract_counters(struct amdsvm_ioctl_get_counters_args *now,
			      const struct amdsvm_ioctl_get_counters_args *before)
{
	now->pages_in -= before->pages_in;
	now->pages_cleared -= before->pages_cleared;
	now->pages_out -= before->pages_out;
	now->pages_peer -= before->pages_peer;
	now->pages_failed -= before->pages_failed;
	now->cpu_faults -= before->cpu_faults;
}

int demo_end(struct demo *demo, struct demo_step *step, uint32_t gpu_id)
{
	struct amdsvm_ioctl_get_counters_args counters;
	uint64_t there;
	int ret;

	demo->nsteps++;
	ret = amdsvm_residency(demo->ctx, (uintptr_t)demo->memory, demo->bytes, demo->pages,
			       NULL);
	if (ret)
		return failed("%s: cannot ask where the pages are: %s", step->name,
			      strerror(-ret));
	count_pages(demo, step);

	ret = amdsvm_get_counters(demo->ctx, &counters);
	if (ret)
		return failed("%s: cannot read the counters: %s", step->name, strerror(-ret));
	step->counters = counters;
	subtract_counters(&step->counters, &demo->counters);
	demo->counters = counters;

	ret = pagemap_read(demo->pagemap_fd, demo->watched, 1, &step->pagemap);
	if (ret)
		return failed("%s: cannot read /proc/self/pagemap: %s", step->name,
			      strerror(-ret));

	there = pages_at(demo, step, gpu_id);
	if (there != demo->npages)
		return failed("%s: only %ju of %ju pages are where they must be (busy pages: %ju); run it again, and report it if it stays so",
			      step->name, (uintmax_t)there, (uintmax_t)demo->npages,
			      (uintmax_t)step->moved.pages_busy);

	ret = check_pagemap(demo, step, gpu_id);
	if (!ret)
		ret = check_counters(demo, step, gpu_id);
	demo->location = gpu_id;
	return ret;
}

/* One slice, again while pages were busy; the counts add up to the slice. */
static int move_slice(struct demo *demo, uint64_t start, uint64_t size, uint32_t gpu_id,
		      struct amdsvm_prefetch_result *sum)
{
	struct amdsvm_prefetch_result result;
	unsigned int tries = 0;
	uint64_t moved = 0;
	int ret;

	do {
		memset(&result, 0, sizeof(result));
		ret = amdsvm_prefetch(demo->ctx, start, size, gpu_id, &result);
		if (ret && ret != -EBUSY && ret != -EINTR)
			break;
		/* What an earlier try moved is there already for this one. */
		result.pages_already -= result.pages_already < moved ?
					result.pages_already : moved;
		moved += result.pages_moved;
		sum->pages_moved += result.pages_moved;
		sum->pages_cleared += result.pages_cleared;
	} while ((result.pages_busy || ret) && ++tries < MAX_TRIES);

	sum->pages_already += result.pages_already;
	sum->pages_no_space += result.pages_no_space;
	sum->pages_busy += result.pages_busy;
	sum->pages_unmovable += result.pages_unmovable;
	return ret;
}

int demo_move(struct demo *demo, uint32_t gpu_id, const char *name)
{
	struct demo_step *step = demo_begin(demo, "%s", name);
	const uint64_t base = (uintptr_t)demo->memory;
	double begin = demo_seconds();
	uint64_t done, part;
	int ret = 0;

	for (done = 0; done < demo->bytes && !ret; done += part) {
		part = demo->bytes - done;
		if (part > DEMO_SLICE)
			part = DEMO_SLICE;
		ret = move_slice(demo, base + done, part, gpu_id, &step->moved);
		progress_show(name, done + part, demo->bytes);
	}
	progress_clear();
	step->seconds = demo_seconds() - begin;
	step->timed = true;

	if (ret)
		return call_failed(name, getpid(), ret);
	return demo_end(demo, step, gpu_id);
}
