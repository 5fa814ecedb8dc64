/* SPDX-License-Identifier: MIT */
/*
 * /proc/PID/pagemap: what the CPU's page tables say of each page.
 */
#ifndef SVMCTL_PAGEMAP_H
#define SVMCTL_PAGEMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* pagemap_open() - a file descriptor, or a negative errno. @pid 0: this process. */
int pagemap_open(pid_t pid);

/*
 * pagemap_read() - entries of consecutive pages.
 * @start: address of the first one.
 *
 * Return: 0 or a negative errno.
 */
int pagemap_read(int fd, uint64_t start, size_t npages, uint64_t *entries);

/* The page is there for the CPU. */
static inline bool pagemap_present(uint64_t entry)
{
	return entry >> 63 & 1;
}

/* A swap entry: swapped out, being migrated, or in private device memory. */
static inline bool pagemap_swap(uint64_t entry)
{
	return entry >> 62 & 1;
}

/* Page frame of a present page; 0 without CAP_SYS_ADMIN. */
static inline uint64_t pagemap_frame(uint64_t entry)
{
	return pagemap_present(entry) ? entry & ((1ULL << 55) - 1) : 0;
}

#endif /* SVMCTL_PAGEMAP_H */
