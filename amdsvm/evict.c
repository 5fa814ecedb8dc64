// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Eviction: bring the pages of a device home by physical page, all of them or,
 * when room is needed, those that devices have not used for longest.
 *
 * Knows no mm, no address and no block, and takes none of their locks: core
 * finds all who map a page by its reverse map, forked children included, and
 * tells every notifier on the way. Folio locks are tried, never waited for.
 */
#include <linux/capability.h>
#include <linux/delay.h>
#include <linux/migrate.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>

#include "calls.h"
#include "compat/compat.h"
#include "copy.h"
#include "devmem.h"
#include "event.h"
#include "evict.h"
#include "home.h"
#include "scratch.h"
#include "trace.h"
#include "vram.h"

/* Passes over the whole device, with a growing pause between. */
#define MAX_PASSES	8
#define FIRST_PAUSE_MS	1

/*
 * Nobody knows the address nor whose the pages are: those who may hear of all
 * processes are told how much moves.
 */
static struct svm_move_event describe_chunk(const struct svm_devmem *mem,
					    unsigned int chunk)
{
	unsigned long pages = READ_ONCE(mem->chunks[chunk].nr_used);

	return (struct svm_move_event) {
		.end = pages << PAGE_SHIFT,
		.from = mem->device,
		.prefetch_loc = AMDSVM_IOCTL_SVM_LOCATION_UNDEFINED,
		.preferred_loc = AMDSVM_IOCTL_SVM_LOCATION_UNDEFINED,
		.trigger = AMDSVM_MIGRATE_TRIGGER_TTM_EVICTION,
	};
}

/*
 * A page that has just come home by somebody else, who has unlocked it and not dropped it
 * yet, looks like one that can move: nobody maps it, and its references are as many as
 * core expects. But its charge has gone with its content.
 */
static void leave_out_gone(unsigned long *src)
{
	unsigned long i;

	for (i = 0; i < SVM_CHUNK_PAGES; i += svm_entry_pages(src[i])) {
		struct page *page = migrate_pfn_to_page(src[i]);

		if (page && svm_compat_uncharged(page))
			src[i] &= ~MIGRATE_PFN_MIGRATE;
	}
}

static unsigned long evict_chunk(struct svm_devmem *mem, unsigned int chunk,
				 struct svm_scratch *scratch,
				 enum svm_home_effort effort,
				 unsigned long *short_of)
{
	unsigned long pfn = mem->first_pfn + chunk * SVM_CHUNK_PAGES;
	struct svm_move_event event = describe_chunk(mem, chunk);
	unsigned long moved, missing;
	struct svm_copier copier;

	svm_copier_init(&copier, scratch->runs, SVM_BLOCK_PAGES);
	svm_event_migrate_start(&event);
	svm_chunk_shape(&mem->chunks[chunk]);
	migrate_device_range(scratch->src, pfn, SVM_CHUNK_PAGES);
	svm_chunk_unshape(&mem->chunks[chunk]);
	leave_out_gone(scratch->src);
	missing = svm_home_fill(scratch->src, scratch->dst, SVM_CHUNK_PAGES,
				NULL, 0, effort, &copier);
	if (svm_copier_start(&copier))
		svm_home_drop(scratch->dst, SVM_CHUNK_PAGES);
	migrate_device_pages(scratch->src, scratch->dst, SVM_CHUNK_PAGES);
	moved = svm_home_count(scratch->src, scratch->dst, SVM_CHUNK_PAGES);
	svm_copier_wait(&copier);
	migrate_device_finalize(scratch->src, scratch->dst, SVM_CHUNK_PAGES);
	svm_event_migrate_end(&event, moved ? 0 : missing ? -ENOMEM : -EBUSY);
	*short_of += missing;
	return moved;
}

static int evict_pass(struct svm_devmem *mem, struct svm_scratch *scratch,
		      unsigned long *moved, unsigned long *short_of)
{
	unsigned int i;

	for (i = 0; i < mem->nr_chunks; i++) {
		if (!READ_ONCE(mem->chunks[i].nr_used))
			continue;
		if (fatal_signal_pending(current))
			return -EINTR;
		*moved += evict_chunk(mem, i, scratch, SVM_HOME_WANTED,
				      short_of);
		cond_resched();
	}
	return 0;
}

/**
 * svm_evict_coldest() - evict the chunk that devices have not used for longest
 * @mem: the device's memory
 * @scratch: who may be evicted; src and dst are used
 * @effort: how hard memory at home is looked for
 *
 * Context: as svm_evict_room().
 * Return: pages that left, 0 or more; -ENOENT: nobody may be evicted.
 */
long svm_evict_coldest(struct svm_devmem *mem, struct svm_scratch *scratch,
		       enum svm_home_effort effort)
{
	unsigned long moved, short_of = 0;
	int chunk = svm_vram_leave(mem, scratch->evict_before,
				   scratch->residency);

	if (chunk < 0)
		return chunk;
	moved = evict_chunk(mem, chunk, scratch, effort, &short_of);
	svm_vram_left(mem, chunk);
	if (moved)
		trace_svm_evict(mem->device, moved, READ_ONCE(mem->used), 0);
	return moved;
}

/* Chunks of which nothing could be moved, before one gives up. */
#define MAX_FAILURES	4

/**
 * svm_evict_room() - make room in device memory
 * @mem: the device's memory
 * @want: pages that are to be free
 * @scratch: who may be evicted; src and dst are used
 *
 * Best effort: the caller takes what there is then. What others take meanwhile
 * is not made up for.
 *
 * Context: may be called under mmap_lock (read) and a block mutex, not by whoever
 * is the block's mover; sleeps, for the copies of what leaves.
 * Return: false when nothing left.
 */
bool svm_evict_room(struct svm_devmem *mem, unsigned long want,
		    struct svm_scratch *scratch)
{
	unsigned int failures = 0, tries = 0;
	bool any = false;
	long moved;

	if (!READ_ONCE(svm_oversubscription) || !scratch->evict_before)
		return false;
	/* What is made free others may take: each chunk is tried once at most. */
	while (svm_vram_free_pages(mem) < want && failures < MAX_FAILURES &&
	       tries++ < mem->nr_chunks && !fatal_signal_pending(current)) {
		moved = svm_evict_coldest(mem, scratch, SVM_HOME_WANTED);
		if (moved < 0)
			break;
		if (moved)
			any = true;
		else
			failures++;
		cond_resched();
	}
	return any;
}

/**
 * svm_evict_all() - bring all pages of a device home
 * @mem: the device's memory; others may go on using it
 * @moved: pages that came home are added here
 * @left: pages still there are added here
 *
 * Pages that are locked or held for a moment are tried again a bounded number
 * of times.
 *
 * Context: no lock held; sleeps.
 * Return: 0; -ENOMEM when system memory ran out; -EINTR on a fatal signal. The
 * counts are valid in all cases.
 */
int svm_evict_all(struct svm_devmem *mem, unsigned long *moved,
		  unsigned long *left)
{
	struct svm_scratch *scratch = svm_scratch_alloc();
	unsigned long short_of = 0, before = *moved;
	unsigned int pass;
	int ret = 0;

	if (!scratch)
		return -ENOMEM;

	for (pass = 0; pass < MAX_PASSES; pass++) {
		if (pass)
			msleep(FIRST_PAUSE_MS << pass);
		short_of = 0;
		ret = evict_pass(mem, scratch, moved, &short_of);
		if (ret || !READ_ONCE(mem->used))
			break;
	}
	if (!ret && short_of)
		ret = -ENOMEM;
	trace_svm_evict(mem->device, *moved - before, READ_ONCE(mem->used), ret);
	*left += READ_ONCE(mem->used);
	svm_scratch_free(scratch);
	return ret;
}

int svm_call_evict(struct svm_call *call, void *arg)
{
	struct amdsvm_ioctl_evict_args *args = arg;
	unsigned long moved = 0, left = 0;
	unsigned int i;
	int ret = 0;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (args->reserved || (args->gpu_id && !svm_device_by_id(args->gpu_id)))
		return -EINVAL;

	for (i = 0; i < svm_device_count() && !ret; i++) {
		struct svm_device *device = svm_device_get(i);

		if (device->mem && (!args->gpu_id ||
				    args->gpu_id == device->gpu_id))
			ret = svm_evict_all(device->mem, &moved, &left);
	}
	args->pages_moved = moved;
	args->pages_left = left;
	return ret;
}
