/* SPDX-License-Identifier: MIT */
/*
 * Tests of svmctl: its parsers and its output by themselves, and whole commands
 * run with the fake device.
 */
#ifndef SVMCTL_TEST_H
#define SVMCTL_TEST_H

#include <check.h>
#include <string.h>

#include <json-c/json.h>

TCase *command_case(void);
TCase *completion_case(void);
TCase *demo_case(void);
TCase *doctor_case(void);
TCase *doctor_driver_case(void);
TCase *doctor_key_case(void);
TCase *doctor_module_case(void);
TCase *events_case(void);
TCase *location_case(void);
TCase *output_case(void);
TCase *packets_case(void);
TCase *range_case(void);
TCase *script_case(void);
TCase *stat_case(void);
TCase *units_case(void);

/* ---- run.c ---- */

struct outcome {
	int status;	/* exit status */
	char *out;	/* stdout */
	char *err;	/* stderr */
};

/*
 * run_svmctl() - run svmctl with the fake device.
 * @environment: "NAME=VALUE NAME=VALUE" for the fake, or "".
 * @arguments: command line, words separated by blanks.
 *
 * Return: what came of it, valid until the next call.
 */
struct outcome *run_svmctl(const char *environment, const char *arguments);

/*
 * run_svmctl_on_terminal() - the same with a terminal of its own.
 *
 * All that the terminal gets is in out, with "\r\n" at the end of lines.
 */
struct outcome *run_svmctl_on_terminal(const char *environment, const char *arguments);

/* json_member() - a member that must be there. */
struct json_object *json_member(struct json_object *object, const char *key);

/* json_of() - stdout as one JSON object with "schema": 1. */
struct json_object *json_of(const struct outcome *outcome);

/* element(), number(), string() - of what must be there. */
struct json_object *element(struct json_object *array, size_t i);
int64_t number(struct json_object *object, const char *key);
const char *string(struct json_object *object, const char *key);

/* be_a_target() - a process with the device open: this one. */
void be_a_target(void);

/* text_file() - a new file; its path is valid until the next call. */
const char *text_file(const char *text);

#endif /* SVMCTL_TEST_H */
