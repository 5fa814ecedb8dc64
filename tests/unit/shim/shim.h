/* SPDX-License-Identifier: MIT */
/*
 * What tests see and say of the kernel that the driver's policy runs on here.
 */
#ifndef SHIM_H
#define SHIM_H

#include <linux/types.h>

/*
 * struct shim - the state of this kernel
 * @allocations: calls since the test last set it to 0 that could have failed
 * @fail_first: number of the first of them that fails, from 1; 0: none
 * @fail_count: how many fail from there on
 * @failed: how many failed
 * @objects: allocated by kzalloc() and not freed
 * @rcu_depth: rcu_read_lock() without rcu_read_unlock()
 */
struct shim {
	unsigned long allocations;
	unsigned long fail_first;
	unsigned long fail_count;
	unsigned long failed;
	long objects;
	int rcu_depth;
};

extern struct shim shim;

/* Let @count allocations fail from the @first on, counted from now. */
void shim_fail(unsigned long first, unsigned long count);

/* For the parts of the shim: does this allocation fail? */
bool shim_allocation_fails(void);

/* For the parts of the shim: this may sleep, so no RCU reader may be here. */
void shim_might_sleep(void);

#endif /* SHIM_H */
