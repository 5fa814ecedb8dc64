/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Lanes of vdev: threads that execute packets.
 */
#ifndef SVM_VDEV_LANE_H
#define SVM_VDEV_LANE_H

#include <linux/types.h>

struct svm_device;
struct svm_job;
struct svm_queue;
struct svm_space;
struct task_struct;

#define LANE_TLB_SIZE	64
#define LANE_MAX_MAPS	3

/**
 * struct vdev_lane - one thread of a device
 * @task: the thread
 * @device: its device
 * @space: what it uses now; read by flushers
 * @seq: odd while it is in an access; read by flushers
 * @tlb_generation: flush that the TLB has followed
 * @tlb: translations of @space, by page number; empty where the entry is 0
 * @maps: pages in use in the present access
 * @nr_maps: their number
 * @miss_addr: what svm_lane_map() found no usable entry for
 * @miss_access: enum svm_access
 */
struct vdev_lane {
	struct task_struct *task;
	struct svm_device *device;
	struct svm_space *space;
	unsigned long seq;

	s64 tlb_generation;
	struct {
		unsigned long page;
		u64 pte;
	} tlb[LANE_TLB_SIZE];

	void *maps[LANE_MAX_MAPS];
	unsigned int nr_maps;
	unsigned long miss_addr;
	unsigned int miss_access;
};

struct vdev_lane *svm_lanes_start(struct svm_device *device, unsigned int n);
void svm_lanes_stop(struct vdev_lane *lanes, unsigned int n);
void svm_lanes_flush_wait(struct vdev_lane *lanes, unsigned int n,
			  const struct svm_space *space);

void svm_lane_begin(struct vdev_lane *lane);
void *svm_lane_map(struct vdev_lane *lane, u64 addr, unsigned int access);
void svm_lane_end(struct vdev_lane *lane);

int svm_exec_step(struct vdev_lane *lane, struct svm_queue *queue,
		  struct svm_job *job);

#endif /* SVM_VDEV_LANE_H */
