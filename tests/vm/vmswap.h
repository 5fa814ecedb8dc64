/* SPDX-License-Identifier: MIT */
/*
 * Swap for the suites: compressed memory, as no guest has a disk.
 */
#ifndef AMDSVM_TESTS_VMSWAP_H
#define AMDSVM_TESTS_VMSWAP_H

#include <stddef.h>

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

void vm_swap_on(void);
void vm_swap_off(void);
/* Until none of the pages is in memory. */
void vm_page_out(void *start, size_t size);

#endif
