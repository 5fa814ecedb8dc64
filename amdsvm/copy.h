/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Copies between pages, collected into runs for the backend.
 */
#ifndef SVM_COPY_H
#define SVM_COPY_H

#include "device.h"

struct svm_devmem;

/**
 * struct svm_copier - a run that is being collected
 * @run: pages so far; run.pages 0: none
 * @mem: device memory that was met last, most likely the next one
 * @error: first error of the backend
 */
struct svm_copier {
	struct svm_copy run;
	struct svm_devmem *mem;
	int error;
};

void svm_copier_add(struct svm_copier *copier, struct page *dst,
		    struct page *src, unsigned long n);
int svm_copier_finish(struct svm_copier *copier);

#endif /* SVM_COPY_H */
