// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Device page tables: entries of a block, and what has to happen when one goes.
 * The tree that leads to them is in pagetree.c.
 *
 * Everything that a commit or an invalidation needs is there before the block
 * lock is taken, so nothing is allocated under it. Devices read entries while
 * they are changed here, and set SVM_PTE_DIRTY in them: each entry changes by
 * one atomic store, and what was in it is taken out by xchg.
 *
 * Locking: the functions here need the block lock and do not sleep; they run in
 * the invalidation callback.
 */
#include <linux/bitfield.h>

#include "devmem.h"
#include "pagetable.h"
#include "space.h"

/**
 * svm_pagetable_entry() - the entry that maps a page
 * @page: system memory, or one of our device pages
 * @rights: SVM_PTE_WRITE and so on
 *
 * Atomics on device memory need no more than the entry: no CPU has the page, or
 * memory is coherent.
 *
 * Return: the entry.
 */
u64 svm_pagetable_entry(struct page *page, u64 rights)
{
	struct svm_mem place = svm_devmem_place(page);
	u64 pte = SVM_PTE_VALID | rights;

	if (!place.device)
		return pte | (PFN_PHYS(page_to_pfn(page)) & SVM_PTE_FRAME);
	pte |= SVM_PTE_DEVICE | place.offset |
	       FIELD_PREP(SVM_PTE_OWNER, place.device->index);
	if (rights & SVM_PTE_WRITE)
		pte |= SVM_PTE_ATOMIC;
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
	unsigned int i;

	if (!(pte & SVM_PTE_DIRTY))
		return;
	if (!(pte & SVM_PTE_LEAF) || !(pte & SVM_PTE_DEVICE)) {
		/* The leaves of system memory are one folio. */
		folio_mark_dirty(page_folio(entry_page(pte)));
		return;
	}
	for (i = 0; i < SVM_BLOCK_PAGES; i++)
		folio_mark_dirty(page_folio(entry_page(svm_pte_of_leaf(pte, i))));
}

static bool same_memory(u64 a, u64 b)
{
	const u64 place = SVM_PTE_DEVICE | SVM_PTE_OWNER | SVM_PTE_FRAME;

	return (a & place) == (b & place);
}

/*
 * Replace an entry that devices use. Written stays written; whoever loses
 * memory or rights has to be flushed.
 */
static void entry_change(struct svm_space *space, u64 *entry, u64 pte)
{
	u64 old = READ_ONCE(*entry), new;

	do {
		new = pte;
		if (same_memory(old, pte))
			new |= old & SVM_PTE_DIRTY;
	} while (!try_cmpxchg64(entry, &old, new));

	if (!same_memory(old, pte))
		entry_gone(old);
	if (!same_memory(old, pte) || (old & ~new & SVM_PTE_RIGHTS))
		svm_space_changed(space);
}

/* A table with the entries of the leaf takes its place. */
static void split(struct svm_block_table *t)
{
	u64 leaf = READ_ONCE(*t->slot);
	unsigned int i;

	do {
		for (i = 0; i < SVM_BLOCK_PAGES; i++)
			t->table[i] = svm_pte_of_leaf(leaf, i);
	} while (!try_cmpxchg64(t->slot, &leaf, __pa(t->table) | SVM_PTE_VALID));
	t->used = SVM_BLOCK_PAGES;
	svm_space_count(t->space, SVM_SPACE_LEAVES, -1);
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
	struct svm_block_table *t = &pt->table[device];
	u64 slot = READ_ONCE(*t->slot);
	u64 old;

	if (slot & SVM_PTE_LEAF) {
		old = svm_pte_of_leaf(slot, index);
		if ((old & ~SVM_PTE_DIRTY) == pte)
			return false;
		split(t);
	}

	old = READ_ONCE(t->table[index]);
	if ((old & ~SVM_PTE_DIRTY) == pte)
		return false;
	if (old & SVM_PTE_VALID) {
		entry_change(t->space, &t->table[index], pte);
	} else {
		WRITE_ONCE(t->table[index], pte);
		t->used++;
		pt->mapped++;
	}
	if (!(slot & SVM_PTE_VALID)) {
		/* Devices that find the table find the entry. */
		smp_store_release(t->slot, __pa(t->table) | SVM_PTE_VALID);
	}
	svm_space_count(t->space, SVM_SPACE_PAGES_MAPPED, 1);
	return true;
}

/**
 * svm_pagetable_set_leaf() - write one entry for all pages of a block
 * @pt: tables, prepared for @device
 * @device: index of the device
 * @pte: valid entry of the first page; the memory is one folio
 *
 * Return: false when there are entries already: then they have to be written one
 * by one.
 */
bool svm_pagetable_set_leaf(struct svm_pagetable *pt, unsigned int device,
			    u64 pte)
{
	struct svm_block_table *t = &pt->table[device];

	if (READ_ONCE(*t->slot) & SVM_PTE_VALID)
		return false;
	WRITE_ONCE(*t->slot, pte | SVM_PTE_LEAF);
	pt->mapped += SVM_BLOCK_PAGES;
	svm_space_count(t->space, SVM_SPACE_PAGES_MAPPED, SVM_BLOCK_PAGES);
	svm_space_count(t->space, SVM_SPACE_LEAVES, 1);
	return true;
}

/**
 * svm_pagetable_has_leaf() - is a block mapped so already
 * @pt: tables
 * @device: index of the device
 * @pte: as for svm_pagetable_set_leaf()
 *
 * Context: block mutex held, so that the answer can only become false.
 * Return: true when it is.
 */
bool svm_pagetable_has_leaf(const struct svm_pagetable *pt, unsigned int device,
			    u64 pte)
{
	const struct svm_block_table *t = &pt->table[device];

	return t->slot && (READ_ONCE(*t->slot) & ~SVM_PTE_DIRTY) ==
			  (pte | SVM_PTE_LEAF);
}

/*
 * The leaf that says the same as the table, or 0. System memory must be one
 * folio, for the leaf has one dirty bit.
 */
static u64 table_as_leaf(const struct svm_block_table *t)
{
	u64 first = READ_ONCE(t->table[0]) & ~SVM_PTE_DIRTY;
	unsigned int i;

	if (t->used != SVM_BLOCK_PAGES ||
	    !IS_ALIGNED(first & SVM_PTE_FRAME, SVM_BLOCK_SIZE))
		return 0;
	if (!(first & SVM_PTE_DEVICE) &&
	    folio_nr_pages(page_folio(entry_page(first))) < SVM_BLOCK_PAGES)
		return 0;
	for (i = 1; i < SVM_BLOCK_PAGES; i++)
		if ((READ_ONCE(t->table[i]) & ~SVM_PTE_DIRTY) !=
		    svm_pte_of_leaf(first, i))
			return 0;
	return first | SVM_PTE_LEAF;
}

/**
 * svm_pagetable_join() - make one entry of 512, if they are one run of memory
 * @pt: tables
 * @device: index of the device
 *
 * TLBs may keep what they have: it says the same. The table stays with the
 * block until svm_pagetable_trim().
 *
 * Return: true when there is a new leaf.
 */
bool svm_pagetable_join(struct svm_pagetable *pt, unsigned int device)
{
	struct svm_block_table *t = &pt->table[device];
	unsigned int i;
	u64 leaf;

	if (!t->table || !t->used)
		return false;
	leaf = table_as_leaf(t);
	if (!leaf)
		return false;

	/* From here on devices mark the leaf; then what they marked before. */
	xchg(t->slot, leaf);
	for (i = 0; i < SVM_BLOCK_PAGES; i++)
		entry_gone(xchg(&t->table[i], 0));
	t->used = 0;
	svm_space_count(t->space, SVM_SPACE_LEAVES, 1);
	return true;
}

static unsigned int clear_leaf(struct svm_block_table *t, u64 *gone)
{
	u64 old = xchg(t->slot, 0);

	entry_gone(old);
	*gone |= old;
	svm_space_count(t->space, SVM_SPACE_LEAVES, -1);
	return SVM_BLOCK_PAGES;
}

static unsigned int clear_table(struct svm_block_table *t, unsigned int first,
				unsigned int last, u64 *gone)
{
	unsigned int n = 0, i;

	for (i = first; i <= last; i++) {
		u64 old;

		if (!(READ_ONCE(t->table[i]) & SVM_PTE_VALID))
			continue;
		old = xchg(&t->table[i], 0);
		entry_gone(old);
		*gone |= old;
		n++;
	}
	t->used -= n;
	if (!t->used)
		WRITE_ONCE(*t->slot, 0);
	return n;
}

/**
 * svm_pagetable_clear() - remove entries
 * @pt: tables
 * @devices: mask of devices that lose them
 * @first: first page of the block
 * @last: last page of the block, inclusive
 *
 * Of a leaf all goes. TLBs are not flushed: svm_process_flush() must follow
 * before the memory is anybody else's.
 *
 * Return: what was removed.
 */
struct svm_cleared svm_pagetable_clear(struct svm_pagetable *pt, u64 devices,
				       unsigned int first, unsigned int last)
{
	struct svm_cleared cleared = {};
	u64 gone = 0;

	if (!pt->mapped)
		return cleared;

	for (devices &= pt->devices; devices; devices &= devices - 1) {
		struct svm_block_table *t = &pt->table[__ffs64(devices)];
		u64 slot = READ_ONCE(*t->slot);
		unsigned int n;

		if (!(slot & SVM_PTE_VALID))
			continue;
		n = slot & SVM_PTE_LEAF ? clear_leaf(t, &gone) :
					  clear_table(t, first, last, &gone);
		if (!n)
			continue;
		if (n > last - first + 1)
			cleared.cut = true;
		svm_space_changed(t->space);
		svm_space_count(t->space, SVM_SPACE_PAGES_UNMAPPED, n);
		cleared.devices |= BIT_ULL(__ffs64(devices));
		cleared.pages += n;
	}
	cleared.keep = gone & SVM_PTE_KEEP;
	pt->mapped -= cleared.pages;
	return cleared;
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
		const struct svm_block_table *t = &pt->table[device];
		u64 slot = READ_ONCE(*t->slot);

		if ((slot & SVM_PTE_LEAF) ||
		    ((slot & SVM_PTE_VALID) &&
		     (READ_ONCE(t->table[index]) & SVM_PTE_VALID)))
			mapped |= BIT_ULL(device);
	}
	return mapped;
}

/**
 * svm_pagetable_exclusive() - has a device a page of system memory alone
 * @pt: tables
 * @index: page of the block
 *
 * Context: block mutex held; the answer may be out of date.
 * Return: true when one has.
 */
bool svm_pagetable_exclusive(const struct svm_pagetable *pt,
			     unsigned int index)
{
	u64 devices = pt->devices;

	for (; devices; devices &= devices - 1) {
		const struct svm_block_table *t = &pt->table[__ffs64(devices)];
		u64 pte;

		if (!t->table || !(READ_ONCE(*t->slot) & SVM_PTE_VALID))
			continue;
		pte = READ_ONCE(t->table[index]);
		if ((pte & SVM_PTE_ATOMIC) && !(pte & SVM_PTE_DEVICE))
			return true;
	}
	return false;
}
