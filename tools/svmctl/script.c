// SPDX-License-Identifier: MIT
/*
 * Scripts of svmctl run-packets: lines to statements. The form of each statement
 * is in a table; memory is in script_memory.c.
 */
#include <stdlib.h>
#include <string.h>

#include "script_words.h"

/*
 * Operands, a letter each: 'a' address, 'm' address in a buffer, 'b' a whole
 * buffer, 'v' number or address, 'n' number, 'w' number of 32 bits, 'k' keyword. '?':
 * the rest may be left out; '+': the last one again and again.
 */
static const struct form {
	const char *name;
	enum script_op op;
	const char *operands;
	const char *usage;
} forms[] = {
	{ "nop", SCRIPT_NOP, "?w", "nop [WORDS]" },
	{ "copy", SCRIPT_COPY, "aan", "copy SOURCE DESTINATION BYTES" },
	{ "write", SCRIPT_WRITE, "aw+", "write ADDRESS WORD..." },
	{ "write64", SCRIPT_WRITE64, "av+", "write64 ADDRESS VALUE..." },
	{ "fill", SCRIPT_FILL, "awn", "fill ADDRESS WORD BYTES" },
	{ "fence", SCRIPT_FENCE, "aw", "fence ADDRESS WORD" },
	{ "trap", SCRIPT_TRAP, "w", "trap CONTEXT" },
	{ "timestamp", SCRIPT_TIMESTAMP, "a", "timestamp ADDRESS" },
	{ "atomic", SCRIPT_ATOMIC, "kav?v",
	  "atomic {add|swap|cmpswap|and|or}{32|64} ADDRESS VALUE [COMPARE]" },
	{ "touch", SCRIPT_TOUCH, "kann", "touch read|write|exec ADDRESS COUNT STRIDE" },
	{ "gather", SCRIPT_GATHER, "aaan", "gather DESTINATION SOURCE INDICES COUNT" },
	{ "scatter", SCRIPT_SCATTER, "aaan", "scatter DESTINATION SOURCE INDICES COUNT" },
	{ "chase", SCRIPT_CHASE, "awwna", "chase NODE NEXT-OFFSET VALUE-OFFSET MAX RESULT" },
	{ "triad", SCRIPT_TRIAD, "aaanv", "triad A B C COUNT SCALAR" },
	{ "reduce", SCRIPT_REDUCE, "ana", "reduce SOURCE COUNT RESULT" },
	{ "submit", SCRIPT_SUBMIT, "", "submit" },
	{ "wait", SCRIPT_WAIT, "", "wait" },
	{ "expect", SCRIPT_EXPECT, "mkv", "expect NAME[+OFFSET] u32|u64 VALUE" },
	{ "dump", SCRIPT_DUMP, "mn", "dump NAME[+OFFSET] BYTES" },
	{ "sha256", SCRIPT_SHA256, "b", "sha256 NAME" },
};

#define NFORMS (sizeof(forms) / sizeof(forms[0]))

static const struct {
	enum script_op op;
	const char *word;
	uint32_t value;
} keywords[] = {
	{ SCRIPT_ATOMIC, "add32", AMDSVM_ATOMIC_ADD_32 },
	{ SCRIPT_ATOMIC, "swap32", AMDSVM_ATOMIC_SWAP_32 },
	{ SCRIPT_ATOMIC, "cmpswap32", AMDSVM_ATOMIC_CMPSWAP_32 },
	{ SCRIPT_ATOMIC, "and32", AMDSVM_ATOMIC_AND_32 },
	{ SCRIPT_ATOMIC, "or32", AMDSVM_ATOMIC_OR_32 },
	{ SCRIPT_ATOMIC, "add64", AMDSVM_ATOMIC_ADD_64 },
	{ SCRIPT_ATOMIC, "swap64", AMDSVM_ATOMIC_SWAP_64 },
	{ SCRIPT_ATOMIC, "cmpswap64", AMDSVM_ATOMIC_CMPSWAP_64 },
	{ SCRIPT_ATOMIC, "and64", AMDSVM_ATOMIC_AND_64 },
	{ SCRIPT_ATOMIC, "or64", AMDSVM_ATOMIC_OR_64 },
	{ SCRIPT_TOUCH, "read", AMDSVM_TOUCH_READ },
	{ SCRIPT_TOUCH, "write", AMDSVM_TOUCH_WRITE },
	{ SCRIPT_TOUCH, "exec", AMDSVM_TOUCH_EXEC },
	{ SCRIPT_EXPECT, "u32", 4 },
	{ SCRIPT_EXPECT, "u64", 8 },
};

static bool find_keyword(enum script_op op, const char *word, uint32_t *value)
{
	size_t i;

	for (i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++) {
		if (keywords[i].op != op || strcmp(keywords[i].word, word))
			continue;
		*value = keywords[i].value;
		return true;
	}
	return false;
}

/* ---- operands ----------------------------------------------------------- */

static bool add_operand(struct script *script, struct script_statement *statement, char letter,
			const char *word)
{
	struct script_operand *operand;

	statement->operands = script_grow(statement->operands, statement->count,
					  sizeof(*operand));
	operand = &statement->operands[statement->count++];
	operand->buffer = SCRIPT_NO_BUFFER;
	switch (letter) {
	case 'n':
		return script_number(script, word, UINT64_MAX, &operand->value);
	case 'w':
		return script_number(script, word, UINT32_MAX, &operand->value);
	case 'm':
		return script_address(script, word, true, 0, operand);
	case 'b':
		if (strchr(word, '+'))
			return script_error(script, "it is the sum of a whole buffer: give its name only");
		return script_address(script, word, true, 0, operand);
	default:
		return script_address(script, word, false, 0, operand);
	}
}

static bool wrong_form(struct script *script, const struct form *form)
{
	return script_error(script, "it is '%s'", form->usage);
}

static bool add_operands(struct script *script, struct script_statement *statement,
			 const struct form *form, char **words, size_t count)
{
	const char *letter = form->operands;
	bool optional = false;
	size_t i;

	for (i = 0; i < count; i++) {
		if (*letter == '?') {
			optional = true;
			letter++;
		}
		if (*letter == '+')
			letter--;
		if (!*letter)
			return wrong_form(script, form);
		if (*letter == 'k' ?
		    !find_keyword(form->op, words[i], &statement->keyword) :
		    !add_operand(script, statement, *letter, words[i]))
			return script->error[0] ? false : wrong_form(script, form);
		letter++;
	}
	if (*letter && *letter != '?' && *letter != '+' && !optional)
		return wrong_form(script, form);
	return true;
}

/* What the tool itself reads must be there. */
static bool check_inside(struct script *script, const struct script_statement *statement)
{
	const struct script_operand *operand = &statement->operands[0];
	const struct script_buffer *buffer;
	uint64_t bytes;

	if (statement->op == SCRIPT_EXPECT)
		bytes = statement->keyword;
	else if (statement->op == SCRIPT_DUMP)
		bytes = statement->operands[1].value;
	else
		return true;

	buffer = &script->buffers[operand->buffer];
	if (bytes > buffer->bytes - operand->value)
		return script_error(script, "%ju bytes from there on are not all in the buffer '%s', which has %ju",
				    (uintmax_t)bytes, buffer->name, (uintmax_t)buffer->bytes);
	return true;
}

/* Comparing is what cmpswap does, and nothing else. */
static bool check_atomic(struct script *script, const struct script_statement *statement)
{
	bool compares = statement->keyword == AMDSVM_ATOMIC_CMPSWAP_32 ||
			statement->keyword == AMDSVM_ATOMIC_CMPSWAP_64;

	if (statement->op != SCRIPT_ATOMIC || compares == (statement->count == 3))
		return true;
	return script_error(script, compares ? "cmpswap needs a value to compare with" :
			    "only cmpswap compares: there is one value too many");
}

/* ---- lines -------------------------------------------------------------- */

static const struct form *find_form(const char *name)
{
	size_t i;

	for (i = 0; i < NFORMS; i++)
		if (!strcmp(forms[i].name, name))
			return &forms[i];
	return NULL;
}

static struct script_statement *add_statement(struct script *script, enum script_op op,
					      const char *name)
{
	struct script_statement *statement;

	script->statements = script_grow(script->statements, script->count, sizeof(*statement));
	statement = &script->statements[script->count++];
	statement->line = script->line;
	statement->op = op;
	statement->name = name;
	return statement;
}

static bool take_words(struct script *script, char **words, size_t count)
{
	struct script_statement *statement;
	const struct form *form;

	if (!strcmp(words[0], "buffer"))
		return script_buffer(script, words + 1, count - 1);
	if (!strcmp(words[0], "attr")) {
		statement = add_statement(script, SCRIPT_ATTR, "attr");
		return script_attr(script, statement, words + 1, count - 1);
	}

	form = find_form(words[0]);
	if (!form)
		return script_error(script, "there is no '%s': svmctl(8) has what there is",
				    words[0]);
	statement = add_statement(script, form->op, form->name);
	return add_operands(script, statement, form, words + 1, count - 1) &&
	       check_inside(script, statement) && check_atomic(script, statement);
}

static bool take_line(struct script *script, char *line)
{
	char *words[SCRIPT_MAX_WORDS], *word, *rest;
	size_t count = 0;

	line[strcspn(line, "#")] = '\0';
	for (word = strtok_r(line, " \t\r\n", &rest); word; word = strtok_r(NULL, " \t\r\n", &rest)) {
		if (count == SCRIPT_MAX_WORDS)
			return script_error(script, "the line has more than %d words",
					    SCRIPT_MAX_WORDS);
		words[count++] = word;
	}
	return !count || take_words(script, words, count);
}

bool script_read(FILE *file, struct script *script)
{
	char *line = NULL;
	size_t room = 0;
	bool good = true;

	memset(script, 0, sizeof(*script));
	while (good && getline(&line, &room, file) >= 0) {
		script->line++;
		good = take_line(script, line);
	}
	if (good && ferror(file))
		good = script_error(script, "it cannot be read");
	free(line);
	return good;
}

void script_free(struct script *script)
{
	struct script_statement *statement;
	size_t i, j;

	for (i = 0; i < script->nbuffers; i++) {
		free(script->buffers[i].name);
		free(script->buffers[i].path);
	}
	for (i = 0; i < script->count; i++) {
		statement = &script->statements[i];
		for (j = 0; j < statement->nattributes; j++)
			free(statement->attributes[j].text);
		free(statement->attributes);
		free(statement->operands);
	}
	free(script->buffers);
	free(script->statements);
}
