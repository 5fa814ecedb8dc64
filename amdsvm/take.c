// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Core takes a large folio of private memory, and somebody unmaps it: one after the other.
 *
 * set_pmd_migration_entry() of Linux 7.2 empties the entry of a private folio before it
 * writes the new one. zap_pmd_range() looks at it without its lock; it finds nothing to
 * unmap at that moment, and MADV_DONTNEED returns with the memory as it was.
 *
 * So whoever is about to have a folio taken in one piece says so, and lets it be while an
 * invalidation of the same 2 MiB is under way; and an invalidation waits for who was first.
 * Both announce themselves before they look for the other, with a full barrier in between,
 * so at least one sees the other.
 *
 * Waiting in an invalidation: core lets it sleep if it is blockable. It must not be for
 * ever, for reclaim comes with locks (a folio's, an anon_vma's) that core could want
 * while it takes the folio. It is some microseconds, and a second at most. Nobody waits
 * where it is not blockable: that is the OOM reaper, and the memory of a process that is
 * killed.
 *
 * Whoever has the folio taken does not wait for long either: there is another way, page by
 * page.
 *
 * Locks: none.
 */
#include "take.h"

#ifdef SVM_HAVE_LARGE_FOLIOS
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/minmax.h>

#include "devmem.h"
#include "process.h"

/* For an invalidation of the same 2 MiB to end, which may be that of a terabyte. */
#define TAKER_SPINS	100
#define TAKER_SLEEPS	20
#define SLEEP_MIN_US	20
#define SLEEP_MAX_US	60

static unsigned int bucket_of(unsigned long addr)
{
	return (addr >> SVM_CHUNK_SHIFT) % SVM_TAKE_BUCKETS;
}

/* Announce a folio, if nobody is unmapping it. */
static bool try_take(struct svm_takes *takes, unsigned int bucket)
{
	atomic_inc(&takes->taking[bucket]);
	/* Pairs with announce() and svm_takes_unwatch(). */
	smp_mb__after_atomic();
	if (!READ_ONCE(takes->unwatched) &&
	    !atomic_read(&takes->unmapping[bucket]))
		return true;
	/* Nobody has to wait for one who waits. */
	atomic_dec(&takes->taking[bucket]);
	return false;
}

/**
 * svm_take_begin() - before core takes a large folio in one piece
 * @process: whose memory it is
 * @addr: where
 *
 * Context: mmap_lock held (read); sleeps.
 * Return: true: nobody unmaps it until svm_take_end(), which must follow soon. False: it is
 * to be taken in another way.
 */
bool svm_take_begin(struct svm_process *process, unsigned long addr)
{
	struct svm_takes *takes = &process->takes;
	unsigned int bucket = bucket_of(addr), i;

	for (i = 0; i < TAKER_SPINS + TAKER_SLEEPS; i++) {
		if (try_take(takes, bucket))
			return true;
		if (READ_ONCE(takes->unwatched))
			return false;
		if (i < TAKER_SPINS)
			cpu_relax();
		else
			usleep_range(SLEEP_MIN_US, SLEEP_MAX_US);
	}
	return false;
}

/**
 * svm_take_end() - core has the folio, or has left it
 * @process: as for svm_take_begin()
 * @addr: likewise
 */
void svm_take_end(struct svm_process *process, unsigned long addr)
{
	/* What core did comes before. */
	smp_mb__before_atomic();
	atomic_dec(&process->takes.taking[bucket_of(addr)]);
}

/* Our own migrations take nothing away that another of them has. */
static bool is_ours(const struct mmu_notifier_range *range)
{
	return range->event == MMU_NOTIFY_MIGRATE &&
	       range->owner == svm_devmem_owner();
}

/* How many buckets an invalidation is about. */
static unsigned int nr_buckets(const struct mmu_notifier_range *range)
{
	unsigned long blocks = ((range->end - 1) >> SVM_CHUNK_SHIFT) -
			       (range->start >> SVM_CHUNK_SHIFT) + 1;

	return min_t(unsigned long, blocks, SVM_TAKE_BUCKETS);
}

/* Announce an invalidation in one bucket, when nobody there is at it. */
static void announce(struct svm_takes *takes, unsigned int bucket,
		     unsigned long patience)
{
	for (;;) {
		atomic_inc(&takes->unmapping[bucket]);
		/* Pairs with try_take(). */
		smp_mb__after_atomic();
		if (!atomic_read(&takes->taking[bucket]) ||
		    time_after_eq(jiffies, patience))
			return;
		/* Nobody has to wait for one who waits. */
		atomic_dec(&takes->unmapping[bucket]);
		while (atomic_read(&takes->taking[bucket]) &&
		       time_before(jiffies, patience))
			usleep_range(SLEEP_MIN_US, SLEEP_MAX_US);
	}
}

/**
 * svm_takes_invalidate() - an invalidation begins
 * @takes: of the process
 * @range: what is invalidated
 *
 * Context: as the notifier; sleeps only if @range is blockable, for a second at most.
 */
void svm_takes_invalidate(struct svm_takes *takes,
			  const struct mmu_notifier_range *range)
{
	unsigned long patience = jiffies;
	unsigned int i, n;

	if (is_ours(range))
		return;
	if (mmu_notifier_range_blockable(range))
		patience += HZ;
	n = nr_buckets(range);
	for (i = 0; i < n; i++)
		announce(takes, bucket_of(range->start + i * SVM_CHUNK_SIZE),
			 patience);
}

/**
 * svm_takes_invalidated() - an invalidation ends
 * @takes: of the process
 * @range: as for svm_takes_invalidate()
 *
 * Context: any.
 */
void svm_takes_invalidated(struct svm_takes *takes,
			   const struct mmu_notifier_range *range)
{
	unsigned int i, n;

	if (is_ours(range))
		return;
	/* What was unmapped was so before. */
	smp_mb__before_atomic();
	n = nr_buckets(range);
	for (i = 0; i < n; i++)
		atomic_dec(&takes->unmapping[bucket_of(range->start +
						       i * SVM_CHUNK_SIZE)]);
}

/**
 * svm_takes_watch() - the notifier is there
 * @takes: of the process; invalidations that began before it was do not end after that
 *	(core takes all locks of the address space)
 */
void svm_takes_watch(struct svm_takes *takes)
{
	WRITE_ONCE(takes->unwatched, false);
}

/**
 * svm_takes_unwatch() - the notifier may go
 * @takes: of the process
 *
 * Context: sleeps until nobody has a folio taken.
 */
void svm_takes_unwatch(struct svm_takes *takes)
{
	unsigned int i;

	WRITE_ONCE(takes->unwatched, true);
	/* Pairs with try_take(). */
	smp_mb();
	for (i = 0; i < SVM_TAKE_BUCKETS; i++)
		while (atomic_read(&takes->taking[i]))
			usleep_range(SLEEP_MIN_US, SLEEP_MAX_US);
}

#endif /* SVM_HAVE_LARGE_FOLIOS */
