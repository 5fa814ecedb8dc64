/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Pieces: what the two files of the interval map, range.c and rangeset.c, share.
 */
#ifndef SVM_RANGEPIECE_H
#define SVM_RANGEPIECE_H

#include "range.h"
#include "value.h"

/* A maximal run of pages under one tree entry, or under none (value NULL). */
struct piece {
	unsigned long first;
	unsigned long last;
	struct svm_value *value;
};

static inline struct piece piece_at(struct svm_range_map *map,
				    unsigned long page)
{
	MA_STATE(mas, &map->tree, page, page);
	struct piece piece;

	piece.value = mas_walk(&mas);
	piece.first = mas.index;
	piece.last = mas.last;
	return piece;
}

static inline const struct svm_attrs *
piece_attrs(const struct svm_range_map *map, const struct piece *piece)
{
	return piece->value ? &piece->value->attrs : &map->defaults;
}

#endif /* SVM_RANGEPIECE_H */
