/* SPDX-License-Identifier: MIT */
/*
 * Numbers as people write and read them.
 */
#ifndef SVMCTL_UNITS_H
#define SVMCTL_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * parse_number() - decimal or 0x hexadecimal, with K, M or G behind it.
 * @text: start of the number.
 * @end: set to the first character behind it.
 * @value: the number; K is 1024.
 *
 * Return: false if there is no number or it does not fit into 64 bits.
 */
bool parse_number(const char *text, const char **end, uint64_t *value);

/*
 * format_bytes() - bytes in the largest unit that keeps three digits or so.
 * @text: at least UNITS_TEXT characters.
 *
 * Return: @text.
 */
#define UNITS_TEXT 16
char *format_bytes(uint64_t bytes, char *text);

#endif /* SVMCTL_UNITS_H */
