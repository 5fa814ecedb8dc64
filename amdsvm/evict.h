/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Eviction: device pages go home by physical page.
 */
#ifndef SVM_EVICT_H
#define SVM_EVICT_H

#include <linux/types.h>

#include "home.h"

struct svm_devmem;
struct svm_scratch;

extern bool svm_oversubscription;
extern unsigned int svm_min_residency_ms;

long svm_evict_coldest(struct svm_devmem *mem, struct svm_scratch *scratch,
		       enum svm_home_effort effort);
bool svm_evict_room(struct svm_devmem *mem, unsigned long want,
		    struct svm_scratch *scratch);
int svm_evict_all(struct svm_devmem *mem, unsigned long *moved,
		  unsigned long *left);

#endif /* SVM_EVICT_H */
