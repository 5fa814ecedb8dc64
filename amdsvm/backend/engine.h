/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The copy engine of vdev: one thread a device.
 */
#ifndef SVM_VDEV_ENGINE_H
#define SVM_VDEV_ENGINE_H

#include <linux/types.h>

struct svm_copy_job;
struct svm_device;
struct vdev_engine;

/* For tests; see main.c. */
extern bool svm_copy_engine;
extern unsigned int svm_copy_fail_every;
extern unsigned int svm_copy_delay_us;

struct vdev_engine *svm_engine_start(struct svm_device *device);
void svm_engine_stop(struct vdev_engine *engine);
bool svm_engine_refuses(struct vdev_engine *engine);
bool svm_engine_submit(struct vdev_engine *engine, struct svm_copy_job *job);
int svm_engine_wait(struct vdev_engine *engine, struct svm_copy_job *job);

#endif /* SVM_VDEV_ENGINE_H */
