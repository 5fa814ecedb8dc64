// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Entries of the CPU page tables that stand for large folios of private device memory,
 * seen under their own lock: what is true there stays so until the lock is dropped.
 *
 * Locks: see entry.h; that of the page table inside.
 */
#include "entry.h"

#ifdef SVM_HAVE_LARGE_FOLIOS
#include <linux/leafops.h>
#include <linux/pgtable.h>
#include <linux/rcupdate.h>

#include "devmem.h"

static pmd_t *pmd_of(struct mm_struct *mm, unsigned long addr)
{
	pgd_t *pgd = pgd_offset(mm, addr);
	p4d_t *p4d;
	pud_t *pud, entry;

	if (!pgd_present(READ_ONCE(*pgd)))
		return NULL;
	p4d = p4d_offset(pgd, addr);
	if (!p4d_present(READ_ONCE(*p4d)))
		return NULL;
	pud = pud_offset(p4d, addr);
	entry = READ_ONCE(*pud);
	if (!pud_present(entry) || pud_leaf(entry))
		return NULL;
	return pmd_offset(pud, addr);
}

/* The large folio of ours that 2 MiB are mapped to as one, or NULL. */
static struct folio *folio_of(pmd_t entry)
{
	struct folio *folio;

	if (!pmd_is_device_private_entry(entry))
		return NULL;
	folio = softleaf_to_folio(softleaf_from_pmd(entry));
	return svm_devmem_of(folio_page(folio, 0)) ? folio : NULL;
}

static bool is_table(pmd_t entry)
{
	return pmd_present(entry) && !pmd_trans_huge(entry) && !pmd_bad(entry);
}

/**
 * svm_pmd_lock() - what 2 MiB are mapped to, under the lock of that entry
 * @mm: address space
 * @addr: any address in the 2 MiB
 * @ptl: result: the lock, held if there is a folio
 *
 * Return: the large folio of ours that is mapped as one; NULL: there is none, and no lock
 * is held.
 */
struct folio *svm_pmd_lock(struct mm_struct *mm, unsigned long addr,
			   spinlock_t **ptl)
{
	pmd_t *pmd = pmd_of(mm, addr);
	struct folio *folio;

	if (!pmd || !pmd_is_device_private_entry(pmdp_get_lockless(pmd)))
		return NULL;
	*ptl = pmd_lock(mm, pmd);
	folio = folio_of(pmdp_get(pmd));
	if (!folio)
		spin_unlock(*ptl);
	return folio;
}

/**
 * svm_pmd_kind() - what the page tables have for 2 MiB, at this moment
 * @mm: address space
 * @addr: any address in the 2 MiB
 */
enum svm_pmd_kind svm_pmd_kind(struct mm_struct *mm, unsigned long addr)
{
	pmd_t *pmd = pmd_of(mm, addr);
	pmd_t entry;

	if (!pmd)
		return SVM_PMD_OTHER;
	entry = pmdp_get_lockless(pmd);
	if (folio_of(entry))
		return SVM_PMD_FOLIO;
	return is_table(entry) ? SVM_PMD_TABLE : SVM_PMD_OTHER;
}

/**
 * svm_pmd_settle() - wait for who is changing the entry of 2 MiB
 * @mm: address space
 * @addr: any address in the 2 MiB
 *
 * Whoever took away what was there before this was called has also dropped what the entry
 * had of references and mappings when it returns: core does both under the lock.
 */
void svm_pmd_settle(struct mm_struct *mm, unsigned long addr)
{
	pmd_t *pmd = pmd_of(mm, addr);

	if (pmd)
		spin_unlock(pmd_lock(mm, pmd));
}

/*
 * The table of a range inside 2 MiB, mapped and locked, or NULL. It may be freed at any
 * time before that, but not before an RCU grace period has gone by.
 */
static pte_t *table_lock(struct mm_struct *mm, unsigned long addr,
			 spinlock_t **ptl)
{
	pmd_t *pmd = pmd_of(mm, addr), entry;

	if (!pmd)
		return NULL;
	entry = pmdp_get_lockless(pmd);
	if (!is_table(entry))
		return NULL;
	*ptl = pte_lockptr(mm, &entry);
	spin_lock(*ptl);
	if (pmd_same(entry, pmdp_get_lockless(pmd)))
		return pte_offset_kernel(&entry, addr);
	spin_unlock(*ptl);
	return NULL;
}

/*
 * The large folio of ours that an entry of a page stands for, or NULL. Also one on its way,
 * which may come back: it is locked, and has a reference.
 * @pages: first page of a chunk that is known not to be one folio; set here
 */
static struct folio *large_folio_of(pte_t pte, unsigned long *pages)
{
	struct svm_devmem *mem;
	softleaf_t entry;
	unsigned long pfn;
	struct page *page;

	if (pte_present(pte) || pte_none(pte))
		return NULL;
	entry = softleaf_from_pte(pte);
	if (!softleaf_is_device_private(entry) && !softleaf_is_migration(entry))
		return NULL;
	pfn = softleaf_to_pfn(entry);
	if (pfn - *pages < SVM_CHUNK_PAGES)
		return NULL;
	page = pfn_to_page(pfn);
	mem = svm_devmem_of(page);
	if (!mem)
		return NULL;
	if (folio_test_large(page_folio(page)))
		return page_folio(page);
	*pages = pfn - (pfn - mem->first_pfn) % SVM_CHUNK_PAGES;
	return NULL;
}

/* As svm_next_large_pte(), inside 2 MiB. */
static unsigned long next_in_table(struct mm_struct *mm, unsigned long start,
				   unsigned long end, const struct folio *but,
				   struct folio **folio)
{
	unsigned long pages = ULONG_MAX;
	struct folio *found;
	spinlock_t *ptl; /* of a page table */
	pte_t *pte;

	rcu_read_lock();
	pte = table_lock(mm, start, &ptl);
	if (!pte) {
		rcu_read_unlock();
		return end;
	}
	for (; start < end; start += PAGE_SIZE, pte++) {
		found = large_folio_of(ptep_get(pte), &pages);
		if (!found || found == but)
			continue;
		if (folio) {
			folio_get(found);
			*folio = found;
		}
		break;
	}
	spin_unlock(ptl);
	rcu_read_unlock();
	return start;
}

/**
 * svm_next_large_pte() - the first page of a large folio that is mapped page by page
 * @mm: address space
 * @start: first byte
 * @end: byte after the last
 * @but: a folio that is not meant, or NULL
 * @folio: result, with a reference; NULL: nobody wants it
 *
 * While mmap_lock is held such memory becomes less, never more: page by page is mapped
 * what was one entry before, and a table does not become one again.
 *
 * Return: the address of that page; @end when there is none.
 */
unsigned long svm_next_large_pte(struct mm_struct *mm, unsigned long start,
				 unsigned long end, const struct folio *but,
				 struct folio **folio)
{
	unsigned long at, stop;

	for (; start < end; start = stop) {
		stop = pmd_addr_end(start, end);
		at = next_in_table(mm, start, stop, but, folio);
		if (at < stop)
			return at;
	}
	return end;
}

#endif /* SVM_HAVE_LARGE_FOLIOS */
