/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * What counts memory that goes back and forth (thrash.c), and what remembers it
 * (thrashlist.c), have in common.
 */
#ifndef SVM_THRASHLIST_H
#define SVM_THRASHLIST_H

#include <linux/jiffies.h>
#include <linux/minmax.h>

#include "devmem.h"
#include "evict.h"
#include "thrash.h"

/* Times thrash_ms without a turn, after which all is forgotten. */
#define SVM_THRASH_QUIET_PERIODS 8
#define SVM_THRASH_MAX_PERIOD_MS 10000u

/* Jiffies; 0: switched off. */
static inline unsigned long svm_thrash_period(void)
{
	return msecs_to_jiffies(min(READ_ONCE(svm_thrash_ms),
				    SVM_THRASH_MAX_PERIOD_MS));
}

/* How often one looks after blocks, also after it was switched off. */
static inline unsigned long svm_thrash_tick(void)
{
	return max(svm_thrash_period(), 1UL);
}

static inline bool svm_thrash_quiet(const struct svm_thrash *t)
{
	return time_after_eq(jiffies, READ_ONCE(t->last) +
				      SVM_THRASH_QUIET_PERIODS *
				      svm_thrash_tick());
}

/* What an eviction took away had better stayed, if it is wanted within @period. */
static inline bool svm_thrash_evicted(const struct svm_thrash *t,
				      unsigned long period)
{
	unsigned long least = msecs_to_jiffies(READ_ONCE(svm_min_residency_ms));

	return t->chunk && READ_ONCE(t->chunk->evictions) != t->evictions &&
	       time_before(jiffies,
			   READ_ONCE(t->chunk->left_at) + min(period, least));
}

bool svm_thrash_must_list(struct svm_thrash *t);
void svm_thrash_list(struct svm_block *block);

#endif /* SVM_THRASHLIST_H */
