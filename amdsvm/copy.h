/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The copies of a migration: pages become runs, runs are filled by the device's copy
 * engine while the migration goes on.
 *
 *	svm_copier_init()
 *	svm_copier_add()	for each page, as destinations are chosen
 *	svm_copier_start()	before migrate_vma_pages(); may say that none may be used
 *	svm_copier_wait()	before migrate_vma_finalize(); cannot fail
 */
#ifndef SVM_COPY_H
#define SVM_COPY_H

#include "device.h"

/*
 * 64 KiB. For less the engine is not asked: to wake it and to wait for it takes longer
 * than to copy.
 */
#define SVM_COPY_MIN_PAGES 16

/**
 * struct svm_copier - the copies of one migration
 * @run: pages so far that follow each other; run.pages 0: none
 * @next_dst: page that would continue the run
 * @next_src: likewise, NULL when the run clears
 * @device: whose engine has the job
 * @job: runs for it
 * @room: runs that there is room for
 * @pages: in them
 * @started: the engine has it
 * @error: first error of a copy that was made at once
 */
struct svm_copier {
	struct svm_copy run;
	struct page *next_dst;
	struct page *next_src;
	struct svm_device *device;
	struct svm_copy_job job;
	unsigned int room;
	unsigned long pages;
	bool started;
	int error;
};

/**
 * svm_copier_init() - begin with nothing to copy
 * @copier: the copier
 * @runs: memory for runs until svm_copier_wait(), or NULL
 * @room: for so many; what comes after that, or with NULL all, is copied at once
 */
static inline void svm_copier_init(struct svm_copier *copier,
				   struct svm_copy *runs, unsigned int room)
{
	*copier = (struct svm_copier) {
		.job.runs = runs,
		.room = runs ? room : 0,
	};
}

void svm_copier_add(struct svm_copier *copier, struct page *dst,
		    struct page *src, unsigned long n);
int svm_copier_start(struct svm_copier *copier);
void svm_copier_wait(struct svm_copier *copier);

#endif /* SVM_COPY_H */
