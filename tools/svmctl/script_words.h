/* SPDX-License-Identifier: MIT */
/*
 * Words of scripts (script_words.c), for script.c and script_memory.c.
 */
#ifndef SVMCTL_SCRIPT_WORDS_H
#define SVMCTL_SCRIPT_WORDS_H

#include "script.h"

/* The longest line, in words: a packet that writes a page of 32-bit words. */
#define SCRIPT_MAX_WORDS 1100

/* script_error() - remember what is wrong with the current line; false. */
__attribute__((format(printf, 2, 3)))
bool script_error(struct script *script, const char *format, ...);

/* script_copy() - a copy of a word; out of memory ends the program. */
char *script_copy(const char *word);

/* script_grow() - room for one element more, at its end; out of memory ends it too. */
void *script_grow(void *array, size_t count, size_t size);

/* script_find_buffer() - the index of a buffer, or SCRIPT_NO_BUFFER. */
int script_find_buffer(const struct script *script, const char *name, size_t length);

/* script_number() - at most @max. */
bool script_number(struct script *script, const char *word, uint64_t max, uint64_t *value);

/*
 * script_address() - NAME, NAME+OFFSET, or a number.
 * @buffer_only: no number, and @bytes from it on are the buffer's.
 */
bool script_address(struct script *script, const char *word, bool buffer_only, uint64_t bytes,
		    struct script_operand *operand);

/* script_buffer(), script_attr() - the statements; @words without the first one. */
bool script_buffer(struct script *script, char **words, size_t count);
bool script_attr(struct script *script, struct script_statement *statement, char **words,
		 size_t count);

#endif /* SVMCTL_SCRIPT_WORDS_H */
