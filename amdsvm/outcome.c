// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * What came of a migration on request: states of pages, counters, events.
 *
 * Locks: none; policy is read under RCU.
 */
#include <linux/hmm.h>
#include <linux/migrate.h>
#include <linux/mm.h>

#include "devmem.h"
#include "home.h"
#include "migration.h"
#include "process.h"
#include "scratch.h"
#include "space.h"

static void count_space(struct migration *m, const struct svm_device *device,
			enum svm_space_counter counter, unsigned long n)
{
	svm_space_count(m->process->spaces[device->index], counter, n);
}

/* struct tally - pages that moved from one place, not counted yet */
struct tally {
	struct svm_devmem *from;	/* NULL: system memory, or none */
	bool cleared;
	unsigned long pages;
};

static void count_tally(struct migration *m, struct tally *tally)
{
	struct svm_devmem *from = tally->from;
	unsigned long n = tally->pages;
	enum svm_counter counter;

	tally->pages = 0;
	if (!n)
		return;
	if (from) {
		atomic_long_add(n, &from->pages_out);
		count_space(m, from->device, SVM_SPACE_PAGES_OUT, n);
	}
	if (m->device) {
		atomic_long_add(n, &m->device->mem->pages_in);
		count_space(m, m->device, SVM_SPACE_PAGES_IN, n);
	}

	if (tally->cleared)
		counter = SVM_PAGES_CLEARED;
	else if (!m->device)
		counter = SVM_PAGES_OUT;
	else
		counter = from ? SVM_PAGES_PEER : SVM_PAGES_IN;
	svm_count(m->process, counter, n);
}

static void count_move(struct migration *m, struct tally *tally,
		       struct page *src, unsigned long n)
{
	struct svm_devmem *from = NULL;

	if (src && tally->from && svm_devmem_has(tally->from, page_to_pfn(src)))
		from = tally->from;
	else if (src)
		from = svm_devmem_of(src);
	if (from != tally->from || !src != tally->cleared)
		count_tally(m, tally);
	tally->from = from;
	tally->cleared = !src;
	tally->pages += n;
}

static u8 entry_state(struct migration *m, unsigned long i, u8 state)
{
	struct migrate_vma *args = &m->args;

	if (!args->dst[i])
		return svm_state_final(state) ? state : SVM_PAGE_BUSY;
	if (!(args->src[i] & MIGRATE_PFN_MIGRATE))
		return SVM_PAGE_BUSY;
	return test_bit(i, m->had_source) ? SVM_PAGE_MOVED : SVM_PAGE_CLEARED;
}

/**
 * svm_outcome_note() - after migrate_vma_pages(): what moved
 * @m: the migration
 * @first: page of the call that entry 0 is
 */
void svm_outcome_note(struct migration *m, unsigned long first)
{
	struct migrate_vma *args = &m->args;
	struct tally tally = {};
	unsigned long i, n;
	u8 state;

	for (i = 0; i < args->npages; i += n) {
		n = svm_entry_pages(args->dst[i]);
		state = entry_state(m, i, m->scratch->state[first + i]);
		svm_states_set(m, first + i, n, state);
		if (state == SVM_PAGE_MOVED)
			count_move(m, &tally,
				   migrate_pfn_to_page(args->src[i]), n);
		else if (state == SVM_PAGE_CLEARED)
			count_move(m, &tally, NULL, n);
	}
	count_tally(m, &tally);
}

/**
 * svm_outcome_event() - what events say of a move
 * @m: the migration, after its scan
 * @first: first page that is to move
 * @last: last page, inclusive; not all between have to move
 *
 * Return: the event.
 */
struct svm_move_event svm_outcome_event(struct migration *m,
					unsigned long first,
					unsigned long last)
{
	struct svm_move_event event = {
		.process = m->process,
		.start = m->base + (first << PAGE_SHIFT),
		.end = m->base + ((last + 1) << PAGE_SHIFT),
		.to = m->device,
		.trigger = m->scratch->trigger,
	};
	struct svm_devmem *mem = NULL;
	struct svm_range range;

	if (m->looked && (m->scratch->pfns[first] & HMM_PFN_VALID))
		mem = svm_devmem_of(hmm_pfn_to_page(m->scratch->pfns[first]));
	event.from = mem ? mem->device : NULL;

	/* The policy lock is outside of the block mutex. */
	rcu_read_lock();
	svm_range_map_at(&m->process->ranges, event.start >> PAGE_SHIFT, &range);
	rcu_read_unlock();
	event.prefetch_loc = range.attrs.prefetch_loc;
	event.preferred_loc = range.attrs.preferred_loc;
	return event;
}

/**
 * svm_outcome_error() - what events say of the end of a move
 * @m: the migration
 * @counts: of its pages
 *
 * Return: 0, also when some moved (R5); -ENOSPC or -ENOMEM: no room; -EBUSY.
 */
int svm_outcome_error(const struct migration *m,
		      const struct svm_move_counts *counts)
{
	if (counts->state[SVM_PAGE_MOVED] || counts->state[SVM_PAGE_CLEARED])
		return 0;
	if (counts->state[SVM_PAGE_NO_SPACE])
		return m->device ? -ENOSPC : -ENOMEM;
	return counts->state[SVM_PAGE_BUSY] ? -EBUSY : 0;
}

/**
 * svm_outcome_count() - what became of the pages of a call
 * @m: the migration
 *
 * Return: pages by state.
 */
struct svm_move_counts svm_outcome_count(const struct migration *m)
{
	const u8 *state = m->scratch->state;
	struct svm_move_counts counts = {};
	unsigned long i;

	if (m->uniform || !memchr_inv(state, state[0], m->pages)) {
		counts.state[state[0]] = m->pages;
		return counts;
	}
	for (i = 0; i < m->pages; i++)
		counts.state[state[i]]++;
	return counts;
}
