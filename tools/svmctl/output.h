/* SPDX-License-Identifier: MIT */
/*
 * Tables for people (libsmartcols) and JSON for programs (json-c). Out of memory
 * ends the program: there is nothing else it could still say.
 */
#ifndef SVMCTL_OUTPUT_H
#define SVMCTL_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <json-c/json.h>
#include <libsmartcols/libsmartcols.h>

/* Number in "schema" of every JSON document; goes up when a member changes. */
#define OUTPUT_SCHEMA 1

enum output_align { ALIGN_LEFT, ALIGN_RIGHT };

struct output_column {
	const char *name;
	enum output_align align;
};

/* table_new() - a table with @n columns. */
struct libscols_table *table_new(const struct output_column *columns, size_t n);

/* table_line() - a further line. */
struct libscols_line *table_line(struct libscols_table *table);

/* table_cell() - set cell @column of a line. */
__attribute__((format(printf, 3, 4)))
void table_cell(struct libscols_line *line, size_t column, const char *fmt, ...);

/* table_print() - print to stdout and free. */
void table_print(struct libscols_table *table);

/* json_document() - the object that a command prints: {"schema": 1}. */
struct json_object *json_document(void);

/* json_new_object(), json_new_array() - never NULL. */
struct json_object *json_new_object(void);
struct json_object *json_new_array(void);

/* json_set_*() - add a member to @object; json_add() appends to @array. */
__attribute__((format(printf, 3, 4)))
void json_set_string(struct json_object *object, const char *key, const char *fmt, ...);
void json_set_u64(struct json_object *object, const char *key, uint64_t value);
void json_set_double(struct json_object *object, const char *key, double value);
void json_set_bool(struct json_object *object, const char *key, bool value);
void json_set(struct json_object *object, const char *key, struct json_object *value);
void json_add(struct json_object *array, struct json_object *value);

/* json_set_mask() - the set bits of @mask as an array of numbers. */
void json_set_mask(struct json_object *object, const char *key, uint64_t mask);

/* json_print() - print to stdout and free. */
void json_print(struct json_object *document);

/* json_print_line() - the same in one line, for documents in a row. */
void json_print_line(struct json_object *document);

#endif /* SVMCTL_OUTPUT_H */
