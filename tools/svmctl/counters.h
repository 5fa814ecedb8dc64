/* SPDX-License-Identifier: MIT */
/*
 * The counters that the driver keeps for each process and device: their names, in
 * the order of struct amdsvm_ioctl_get_device_counters_args.
 */
#ifndef SVMCTL_COUNTERS_H
#define SVMCTL_COUNTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <amdsvm/amdsvm.h>

struct counter {
	const char *name;	/* of the field, and of the file in sysfs */
	const char *title;	/* of the column */
	bool now;		/* how many there are, not how often it happened */
	bool shown;		/* a column unless others are asked for */
};

#define NCOUNTERS 20
extern const struct counter counters[NCOUNTERS];

/* counter_values() - the counters as an array of NCOUNTERS. */
const uint64_t *counter_values(const struct amdsvm_ioctl_get_device_counters_args *args);

#endif /* SVMCTL_COUNTERS_H */
