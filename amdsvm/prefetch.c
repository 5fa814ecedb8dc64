// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Moving memory on request: PREFETCH, and the prefetch of SET_ATTR.
 *
 * Some blocks at a time, as long as nobody else wants mmap_lock (move.c); with helpers
 * several times at once (crew.c). What cannot move stays and is counted.
 *
 * Locks: prefetch.lock to take blocks; mmap_lock (read), then the block mutex, to
 * move them.
 */
#include <linux/delay.h>
#include <linux/hugetlb.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/mutex.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "block.h"
#include "calls.h"
#include "crew.h"
#include "devmem.h"
#include "migrate.h"
#include "mirror.h"
#include "move.h"
#include "process.h"
#include "scratch.h"
#include "walk.h"

/* Devices that may use the memory where it is now map it. */
static int map_block(struct svm_process *process, struct svm_block *block,
		     unsigned long start, unsigned long end,
		     struct svm_scratch *scratch)
{
	int ret;

	if (block)
		ret = svm_mirror_block(process, block, start, end, NULL,
				       scratch);
	else
		ret = svm_mirror_range(process, start, end, scratch);
	/* Not mapped now: mapped when a device needs it. */
	return ret == -EBUSY || ret == -EAGAIN || ret == -EFAULT ? 0 : ret;
}

/* The first @n blocks of @move are done with. */
static void put_blocks(struct svm_move *move, unsigned long n)
{
	unsigned long i;

	for (i = 0; i < n; i++)
		if (move->blocks[i])
			svm_block_put(move->blocks[i]);
	memmove(move->blocks, move->blocks + n,
		(SVM_MOVE_MAX_BLOCKS - n) * sizeof(*move->blocks));
	memset(move->blocks + SVM_MOVE_MAX_BLOCKS - n, 0,
	       n * sizeof(*move->blocks));
}

/* What @move has not got yet; it ends before a block that cannot be made. */
static int get_blocks(struct svm_move *move)
{
	unsigned long first = move->start >> SVM_BLOCK_SHIFT;
	unsigned long last = (move->end - 1) >> SVM_BLOCK_SHIFT;
	unsigned long i;

	for (i = first; i <= last; i++) {
		struct svm_block *block = move->blocks[i - first];

		if (block)
			continue;
		block = move->device ? svm_block_get(move->process, i) :
				       svm_block_find(move->process, i);
		if (IS_ERR(block)) {
			move->end = i << SVM_BLOCK_SHIFT;
			return i == first ? PTR_ERR(block) : 0;
		}
		if (block)
			svm_thrash_reset(block);
		move->blocks[i - first] = block;
	}
	return 0;
}

/* Blocks of @move from its start to @done. */
static int map_blocks(const struct svm_move *move, unsigned long done)
{
	struct svm_block *const *block = move->blocks;
	unsigned long at, next;
	int ret = 0;

	if (done == move->start ||
	    (!move->device &&
	     !svm_mirror_maps_system(move->process, move->start, done)))
		return 0;
	for (at = move->start; at < done && !ret; at = next, block++) {
		next = min(done, (at | (SVM_BLOCK_SIZE - 1)) + 1);
		ret = map_block(move->process, *block, at, next, move->scratch);
	}
	return ret;
}

/*
 * Those who waited for mmap_lock while we had it come first. Core lets a reader overtake a
 * writer that was woken and does not run yet, for 4 ms (rwsem_down_read_slowpath()), and we
 * would be at it again before that. Not for ever: there may be more of them each time.
 */
static void give_way(struct mm_struct *mm)
{
	unsigned int i;

	for (i = 0; i < 5 && mmap_lock_is_contended(mm); i++)
		usleep_range(20, 50);
}

/* As many blocks as there are in @move. */
static int prefetch_blocks(struct svm_move *move)
{
	unsigned long end = move->end, done;
	bool collected;
	int ret = 0;

	while (!ret && move->start < end) {
		move->end = end;
		ret = get_blocks(move);
		if (ret)
			break;
		ret = svm_move_blocks(move, &done);
		give_way(move->process->mm);
		collected = ret == -EAGAIN;
		if (!ret || collected)
			ret = map_blocks(move, done);
		put_blocks(move, (done >> SVM_BLOCK_SHIFT) -
				 (move->start >> SVM_BLOCK_SHIFT));
		move->start = done;
		if (collected) {
			svm_block_put(move->blocks[0]);
			move->blocks[0] = NULL;
		}
		if (!ret && done < end && fatal_signal_pending(current))
			ret = -EINTR;
	}
	put_blocks(move, SVM_MOVE_MAX_BLOCKS);
	return ret;
}

/* Spans that are tried again. */
#define MAX_AGAIN 16

/* struct again - part of a block, and how many of its pages were busy */
struct again {
	unsigned long start;
	unsigned long end;
	unsigned long busy;
};

/**
 * struct prefetch - a call, shared with its helpers
 * @crew: the call and its helpers
 * @device: destination, NULL for system memory
 * @lock: mutex, outside of mmap_lock; protects @next
 * @next: first byte of what nobody has taken yet
 * @end: byte after the last
 * @counts: of those of the crew who are done; with what follows under its lock
 * @again: spans with pages that were busy
 * @nr_again: their number
 */
struct prefetch {
	struct svm_crew crew;
	struct svm_device *device;
	struct mutex lock; /* outside of mmap_lock */
	unsigned long next;
	unsigned long end;
	struct svm_move_counts counts;
	struct again again[MAX_AGAIN];
	unsigned int nr_again;
};

/* What nobody ever touched is nowhere and stays so. */
static int skip_untouched(struct prefetch *p, struct svm_move_counts *counts)
{
	struct mm_struct *mm = p->crew.process->mm;
	unsigned long from = p->next;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	p->next = svm_next_populated(mm, from, p->end);
	mmap_read_unlock(mm);
	counts->state[SVM_PAGE_UNMOVABLE] += (p->next - from) >> PAGE_SHIFT;
	return 0;
}

/*
 * One block for each of a crew; several when there is nobody else, for then their copies
 * overlap only under one hold of mmap_lock.
 */
static unsigned long take_at_once(const struct prefetch *p)
{
	return p->crew.helped ? SVM_BLOCK_SIZE :
				SVM_MOVE_MAX_BLOCKS * SVM_BLOCK_SIZE;
}

/* The next blocks, or what is left of them. 1: nothing is left. */
static int take_blocks(struct prefetch *p, unsigned long *start,
		       unsigned long *end, struct svm_scratch *scratch)
{
	int ret = 0;

	if (mutex_lock_killable(&p->lock))
		return -EINTR;
	if (!p->device && p->next < p->end)
		ret = skip_untouched(p, &scratch->counts);
	if (!ret && p->next == p->end)
		ret = 1;
	if (!ret) {
		*start = p->next;
		*end = min(p->end, (p->next & ~(SVM_BLOCK_SIZE - 1)) +
					   take_at_once(p));
		p->next = *end;
		scratch->ahead = (p->end - p->next) >> PAGE_SHIFT;
	}
	mutex_unlock(&p->lock);
	return ret;
}

static void note_busy(struct prefetch *p, unsigned long start,
		      unsigned long end, unsigned long busy)
{
	spin_lock(&p->crew.lock);
	if (p->nr_again < MAX_AGAIN)
		p->again[p->nr_again++] = (struct again){ start, end, busy };
	spin_unlock(&p->crew.lock);
}

/* The next blocks, for the caller or a helper; see struct svm_crew. */
static int prefetch_step(struct svm_crew *crew, struct svm_scratch *scratch)
{
	struct prefetch *p = container_of(crew, struct prefetch, crew);
	unsigned long *busy = &scratch->counts.state[SVM_PAGE_BUSY];
	unsigned long before = *busy, start, end;
	struct svm_move move;
	int ret;

	ret = take_blocks(p, &start, &end, scratch);
	if (ret)
		return ret;
	move = (struct svm_move) {
		.process = crew->process,
		.start = start,
		.end = end,
		.device = p->device,
		.scratch = scratch,
		.counts = &scratch->counts,
	};
	ret = prefetch_blocks(&move);
	if (*busy != before)
		note_busy(p, start, end, *busy - before);
	return ret;
}

static void prefetch_finish(struct svm_crew *crew,
			    const struct svm_scratch *scratch)
{
	struct prefetch *p = container_of(crew, struct prefetch, crew);
	unsigned int i;

	for (i = 0; i < SVM_NR_PAGE_STATES; i++)
		p->counts.state[i] += scratch->counts.state[i];
}

/* One span once more. Result: its pages that are still busy. */
static int try_span(struct prefetch *p, struct again *again,
		    struct svm_scratch *scratch)
{
	unsigned long *state = p->counts.state;
	struct svm_move_counts counts = {};
	struct svm_move move = {
		.process = p->crew.process,
		.start = again->start,
		.end = again->end,
		.device = p->device,
		.scratch = scratch,
		.counts = &counts,
	};
	unsigned long moved, cleared;
	int ret;

	ret = prefetch_blocks(&move);
	moved = min(counts.state[SVM_PAGE_MOVED], again->busy);
	cleared = min(counts.state[SVM_PAGE_CLEARED], again->busy - moved);
	state[SVM_PAGE_MOVED] += moved;
	state[SVM_PAGE_CLEARED] += cleared;
	state[SVM_PAGE_BUSY] -= moved + cleared;
	again->busy -= moved + cleared;
	return ret;
}

/*
 * Much of what is busy is not for long. Core has a reference to a page for the moment that
 * another processor needs to put it on its LRU list, and all of the crew put pages there;
 * its reclaim has one to each folio of 2 MiB that it looks into (deferred_split_scan()),
 * and while it has, none of the 512 pages moves. migrate_vma does not try twice, as
 * migrate_pages() does, so this does, when nobody of the crew is at it any more. Counted
 * as busy are those that still do not move.
 */
static int try_again(struct prefetch *p, struct svm_scratch *scratch)
{
	static const unsigned int wait_ms[] = { 1, 4, 16 };
	unsigned int tries, i, left;
	int ret = 0;

	scratch->ahead = 0;
	for (tries = 0; p->nr_again && tries < ARRAY_SIZE(wait_ms); tries++) {
		usleep_range(wait_ms[tries] * USEC_PER_MSEC,
			     2 * wait_ms[tries] * USEC_PER_MSEC);
		for (i = 0, left = 0; i < p->nr_again && !ret; i++) {
			ret = try_span(p, &p->again[i], scratch);
			if (fatal_signal_pending(current))
				ret = -EINTR;
			if (p->again[i].busy)
				p->again[left++] = p->again[i];
		}
		if (ret)
			break;
		p->nr_again = left;
	}
	return ret;
}

static struct prefetch *prefetch_alloc(struct svm_process *process,
				       unsigned long start, unsigned long end,
				       struct svm_device *device)
{
	struct prefetch *p = kzalloc(sizeof(*p), GFP_KERNEL_ACCOUNT);

	/* The crew frees it. */
	BUILD_BUG_ON(offsetof(struct prefetch, crew));
	if (!p)
		return NULL;
	svm_crew_init(&p->crew, process);
	p->crew.step = prefetch_step;
	p->crew.finish = prefetch_finish;
	mutex_init(&p->lock);
	p->device = device;
	p->next = start;
	p->end = end;
	return p;
}

static int verdict(const struct svm_move_counts *counts)
{
	if (counts->state[SVM_PAGE_MOVED] || counts->state[SVM_PAGE_CLEARED] ||
	    counts->state[SVM_PAGE_ALREADY])
		return 0;
	if (counts->state[SVM_PAGE_NO_SPACE])
		return -ENOSPC;
	return counts->state[SVM_PAGE_BUSY] ? -EBUSY : 0;
}

static unsigned long blocks_of(unsigned long start, unsigned long end)
{
	return ((end - 1) >> SVM_BLOCK_SHIFT) - (start >> SVM_BLOCK_SHIFT) + 1;
}

/**
 * svm_prefetch() - move memory
 * @process: the process, mm held by mmget
 * @start: first byte
 * @end: byte after the last
 * @device: destination, NULL for system memory
 * @counts: zeroed; result, valid also on error
 *
 * Several blocks move at once where there are processors for it (crew.c); in what
 * order is nobody's business. A device that is full gives up what it has not used for
 * longest, but nothing of what this call has brought.
 *
 * Context: no lock held; sleeps.
 * Return: 0 when something is there now or nothing could ever move; -ENOSPC:
 * nothing moved for want of memory there (-ENOMEM for system memory); -EBUSY:
 * all that could move was in use, also 21 ms later; -EINTR on a fatal signal; -ENOMEM.
 */
int svm_prefetch(struct svm_process *process, unsigned long start,
		 unsigned long end, struct svm_device *device,
		 struct svm_move_counts *counts)
{
	struct svm_scratch *scratch = svm_scratch_alloc();
	struct prefetch *p = NULL;
	int ret = -ENOMEM;

	if (scratch)
		p = prefetch_alloc(process, start, end, device);
	if (!p)
		goto out;
	/* What the call itself brings there stays. */
	if (device)
		scratch->evict_before =
			atomic_long_read(&device->mem->clock);

	ret = svm_crew_run(&p->crew, blocks_of(start, end), scratch);
	if (!ret)
		ret = try_again(p, scratch);
	/* Who is killed leaves while helpers are still at it. */
	spin_lock(&p->crew.lock);
	*counts = p->counts;
	spin_unlock(&p->crew.lock);
	svm_crew_put(&p->crew);
	if (!ret)
		ret = verdict(counts);
	if (ret == -ENOSPC && !device)
		ret = -ENOMEM;
out:
	svm_scratch_free(scratch);
	return ret;
}

int svm_call_prefetch(struct svm_call *call, void *arg)
{
	struct amdsvm_ioctl_prefetch_args *args = arg;
	struct svm_process *process = call->process;
	struct svm_move_counts counts = {};
	struct svm_device *device;
	int ret;

	if (args->reserved)
		return -EINVAL;
	ret = svm_process_check_span(process, args->start, args->size);
	if (!ret)
		ret = svm_check_location(args->location, &device);
	if (ret)
		return ret;

	if (mmap_read_lock_killable(process->mm))
		return -EINTR;
	ret = svm_check_mapped(process, args->start, args->start + args->size);
	mmap_read_unlock(process->mm);
	if (ret)
		return ret;

	ret = svm_prefetch(process, args->start, args->start + args->size,
			   device, &counts);
	args->pages_moved = counts.state[SVM_PAGE_MOVED];
	args->pages_cleared = counts.state[SVM_PAGE_CLEARED];
	args->pages_already = counts.state[SVM_PAGE_ALREADY];
	args->pages_no_space = counts.state[SVM_PAGE_NO_SPACE];
	args->pages_busy = counts.state[SVM_PAGE_BUSY];
	args->pages_unmovable = counts.state[SVM_PAGE_UNMOVABLE];
	return ret;
}
