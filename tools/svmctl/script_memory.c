// SPDX-License-Identifier: MIT
/*
 * The statements of scripts that make memory: buffer and attr.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "script_words.h"

/* What a mistake may cost: more is no test of anything. */
#define MAX_BUFFER_BYTES (1ULL << 40)

static bool is_name(const char *word)
{
	if (!isalpha((unsigned char)*word) && *word != '_')
		return false;
	while (isalnum((unsigned char)*word) || *word == '_' || *word == '-' || *word == '.')
		word++;
	return !*word;
}

static bool buffer_contents(struct script *script, struct script_buffer *buffer, char **words,
			    size_t count)
{
	static const char *const names[] = {
		[CONTENTS_ZERO] = "zero",
		[CONTENTS_SEQUENCE] = "sequence",
		[CONTENTS_SEQUENCE32] = "sequence32",
	};
	size_t i;

	if (count == 2 && !strcmp(words[0], "from")) {
		buffer->contents = CONTENTS_FILE;
		buffer->path = script_copy(words[1]);
		return true;
	}
	for (i = 0; count == 1 && i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(words[0], names[i])) {
			buffer->contents = i;
			return true;
		}
	return script_error(script, "a buffer is 'zero', 'sequence', 'sequence32' or 'from FILE'");
}

bool script_buffer(struct script *script, char **words, size_t count)
{
	struct script_buffer *buffer;
	uint64_t bytes;

	if (count < 2)
		return script_error(script, "it is 'buffer NAME BYTES [zero|sequence|sequence32|from FILE]'");
	if (!is_name(words[0]))
		return script_error(script, "'%s' is no name: letters, digits, '_', '-' and '.', a letter first",
				    words[0]);
	if (script_find_buffer(script, words[0], strlen(words[0])) != SCRIPT_NO_BUFFER)
		return script_error(script, "there is a buffer '%s' already", words[0]);
	if (!script_number(script, words[1], MAX_BUFFER_BYTES, &bytes))
		return false;
	if (!bytes)
		return script_error(script, "a buffer has at least one byte");

	script->buffers = script_grow(script->buffers, script->nbuffers, sizeof(*buffer));
	buffer = &script->buffers[script->nbuffers++];
	buffer->name = script_copy(words[0]);
	buffer->bytes = bytes;
	return count == 2 || buffer_contents(script, buffer, words + 2, count - 2);
}

static const struct {
	const char *name;
	uint32_t type;
	bool is_location;
} attributes[] = {
	{ "preferred", AMDSVM_IOCTL_SVM_ATTR_PREFERRED_LOC, true },
	{ "prefetch", AMDSVM_IOCTL_SVM_ATTR_PREFETCH_LOC, true },
	{ "access", AMDSVM_IOCTL_SVM_ATTR_ACCESS, true },
	{ "in-place", AMDSVM_IOCTL_SVM_ATTR_ACCESS_IN_PLACE, true },
	{ "no-access", AMDSVM_IOCTL_SVM_ATTR_NO_ACCESS, true },
	{ "set-flags", AMDSVM_IOCTL_SVM_ATTR_SET_FLAGS, false },
	{ "clear-flags", AMDSVM_IOCTL_SVM_ATTR_CLR_FLAGS, false },
	{ "granularity", AMDSVM_IOCTL_SVM_ATTR_GRANULARITY, false },
};

static bool location_value(struct script *script, struct script_attribute *attribute,
			   const char *text)
{
	const char *why = parse_location(text, &attribute->location);

	if (!why && attribute->location.kind == LOCATION_ALL)
		why = "is no single place";
	if (why)
		return script_error(script, "location '%s' %s", text, why);
	attribute->text = script_copy(text);
	return true;
}

static bool attribute(struct script *script, struct script_statement *statement,
		      const char *word)
{
	size_t length = strcspn(word, "="), i;
	struct script_attribute *attribute;
	const char *text = word + length + 1;
	uint64_t value;

	for (i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++)
		if (!strncmp(attributes[i].name, word, length) && !attributes[i].name[length])
			break;
	if (!word[length] || i == sizeof(attributes) / sizeof(attributes[0]))
		return script_error(script, "'%s' is no attribute: there are preferred=, prefetch=, access=, in-place=, no-access=LOCATION, and set-flags=, clear-flags=, granularity=NUMBER",
				    word);

	statement->attributes = script_grow(statement->attributes, statement->nattributes,
					    sizeof(*attribute));
	attribute = &statement->attributes[statement->nattributes++];
	attribute->type = attributes[i].type;
	if (attributes[i].is_location)
		return location_value(script, attribute, text);
	if (!script_number(script, text, UINT32_MAX, &value))
		return false;
	attribute->value = value;
	return true;
}

bool script_attr(struct script *script, struct script_statement *statement, char **words,
		 size_t count)
{
	size_t i;

	if (count < 2)
		return script_error(script, "it is 'attr NAME ATTRIBUTE=VALUE...'");
	statement->operands = script_grow(NULL, 0, sizeof(*statement->operands));
	statement->count = 1;
	if (!script_address(script, words[0], true, 1, statement->operands))
		return false;
	if (statement->operands[0].value)
		return script_error(script, "attributes are those of a whole buffer: give its name only");
	for (i = 1; i < count; i++)
		if (!attribute(script, statement, words[i]))
			return false;
	return true;
}
