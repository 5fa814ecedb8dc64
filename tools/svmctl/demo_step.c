// SPDX-License-Identifier: MIT
/*
 * svmctl demo: one step, and the proof of it. Where the pages are is asked from
 * the driver for every page; the page that is watched also from the CPU's page
 * table, which knows nothing of the driver.
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
	return SVMCTL_OK;
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
