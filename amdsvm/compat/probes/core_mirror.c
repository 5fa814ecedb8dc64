// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Mirroring of CPU page tables, without which there is no driver.
 * define: SVM_HAVE_MIRROR
 * symbols: hmm_range_fault mmu_interval_notifier_insert
 * symbols: mmu_interval_notifier_remove mmu_interval_read_begin
 * symbols: mmu_notifier_get_locked __mmu_notifier_register mmu_notifier_put
 * symbols: mmu_notifier_synchronize
 * required: hmm_range_fault() and mmu_interval_notifier_*() (CONFIG_HMM_MIRROR)
 */
#include <linux/hmm.h>
#include <linux/mmu_notifier.h>

static __used int probe(struct hmm_range *range)
{
	range->notifier_seq = mmu_interval_read_begin(range->notifier);
	return hmm_range_fault(range);
}
