/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Faults of devices: the ring.
 */
#ifndef SVM_FAULT_H
#define SVM_FAULT_H

#include <linux/types.h>

struct svm_device;
struct svm_space;

/* Records in the ring of each device; see main.c. */
extern unsigned int svm_fault_ring_size;

/**
 * struct svm_fault - a record: an access found no usable entry
 * @space: whose
 * @addr: bytes; the service rounds it down to the page
 * @access: enum svm_access
 */
struct svm_fault {
	struct svm_space *space;
	unsigned long addr;
	unsigned int access;
};

int svm_faults_init(struct svm_device *device);
void svm_faults_exit(struct svm_device *device);
void svm_fault_record(struct svm_space *space, unsigned long addr,
		      unsigned int access);
void svm_fault_drop(struct svm_space *space, unsigned long addr,
		    unsigned int access);
unsigned int svm_fault_take(struct svm_space *space, unsigned long block,
			    struct svm_fault *fault, unsigned int max);
void svm_fault_forget(struct svm_space *space);

#endif /* SVM_FAULT_H */
