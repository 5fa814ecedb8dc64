/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * A call that does one thing for many blocks, and the helpers it has.
 */
#ifndef SVM_CREW_H
#define SVM_CREW_H

#include <linux/kref.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

struct svm_process;
struct svm_scratch;

/* Those who can be at work for one call. */
#define SVM_MAX_WORKERS 16

/* How many may; see main.c. */
extern unsigned int svm_migrate_workers;

/**
 * struct svm_crew - a call and its helpers; the first member of what they share
 * @step: does the next item. 0: go on; 1: there was none; else negative errno
 * @finish: what one of the crew has done is added up; @lock is held
 * @process: whose memory; the caller holds its mm by mmget
 * @refs: the caller and each helper; the last one frees the memory, by kfree()
 * @lock: spinlock, takes nothing inside; protects what follows
 * @helped: helpers were called; the caller sets it before, and alone resets it
 * @begun: a helper came
 * @over: nobody begins another item
 * @inside: helpers that may be in an item
 * @error: the first one, negative errno
 * @left: the caller waits here for helpers
 */
struct svm_crew {
	int (*step)(struct svm_crew *crew, struct svm_scratch *scratch);
	void (*finish)(struct svm_crew *crew, const struct svm_scratch *scratch);
	struct svm_process *process;
	struct kref refs;
	spinlock_t lock; /* innermost */
	bool helped;
	bool begun;
	bool over;
	unsigned int inside;
	int error;
	wait_queue_head_t left;
};

void svm_crew_init(struct svm_crew *crew, struct svm_process *process);
int svm_crew_run(struct svm_crew *crew, unsigned long items,
		 struct svm_scratch *scratch);
void svm_crew_put(struct svm_crew *crew);

#endif /* SVM_CREW_H */
