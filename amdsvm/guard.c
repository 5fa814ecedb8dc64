// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Large folios of private memory move in one piece, guarded.
 *
 * zap_huge_pmd() of Linux 7.2 takes a migration entry of 2 MiB that stands for a private
 * folio for a mapping of it: whoever unmaps the memory while it is on its way
 * (MADV_DONTNEED, process_madvise(), the OOM reaper) drops one reference and one mapping
 * that were not there. What is missing then is the reference of the mover: the folio would
 * be free, and somebody else's, under the copy.
 *
 * (While core takes the folio such an unmapping is made to wait, see take.c. But not the
 * reaper, and no longer than a second.)
 *
 * So before core takes the folio it gets a reference and a mapping more, which nothing but
 * such an unmapping can use up. That is one at most, for a folio is moved in one piece only if
 *
 *	- one entry alone maps it (others are moved page by page, whose entries core
 *	  gets right), and
 *	- mmap_lock of that address space is held for reading until the end: no fork,
 *	  mremap or exit, and
 *	- nobody else has begun to: whoever finds it guarded tries to split it, and with
 *	  the guard's reference that is in vain.
 *
 * Where a reference is seen, core must find it right:
 *
 *	migrate_vma_check_page()	lets a device page have one more than it accounts for
 *	folio_migrate_mapping()		expects as many references as mappings, and the mover's
 *
 * Until the first of them has looked the folio has to be without a mapping, so the guard's
 * is not counted as one; from svm_guard_collected() on it is. Its part in
 * folio->_nr_pages_mapped, which decides about statistics, is there all the time: with it
 * no entry that comes or goes meanwhile is the first or the last. After the end all
 * counters are what they would have been without a guard, and with a core that does it
 * right.
 *
 * Context: mmap_lock of the address space held (read) from begin to end, whoever calls.
 */
#include "guard.h"

#ifdef SVM_HAVE_LARGE_FOLIOS
#include <linux/log2.h>
#include <linux/memcontrol.h>
#include <linux/migrate.h>
#include <linux/mm.h>
#include <linux/rmap.h>
#include <linux/vmstat.h>

#include "devmem.h"
#include "entry.h"
#include "process.h"
#include "take.h"

static void add_mappings(struct folio *folio, int n)
{
#ifdef CONFIG_MM_ID
	folio_lock_large_mapcount(folio);
	atomic_set(&folio->_large_mapcount,
		   atomic_read(&folio->_large_mapcount) + n);
	folio_unlock_large_mapcount(folio);
#else
	atomic_add(n, &folio->_large_mapcount);
#endif
}

/* With the guard's among them, mappings of one address space looked like those of two. */
static void remove_mappings(struct folio *folio, int n)
{
#ifdef CONFIG_MM_ID
	int left;

	folio_lock_large_mapcount(folio);
	left = atomic_read(&folio->_large_mapcount) - n;
	atomic_set(&folio->_large_mapcount, left);
	if (folio->_mm_id_mapcount[0] == left || folio->_mm_id_mapcount[1] == left)
		folio->_mm_ids &= ~FOLIO_MM_IDS_SHARED_BIT;
	folio_unlock_large_mapcount(folio);
#else
	atomic_sub(n, &folio->_large_mapcount);
#endif
}

static void count(struct folio *folio, int pages, int pages_as_one)
{
	if (pages)
		lruvec_stat_mod_folio(folio, NR_ANON_MAPPED, pages);
	if (pages_as_one)
		lruvec_stat_mod_folio(folio, NR_ANON_THPS, pages_as_one);
}

/*
 * The guard's part of _nr_pages_mapped goes, and 2 MiB are counted as mapped. If it was the
 * last as one, what is no longer mapped, or page by page, is counted so.
 */
static void drop_entire(const struct svm_guard *guard)
{
	int left = atomic_sub_return(guard->entire,
				     &guard->folio->_nr_pages_mapped);

	if (left < guard->entire)
		count(guard->folio, left - HPAGE_PMD_NR, -HPAGE_PMD_NR);
}

/* An unmapping has used it up. */
static bool used_up(const struct svm_guard *guard)
{
	/* Counted from -1. */
	return atomic_read(&guard->folio->_entire_mapcount) < -1;
}

/* The folio, if it is there, nobody else maps it, and nobody else moves it. */
static bool guard_folio(struct svm_guard *guard, const struct folio *folio)
{
	struct svm_chunk *chunk;
	struct folio *found;
	bool is_free;
	spinlock_t *ptl; /* of a page table */

	found = svm_pmd_lock(guard->process->mm, guard->addr, &ptl);
	if (!found)
		return false;
	chunk = svm_chunk_of(found);
	guard->entire = atomic_read(&found->_nr_pages_mapped);
	/* Pairs with release(). */
	is_free = !smp_load_acquire(&chunk->guarded);
	if ((!folio || folio == found) && folio_mapcount(found) == 1 &&
	    guard->entire > HPAGE_PMD_NR && is_power_of_2(guard->entire) &&
	    is_free) {
		WRITE_ONCE(chunk->guarded, true);
		folio_get(found);
		atomic_add(guard->entire, &found->_nr_pages_mapped);
		guard->folio = found;
		guard->freed = READ_ONCE(chunk->freed);
	}
	spin_unlock(ptl);
	return guard->folio;
}

/**
 * svm_guard_begin() - guard what 2 MiB are mapped to
 * @guard: result
 * @process: whose memory it is
 * @addr: first byte, aligned
 * @folio: what is expected there; NULL: any large folio of ours
 *
 * Context: sleeps.
 * Return: true: it may be collected in one piece, at once; svm_guard_collected() must
 * follow. False: it is not there, or somebody else maps it, too, or somebody is unmapping it, or
 * this kernel counts mappings in another way.
 */
bool svm_guard_begin(struct svm_guard *guard, struct svm_process *process,
		     unsigned long addr, const struct folio *folio)
{
	guard->folio = NULL;
	guard->process = process;
	guard->addr = addr;
	if (!svm_take_begin(process, addr))
		return false;
	if (guard_folio(guard, folio))
		return true;
	svm_take_end(process, addr);
	return false;
}

/* Core has it, locked and unmapped. */
static void arm(struct svm_guard *guard)
{
	struct folio *folio = guard->folio;

	/* One for the guard, one for who looks at the folio in the end. */
	folio_get(folio);
	add_mappings(folio, 2);
	/* Not the last as one, and not on the way back the first. */
	if (atomic_add_return(guard->entire, &folio->_nr_pages_mapped) >=
	    2 * guard->entire)
		count(folio, -HPAGE_PMD_NR, -HPAGE_PMD_NR);
	/*
	 * Without it core does not freeze the references while it compares them: an
	 * unmapping may drop one at that moment. What it looks for then, a private
	 * folio never has (the queue of those to be split).
	 */
	folio_clear_large_rmappable(folio);
}

/*
 * Core has left it, or it is gone: unmapped, and dropped by the mover. Then it may be
 * somebody else's by now.
 */
static void disarm(const struct svm_guard *guard, const struct svm_chunk *chunk)
{
	struct folio *folio = guard->folio;
	bool used;

	svm_pmd_settle(guard->process->mm, guard->addr);
	used = used_up(guard);
	/* If it is somebody else's, @used is nothing. */
	smp_rmb();
	if (READ_ONCE(chunk->freed) != guard->freed)
		return;
	if (!used) {
		drop_entire(guard);
		folio_put(folio);
		return;
	}
	/* Unmapped, and held by a stranger. */
	if (!folio_try_get(folio))
		return;
	if (READ_ONCE(chunk->freed) == guard->freed) {
		add_mappings(folio, 1);
		atomic_inc(&folio->_entire_mapcount);
	}
	folio_put(folio);
}

/* The next may begin. */
static void release(struct svm_guard *guard, struct svm_chunk *chunk)
{
	guard->folio = NULL;
	/* All counts are right again: for guard_folio(). */
	smp_store_release(&chunk->guarded, false);
}

/**
 * svm_guard_collected() - after core has tried to take the folio
 * @guard: from svm_guard_begin()
 * @src: its entry after setup
 *
 * Return: true: it is ours, svm_guard_end() must follow; false: it stays where it is, and
 * the guard has ended.
 */
bool svm_guard_collected(struct svm_guard *guard, unsigned long src)
{
	struct svm_chunk *chunk = svm_chunk_of(guard->folio);

	svm_take_end(guard->process, guard->addr);
	if (migrate_pfn_to_page(src) == folio_page(guard->folio, 0)) {
		arm(guard);
		return true;
	}
	disarm(guard, chunk);
	release(guard, chunk);
	return false;
}

/**
 * svm_guard_end() - after migrate_vma_finalize()
 * @guard: the guard; nothing is done if there is none
 * @src: its entry
 * @dst: that of the destination
 */
void svm_guard_end(struct svm_guard *guard, unsigned long src, unsigned long dst)
{
	struct folio *folio = guard->folio;

	if (!folio)
		return;
	svm_pmd_settle(guard->process->mm, guard->addr);
	if (used_up(guard)) {
		atomic_inc(&folio->_entire_mapcount);
		remove_mappings(folio, 1);
		atomic_sub(guard->entire, &folio->_nr_pages_mapped);
	} else if (dst && (src & MIGRATE_PFN_MIGRATE)) {
		remove_mappings(folio, 2);
		atomic_sub(2 * guard->entire, &folio->_nr_pages_mapped);
		folio_put(folio);
	} else {
		remove_mappings(folio, 2);
		atomic_sub(guard->entire, &folio->_nr_pages_mapped);
		count(folio, HPAGE_PMD_NR, HPAGE_PMD_NR);
		drop_entire(guard);
		folio_set_large_rmappable(folio);
		folio_put(folio);
	}
	release(guard, svm_chunk_of(folio));
	folio_put(folio);
}

#endif /* SVM_HAVE_LARGE_FOLIOS */
