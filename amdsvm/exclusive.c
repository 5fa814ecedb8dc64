// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * System memory for atomics of devices: the page is taken away from CPUs
 * (make_device_exclusive()), so that a device that cannot do atomics over its
 * link together with CPUs has it alone. A CPU that touches it gets it back, and
 * the notifier tells us first.
 *
 * Locks: mmap_lock (read), the block mutex, the folio lock, the block lock. While
 * the folio is locked no CPU takes the page back; what unmaps it is seen by the
 * sequence count.
 */
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/pagemap.h>
#include <linux/rmap.h>

#include "block.h"
#include "compat/compat.h"
#include "devmem.h"
#include "exclusive.h"
#include "process.h"
#include "space.h"

#ifdef SVM_HAVE_DEVICE_EXCLUSIVE
static int commit(struct svm_space *space, struct svm_block *block,
		  unsigned long addr, unsigned long seq,
		  unsigned long policy_seq, u64 rights, struct page *page)
{
	u64 pte = svm_pagetable_entry(page, rights | SVM_PTE_WRITE |
					    SVM_PTE_ATOMIC);
	int ret = 0;

	spin_lock(&block->lock);
	if (mmu_interval_read_retry(&block->notifier, seq) ||
	    READ_ONCE(space->process->policy_seq) != policy_seq)
		ret = -EBUSY;
	else
		svm_pagetable_set(&block->pt, space->device->index,
				  svm_block_page(addr), pte);
	spin_unlock(&block->lock);
	return ret;
}

static int map_locked(struct svm_space *space, struct svm_block *block,
		      unsigned long addr, unsigned long seq,
		      unsigned long policy_seq, u64 rights)
{
	struct svm_process *process = space->process;
	struct folio *folio;
	struct page *page;
	int ret;

	ret = svm_pagetable_prepare(&block->pt, &block->lock, process->spaces,
				    BIT_ULL(space->device->index),
				    svm_block_start(block), false);
	if (ret)
		return ret;

	WRITE_ONCE(block->mover, current);
	page = make_device_exclusive(process->mm, addr, svm_devmem_owner(),
				     &folio);
	WRITE_ONCE(block->mover, NULL);
	if (IS_ERR(page))
		return PTR_ERR(page);
	ret = commit(space, block, addr, seq, policy_seq, rights, page);
	folio_unlock(folio);
	folio_put(folio);
	return ret;
}

/**
 * svm_exclusive_map() - make a page of system memory good for atomics
 * @space: the device that wants it; no other device has it afterwards
 * @block: the block, with a reference
 * @addr: of the page, in a writable mapping of anonymous memory
 * @policy_seq: of the policy that grants the access
 * @rights: SVM_PTE_EXEC and SVM_PTE_KEEP, as that policy has it
 *
 * Context: no lock held; sleeps.
 * Return: 0; -EBUSY: the memory changed, try again; -EAGAIN: the block was
 * collected; -EOPNOTSUPP: not anonymous memory, or the kernel cannot;
 * -EFAULT; -ENOMEM; -EINTR.
 */
int svm_exclusive_map(struct svm_space *space, struct svm_block *block,
		      unsigned long addr, unsigned long policy_seq, u64 rights)
{
	struct svm_process *process = space->process;
	unsigned long seq;
	int ret;

	seq = mmu_interval_read_begin(&block->notifier);
	if (mmap_read_lock_killable(process->mm))
		return -EINTR;
	ret = svm_block_lock(block);
	if (!ret) {
		ret = map_locked(space, block, addr, seq, policy_seq, rights);
		svm_block_unlock(block);
	}
	mmap_read_unlock(process->mm);
	return ret;
}
#else
int svm_exclusive_map(struct svm_space *space, struct svm_block *block,
		      unsigned long addr, unsigned long policy_seq, u64 rights)
{
	return -EOPNOTSUPP;
}
#endif
