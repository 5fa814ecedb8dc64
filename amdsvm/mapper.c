// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Who maps a large folio of private memory, by its reverse map: eviction knows folios only,
 * and needs an address space to move one in one piece, or to split it.
 *
 * Locks: that of the anon_vma (tried), page tables inside; then mmap_lock (tried), which is
 * the caller's until svm_mapper_put(). Others may be held: nothing here is waited for.
 */
#include "mapper.h"

#include <linux/mmap_lock.h>
#include <linux/rbtree.h>
#include <linux/rcupdate.h>
#include <linux/rmap.h>
#include <linux/sched/mm.h>

#include "entry.h"

#ifdef SVM_HAVE_LARGE_FOLIOS
/*
 * The anon_vma of a folio, its lock held, or NULL. It is not freed while somebody maps the
 * folio, and not while the lock is held; before that RCU keeps the memory it is in.
 */
static struct anon_vma *anon_vma_lock(const struct folio *folio)
{
	struct anon_vma *anon_vma = NULL, *root;
	unsigned long mapping;

	rcu_read_lock();
	mapping = (unsigned long)READ_ONCE(folio->mapping);
	if ((mapping & FOLIO_MAPPING_FLAGS) != FOLIO_MAPPING_ANON ||
	    !folio_mapped(folio))
		goto out;
	anon_vma = (struct anon_vma *)(mapping - FOLIO_MAPPING_ANON);
	root = READ_ONCE(anon_vma->root);
	if (!down_read_trylock(&root->rwsem)) {
		anon_vma = NULL;
	} else if (!folio_mapped(folio) ||
		   (unsigned long)READ_ONCE(folio->mapping) != mapping) {
		up_read(&root->rwsem);
		anon_vma = NULL;
	}
out:
	rcu_read_unlock();
	return anon_vma;
}

/* Where in a mapping the folio would be; false: outside of it. */
static bool address_in(const struct vm_area_struct *vma,
		       const struct folio *folio, unsigned long *addr)
{
	pgoff_t first = READ_ONCE(folio->index);

	if (first < vma->vm_pgoff ||
	    first + folio_nr_pages(folio) > vma->vm_pgoff + vma_pages(vma))
		return false;
	*addr = vma->vm_start + ((first - vma->vm_pgoff) << PAGE_SHIFT);
	return IS_ALIGNED(*addr, folio_size(folio));
}

static bool is_mapped_at(struct mm_struct *mm, unsigned long addr,
			 const struct folio *folio)
{
	spinlock_t *ptl; /* of a page table */
	struct folio *found = svm_pmd_lock(mm, addr, &ptl);

	if (found)
		spin_unlock(ptl);
	return found == folio;
}

/* The first who maps it as one, with a reference; not one that is ending. */
static bool find(struct svm_mapper *mapper, const struct folio *folio)
{
	struct anon_vma *anon_vma = anon_vma_lock(folio);
	struct rb_node *node;
	bool found = false;

	if (!anon_vma)
		return false;
	for (node = rb_first_cached(&anon_vma->rb_root); node && !found;
	     node = rb_next(node)) {
		struct vm_area_struct *vma =
			rb_entry(node, struct anon_vma_chain, rb)->vma;

		if (!address_in(vma, folio, &mapper->addr) ||
		    !is_mapped_at(vma->vm_mm, mapper->addr, folio) ||
		    !mmget_not_zero(vma->vm_mm))
			continue;
		mapper->mm = vma->vm_mm;
		found = true;
	}
	up_read(&anon_vma->root->rwsem);
	return found;
}

/**
 * svm_mapper_get() - an address space that maps a folio as one
 * @mapper: result
 * @folio: large folio of ours, with a reference of the caller
 * @held: address space of which the caller has mmap_lock (read), or NULL
 *
 * Context: see above; does not sleep for long.
 * Return: true, and the folio was there when mmap_lock was had; svm_mapper_put() must
 * follow. False: nobody maps it as one, or somebody was in the way.
 */
bool svm_mapper_get(struct svm_mapper *mapper, struct folio *folio,
		    const struct mm_struct *held)
{
	if (!find(mapper, folio))
		return false;
	mapper->locked = mapper->mm != held;
	if (mapper->locked && !mmap_read_trylock(mapper->mm)) {
		mmput_async(mapper->mm);
		return false;
	}
	mapper->vma = vma_lookup(mapper->mm, mapper->addr);
	if (mapper->vma && is_mapped_at(mapper->mm, mapper->addr, folio))
		return true;
	svm_mapper_put(mapper);
	return false;
}

/**
 * svm_mapper_put() - undo svm_mapper_get()
 * @mapper: from it
 */
void svm_mapper_put(struct svm_mapper *mapper)
{
	if (mapper->locked)
		mmap_read_unlock(mapper->mm);
	/* The last one ends the address space: not here, where locks are held. */
	mmput_async(mapper->mm);
}
#endif /* SVM_HAVE_LARGE_FOLIOS */
