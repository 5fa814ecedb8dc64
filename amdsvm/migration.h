/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * One migration on request, as its files share it: move.c, migrate.c, room.c,
 * whole.c, place.c and outcome.c.
 */
#ifndef SVM_MIGRATION_H
#define SVM_MIGRATION_H

#include <linux/bitmap.h>
#include <linux/migrate.h>
#include <linux/string.h>

#include "copy.h"
#include "event.h"
#include "guard.h"
#include "migrate.h"
#include "pagetable.h"
#include "scratch.h"

struct svm_block;
struct svm_process;

/**
 * struct migration - one call for one block
 * @args: of migrate_vma
 * @block: the block, NULL when there is none
 * @process: who is charged with the counts
 * @device: destination, NULL for system memory
 * @looked: scratch->pfns says where the pages are
 * @scratch: arrays; pfns, vram and state are indexed from @base
 * @base: first byte of the whole call
 * @pages: of the whole call
 * @uniform: all entries of scratch->state are equal; not set for all that are
 * @taken: device pages in scratch->vram; on the way home, system pages there
 * @used: how many of them are in use
 * @chunk: the device pages are a chunk, this is the first; scratch->vram is not set
 * @clears_saved: pages without a source for which there was a clear one
 * @whole: so 2 MiB can move in one piece
 * @guard: of the large folio of private memory that does
 * @large: on the way home, the place for it, or NULL
 * @in_pages: core would not take it in one piece
 * @copier: of the present round
 * @had_source: of the present round: entries that stand for memory, not holes
 * @rounds: that were begun
 * @under_way: between migrate_vma_pages() and migrate_vma_finalize()
 * @told: @event was
 * @event: what listeners hear of it
 *
 * The caller sets @args.vma, @block, @process, @device, @scratch, @base and @pages; the rest
 * is 0.
 */
struct migration {
	struct migrate_vma args;
	struct svm_block *block;
	struct svm_process *process;
	struct svm_device *device;
	struct svm_scratch *scratch;
	unsigned long base;
	unsigned long pages;
	bool looked;
	bool uniform;
	unsigned long taken;
	unsigned long used;
	unsigned long chunk;
	unsigned long clears_saved;
	bool whole;
	struct svm_guard guard;
	struct page *large;
	bool in_pages;
	struct svm_copier copier;
	DECLARE_BITMAP(had_source, SVM_BLOCK_PAGES);
	unsigned int rounds;
	bool under_way;
	bool told;
	struct svm_move_event event;
};

static inline bool svm_state_final(u8 state)
{
	return state > SVM_PAGE_BUSY;
}

/* Pages of one folio, and whole folios, are in one state most of the time. */
static inline bool svm_one_state(const struct migration *m)
{
	return m->uniform ||
	       !memchr_inv(m->scratch->state, m->scratch->state[0], m->pages);
}

/* Pages [first, first + n) of the call are in @state; all of it at once in words. */
static inline void svm_states_set(struct migration *m, unsigned long first,
				  unsigned long n, u8 state)
{
	m->uniform = n == m->pages;
	if (n == 1)
		m->scratch->state[first] = state;
	else if (n == SVM_BLOCK_PAGES)
		memset64((u64 *)m->scratch->state, state * 0x0101010101010101ULL,
			 SVM_BLOCK_PAGES / sizeof(u64));
	else
		memset(m->scratch->state + first, state, n);
}

bool svm_stays_in_ram(struct vm_area_struct *vma);
void svm_migration_scan(struct migration *m);
void svm_migration_begin(struct migration *m);
bool svm_migration_overlaps(const struct migration *m);
void svm_migration_land(struct migration *m);
void svm_migration_end(struct migration *m, struct svm_move_counts *counts);
void svm_migrate(struct migration *m, struct svm_move_counts *counts);

bool svm_room_at_hand(const struct migration *m);
bool svm_room_take(struct migration *m);
void svm_room_return(struct migration *m);

unsigned long svm_whole_begin(struct migration *m, unsigned long first,
			      unsigned long last);
void svm_whole_collected(struct migration *m, unsigned long src);
struct page *svm_whole_place(struct migration *m);
void svm_whole_end(struct migration *m);

void svm_place_pages(struct migration *m, unsigned long first);

void svm_outcome_note(struct migration *m, unsigned long first);
struct svm_move_counts svm_outcome_count(const struct migration *m);
int svm_outcome_error(const struct migration *m,
		      const struct svm_move_counts *counts);
struct svm_move_event svm_outcome_event(struct migration *m,
					unsigned long first,
					unsigned long last);

#endif /* SVM_MIGRATION_H */
