/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Room on a full device, made before it is needed.
 */
#ifndef SVM_AHEAD_H
#define SVM_AHEAD_H

#include <linux/types.h>

struct svm_devmem;
struct svm_scratch;

void svm_ahead_settle(struct svm_devmem *mem);
void svm_ahead_begin(struct svm_devmem *mem, unsigned long want,
		     const struct svm_scratch *scratch);

void svm_ahead_init(struct svm_devmem *mem);
void svm_ahead_end(struct svm_devmem *mem);
int svm_ahead_start(void);
void svm_ahead_stop(void);

#endif /* SVM_AHEAD_H */
