/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The allocator of device memory.
 */
#ifndef SVM_VRAM_H
#define SVM_VRAM_H

#include "devmem.h"

void svm_vram_init(struct svm_devmem *mem);
unsigned long svm_vram_alloc(struct svm_devmem *mem, unsigned long want,
			     unsigned long *pfns);
unsigned long svm_vram_alloc_chunk(struct svm_devmem *mem);
void svm_vram_return(struct svm_devmem *mem, const unsigned long *pfns,
		     unsigned long n);
bool svm_vram_start(struct svm_devmem *mem, unsigned long pfn, unsigned long n);
void svm_vram_free(struct svm_devmem *mem, unsigned long pfn, unsigned long n);

void svm_chunk_relink(struct svm_devmem *mem, struct svm_chunk *chunk);
unsigned long svm_vram_free_pages(const struct svm_devmem *mem);
int svm_vram_leave(struct svm_devmem *mem, unsigned long before,
		   unsigned long residency);
void svm_vram_left(struct svm_devmem *mem, unsigned int index);

int svm_vram_shrinker_init(void);
void svm_vram_shrinker_exit(void);

#endif /* SVM_VRAM_H */
