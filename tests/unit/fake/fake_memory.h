/* SPDX-License-Identifier: MIT */
/*
 * Memory that moves between the fake devices; for fake_device.c. The calls
 * return 0 or a positive errno.
 */
#ifndef FAKE_MEMORY_H
#define FAKE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include <amdsvm/amdsvm_ioctl.h>

int fake_prefetch(struct amdsvm_ioctl_prefetch_args *args);
int fake_residency(struct amdsvm_ioctl_residency_args *args);
int fake_evict(struct amdsvm_ioctl_evict_args *args);

/*
 * fake_pagemap() - make entries of /proc/self/pagemap what they would be.
 * @page: number of the first page.
 */
void fake_pagemap(uint64_t *entries, size_t count, uint64_t page);

/* fake_memory_used() - bytes on a device. */
uint64_t fake_memory_used(unsigned int index);

/* fake_memory_error() - write the counts that come with an error; @err. */
int fake_memory_error(unsigned long request, void *args, int err);

#endif /* FAKE_MEMORY_H */
