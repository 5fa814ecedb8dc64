/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * /sys/class/misc/amdsvm: version, and the counters of each process.
 */
#ifndef SVM_SYSFS_H
#define SVM_SYSFS_H

struct attribute_group;
struct device;
struct svm_process;

/* For struct miscdevice: what is there with the device. */
extern const struct attribute_group *svm_sysfs_groups[];

void svm_sysfs_init(struct device *misc_device);
void svm_sysfs_exit(void);

void svm_sysfs_add(struct svm_process *process);
void svm_sysfs_remove(struct svm_process *process);

#endif /* SVM_SYSFS_H */
