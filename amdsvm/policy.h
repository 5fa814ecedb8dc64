/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Policy of a process: its range map, kept true to what is mapped.
 */
#ifndef SVM_POLICY_H
#define SVM_POLICY_H

#include "process.h"

/* Most ranges of one process; see main.c. */
extern unsigned int svm_max_ranges;

int svm_policy_init(struct svm_process *process);
void svm_policy_reset(struct svm_process *process);
void svm_policy_destroy(struct svm_process *process);

void svm_policy_unmapped(struct svm_process *process, unsigned long first,
			 unsigned long last);

int svm_policy_lock(struct svm_process *process);
void svm_policy_unlock(struct svm_process *process);
void svm_policy_changed(struct svm_process *process);
bool svm_policy_keeps(const struct svm_process *process,
		      const struct svm_attrs *attrs);
void svm_policy_set_xnack(struct svm_process *process, bool xnack);

#endif /* SVM_POLICY_H */
