// SPDX-License-Identifier: MIT
/*
 * Words of scripts: numbers and addresses.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "script_words.h"
#include "svmctl.h"
#include "units.h"

bool script_error(struct script *script, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(script->error, sizeof(script->error), format, ap);
	va_end(ap);
	return false;
}

char *script_copy(const char *word)
{
	char *copy = strdup(word);

	if (!copy)
		exit(failed("no memory left for the script"));
	return copy;
}

void *script_grow(void *array, size_t count, size_t size)
{
	char *grown = array;

	/* Powers of two are where it was full. */
	if (!count || !(count & (count - 1))) {
		grown = reallocarray(array, count ? 2 * count : 1, size);
		if (!grown)
			exit(failed("no memory left for the script"));
	}
	memset(grown + count * size, 0, size);
	return grown;
}

int script_find_buffer(const struct script *script, const char *name, size_t length)
{
	size_t i;

	for (i = 0; i < script->nbuffers; i++)
		if (!strncmp(script->buffers[i].name, name, length) &&
		    !script->buffers[i].name[length])
			return i;
	return SCRIPT_NO_BUFFER;
}

bool script_number(struct script *script, const char *word, uint64_t max, uint64_t *value)
{
	const char *end;

	if (!parse_number(word, &end, value) || *end)
		return script_error(script, "'%s' is no number (hexadecimal needs 0x; K, M and G are known)",
				    word);
	if (*value > max)
		return script_error(script, "%s is too large: at most 0x%jx fits there", word,
				    (uintmax_t)max);
	return true;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool script_address(struct script *script, const char *word, bool buffer_only, uint64_t bytes,
		    struct script_operand *operand)
{
	const struct script_buffer *buffer;
	size_t length = strcspn(word, "+");

	operand->buffer = SCRIPT_NO_BUFFER;
	operand->value = 0;
	if (is_digit(word[0]) && !buffer_only)
		return script_number(script, word, UINT64_MAX, &operand->value);

	operand->buffer = script_find_buffer(script, word, length);
	if (operand->buffer == SCRIPT_NO_BUFFER)
		return script_error(script, "there is no buffer '%.*s': make it before with 'buffer NAME BYTES'",
				    (int)length, word);
	if (word[length] && !script_number(script, word + length + 1, UINT64_MAX, &operand->value))
		return false;

	buffer = &script->buffers[operand->buffer];
	if (operand->value > buffer->bytes || bytes > buffer->bytes - operand->value)
		return script_error(script, "'%s' is not all in the buffer, which has %ju bytes",
				    word, (uintmax_t)buffer->bytes);
	return true;
}
