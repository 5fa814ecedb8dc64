// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Device memory for a migration, taken in advance: others are evicted for it when there is
 * too little.
 *
 * Locks: mmap_lock (read) and the block mutex held by the caller; svm_devmem.room_lock.
 */
#include <linux/mm.h>
#include <linux/sched/signal.h>

#include "ahead.h"
#include "devmem.h"
#include "evict.h"
#include "home.h"
#include "migration.h"
#include "scratch.h"
#include "vram.h"

/* How often room is made again that others took. */
#define MAX_ROOM_TRIES 32

/* Whole if it can be, else as many as there are. */
static void take_pages(struct migration *m, unsigned long wanted)
{
	m->chunk = wanted == SVM_CHUNK_PAGES ?
		   svm_vram_alloc_chunk(m->device->mem) : 0;
	m->whole = m->chunk && svm_large_pages &&
		   !(m->args.vma->vm_flags & VM_NOHUGEPAGE);
	m->taken = wanted;
	if (!m->chunk)
		m->taken = svm_vram_alloc(m->device->mem, wanted,
					  m->scratch->vram);
}

/*
 * Others who make room at the same time take what this one has made, too. Free pages
 * that are not to be had have no memory behind them, if it is not that somebody has just
 * been faster: one look more tells.
 */
static void take_more_vram(struct migration *m, unsigned long wanted)
{
	struct svm_devmem *mem = m->device->mem;
	unsigned int tries, in_vain = 0;

	for (tries = 0; m->taken < wanted && tries < MAX_ROOM_TRIES; tries++) {
		unsigned long missing = wanted - m->taken, before = m->taken;
		bool more;

		if (fatal_signal_pending(current))
			break;
		more = svm_evict_room(mem, missing, m->scratch);
		if (!more && !svm_vram_free_pages(mem))
			break;
		if (missing == wanted)
			take_pages(m, wanted);
		else
			m->taken += svm_vram_alloc(mem, missing,
						   m->scratch->vram + m->taken);
		if (!more && m->taken == before && in_vain++)
			break;
	}
}

/* True: there was too little, and others had to go. */
static bool make_room(struct migration *m, unsigned long wanted)
{
	struct svm_devmem *mem = m->device->mem;

	if (svm_vram_free_pages(mem) >= wanted)
		return false;
	svm_ahead_settle(mem);
	if (svm_vram_free_pages(mem) >= wanted)
		return false;
	svm_evict_room(mem, wanted, m->scratch);
	return true;
}

/*
 * Those who want little at the same time share the chunk that one of them evicts. Who is
 * killed does without.
 */
static bool take_room(struct migration *m, unsigned long wanted)
{
	struct svm_devmem *mem = m->device->mem;
	bool one_by_one = wanted < SVM_CHUNK_PAGES &&
			  svm_vram_free_pages(mem) < wanted, tight;

	if (one_by_one && mutex_lock_killable(&mem->room_lock))
		return false;
	m->scratch->held = m->args.vma->vm_mm;
	tight = make_room(m, wanted);
	take_pages(m, wanted);
	if (m->taken < wanted)
		take_more_vram(m, wanted);
	m->scratch->held = NULL;
	if (one_by_one)
		mutex_unlock(&mem->room_lock);
	return tight;
}

/* Room for what comes next, to be made while this is filled; see ahead.c. */
static void look_ahead(struct migration *m, unsigned long wanted, bool tight)
{
	struct svm_scratch *s = m->scratch;

	if (s->ahead != SVM_AHEAD_UNKNOWN)
		tight = s->tight |= tight;
	if (tight && m->taken)
		svm_ahead_begin(m->device->mem, min(wanted, s->ahead), s);
}

static unsigned long pages_wanted(const struct migration *m)
{
	unsigned long wanted = 0, i;

	if (svm_one_state(m))
		return svm_state_final(m->scratch->state[0]) ? 0 : m->pages;
	for (i = 0; i < m->pages; i++)
		wanted += !svm_state_final(m->scratch->state[i]);
	return wanted;
}

/**
 * svm_room_at_hand() - would svm_room_take() find what it needs, and evict nobody
 * @m: the migration, after its scan
 *
 * Context: any. A guess: others take memory, too.
 */
bool svm_room_at_hand(const struct migration *m)
{
	return !m->device ||
	       svm_vram_free_pages(m->device->mem) >= pages_wanted(m);
}

/**
 * svm_room_take() - take device memory for all pages that may still move
 * @m: the migration; some page is not settled
 *
 * Context: mmap_lock (read) and the block mutex held, not the block's mover; sleeps. Evicts
 * as far as @m->scratch allows.
 * Return: false when there is none at all; true also when none is needed.
 */
bool svm_room_take(struct migration *m)
{
	unsigned long wanted;

	if (!m->device)
		return true;
	wanted = pages_wanted(m);
	m->used = 0;
	m->taken = 0;
	look_ahead(m, wanted, take_room(m, wanted));
	return m->taken;
}

/**
 * svm_room_return() - give back what was not put to use
 * @m: the migration, after svm_room_take()
 *
 * Pages that were put to use are core mm's, also when they did not move.
 *
 * Context: any.
 */
void svm_room_return(struct migration *m)
{
	if (!m->device || m->used == m->taken)
		return;
	if (m->chunk)
		svm_vram_free(m->device->mem, m->chunk + m->used,
			      m->taken - m->used);
	else
		svm_vram_return(m->device->mem, m->scratch->vram + m->used,
				m->taken - m->used);
}
