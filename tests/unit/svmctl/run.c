// SPDX-License-Identifier: MIT
/*
 * Running svmctl with the fake device, and reading what it printed.
 */
#include <fcntl.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

#define MAX_WORDS 32

static void exec_svmctl(const char *environment, const char *arguments)
{
	char *words[MAX_WORDS], *word, *text;
	size_t n = 0;

	text = strdup(environment);
	for (word = strtok(text, " "); word; word = strtok(NULL, " "))
		putenv(word);

	words[n++] = getenv("SVMCTL_FAKE");
	text = strdup(arguments);
	for (word = strtok(text, " "); word && n < MAX_WORDS - 1; word = strtok(NULL, " "))
		words[n++] = word;
	words[n] = NULL;
	execv(words[0], words);
	_exit(127);
}

static char *read_back(FILE *file)
{
	long size;
	char *text;

	fseek(file, 0, SEEK_END);
	size = ftell(file);
	rewind(file);
	text = malloc(size + 1);
	ck_assert_uint_eq(fread(text, 1, size, file), size);
	text[size] = '\0';
	fclose(file);
	return text;
}

static struct outcome *finish(pid_t pid, const char *arguments, FILE *out, FILE *err)
{
	static struct outcome outcome;
	int status;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	free(outcome.out);
	free(outcome.err);
	outcome.out = read_back(out);
	outcome.err = read_back(err);
	ck_assert_msg(WIFEXITED(status), "svmctl %s died: %s", arguments,
		      outcome.err[0] ? outcome.err : outcome.out);
	outcome.status = WEXITSTATUS(status);
	return &outcome;
}

struct outcome *run_svmctl(const char *environment, const char *arguments)
{
	FILE *out = tmpfile(), *err = tmpfile();
	pid_t pid;

	ck_assert_ptr_nonnull(getenv("SVMCTL_FAKE"));
	ck_assert_ptr_nonnull(out);
	ck_assert_ptr_nonnull(err);
	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (!pid) {
		dup2(fileno(out), STDOUT_FILENO);
		dup2(fileno(err), STDERR_FILENO);
		exec_svmctl(environment, arguments);
	}

	return finish(pid, arguments, out, err);
}

struct outcome *run_svmctl_on_terminal(const char *environment, const char *arguments)
{
	FILE *out = tmpfile(), *err = tmpfile();
	char part[4096];
	int terminal;
	ssize_t got;
	pid_t pid;

	ck_assert_ptr_nonnull(getenv("SVMCTL_FAKE"));
	ck_assert_ptr_nonnull(out);
	ck_assert_ptr_nonnull(err);
	pid = forkpty(&terminal, NULL, NULL, NULL);
	ck_assert_int_ne(pid, -1);
	if (!pid)
		exec_svmctl(environment, arguments);

	/* EIO is its end: nobody has the other side any more. */
	while ((got = read(terminal, part, sizeof(part))) > 0)
		ck_assert_uint_eq(fwrite(part, 1, got, out), got);
	close(terminal);
	return finish(pid, arguments, out, err);
}

struct json_object *json_member(struct json_object *object, const char *key)
{
	struct json_object *member;

	ck_assert_msg(json_object_object_get_ex(object, key, &member), "no member %s", key);
	return member;
}

struct json_object *json_of(const struct outcome *outcome)
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *object;

	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	object = json_tokener_parse_ex(tokener, outcome->out, strlen(outcome->out) + 1);
	ck_assert_msg(json_tokener_get_error(tokener) == json_tokener_success,
		      "no JSON: %s", outcome->out);
	json_tokener_free(tokener);
	ck_assert(json_object_is_type(object, json_type_object));
	ck_assert_int_eq(json_object_get_int(json_member(object, "schema")), 1);
	return object;
}

struct json_object *element(struct json_object *array, size_t i)
{
	ck_assert_uint_gt(json_object_array_length(array), i);
	return json_object_array_get_idx(array, i);
}

int64_t number(struct json_object *object, const char *key)
{
	return json_object_get_int64(json_member(object, key));
}

const char *string(struct json_object *object, const char *key)
{
	return json_object_get_string(json_member(object, key));
}

void be_a_target(void)
{
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
	ck_assert_int_ge(open("/dev/amdsvm", O_RDWR | O_CLOEXEC), 0);
}

const char *text_file(const char *text)
{
	static char path[] = "/tmp/svmctl-test-XXXXXX";
	int fd;

	strcpy(path + sizeof(path) - 7, "XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	return path;
}
