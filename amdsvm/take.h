/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Core takes a large folio of private memory, and somebody unmaps it: one after the other;
 * see take.c.
 */
#ifndef SVM_TAKE_H
#define SVM_TAKE_H

#include <linux/atomic.h>
#include <linux/mmu_notifier.h>

#include "compat/compat.h"

struct svm_process;

#define SVM_TAKE_BUCKETS 16

/**
 * struct svm_takes - of a process, by address in steps of 2 MiB
 * @taking: folios that core is about to take
 * @unmapping: invalidations that have begun and not ended, but for our own migrations
 * @unwatched: nobody tells of invalidations yet, or any more
 */
struct svm_takes {
	atomic_t taking[SVM_TAKE_BUCKETS];
	atomic_t unmapping[SVM_TAKE_BUCKETS];
	bool unwatched;
};

#ifdef SVM_HAVE_LARGE_FOLIOS
bool svm_take_begin(struct svm_process *process, unsigned long addr);
void svm_take_end(struct svm_process *process, unsigned long addr);
void svm_takes_invalidate(struct svm_takes *takes,
			  const struct mmu_notifier_range *range);
void svm_takes_invalidated(struct svm_takes *takes,
			   const struct mmu_notifier_range *range);
void svm_takes_watch(struct svm_takes *takes);
void svm_takes_unwatch(struct svm_takes *takes);
#else
static inline void svm_takes_invalidate(struct svm_takes *takes,
					const struct mmu_notifier_range *range)
{
}

static inline void svm_takes_watch(struct svm_takes *takes)
{
}

static inline void svm_takes_unwatch(struct svm_takes *takes)
{
}
#endif

#endif /* SVM_TAKE_H */
