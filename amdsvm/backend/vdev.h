/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * vdev: accelerators made of software, for machines that have none.
 */
#ifndef SVM_VDEV_H
#define SVM_VDEV_H

struct page;
struct svm_copy;
struct svm_mem;

/* Microseconds between translation and use of memory, for tests; see main.c. */
extern unsigned int svm_access_delay_us;
extern unsigned int svm_remote_ns;

int svm_vdev_init(unsigned int count, unsigned int lanes);
void svm_vdev_exit(void);
int svm_vdev_memory(unsigned int chunks);
void svm_vdev_copy(const struct svm_copy *copy);
struct page *svm_vdev_page(const struct svm_mem *place, unsigned long n);

#endif /* SVM_VDEV_H */
