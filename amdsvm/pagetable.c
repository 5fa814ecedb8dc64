// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Device page tables: entries, and what has to happen when one goes.
 *
 * One flat table of 4 KiB entries for each device and block. Tables are made by
 * svm_pagetable_prepare() before the block lock is taken, so that nothing is
 * allocated under it, and live as long as the block.
 *
 * Locking: all functions but prepare and free need the block lock and do not
 * sleep; they run in the invalidation callback.
 */
#include <linux/bitfield.h>
#include <linux/slab.h>

#include "devmem.h"
#include "pagetable.h"

/**
 * svm_pagetable_prepare() - make tables for devices that will map
 * @pt: the tables of a block
 * @lock: the block lock, not held
 * @devices: mask of devices
 *
 * Context: block mutex held; may sleep and reclaim.
 * Return: 0 or -ENOMEM.
 */
int svm_pagetable_prepare(struct svm_pagetable *pt, spinlock_t *lock,
			  u64 devices)
{
	u64 missing = devices & ~pt->devices;

	while (missing) {
		unsigned int device = __ffs64(missing);
		u64 *table = kcalloc(SVM_BLOCK_PAGES, sizeof(*table),
				     GFP_KERNEL_ACCOUNT);

		if (!table)
			return -ENOMEM;
		spin_lock(lock);
		pt->pte[device] = table;
		pt->devices |= BIT_ULL(device);
		spin_unlock(lock);
		missing &= missing - 1;
	}
	return 0;
}

/**
 * svm_pagetable_free() - free the tables of a block that is gone
 * @pt: the tables; nobody else uses them any more
 */
void svm_pagetable_free(struct svm_pagetable *pt)
{
	unsigned int i;

	for (i = 0; i < SVM_MAX_DEVICES; i++)
		kfree(pt->pte[i]);
}

/**
 * svm_pagetable_entry() - the entry that maps a page
 * @page: system memory, or one of our device pages
 * @write: the device may write
 * @exec: the device may execute
 *
 * Return: the entry.
 */
u64 svm_pagetable_entry(struct page *page, bool write, bool exec)
{
	struct svm_mem place = svm_devmem_place(page);
	u64 pte = SVM_PTE_VALID;

	if (place.device)
		pte |= SVM_PTE_DEVICE | place.offset |
		       FIELD_PREP(SVM_PTE_OWNER, place.device->index);
	else
		pte |= PFN_PHYS(page_to_pfn(page)) & SVM_PTE_FRAME;
	if (write)
		pte |= SVM_PTE_WRITE;
	if (exec)
		pte |= SVM_PTE_EXEC;
	return pte;
}

static struct page *entry_page(u64 pte)
{
	u64 frame = pte & SVM_PTE_FRAME;

	if (pte & SVM_PTE_DEVICE)
		return svm_devmem_page(svm_device_get(FIELD_GET(SVM_PTE_OWNER, pte)),
				       frame);
	return pfn_to_page(PHYS_PFN(frame));
}

/*
 * Core mm learns of device writes only here: without the mark reclaim would
 * drop a page that a device wrote (MADV_FREE, memfd). Called in the notifier,
 * so the page is still mapped and cannot go away.
 */
static void entry_gone(u64 pte)
{
	if (pte & SVM_PTE_WRITE)
		folio_mark_dirty(page_folio(entry_page(pte)));
}

/**
 * svm_pagetable_set() - write one entry
 * @pt: tables, prepared for @device
 * @device: index of the device
 * @index: page of the block
 * @pte: valid entry
 *
 * Return: true when the entry was not there before.
 */
bool svm_pagetable_set(struct svm_pagetable *pt, unsigned int device,
		       unsigned int index, u64 pte)
{
	u64 old = pt->pte[device][index];

	if (old == pte)
		return false;
	if (old & SVM_PTE_VALID)
		entry_gone(old);
	else
		pt->mapped++;
	pt->pte[device][index] = pte;
	return true;
}

/**
 * svm_pagetable_clear() - remove entries
 * @pt: tables
 * @devices: mask of devices that lose them
 * @first: first page of the block
 * @last: last page of the block, inclusive
 *
 * Return: entries removed.
 */
unsigned int svm_pagetable_clear(struct svm_pagetable *pt, u64 devices,
				 unsigned int first, unsigned int last)
{
	unsigned int n = 0, i;

	if (!pt->mapped)
		return 0;

	devices &= pt->devices;
	for (; devices; devices &= devices - 1) {
		u64 *table = pt->pte[__ffs64(devices)];

		for (i = first; i <= last; i++) {
			if (!(table[i] & SVM_PTE_VALID))
				continue;
			entry_gone(table[i]);
			table[i] = 0;
			n++;
		}
	}
	pt->mapped -= n;
	return n;
}

/**
 * svm_pagetable_mapped() - who maps a page
 * @pt: tables
 * @index: page of the block
 *
 * Return: mask of devices.
 */
u64 svm_pagetable_mapped(const struct svm_pagetable *pt, unsigned int index)
{
	u64 devices = pt->devices, mapped = 0;

	for (; devices; devices &= devices - 1) {
		unsigned int device = __ffs64(devices);

		if (pt->pte[device][index] & SVM_PTE_VALID)
			mapped |= BIT_ULL(device);
	}
	return mapped;
}
