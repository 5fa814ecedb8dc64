/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Restore: memory that is to stay mapped is mapped again.
 */
#ifndef SVM_RESTORE_H
#define SVM_RESTORE_H

struct svm_block;
struct svm_process;

void svm_restore_init(struct svm_process *process);
void svm_restore_block(struct svm_block *block);
void svm_restore_resume(struct svm_process *process);
void svm_restore_drop(struct svm_process *process);

#endif /* SVM_RESTORE_H */
