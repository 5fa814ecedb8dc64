/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * vdev: accelerators made of software, for machines that have none.
 */
#ifndef SVM_VDEV_H
#define SVM_VDEV_H

int svm_vdev_init(unsigned int count);
void svm_vdev_exit(void);
int svm_vdev_memory(unsigned int chunks);

#endif /* SVM_VDEV_H */
