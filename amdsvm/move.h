/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Memory of one block, or of several, moves under one hold of mmap_lock.
 */
#ifndef SVM_MOVE_H
#define SVM_MOVE_H

#include "pagetable.h"

struct svm_block;
struct svm_device;
struct svm_move_counts;
struct svm_process;
struct svm_scratch;

/* 16 MiB: how many blocks move under one hold of mmap_lock that nobody waits for. */
#define SVM_MOVE_MAX_BLOCKS 8

/* For tests; see main.c. */
extern unsigned int svm_landing_ms;

/**
 * struct svm_move - what is to move, and where
 * @process: the process, mm held by mmget
 * @blocks: those of @start to @end, each with a reference; NULL for one that there is not,
 *	then only home
 * @start: first byte
 * @end: byte after the last, in SVM_MOVE_MAX_BLOCKS blocks at most
 * @device: destination, NULL for system memory
 * @scratch: work space
 * @counts: what became of the pages is added here
 */
struct svm_move {
	struct svm_process *process;
	struct svm_block *blocks[SVM_MOVE_MAX_BLOCKS];
	unsigned long start;
	unsigned long end;
	struct svm_device *device;
	struct svm_scratch *scratch;
	struct svm_move_counts *counts;
};

int svm_move_blocks(const struct svm_move *move, unsigned long *done);
int svm_move_block(struct svm_process *process, struct svm_block *block,
		   unsigned long start, unsigned long end,
		   struct svm_device *device, struct svm_scratch *scratch,
		   struct svm_move_counts *counts);

int svm_move_init(void);
void svm_move_exit(void);

#endif /* SVM_MOVE_H */
