// SPDX-License-Identifier: MIT
/*
 * Buffers of scripts: memory of this process, as any program has it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

#include <sha2.h>

#include "output.h"
#include "runner.h"
#include "svmctl.h"

#define DUMP_LINE 16

static uint64_t whole_pages(uint64_t bytes)
{
	const uint64_t page = sysconf(_SC_PAGESIZE);

	return (bytes + page - 1) & ~(page - 1);
}

/* ---- making ------------------------------------------------------------- */

/* What the file does not have stays 0. */
static int read_contents(const struct script_buffer *buffer, char *memory)
{
	FILE *file = fopen(buffer->path, "re");
	int ret = SVMCTL_OK;

	if (!file)
		return failed("buffer %s: cannot open %s: %m", buffer->name, buffer->path);
	if (fread(memory, 1, buffer->bytes, file) < buffer->bytes && ferror(file))
		ret = failed("buffer %s: cannot read %s: %m", buffer->name, buffer->path);
	fclose(file);
	return ret;
}

static int fill(const struct script_buffer *buffer, char *memory)
{
	uint64_t *wide = (uint64_t *)memory, i;
	uint32_t *narrow = (uint32_t *)memory;

	switch (buffer->contents) {
	case CONTENTS_FILE:
		return read_contents(buffer, memory);
	case CONTENTS_SEQUENCE:
		for (i = 0; i < buffer->bytes / sizeof(*wide); i++)
			wide[i] = i;
		return SVMCTL_OK;
	case CONTENTS_SEQUENCE32:
		for (i = 0; i < buffer->bytes / sizeof(*narrow); i++)
			narrow[i] = i;
		return SVMCTL_OK;
	default:
		/* Fresh memory is zero, and not there before it is touched. */
		return SVMCTL_OK;
	}
}

int runner_get_memory(struct runner *runner)
{
	const struct script_buffer *buffer;
	int ret = SVMCTL_OK;
	size_t i;
	void *at;

	runner->memory = calloc(runner->script->nbuffers + 1, sizeof(*runner->memory));
	if (!runner->memory)
		return failed("no memory left for the buffers");
	for (i = 0; i < runner->script->nbuffers && !ret; i++) {
		buffer = &runner->script->buffers[i];
		at = mmap(NULL, whole_pages(buffer->bytes), PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (at == MAP_FAILED)
			return failed("no memory left for the %ju bytes of buffer %s",
				      (uintmax_t)buffer->bytes, buffer->name);
		runner->memory[i] = at;
		ret = fill(buffer, at);
	}
	return ret;
}

void runner_put_memory(struct runner *runner)
{
	size_t i;

	for (i = 0; runner->memory && i < runner->script->nbuffers; i++)
		if (runner->memory[i])
			munmap(runner->memory[i], whole_pages(runner->script->buffers[i].bytes));
	free(runner->memory);
}

/* ---- places ------------------------------------------------------------- */

uint64_t runner_value(const struct runner *runner, const struct script_operand *operand)
{
	if (operand->buffer == SCRIPT_NO_BUFFER)
		return operand->value;
	return (uintptr_t)runner->memory[operand->buffer] + operand->value;
}

char *runner_place(const struct runner *runner, uint64_t address, char *text)
{
	const struct script_buffer *buffer;
	uint64_t start;
	size_t i;

	for (i = 0; i < runner->script->nbuffers; i++) {
		buffer = &runner->script->buffers[i];
		start = (uintptr_t)runner->memory[i];
		if (address - start >= whole_pages(buffer->bytes))
			continue;
		snprintf(text, RUNNER_PLACE_TEXT, "%.100s+0x%jx (0x%jx)", buffer->name,
			 (uintmax_t)(address - start), (uintmax_t)address);
		return text;
	}
	snprintf(text, RUNNER_PLACE_TEXT, "0x%jx", (uintmax_t)address);
	return text;
}

static const char *memory_at(const struct runner *runner, const struct script_operand *operand)
{
	return runner->memory[operand->buffer] + operand->value;
}

/* ---- attributes --------------------------------------------------------- */

static int set_attributes(struct runner *runner, const struct script_statement *s,
			  struct amdsvm_ioctl_svm_attribute *attrs)
{
	const struct script_attribute *attribute;
	size_t i;
	int ret;

	for (i = 0; i < s->nattributes; i++) {
		attribute = &s->attributes[i];
		attrs[i].type = attribute->type;
		attrs[i].value = attribute->value;
		if (!attribute->text)
			continue;
		ret = resolve_device(runner->ctx, attribute->text, &attribute->location,
				     &attrs[i].value);
		if (ret)
			return ret;
	}
	ret = amdsvm_set_attr(runner->ctx, runner_value(runner, &s->operands[0]),
			      whole_pages(runner->script->buffers[s->operands[0].buffer].bytes),
			      attrs, s->nattributes);
	return ret ? runner_failed(runner, s, "cannot set attributes: %s (%s)", strerror(-ret),
				   error_name(-ret)) : SVMCTL_OK;
}

int runner_attr(struct runner *runner, const struct script_statement *statement)
{
	struct amdsvm_ioctl_svm_attribute *attrs;
	int ret;

	attrs = calloc(statement->nattributes, sizeof(*attrs));
	if (!attrs)
		return runner_failed(runner, statement, "no memory left");
	ret = set_attributes(runner, statement, attrs);
	free(attrs);
	return ret;
}

/* ---- looking ------------------------------------------------------------ */

int runner_expect(struct runner *runner, const struct script_statement *statement)
{
	const struct script_operand *at = &statement->operands[0];
	uint64_t wanted = runner_value(runner, &statement->operands[1]), found = 0;
	char place[RUNNER_PLACE_TEXT];

	/* Little-endian, as packets are. */
	memcpy(&found, memory_at(runner, at), statement->keyword);
	if (found == wanted)
		return SVMCTL_OK;
	return runner_failed(runner, statement, "at %s is %ju (0x%jx), not %ju (0x%jx)",
			     runner_place(runner, runner_value(runner, at), place),
			     (uintmax_t)found, (uintmax_t)found, (uintmax_t)wanted,
			     (uintmax_t)wanted);
}

static void dump_json(struct json_object *result, const unsigned char *bytes, uint64_t count)
{
	char *text = malloc(2 * count + 1);
	uint64_t i;

	if (!text)
		exit(failed("no memory left for the output"));
	text[0] = '\0';
	for (i = 0; i < count; i++)
		sprintf(text + 2 * i, "%02x", bytes[i]);
	json_set_string(result, "bytes", "%s", text);
	free(text);
}

int runner_dump(struct runner *runner, const struct script_statement *statement)
{
	const struct script_operand *at = &statement->operands[0];
	const unsigned char *bytes = (const unsigned char *)memory_at(runner, at);
	const char *name = runner->script->buffers[at->buffer].name;
	struct json_object *result = runner_result(runner, statement);
	uint64_t count = statement->operands[1].value, i;

	if (result) {
		dump_json(result, bytes, count);
		return SVMCTL_OK;
	}
	for (i = 0; i < count; i++) {
		if (i % DUMP_LINE == 0)
			printf("%s+0x%06jx ", name, (uintmax_t)(at->value + i));
		printf(" %02x", bytes[i]);
		if (i % DUMP_LINE == DUMP_LINE - 1 || i == count - 1)
			putchar('\n');
	}
	return SVMCTL_OK;
}

int runner_sha256(struct runner *runner, const struct script_statement *statement)
{
	const struct script_buffer *buffer =
		&runner->script->buffers[statement->operands[0].buffer];
	struct json_object *result = runner_result(runner, statement);
	char text[SHA256_DIGEST_STRING_LENGTH];
	SHA2_CTX sha;

	SHA256Init(&sha);
	SHA256Update(&sha, (const uint8_t *)memory_at(runner, &statement->operands[0]),
		     buffer->bytes);
	SHA256End(&sha, text);
	if (result) {
		json_set_string(result, "buffer", "%s", buffer->name);
		json_set_string(result, "sha256", "%s", text);
	} else {
		printf("%s  %s\n", text, buffer->name);
	}
	return SVMCTL_OK;
}
