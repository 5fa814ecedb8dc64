/* SPDX-License-Identifier: MIT */
/*
 * The content of the map in words of one line. Granularity stands for any
 * attribute: "first-last=granularity ...", 9 being the default.
 */
#ifndef UNIT_RANGE_H
#define UNIT_RANGE_H

#include <stdio.h>

#include "unit_test.h"

#define DEFAULT DEFAULT_GRANULARITY

/* All of the 48 bits of addresses, in pages. */
#define SPACE (1UL << 36)

static inline void set(unsigned long first, unsigned long last, u32 granularity)
{
	ck_assert_int_eq(map_set(first, last, ATTR(GRANULARITY), granularity), 0);
	map_check_merged();
}

static inline void clear(unsigned long first, unsigned long last)
{
	ck_assert_int_eq(svm_range_map_clear(&map, first, last), 0);
	map_check_merged();
}

static inline const char *content(void)
{
	static char text[4096];
	struct svm_range range;
	unsigned long page = 0;
	size_t n = 0;

	text[0] = '\0';
	while (svm_range_map_next(&map, page, ULONG_MAX, &range)) {
		n += snprintf(text + n, sizeof(text) - n, "%s%lu-%lu=%u",
			      n ? " " : "", range.first, range.last,
			      range.attrs.granularity);
		ck_assert_uint_lt(n, sizeof(text));
		page = range.last + 1;
	}
	return text;
}

#define expect(text) ck_assert_str_eq(content(), text)

static inline struct svm_range at(unsigned long page)
{
	struct svm_range range;

	svm_range_map_at(&map, page, &range);
	ck_assert(range.first <= page && page <= range.last);
	return range;
}

static inline void expect_at(unsigned long page, unsigned long first,
		      unsigned long last, u32 granularity)
{
	struct svm_range range = at(page);

	ck_assert_uint_eq(range.first, first);
	ck_assert_uint_eq(range.last, last);
	ck_assert_uint_eq(range.attrs.granularity, granularity);
}

#endif /* UNIT_RANGE_H */
