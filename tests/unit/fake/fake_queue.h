/* SPDX-License-Identifier: MIT */
/*
 * Queues and events of the fake devices; for fake_device.c. The calls return 0 or
 * a positive errno.
 */
#ifndef FAKE_QUEUE_H
#define FAKE_QUEUE_H

#include <amdsvm/amdsvm_ioctl.h>

int fake_queue_create(struct amdsvm_ioctl_queue_create_args *args);
int fake_queue_destroy(const struct amdsvm_ioctl_queue_destroy_args *args);
int fake_queue_submit(struct amdsvm_ioctl_queue_submit_args *args);
int fake_smi_events(struct amdsvm_ioctl_smi_events_args *args);
int fake_device_counters(struct amdsvm_ioctl_get_device_counters_args *args);

#endif /* FAKE_QUEUE_H */
