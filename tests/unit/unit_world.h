/* SPDX-License-Identifier: MIT */
/*
 * The model that the map is compared with: an array with the attributes of
 * every cell, changed by walking over it. A cell is one page, or as many as the
 * world says, so that few cells can stand for huge ranges.
 */
#ifndef UNIT_WORLD_H
#define UNIT_WORLD_H

#include "unit_test.h"

#define WORLD_CELLS 4096

/*
 * struct world - one model, and the map under test beside it
 * @base: first page
 * @stride: pages in a cell
 * @cells: number of cells, all other pages keep the defaults
 * @cell: attributes of each
 * @step: number of the operation, for messages
 */
struct world {
	unsigned long base;
	unsigned long stride;
	size_t cells;
	struct svm_attrs cell[WORLD_CELLS];
	unsigned long step;
};

/* struct operation - a change of cells @first..@last, inclusive */
struct operation {
	size_t first;
	size_t last;
	bool clear;
	unsigned int nattr;
	struct amdsvm_ioctl_svm_attribute attr[3];
};

extern struct world world;

void world_fail(const char *file, int line, const char *what);

#define world_expect(condition) \
	do { \
		if (!(condition)) \
			world_fail(__FILE__, __LINE__, #condition); \
	} while (0)

unsigned long world_page(size_t cell);
unsigned long world_last_page(size_t cell);

void world_init(unsigned long base, unsigned long stride, size_t cells);
void world_random_stretch(size_t *first, size_t *last);
void world_random_operation(struct operation *op);
int world_do_map(const struct operation *op);
void world_do_model(const struct operation *op);

void world_compare(size_t first, size_t last);
void world_compare_all(void);
void world_compare_merged(void);

#endif /* UNIT_WORLD_H */
