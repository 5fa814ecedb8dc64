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
#include "guard.h"
#include "home.h"
#include "mapper.h"
#include "process.h"
#include "scratch.h"
#include "split.h"
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

/**
 * struct leaver - a chunk on its way
 * @mem: device memory
 * @chunk: which chunk of it
 * @scratch: src and dst are used
 * @effort: how hard memory at home is looked for
 * @mapper: who maps its one folio, which goes in one piece
 * @process: likewise
 * @guard: of that folio
 * @large: the place for it at home; NULL: there is no such folio
 * @in_pages: the chunk is a large folio that is mapped page by page
 * @freed: svm_chunk.freed when that was seen
 */
struct leaver {
	struct svm_devmem *mem;
	unsigned int chunk;
	struct svm_scratch *scratch;
	enum svm_home_effort effort;
	struct svm_mapper mapper;
	struct svm_process *process;
	struct svm_guard guard;
	struct page *large;
	bool in_pages;
	unsigned long freed;
};

static struct svm_chunk *chunk_of(const struct leaver *l)
{
	return &l->mem->chunks[l->chunk];
}

static unsigned long first_pfn(const struct leaver *l)
{
	return l->mem->first_pfn + l->chunk * SVM_CHUNK_PAGES;
}

static struct folio *first_folio(const struct leaver *l)
{
	return (struct folio *)pfn_to_page(first_pfn(l));
}

/* The large folio that a chunk is, with a reference, or NULL. */
static struct folio *large_folio(const struct leaver *l)
{
	struct folio *folio = first_folio(l);
	bool is_one;

	svm_chunk_shape(chunk_of(l));
	is_one = folio_test_large(folio) && folio_try_get(folio);
	svm_chunk_unshape(chunk_of(l));
	return is_one ? folio : NULL;
}

/*
 * It is mapped, but nobody maps it as one, and nobody will: with its lock held nothing
 * stands for it that will be a mapping again. Core may take it as it is, in one piece:
 * entries of pages it gets right. Return: false also when it is locked, or on its way.
 */
static bool is_in_pages(struct folio *folio)
{
	bool ret, guarded;

	if (!folio_trylock(folio))
		return false;
	/* A guard counts as a mapping until it has ended: pairs with release() there. */
	guarded = smp_load_acquire(&svm_chunk_of(folio)->guarded);
	ret = !folio_entire_mapcount(folio) && folio_mapped(folio) && !guarded;
	folio_unlock(folio);
	return ret;
}

/* In one piece, if there is such a piece at home and nobody else maps it. */
static bool go_whole(struct leaver *l, struct folio *folio)
{
	if (!svm_large_pages)
		return false;
	l->process = svm_process_find(l->mapper.mm);
	if (!l->process)
		return false;
	l->large = svm_home_large(NULL, 0, l->effort);
	if (l->large &&
	    svm_guard_begin(&l->guard, l->process, l->mapper.addr, folio))
		return true;
	svm_home_large_drop(l->large);
	l->large = NULL;
	svm_process_put(l->process);
	return false;
}

/*
 * A folio that is mapped as one goes with a guard, or in pages: if several map it, or there
 * are no 2 MiB at home. Return: false: somebody is in the way of both.
 */
static bool prepare(struct leaver *l)
{
	struct folio *folio = SVM_COMPAT_LARGE ? large_folio(l) : NULL;

	if (!folio)
		return true;
	l->freed = READ_ONCE(chunk_of(l)->freed);
	l->in_pages = is_in_pages(folio);
	if (l->in_pages) {
		folio_put(folio);
		return true;
	}
	if (!svm_mapper_get(&l->mapper, folio, l->scratch->held)) {
		folio_put(folio);
		return false;
	}
	if (go_whole(l, folio)) {
		folio_put(folio);
		return true;
	}
	folio_put(folio);
	svm_split_folio(l->mapper.vma, l->mapper.addr);
	svm_mapper_put(&l->mapper);
	return true;
}

/* A folio that goes in one piece. Return: pages. */
static unsigned long move_folio(struct leaver *l)
{
	unsigned long moved = 0;
	struct svm_copier copier;
	struct migrate_vma args = {
		.vma = l->mapper.vma,
		.start = l->mapper.addr,
		.end = l->mapper.addr + SVM_CHUNK_SIZE,
		.src = l->scratch->src,
		.dst = l->scratch->dst,
		.pgmap_owner = svm_devmem_owner(),
		.flags = MIGRATE_VMA_SELECT_DEVICE_PRIVATE |
			 MIGRATE_VMA_SELECT_COMPOUND,
	};

	svm_copier_init(&copier, l->scratch->runs, SVM_BLOCK_PAGES);
	if (migrate_vma_setup(&args))
		args.src[0] = 0;
	if (svm_guard_collected(&l->guard, args.src[0])) {
		args.dst[0] = svm_home_large_fill(l->large,
						  migrate_pfn_to_page(args.src[0]),
						  &copier);
		l->large = NULL;
		if (svm_copier_start(&copier))
			svm_home_drop(args.dst, 1);
	}
	migrate_vma_pages(&args);
	if (l->guard.folio)
		moved = svm_home_count(args.src, args.dst, 1);
	svm_copier_wait(&copier);
	migrate_vma_finalize(&args);
	svm_guard_end(&l->guard, args.src[0], args.dst[0]);
	svm_home_large_drop(l->large);
	svm_process_put(l->process);
	svm_mapper_put(&l->mapper);
	return moved;
}

/* What is in the chunk now is what prepare() has seen, or pages. */
static bool is_prepared(const struct leaver *l)
{
	return !folio_test_large(first_folio(l)) ||
	       (l->in_pages && READ_ONCE(chunk_of(l)->freed) == l->freed);
}

static void collect(struct leaver *l)
{
	unsigned long *src = l->scratch->src;

	svm_chunk_shape(chunk_of(l));
	if (is_prepared(l))
		migrate_device_range(src, first_pfn(l), SVM_CHUNK_PAGES);
	else
		memset(src, 0, SVM_CHUNK_PAGES * sizeof(*src));
	svm_chunk_unshape(chunk_of(l));
	leave_out_gone(src);
}

static unsigned long move_chunk(struct leaver *l, unsigned long *missing)
{
	unsigned long *src = l->scratch->src, *dst = l->scratch->dst, moved;
	struct svm_copier copier;

	svm_copier_init(&copier, l->scratch->runs, SVM_BLOCK_PAGES);
	collect(l);
	*missing = svm_home_fill(src, dst, SVM_CHUNK_PAGES, NULL, 0, l->effort,
				 &copier);
	if (svm_copier_start(&copier))
		svm_home_drop(dst, SVM_CHUNK_PAGES);
	migrate_device_pages(src, dst, SVM_CHUNK_PAGES);
	moved = svm_home_count(src, dst, SVM_CHUNK_PAGES);
	svm_copier_wait(&copier);
	migrate_device_finalize(src, dst, SVM_CHUNK_PAGES);
	return moved;
}

static unsigned long evict_chunk(struct svm_devmem *mem, unsigned int chunk,
				 struct svm_scratch *scratch,
				 enum svm_home_effort effort,
				 unsigned long *short_of)
{
	struct svm_move_event event = describe_chunk(mem, chunk);
	struct leaver l = {
		.mem = mem,
		.chunk = chunk,
		.scratch = scratch,
		.effort = effort,
	};
	unsigned long moved = 0, missing = 0;

	svm_event_migrate_start(&event);
	if (prepare(&l))
		moved = l.large ? move_folio(&l) : move_chunk(&l, &missing);
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
