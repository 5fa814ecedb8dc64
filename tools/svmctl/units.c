// SPDX-License-Identifier: MIT
/*
 * Numbers as people write and read them.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "units.h"

static unsigned int suffix_shift(char c)
{
	switch (c) {
	case 'K':
	case 'k':
		return 10;
	case 'M':
	case 'm':
		return 20;
	case 'G':
	case 'g':
		return 30;
	default:
		return 0;
	}
}

bool parse_number(const char *text, const char **end, uint64_t *value)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	unsigned long long number;
	unsigned int shift;
	char *behind;

	/* strtoull() would take a sign and leading blanks. */
	if (!isdigit((unsigned char)text[0]))
		return false;
	if (hex && !isxdigit((unsigned char)text[2]))
		return false;

	/* A leading 0 is not octal: nobody writes sizes so. */
	errno = 0;
	number = strtoull(text, &behind, hex ? 16 : 10);
	if (errno)
		return false;

	shift = suffix_shift(*behind);
	if (shift) {
		if (number > UINT64_MAX >> shift)
			return false;
		behind++;
	}

	*value = (uint64_t)number << shift;
	*end = behind;
	return true;
}

char *format_bytes(uint64_t bytes, char *text)
{
	static const char units[] = "BKMGTPE";
	unsigned int unit = 0;
	double number = bytes;

	while (number >= 1024 && units[unit + 1]) {
		number /= 1024;
		unit++;
	}
	/* One decimal; what 1023.97 would round to is the next unit. */
	number = (uint64_t)(number * 10 + 0.5) / 10.0;
	if (number >= 1024 && units[unit + 1]) {
		number /= 1024;
		unit++;
	}

	snprintf(text, UNITS_TEXT, "%.*f%c", number != (uint64_t)number, number, units[unit]);
	return text;
}
