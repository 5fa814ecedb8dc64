// SPDX-License-Identifier: MIT
/*
 * RANGE on the command line.
 */
#include "range.h"
#include "units.h"

/* Addresses of processes have 48 bits; the driver takes no others. */
#define ADDRESS_END (1ULL << 48)

static const char *check_range(const struct range *range, uint64_t page_size)
{
	if ((range->start | range->size) & (page_size - 1))
		return "is not made of whole pages";
	if (!range->size)
		return "is empty";
	if (range->size > ADDRESS_END || range->start > ADDRESS_END - range->size)
		return "ends above 48 bits";
	return NULL;
}

const char *parse_range(const char *text, uint64_t page_size, struct range *range)
{
	const char *end;
	uint64_t second;
	char separator;

	if (!parse_number(text, &end, &range->start))
		return "does not begin with an address (hexadecimal needs 0x)";

	separator = *end;
	if (!separator) {
		range->start &= ~(page_size - 1);
		range->size = page_size;
		return check_range(range, page_size);
	}
	if (separator != '+' && separator != '-')
		return "is not START+SIZE, START-END or START (hexadecimal needs 0x)";
	if (!parse_number(end + 1, &end, &second) || *end)
		return "does not end with a number (hexadecimal needs 0x; K, M and G are known)";

	if (separator == '-') {
		if (second < range->start)
			return "ends before it starts";
		second -= range->start;
	}
	range->size = second;
	return check_range(range, page_size);
}
