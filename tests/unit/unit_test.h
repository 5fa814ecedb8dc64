/* SPDX-License-Identifier: MIT */
/*
 * Tests of the driver's pure parts (attr.c, range.c, packet.c), in userspace on top
 * of shim/. Each program has one subject and gives its Suite to unit_main.c.
 */
#ifndef UNIT_TEST_H
#define UNIT_TEST_H

#include <check.h>

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/rcupdate.h>

#include "range.h"
#include "shim.h"

#define ATTR(name) AMDSVM_IOCTL_SVM_ATTR_##name
#define FLAG(name) AMDSVM_IOCTL_SVM_FLAG_##name
#define SYSMEM AMDSVM_IOCTL_SVM_LOCATION_SYSMEM
#define UNDEFINED AMDSVM_IOCTL_SVM_LOCATION_UNDEFINED

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* The devices there are, SVM_MAX_DEVICES of them, and one that there is not. */
#define GPU(index) (0x1000u + 7 * (index))
#define NO_GPU 0x0fffu

/* Devices that may access memory by default. */
#define DEFAULT_ACCESS 0x0fULL

/* Default flags and granularity, in the interface's words. */
#define DEFAULT_FLAGS (FLAG(HOST_ACCESS) | FLAG(COHERENT))
#define DEFAULT_GRANULARITY 9u

Suite *unit_suite(void);

/* ---- unit_main.c ---- */
extern u64 unit_seed;
u64 unit_random(u64 below);
void unit_random_from(u64 stream);

/* ---- unit_map.c: one map under test, and its lock ---- */
extern struct svm_range_map map;
extern struct mutex map_lock;

void map_setup(void);
void map_teardown(void);
int map_apply(unsigned long first, unsigned long last,
	      const struct amdsvm_ioctl_svm_attribute *attr, unsigned int nattr);
int map_set(unsigned long first, unsigned long last, u32 type, u32 value);
void map_check_interned(void);
void map_check_merged(void);

#endif /* UNIT_TEST_H */
