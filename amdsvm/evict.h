/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Eviction: device pages go home by physical page.
 */
#ifndef SVM_EVICT_H
#define SVM_EVICT_H

struct svm_devmem;

int svm_evict_all(struct svm_devmem *mem, unsigned long *moved,
		  unsigned long *left);

#endif /* SVM_EVICT_H */
