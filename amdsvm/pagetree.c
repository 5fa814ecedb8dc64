// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The tree of tables of a space: upper levels, and memory for all of them.
 *
 *	level 3, 2	entries are tables
 *	level 1		entries are blocks: a table of pages, or a leaf of 2 MiB
 *	level 0		entries are pages; the block owns this one
 *
 * A table of level 1 or 2 counts its used entries (for level 1: the blocks that
 * have a slot in it) and goes with the last. Devices walk without a lock, with
 * preemption off, and TLBs cache no table: so a table is freed a grace period
 * after it was unlinked.
 *
 * Locking: the upper levels are protected by the space lock, which is inside of
 * the block lock. Nothing is allocated under either.
 */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>

#include "pagetable.h"
#include "space.h"

#define LEVELS		4
#define LEVEL_BITS	9
#define ADDRESS_BITS	(PAGE_SHIFT + LEVELS * LEVEL_BITS)

static unsigned int level_index(unsigned long addr, unsigned int level)
{
	return addr >> (PAGE_SHIFT + level * LEVEL_BITS) & (PTRS_PER_PTE - 1);
}

static u64 *table_alloc(struct svm_space *space)
{
	struct page *page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);

	if (!page)
		return NULL;
	set_page_private(page, 0);
	svm_space_count(space, SVM_SPACE_TABLES, 1);
	return page_address(page);
}

static void table_free_now(struct rcu_head *rcu)
{
	__free_page(container_of(rcu, struct page, rcu_head));
}

/* Unlinked, or never linked. */
static void table_free(struct svm_space *space, u64 *table)
{
	struct page *page;

	if (!table)
		return;
	page = virt_to_page(table);
	set_page_private(page, 0);
	svm_space_count(space, SVM_SPACE_TABLES, -1);
	call_rcu(&page->rcu_head, table_free_now);
}

static void table_use(u64 *table)
{
	struct page *page = virt_to_page(table);

	set_page_private(page, page_private(page) + 1);
}

/* Return: true when that was the last. */
static bool table_unuse(u64 *table)
{
	struct page *page = virt_to_page(table);

	set_page_private(page, page_private(page) - 1);
	return !page_private(page);
}

static u64 *table_below(u64 entry)
{
	return __va(entry & SVM_PTE_FRAME);
}

/**
 * svm_pagetable_root_alloc() - the top of the tree
 * @space: for accounting
 *
 * Return: the table, or NULL.
 */
u64 *svm_pagetable_root_alloc(struct svm_space *space)
{
	return table_alloc(space);
}

/**
 * svm_pagetable_root_free() - the space is gone, with all its blocks
 * @space: the space
 */
void svm_pagetable_root_free(struct svm_space *space)
{
	table_free(space, space->root);
}

/*
 * The entry of the block at @addr in level 1, made used. @spare are tables to
 * put where they are missing. NULL: there were not enough.
 */
static u64 *slot_get(struct svm_space *space, unsigned long addr, u64 **spare)
{
	u64 *table = space->root;
	unsigned int level;

	spin_lock(&space->lock);
	for (level = LEVELS - 1; level > 1; level--) {
		u64 *entry = &table[level_index(addr, level)];

		if (!*entry) {
			if (!*spare) {
				table = NULL;
				break;
			}
			/* Devices that find the table find it empty. */
			smp_store_release(entry, __pa(*spare) | SVM_PTE_VALID);
			*spare++ = NULL;
			table_use(table);
		}
		table = table_below(*entry);
	}
	if (table)
		table_use(table);
	spin_unlock(&space->lock);
	return table ? &table[level_index(addr, 1)] : NULL;
}

static void slot_put(struct svm_space *space, unsigned long addr)
{
	u64 *entry[LEVELS], *table = space->root;
	unsigned int level;

	spin_lock(&space->lock);
	for (level = LEVELS - 1; level > 1; level--) {
		entry[level] = &table[level_index(addr, level)];
		table = table_below(*entry[level]);
	}
	for (level = 1; level < LEVELS - 1 && table_unuse(table); level++) {
		WRITE_ONCE(*entry[level + 1], 0);
		table_free(space, table);
		/* The table that entry is in. */
		table = level + 2 < LEVELS ? table_below(*entry[level + 2]) :
					     space->root;
	}
	spin_unlock(&space->lock);
}

static int prepare_slot(struct svm_block_table *t, struct svm_space *space,
			unsigned long addr)
{
	u64 *spare[LEVELS - 1] = {};
	u64 *slot;

	if (WARN_ON_ONCE(addr >> ADDRESS_BITS))
		return -EINVAL;
	slot = slot_get(space, addr, spare);

	if (!slot) {
		spare[0] = table_alloc(space);
		spare[1] = table_alloc(space);
		/* With both it cannot fail half way. */
		if (spare[0] && spare[1])
			slot = slot_get(space, addr, spare);
		table_free(space, spare[0]);
		table_free(space, spare[1]);
	}
	if (!slot)
		return -ENOMEM;
	t->space = space;
	t->slot = slot;
	return 0;
}

/**
 * svm_pagetable_prepare() - make what is needed to write entries
 * @pt: the tables of a block
 * @lock: the block lock, not held
 * @spaces: of the process, by device
 * @devices: mask of devices that will map
 * @addr: where the block begins
 * @leaf: one entry for all of the block is enough where there is none yet
 *
 * Context: block mutex held; may sleep and reclaim.
 * Return: 0 or -ENOMEM.
 */
int svm_pagetable_prepare(struct svm_pagetable *pt, spinlock_t *lock,
			  struct svm_space *const *spaces, u64 devices,
			  unsigned long addr, bool leaf)
{
	for (; devices; devices &= devices - 1) {
		unsigned int device = __ffs64(devices);
		struct svm_block_table *t = &pt->table[device];
		u64 *table;

		if (!t->slot) {
			int ret = prepare_slot(t, spaces[device], addr);

			if (ret)
				return ret;
		}
		spin_lock(lock);
		pt->devices |= BIT_ULL(device);
		spin_unlock(lock);
		if (t->table || leaf)
			continue;
		table = table_alloc(t->space);
		if (!table)
			return -ENOMEM;
		spin_lock(lock);
		t->table = table;
		spin_unlock(lock);
	}
	return 0;
}

/**
 * svm_pagetable_trim() - give back tables without entries
 * @pt: the tables of a block
 * @lock: the block lock, not held
 * @addr: where the block begins
 *
 * Context: block mutex held, so that nobody prepares or commits.
 */
void svm_pagetable_trim(struct svm_pagetable *pt, spinlock_t *lock,
			unsigned long addr)
{
	u64 devices = pt->devices;

	for (; devices; devices &= devices - 1) {
		unsigned int device = __ffs64(devices);
		struct svm_block_table *t = &pt->table[device];
		bool empty;
		u64 *table;

		spin_lock(lock);
		table = t->used ? NULL : t->table;
		empty = !READ_ONCE(*t->slot);
		if (table)
			t->table = NULL;
		if (empty)
			pt->devices &= ~BIT_ULL(device);
		spin_unlock(lock);

		table_free(t->space, table);
		if (!empty)
			continue;
		slot_put(t->space, addr);
		t->slot = NULL;
	}
}

/**
 * svm_pagetable_free() - give back everything
 * @pt: the tables of a block that is gone; nothing is mapped
 * @addr: where the block began
 *
 * Context: any.
 */
void svm_pagetable_free(struct svm_pagetable *pt, unsigned long addr)
{
	unsigned int i;

	for (i = 0; i < SVM_MAX_DEVICES; i++) {
		struct svm_block_table *t = &pt->table[i];

		if (!t->slot)
			continue;
		table_free(t->space, t->table);
		slot_put(t->space, addr);
	}
}

/**
 * svm_pagetable_walk() - what a device finds
 * @space: the space
 * @addr: bytes
 * @pte: result: the entry as it was, for a leaf with SVM_PTE_LEAF
 *
 * Context: preemption off, or rcu_read_lock().
 * Return: the entry, or NULL when there is none.
 */
u64 *svm_pagetable_walk(const struct svm_space *space, unsigned long addr,
			u64 *pte)
{
	u64 *table = space->root;
	unsigned int level;

	if (addr >> ADDRESS_BITS)
		return NULL;
	for (level = LEVELS - 1;; level--) {
		u64 *entry = &table[level_index(addr, level)];
		u64 value = READ_ONCE(*entry);

		if (!(value & SVM_PTE_VALID))
			return NULL;
		if (!level || (value & SVM_PTE_LEAF)) {
			*pte = value;
			return entry;
		}
		table = table_below(value);
	}
}
