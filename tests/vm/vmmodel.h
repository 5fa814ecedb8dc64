/* SPDX-License-Identifier: MIT */
/*
 * Packets executed by the CPU on a copy of the memory, in the plainest way that
 * amdsvm_packets.h can be read.
 */
#ifndef AMDSVM_TESTS_VMMODEL_H
#define AMDSVM_TESTS_VMMODEL_H

#include "vmqueue.h"

/*
 * All addresses in the packets, and in the memory, are of area; what is used is
 * the copy. TIMESTAMP is not known. Returns the number of packets.
 */
unsigned int vm_model_run(const struct vm_packets *p, const void *area, void *model);

#endif
