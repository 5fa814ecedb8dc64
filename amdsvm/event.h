/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * What happens, told to whoever listens: event descriptors and trace events.
 */
#ifndef SVM_EVENT_H
#define SVM_EVENT_H

#include <linux/types.h>

#include "amdsvm_ioctl.h"

struct svm_device;
struct svm_process;
struct svm_space;

/**
 * struct svm_move_event - memory moves
 * @process: whose, or NULL when nobody knows (eviction)
 * @start: first byte
 * @end: byte after the last
 * @from: device the first page is on, NULL: system memory
 * @to: destination, NULL: system memory
 * @prefetch_loc: attribute, or UNDEFINED
 * @preferred_loc: attribute, or UNDEFINED
 * @trigger: enum AMDSVM_MIGRATE_TRIGGERS
 */
struct svm_move_event {
	struct svm_process *process;
	unsigned long start;
	unsigned long end;
	struct svm_device *from;
	struct svm_device *to;
	u32 prefetch_loc;
	u32 preferred_loc;
	unsigned int trigger;
};

/* All of these: any context, no sleep; next to nothing when nobody listens. */
void svm_event_migrate_start(const struct svm_move_event *move);
void svm_event_migrate_end(const struct svm_move_event *move, int error);
void svm_event_fault_start(struct svm_space *space, unsigned long addr,
			   bool write);
void svm_event_fault_end(struct svm_space *space, unsigned long addr,
			 bool write, bool migrated);
void svm_event_bad_access(struct svm_space *space, unsigned long addr,
			  int error);
void svm_event_eviction(struct svm_space *space);
void svm_event_restore(struct svm_space *space, bool again);
void svm_event_unmap(struct svm_space *space, unsigned long start,
		     unsigned long end, unsigned int trigger);
void svm_event_process(struct svm_process *process, bool start);

#endif /* SVM_EVENT_H */
