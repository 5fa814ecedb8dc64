// SPDX-License-Identifier: MIT
/*
 * Tables for people and JSON for programs. JSON is never printed by hand: the
 * library places every comma and escapes every string.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "output.h"
#include "svmctl.h"

static void *checked(void *pointer)
{
	if (!pointer)
		exit(failed("no memory left for the output"));
	return pointer;
}

static void check(int error)
{
	if (error)
		checked(NULL);
}

struct libscols_table *table_new(const struct output_column *columns, size_t n)
{
	struct libscols_table *table = checked(scols_new_table());
	size_t i;

	for (i = 0; i < n; i++)
		checked(scols_table_new_column(table, columns[i].name, 0,
					       columns[i].align == ALIGN_RIGHT ?
					       SCOLS_FL_RIGHT : 0));
	return table;
}

struct libscols_line *table_line(struct libscols_table *table)
{
	return checked(scols_table_new_line(table, NULL));
}

void table_cell(struct libscols_line *line, size_t column, const char *fmt, ...)
{
	va_list ap;
	char *text;
	int ret;

	va_start(ap, fmt);
	ret = vasprintf(&text, fmt, ap);
	va_end(ap);
	check(ret < 0);
	/* The line owns and frees the text from here on. */
	check(scols_line_refer_data(line, column, text));
}

void table_print(struct libscols_table *table)
{
	scols_print_table(table);
	scols_unref_table(table);
}

struct json_object *json_new_object(void)
{
	return checked(json_object_new_object());
}

struct json_object *json_new_array(void)
{
	return checked(json_object_new_array());
}

struct json_object *json_document(void)
{
	struct json_object *document = json_new_object();

	json_set_u64(document, "schema", OUTPUT_SCHEMA);
	return document;
}

void json_set(struct json_object *object, const char *key, struct json_object *value)
{
	check(json_object_object_add(object, key, checked(value)));
}

void json_add(struct json_object *array, struct json_object *value)
{
	check(json_object_array_add(array, value));
}

void json_set_string(struct json_object *object, const char *key, const char *fmt, ...)
{
	va_list ap;
	char *text;
	int ret;

	va_start(ap, fmt);
	ret = vasprintf(&text, fmt, ap);
	va_end(ap);
	check(ret < 0);
	json_set(object, key, json_object_new_string(text));
	free(text);
}

void json_set_u64(struct json_object *object, const char *key, uint64_t value)
{
	json_set(object, key, json_object_new_uint64(value));
}

void json_set_double(struct json_object *object, const char *key, double value)
{
	json_set(object, key, json_object_new_double(value));
}

void json_set_bool(struct json_object *object, const char *key, bool value)
{
	json_set(object, key, json_object_new_boolean(value));
}

void json_set_mask(struct json_object *object, const char *key, uint64_t mask)
{
	struct json_object *array = json_new_array();
	unsigned int bit;

	for (bit = 0; bit < 64; bit++)
		if (mask & (1ULL << bit))
			json_add(array, checked(json_object_new_int(bit)));
	json_set(object, key, array);
}

static void print_document(struct json_object *document, int flags)
{
	puts(checked((void *)json_object_to_json_string_ext(document,
			flags | JSON_C_TO_STRING_NOSLASHESCAPE)));
	json_object_put(document);
}

void json_print(struct json_object *document)
{
	print_document(document, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED);
}

void json_print_line(struct json_object *document)
{
	print_document(document, JSON_C_TO_STRING_PLAIN);
}
