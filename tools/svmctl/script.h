/* SPDX-License-Identifier: MIT */
/*
 * Scripts of svmctl run-packets: a statement a line, read as a whole before
 * anything is done. The language is described in svmctl(8).
 */
#ifndef SVMCTL_SCRIPT_H
#define SVMCTL_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "location.h"

enum script_op {
	/* Packets. */
	SCRIPT_NOP, SCRIPT_COPY, SCRIPT_WRITE, SCRIPT_WRITE64, SCRIPT_FILL, SCRIPT_FENCE,
	SCRIPT_TRAP, SCRIPT_TIMESTAMP, SCRIPT_ATOMIC, SCRIPT_TOUCH, SCRIPT_GATHER,
	SCRIPT_SCATTER, SCRIPT_CHASE, SCRIPT_TRIAD, SCRIPT_REDUCE,
	/* What the tool does. */
	SCRIPT_BUFFER, SCRIPT_ATTR, SCRIPT_SUBMIT, SCRIPT_WAIT, SCRIPT_EXPECT, SCRIPT_DUMP,
	SCRIPT_SHA256,
};

enum script_contents { CONTENTS_ZERO, CONTENTS_SEQUENCE, CONTENTS_SEQUENCE32, CONTENTS_FILE };

/* Memory of the tool that statements name. */
struct script_buffer {
	char *name;
	uint64_t bytes;
	enum script_contents contents;
	char *path;		/* with CONTENTS_FILE */
};

/* No buffer: a number. Else an address, so many bytes into the buffer. */
#define SCRIPT_NO_BUFFER (-1)
struct script_operand {
	int buffer;
	uint64_t value;
};

struct script_attribute {
	uint32_t type;		/* AMDSVM_IOCTL_SVM_ATTR_* */
	char *text;		/* of a location, else NULL */
	struct location location;
	uint32_t value;		/* else */
};

struct script_statement {
	unsigned int line;	/* from 1 */
	enum script_op op;
	const char *name;	/* "fill" */
	uint32_t keyword;	/* of atomic, touch, expect: what it stands for */
	struct script_operand *operands;
	size_t count;
	struct script_attribute *attributes;	/* of attr */
	size_t nattributes;
};

struct script {
	struct script_buffer *buffers;
	size_t nbuffers;
	struct script_statement *statements;
	size_t count;
	/* What is wrong with the script, and where. */
	unsigned int line;
	char error[256];
};

/*
 * script_read() - read a script and check all of it that can be checked.
 * @file: to its end.
 * @script: to be freed with script_free(), also after an error.
 *
 * Return: false: @script->error says what is wrong with @script->line.
 */
bool script_read(FILE *file, struct script *script);

void script_free(struct script *script);

#endif /* SVMCTL_SCRIPT_H */
