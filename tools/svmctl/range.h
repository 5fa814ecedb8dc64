/* SPDX-License-Identifier: MIT */
/*
 * RANGE on the command line.
 */
#ifndef SVMCTL_RANGE_H
#define SVMCTL_RANGE_H

#include <stdint.h>

struct range {
	uint64_t start;	/* bytes */
	uint64_t size;	/* bytes, never 0 */
};

/*
 * parse_range() - START+SIZE, START-END (END not included), or START, which is
 * the page that holds it.
 * @text: numbers as for parse_number().
 * @page_size: all but a lone START must be multiples of it.
 * @range: the result.
 *
 * Return: NULL, or what is wrong, as the rest of a sentence that begins with
 * the text given.
 */
const char *parse_range(const char *text, uint64_t page_size, struct range *range);

#endif /* SVMCTL_RANGE_H */
