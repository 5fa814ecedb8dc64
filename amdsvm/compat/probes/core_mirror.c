// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Mirroring of CPU page tables, without which there is no driver.
 * define: SVM_HAVE_MIRROR
 * symbols: hmm_range_fault mmu_interval_notifier_insert mmu_interval_notifier_remove mmu_interval_read_begin mmu_notifier_get_locked __mmu_notifier_register mmu_notifier_put mmu_notifier_synchronize
 * required: hmm_range_fault() and mmu_interval_notifier_*(), for modules (CONFIG_HMM_MIRROR and CONFIG_MMU_NOTIFIER)
 */
#include <linux/hmm.h>
#include <linux/mmu_notifier.h>

static __attribute__((used)) int probe(struct hmm_range *range)
{
	range->notifier_seq = mmu_interval_read_begin(range->notifier);
	return hmm_range_fault(range);
}
