/* SPDX-License-Identifier: MIT */
/*
 * The installed svmctl as another process, and what it prints.
 */
#ifndef AMDSVM_TESTS_VMSVMCTL_H
#define AMDSVM_TESTS_VMSVMCTL_H

#include <json-c/json.h>

#include "vmtest.h"

#define NOBODY 65534

/* What became of the last one. */
struct outcome {
	int status;
	char out[1 << 17];
	char err[1 << 12];
};
extern struct outcome outcome;

/*
 * vm_svmctl() - run it to its end, as a user; fails the test unless it ends with
 * the status wanted. Success is silent, a failure is one sentence.
 */
__attribute__((format(printf, 5, 6)))
void vm_svmctl(const char *file, int at, uid_t uid, int wanted, const char *format, ...);
#define svmctl(wanted, ...) vm_svmctl(HERE, 0, wanted, __VA_ARGS__)

/* One that goes on while the test does something. */
struct running {
	pid_t pid;
	int out, err;
	char line[256];
};

__attribute__((format(printf, 1, 2)))
struct running vm_svmctl_start(const char *format, ...);
/* It has printed this. */
bool vm_svmctl_says(const struct running *running, const char *text);
bool vm_svmctl_ended(struct running *running);
/* Fills outcome. */
void vm_svmctl_finish(const char *file, int at, struct running *running, int wanted);
#define svmctl_finish(running, wanted) vm_svmctl_finish(HERE, running, wanted)

/* What svmctl calls the memory that devices have in this lane. */
const char *memory_name(void);

#define expect_text(text, wanted) \
	do { \
		if (!strstr(text, wanted)) \
			vm_fail(HERE, "no '%s' in: %s", wanted, text); \
	} while (0)

/* ---- JSON: each fails the test when there is no such thing ----------------- */

struct json_object *document(void);
/* The documents of all lines of outcome.out, as an array. */
struct json_object *documents(void);
struct json_object *member(struct json_object *object, const char *key);
struct json_object *element(struct json_object *array, size_t i);
uint64_t number(struct json_object *object, const char *key);
const char *string(struct json_object *object, const char *key);
uint64_t mask(struct json_object *object, const char *key);	/* of devices */
uint64_t address(struct json_object *object, const char *key);
/* "system", "undefined", "-" or a gpu_id in hexadecimal. */
uint32_t location(struct json_object *object, const char *key);

#endif
