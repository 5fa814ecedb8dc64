/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Migration between system memory and device memory.
 */
#ifndef SVM_MIGRATE_H
#define SVM_MIGRATE_H

#include <linux/mm_types.h>
#include <linux/types.h>

/* What became of a page that was to move. The first two are not final. */
enum svm_page_state {
	SVM_PAGE_WAITING,	/* not tried yet */
	SVM_PAGE_BUSY,		/* could not be isolated or replaced */
	SVM_PAGE_NO_SPACE,	/* no memory at the destination */
	SVM_PAGE_UNMOVABLE,	/* no page, or one that never moves */
	SVM_PAGE_ALREADY,	/* is there */
	SVM_PAGE_MOVED,
	SVM_PAGE_CLEARED,	/* there was none; a cleared one is there now */
	SVM_NR_PAGE_STATES
};

/* struct svm_move_counts - pages by what became of them */
struct svm_move_counts {
	unsigned long state[SVM_NR_PAGE_STATES];
};

vm_fault_t svm_migrate_to_ram(struct vm_fault *vmf);

#endif /* SVM_MIGRATE_H */
