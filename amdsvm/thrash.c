// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Memory that goes back and forth: found out for each block, and answered.
 *
 * A turn is counted when a device fault is about to fetch memory that did not stay
 * away for as long as moving it is worth: pages that a CPU fault took home less than
 * thrash_ms ago, or that eviction took away less than min_residency_ms ago, for
 * what is wanted again so soon should not have gone. After PIN_TURNS of them in a row
 * devices use the block where it is, for thrash_ms, and each next time for twice as
 * long; then their entries go, and the next fault moves the memory again. The CPU's
 * window shrinks as well, so that two who use different pages of a block come to have
 * each its own. Quiet time, or a prefetch, and all is forgotten.
 *
 * Nobody waits, and a CPU fault is never refused: it is always the device that does
 * without.
 *
 * How long a block remembers is the matter of thrashlist.c.
 *
 * Locks: the block lock, for what is remembered. CPU faults take none: they find the
 * block under RCU.
 */
#include <linux/jiffies.h>
#include <linux/sched.h>

#include "block.h"
#include "devmem.h"
#include "evict.h"
#include "process.h"
#include "space.h"
#include "thrash.h"
#include "thrashlist.h"
#include "trace.h"

/* Turns in a row after which memory is used in place. */
#define PIN_TURNS	3u
/* The longest time in place is so many doublings of the first, but never longer than: */
#define MAX_DOUBLINGS	4
#define MAX_PIN		(10 * HZ)

/* Pages of a CPU fault's window by turns; the last from PIN_TURNS on. */
#define FEW_PAGES	16
static const unsigned int granules[PIN_TURNS + 1] = {
	SVM_BLOCK_PAGES, SVM_BLOCK_PAGES, FEW_PAGES, 1,
};

/* ---- CPU faults ----------------------------------------------------------- */

/* The bits of pages [*first, end) that are in one word; *first moves behind them. */
static atomic_long_t *home_word(struct svm_thrash *t, unsigned int *first,
				unsigned int end, unsigned long *mask)
{
	unsigned int word = *first / BITS_PER_LONG;
	unsigned int next = min(end, (word + 1) * BITS_PER_LONG);

	*mask = GENMASK((next - 1) % BITS_PER_LONG, *first % BITS_PER_LONG);
	*first = next;
	return &t->home[word];
}

/**
 * svm_thrash_home() - a CPU fault takes pages home
 * @process: whose
 * @addr: the page asked for, bytes
 * @start: first byte that comes
 * @end: byte after the last; what is in other blocks is nothing to this one
 *
 * Called before they come: the collector looks at the block when its entries go.
 *
 * Context: any.
 */
void svm_thrash_home(struct svm_process *process, unsigned long addr,
		     unsigned long start, unsigned long end)
{
	unsigned long base = round_down(addr, SVM_BLOCK_SIZE), mask;
	unsigned int first, last;
	struct svm_block *block;

	if (!svm_thrash_period())
		return;
	first = svm_block_page(max(start, base));
	last = svm_block_page(min(end, base + SVM_BLOCK_SIZE) - 1);
	rcu_read_lock();
	block = xa_load(&process->blocks, addr >> SVM_BLOCK_SHIFT);
	/* A page that comes home to leave a COW share is no use by the CPU. */
	if (block && READ_ONCE(block->insister) != current) {
		WRITE_ONCE(block->thrash.home_at, jiffies);
		while (first <= last) {
			atomic_long_t *word = home_word(&block->thrash, &first,
							last + 1, &mask);

			atomic_long_or(mask, word);
		}
	}
	rcu_read_unlock();
}

/*
 * A CPU that reads on gets more: behind a page that it took home the next FEW_PAGES,
 * and behind so many, all.
 */
static unsigned long grown(const struct svm_thrash *t, unsigned int page,
			   unsigned long granule)
{
	unsigned int before = page - 1, at = before % BITS_PER_LONG;
	unsigned long home, few;

	if (!page)
		return granule;
	home = atomic_long_read(&t->home[before / BITS_PER_LONG]);
	few = GENMASK(FEW_PAGES - 1, 0) << round_down(at, FEW_PAGES);
	if ((home & few) == few)
		return SVM_BLOCK_PAGES;
	return home & BIT(at) ? max_t(unsigned long, granule, FEW_PAGES) :
				granule;
}

/**
 * svm_thrash_granule() - how many pages are to come home together
 * @process: whose
 * @addr: the page asked for, bytes
 *
 * For memory whose granularity is the driver's to choose.
 *
 * Context: any.
 * Return: pages, a power of two up to 512.
 */
unsigned long svm_thrash_granule(struct svm_process *process,
				 unsigned long addr)
{
	unsigned long granule = SVM_BLOCK_PAGES;
	struct svm_block *block;
	unsigned int turns = 0;

	rcu_read_lock();
	block = xa_load(&process->blocks, addr >> SVM_BLOCK_SHIFT);
	if (block)
		turns = READ_ONCE(block->thrash.turns);
	if (turns && svm_thrash_period() && !svm_thrash_quiet(&block->thrash))
		granule = grown(&block->thrash, svm_block_page(addr),
				granules[min(turns, PIN_TURNS)]);
	rcu_read_unlock();
	return granule;
}

/* ---- device faults -------------------------------------------------------- */

/* Did a CPU fault take any of the pages home just now? Asked once for each time. */
static bool home_again(struct svm_thrash *t, unsigned int first,
		       unsigned int end, unsigned long period)
{
	unsigned long mask;
	bool any = false;

	while (first < end) {
		atomic_long_t *word = home_word(t, &first, end, &mask);

		if (atomic_long_read(word) & mask)
			any |= atomic_long_fetch_andnot(mask, word) & mask;
	}
	return any && time_before(jiffies, READ_ONCE(t->home_at) + period);
}

/* Asked once for each time: what becomes of the chunk later has to do with others. */
static bool evicted_again(struct svm_thrash *t, unsigned int first,
			  unsigned int end, unsigned long period)
{
	bool again;

	if (t->page < first || t->page >= end)
		return false;
	again = svm_thrash_evicted(t, period);
	t->chunk = NULL;
	return again;
}

static void forget(struct svm_thrash *t)
{
	WRITE_ONCE(t->turns, 0);
	t->pins = 0;
}

/* Return: jiffies for which devices are to use it in place; 0: not at all. */
static unsigned long take_turn(struct svm_thrash *t, unsigned long period,
			       bool may_pin)
{
	unsigned long pin;

	if (t->turns < PIN_TURNS)
		WRITE_ONCE(t->turns, t->turns + 1);
	WRITE_ONCE(t->last, jiffies);
	if (t->turns < PIN_TURNS || !may_pin)
		return 0;
	pin = min_t(unsigned long, period << t->pins, MAX_PIN);
	if (t->pins < MAX_DOUBLINGS)
		t->pins++;
	WRITE_ONCE(t->last, jiffies + pin);
	return pin;
}

/**
 * svm_thrash_in_place() - is the device to use memory where it is
 * @space: the device that faulted
 * @block: the block, with a reference
 * @start: first byte that would move
 * @end: byte after the last, in the block
 * @may_pin: false: it moves whatever the answer would be, and is only counted
 *
 * Context: any but under the block lock; does not sleep.
 * Return: true when it is to be mapped where it is.
 */
bool svm_thrash_in_place(struct svm_space *space, struct svm_block *block,
			 unsigned long start, unsigned long end, bool may_pin)
{
	unsigned int first = svm_block_page(start), last = svm_block_page(end - 1);
	unsigned long period = svm_thrash_period(), pin = 0;
	struct svm_thrash *t = &block->thrash;
	bool in_place, again, list = false;

	if (!period)
		return false;
	spin_lock(&block->lock);
	if (t->turns && svm_thrash_quiet(t))
		forget(t);
	in_place = may_pin && t->pinned && time_before(jiffies, t->last);
	again = evicted_again(t, first, last + 1, period);
	again |= home_again(t, first, last + 1, period);
	if (again && !in_place)
		pin = take_turn(t, period, may_pin);
	if (in_place || pin) {
		in_place = true;
		t->pinned |= BIT_ULL(space->device->index);
		list = svm_thrash_must_list(t);
	}
	spin_unlock(&block->lock);

	if (list) {
		svm_block_hold(block);
		svm_thrash_list(block);
	}
	if (pin) {
		svm_space_count(space, SVM_SPACE_THRASH_PINS, 1);
		trace_svm_thrash(space, start, end, jiffies_to_msecs(pin));
	}
	return in_place;
}

/**
 * svm_thrash_mapped() - a device maps device memory
 * @block: the block
 * @mem: the memory
 * @page: one of its pages
 * @index: what page of the block it is
 * @whole: one entry maps the whole block
 *
 * Context: block lock held.
 */
void svm_thrash_mapped(struct svm_block *block, struct svm_devmem *mem,
		       const struct page *page, unsigned int index, bool whole)
{
	struct svm_thrash *t = &block->thrash;

	lockdep_assert_held(&block->lock);
	t->chunk = &mem->chunks[(page_to_pfn(page) - mem->first_pfn) /
				SVM_CHUNK_PAGES];
	t->evictions = READ_ONCE(t->chunk->evictions);
	t->page = index;
	/* Nothing is left that was mapped in place. */
	if (whole)
		t->pinned = 0;
}

/**
 * svm_thrash_reset() - somebody says where the memory is to be
 * @block: the block, with a reference
 *
 * Entries that devices have stay until the memory moves, or their time is over.
 *
 * Context: any but under the block lock.
 */
void svm_thrash_reset(struct svm_block *block)
{
	struct svm_thrash *t = &block->thrash;

	spin_lock(&block->lock);
	home_again(t, 0, SVM_BLOCK_PAGES, 0);
	t->chunk = NULL;
	WRITE_ONCE(t->last, jiffies);
	forget(t);
	spin_unlock(&block->lock);
}
