/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The service of faults in one block.
 */
#ifndef SVM_SERVE_H
#define SVM_SERVE_H

#include "mirror.h"
#include "scratch.h"

struct svm_fault;
struct svm_space;

/* struct svm_service - work space, one for each work item that serves */
struct svm_service {
	struct svm_scratch scratch;
	struct svm_want want;
	u64 stalls;	/* faults of queues that stalled later are not answered */
};

bool svm_fault_answered(const struct svm_space *space, unsigned long addr,
			unsigned int access);
void svm_serve_block(struct svm_space *space, struct svm_fault *fault,
		     unsigned int n, struct svm_service *service);

#endif /* SVM_SERVE_H */
