// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * GET_COUNTERS and GET_DEVICE_COUNTERS: what happened so far.
 *
 * Locks: mmap_lock (read), then the policy lock, to count ranges.
 */
#include <linux/mm.h>

#include "block.h"
#include "calls.h"
#include "policy.h"
#include "process.h"
#include "space.h"

int svm_call_get_counters(struct svm_call *call, void *arg)
{
	struct amdsvm_ioctl_get_counters_args *args = arg;
	atomic_long_t *counters = call->process->counters;
	int ret;

	args->pages_in = atomic_long_read(&counters[SVM_PAGES_IN]);
	args->pages_cleared = atomic_long_read(&counters[SVM_PAGES_CLEARED]);
	args->pages_out = atomic_long_read(&counters[SVM_PAGES_OUT]);
	args->pages_peer = atomic_long_read(&counters[SVM_PAGES_PEER]);
	args->pages_failed = atomic_long_read(&counters[SVM_PAGES_FAILED]);
	args->cpu_faults = atomic_long_read(&counters[SVM_CPU_FAULTS]);
	args->pages_mapped = atomic_long_read(&counters[SVM_PAGES_MAPPED]);
	args->invalidations = atomic_long_read(&counters[SVM_INVALIDATIONS]);
	args->map_retries = atomic_long_read(&counters[SVM_MAP_RETRIES]);
	args->blocks = svm_blocks_count(call->process);

	if (mmap_read_lock_killable(call->process->mm))
		return -EINTR;
	ret = svm_policy_lock(call->process);
	if (!ret) {
		args->ranges = call->process->ranges.count;
		svm_policy_unlock(call->process);
	}
	mmap_read_unlock(call->process->mm);
	return ret;
}

int svm_call_get_device_counters(struct svm_call *call, void *arg)
{
	struct amdsvm_ioctl_get_device_counters_args *args = arg;
	atomic_long_t *counters;
	int index;

	if (args->reserved)
		return -EINVAL;
	index = svm_device_index(args->gpu_id);
	if (index < 0)
		return index;
	counters = call->process->spaces[index]->counters;

	args->faults = atomic_long_read(&counters[SVM_SPACE_FAULTS]);
	args->duplicates = atomic_long_read(&counters[SVM_SPACE_DUPLICATES]);
	args->services = atomic_long_read(&counters[SVM_SPACE_SERVICES]);
	args->overflows = atomic_long_read(&counters[SVM_SPACE_OVERFLOWS]);
	args->bad_accesses = atomic_long_read(&counters[SVM_SPACE_BAD_ACCESSES]);
	args->pages_in = atomic_long_read(&counters[SVM_SPACE_PAGES_IN]);
	args->pages_out = atomic_long_read(&counters[SVM_SPACE_PAGES_OUT]);
	args->migrations = atomic_long_read(&counters[SVM_SPACE_MIGRATIONS]);
	args->pages_mapped = atomic_long_read(&counters[SVM_SPACE_PAGES_MAPPED]);
	args->pages_unmapped = atomic_long_read(&counters[SVM_SPACE_PAGES_UNMAPPED]);
	args->invalidations = atomic_long_read(&counters[SVM_SPACE_INVALIDATIONS]);
	args->map_retries = atomic_long_read(&counters[SVM_SPACE_MAP_RETRIES]);
	args->tlb_flushes = atomic_long_read(&counters[SVM_SPACE_TLB_FLUSHES]);
	args->evictions = atomic_long_read(&counters[SVM_SPACE_EVICTIONS]);
	args->restores = atomic_long_read(&counters[SVM_SPACE_RESTORES]);
	args->packets = atomic_long_read(&counters[SVM_SPACE_PACKETS]);
	args->tables = atomic_long_read(&counters[SVM_SPACE_TABLES]);
	args->leaves = atomic_long_read(&counters[SVM_SPACE_LEAVES]);
	args->thrash_pins = atomic_long_read(&counters[SVM_SPACE_THRASH_PINS]);
	args->clears_saved = atomic_long_read(&counters[SVM_SPACE_CLEARS_SAVED]);
	return 0;
}
