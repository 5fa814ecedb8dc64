// SPDX-License-Identifier: MIT
/*
 * The installed svmctl as another process, and what it prints.
 */
#include <stdarg.h>

#include "vmsvmctl.h"

#define MAX_WORDS 32

struct outcome outcome;

const char *memory_name(void)
{
	return vm.lane == LANE_PRIVATE ? "private" : vm.lane == LANE_COHERENT ? "coherent" : "none";
}

/* ---- running ------------------------------------------------------------ */

static void read_all(int fd, char *text, size_t size)
{
	ssize_t got = pread(fd, text, size - 1, 0);

	/* Not cut off: the document would not be whole. */
	expect(got >= 0 && (size_t)got < size - 1);
	text[got] = '\0';
}

static pid_t start(uid_t uid, char *line, int out, int err)
{
	char *words[MAX_WORDS] = { (char *)"svmctl" }, *word;
	size_t n = 1;
	pid_t pid;

	for (word = strtok(line, " "); word && n < MAX_WORDS - 1; word = strtok(NULL, " "))
		words[n++] = word;
	fflush(NULL);
	/*
	 * fork() protects the pages from being written, which takes them from the
	 * devices that map them: svmctl would not find what the test has made.
	 * A change of user needs it all the same: with vfork() it would change the
	 * rights to the memory that both share.
	 */
	pid = uid ? fork() : vfork();
	if (pid)
		return pid;
	/* A change of user takes the capabilities away. */
	if (uid && setresuid(uid, uid, uid))
		_exit(126);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	execvp(words[0], words);
	_exit(127);
}

static struct running start_line(uid_t uid, const char *format, va_list ap)
{
	struct running running = {
		.out = memfd_create("out", MFD_CLOEXEC),
		.err = memfd_create("err", MFD_CLOEXEC),
	};
	char copy[sizeof(running.line)];

	expect(running.out >= 0 && running.err >= 0);
	vsnprintf(running.line, sizeof(running.line), format, ap);
	strcpy(copy, running.line);
	running.pid = start(uid, copy, running.out, running.err);
	expect(running.pid > 0);
	return running;
}

struct running vm_svmctl_start(const char *format, ...)
{
	struct running running;
	va_list ap;

	va_start(ap, format);
	running = start_line(0, format, ap);
	va_end(ap);
	return running;
}

bool vm_svmctl_says(const struct running *running, const char *text)
{
	read_all(running->out, outcome.out, sizeof(outcome.out));
	return strstr(outcome.out, text);
}

/* Leaves it to be waited for. */
bool vm_svmctl_ended(struct running *running)
{
	siginfo_t info = { .si_pid = 0 };

	expect(!waitid(P_PID, running->pid, &info, WEXITED | WNOHANG | WNOWAIT));
	return info.si_pid;
}

void vm_svmctl_finish(const char *file, int at, struct running *running, int wanted)
{
	int status = 0;

	expect(waitpid(running->pid, &status, 0) == running->pid);
	read_all(running->out, outcome.out, sizeof(outcome.out));
	read_all(running->err, outcome.err, sizeof(outcome.err));
	close(running->out);
	close(running->err);
	outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : -status;
	if (outcome.status != wanted)
		vm_fail(file, at, "svmctl %s: status %d, not %d; it says: %s", running->line,
			outcome.status, wanted, outcome.err);
	/* Success is silent, a failure is one sentence. */
	if (wanted ? strchr(outcome.err, '\n') != outcome.err + strlen(outcome.err) - 1 :
		     outcome.err[0])
		vm_fail(file, at, "svmctl %s: on stderr is: '%s'", running->line, outcome.err);
}

void vm_svmctl(const char *file, int at, uid_t uid, int wanted, const char *format, ...)
{
	struct running running;
	va_list ap;

	va_start(ap, format);
	running = start_line(uid, format, ap);
	va_end(ap);
	vm_svmctl_finish(file, at, &running, wanted);
}

/* ---- JSON --------------------------------------------------------------- */

struct json_object *document(void)
{
	struct json_object *object = json_tokener_parse(outcome.out);

	if (!object)
		vm_fail(HERE, "no JSON: %s", outcome.out);
	return object;
}

struct json_object *documents(void)
{
	struct json_object *array = json_object_new_array(), *object;
	char *line, *rest, *text = strdup(outcome.out);

	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		object = json_tokener_parse(line);
		if (!object)
			vm_fail(HERE, "no JSON: %s", line);
		json_object_array_add(array, object);
	}
	free(text);
	return array;
}

struct json_object *member(struct json_object *object, const char *key)
{
	struct json_object *found;

	if (!json_object_object_get_ex(object, key, &found))
		vm_fail(HERE, "no member %s in %s", key, json_object_to_json_string(object));
	return found;
}

struct json_object *element(struct json_object *array, size_t i)
{
	expect(i < json_object_array_length(array));
	return json_object_array_get_idx(array, i);
}

uint64_t number(struct json_object *object, const char *key)
{
	return json_object_get_uint64(member(object, key));
}

const char *string(struct json_object *object, const char *key)
{
	return json_object_get_string(member(object, key));
}

uint64_t mask(struct json_object *object, const char *key)
{
	struct json_object *array = member(object, key);
	uint64_t bits = 0;
	size_t i;

	for (i = 0; i < json_object_array_length(array); i++)
		bits |= 1ULL << json_object_get_int(json_object_array_get_idx(array, i));
	return bits;
}

uint64_t address(struct json_object *object, const char *key)
{
	return strtoull(string(object, key), NULL, 16);
}

uint32_t location(struct json_object *object, const char *key)
{
	const char *text = string(object, key);

	if (!strcmp(text, "system"))
		return SYSMEM;
	if (!strcmp(text, "undefined"))
		return UNDEFINED;
	if (!strcmp(text, "-"))
		return ABSENT;
	expect(!strncmp(text, "0x", 2));
	return strtoul(text, NULL, 16);
}
