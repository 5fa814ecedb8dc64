// SPDX-License-Identifier: MIT
/*
 * Memory, locks and warnings, with the rules of the kernel enforced: what may
 * sleep does not run under rcu_read_lock(), a mutex is not taken twice.
 */
#include <check.h>
#include <stdlib.h>

#include <linux/bug.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "shim.h"

struct shim shim;

void shim_fail(unsigned long first, unsigned long count)
{
	shim.allocations = 0;
	shim.failed = 0;
	shim.fail_first = first;
	shim.fail_count = count;
}

bool shim_allocation_fails(void)
{
	shim.allocations++;
	if (!shim.fail_first || shim.allocations < shim.fail_first ||
	    shim.allocations - shim.fail_first >= shim.fail_count)
		return false;
	shim.failed++;
	return true;
}

void shim_warn(const char *file, int line, const char *what)
{
	ck_abort_msg("WARN_ON_ONCE(%s) at %s:%d", what, file, line);
}

void shim_might_sleep(void)
{
	WARN_ON_ONCE(shim.rcu_depth);
}

void cond_resched(void)
{
	shim_might_sleep();
}

void *kzalloc(size_t size, gfp_t gfp)
{
	void *ptr;

	(void)gfp;
	shim_might_sleep();
	if (shim_allocation_fails())
		return NULL;
	ptr = calloc(1, size);
	if (!ptr)
		abort();
	shim.objects++;
	return ptr;
}

void kfree(const void *ptr)
{
	if (ptr)
		shim.objects--;
	free((void *)ptr);
}

void rcu_read_lock(void)
{
	shim.rcu_depth++;
}

void rcu_read_unlock(void)
{
	WARN_ON_ONCE(!shim.rcu_depth);
	shim.rcu_depth--;
}

void mutex_init(struct mutex *lock)
{
	lock->held = false;
}

void mutex_lock(struct mutex *lock)
{
	shim_might_sleep();
	WARN_ON_ONCE(lock->held);
	lock->held = true;
}

void mutex_unlock(struct mutex *lock)
{
	WARN_ON_ONCE(!lock->held);
	lock->held = false;
}
