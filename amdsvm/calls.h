/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The calls of /dev/amdsvm: what chardev.c dispatches to.
 */
#ifndef SVM_CALLS_H
#define SVM_CALLS_H

#include <linux/types.h>

struct file;
struct svm_device;
struct svm_move_counts;
struct svm_process;

/**
 * struct svm_call - one ioctl in progress
 * @file: the file
 * @process: who opened it; for calls on an address space its mm is held (mmget)
 * @size: bytes of the argument as the user gave them
 */
struct svm_call {
	struct file *file;
	struct svm_process *process;
	size_t size;
};

bool svm_call_may_act(const struct svm_call *call);

/* Handlers: @arg is the argument in kernel memory, in and out. */
int svm_call_get_version(struct svm_call *call, void *arg);
int svm_call_svm(struct svm_call *call, void *arg);
int svm_call_set_xnack_mode(struct svm_call *call, void *arg);
int svm_call_get_caps(struct svm_call *call, void *arg);
int svm_call_get_devices(struct svm_call *call, void *arg);
int svm_call_list_ranges(struct svm_call *call, void *arg);
int svm_call_residency(struct svm_call *call, void *arg);
int svm_call_unset_range(struct svm_call *call, void *arg);
int svm_call_evict(struct svm_call *call, void *arg);
int svm_call_prefetch(struct svm_call *call, void *arg);
int svm_call_get_counters(struct svm_call *call, void *arg);
int svm_call_smi_events(struct svm_call *call, void *arg);
int svm_call_queue_create(struct svm_call *call, void *arg);
int svm_call_queue_destroy(struct svm_call *call, void *arg);
int svm_call_queue_submit(struct svm_call *call, void *arg);
int svm_call_get_device_counters(struct svm_call *call, void *arg);

/* Shared by SET_ATTR and PREFETCH. */
int svm_check_mapped(struct svm_process *process, unsigned long start,
		     unsigned long end);
int svm_check_location(u32 location, struct svm_device **device);
int svm_prefetch(struct svm_process *process, unsigned long start,
		 unsigned long end, struct svm_device *device,
		 struct svm_move_counts *counts);

extern const struct file_operations svm_chardev_fops;

#endif /* SVM_CALLS_H */
