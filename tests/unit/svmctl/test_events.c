// SPDX-License-Identifier: MIT
/*
 * svmctl events with lines from a file, and the names of events.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "event_text.h"
#include "test.h"

#define BIT(name) AMDSVM_SMI_EVENT_MASK_FROM_INDEX(AMDSVM_SMI_EVENT_##name)

START_TEST(names)
{
	ck_assert_uint_eq(event_mask("vmfault"), BIT(VMFAULT));
	ck_assert_uint_eq(event_mask("migrate-end"), BIT(MIGRATE_END));
	ck_assert_uint_eq(event_mask("migrate"), BIT(MIGRATE_START) | BIT(MIGRATE_END));
	ck_assert_uint_eq(event_mask("page-fault"), BIT(PAGE_FAULT_START) | BIT(PAGE_FAULT_END));
	ck_assert_uint_eq(event_mask("queue"), BIT(QUEUE_EVICTION) | BIT(QUEUE_RESTORE));
	ck_assert_uint_eq(event_mask("migr"), 0);
	ck_assert_uint_eq(event_mask(""), 0);
	ck_assert_uint_eq(event_mask("migrate-"), 0);
	ck_assert_uint_eq(event_mask("dropped"), 0);
	ck_assert_uint_eq(event_all() & BIT(DROPPED), 0);
	ck_assert_uint_eq(event_all() & BIT(ALL_PROCESS), 0);
	ck_assert(event_all() & BIT(PROCESS_END));
}
END_TEST

/* One of each kind: what a device tells, and what is made of it. */
static const struct {
	const char *line, *text, *member, *value;
} kinds[] = {
	{ "1 1f:name", "31  vmfault           name", "command", "name" },
	{ "5 1500000000 -31 @7f0000000(200) 0->1001 1000:ffffffff 1",
	  "      1.500000000       31  migrate-start     0x7f0000000000+2048K system -> 0x1001, device-fault",
	  "preferred", "undefined" },
	{ "6 5 -31 @1(1) 1001->0 3 -12",
	  "0x1000+4K 0x1001 -> system, eviction, failed: Cannot allocate memory",
	  "error", "ENOMEM" },
	{ "7 5 -31 @1(1000) W", "page-fault-start  0x1000+4K 0x1000, write", "access", "write" },
	{ "8 5 -31 @1(1000) U", "page-fault-end    0x1000+4K 0x1000, mapped", "outcome", "mapped" },
	{ "9 5 -31 1000 0", "queue-eviction    0x1000, svm", "trigger", "svm" },
	{ "a 5 -31 1000 R", "queue-restore     0x1000, again", "outcome", "again" },
	{ "b 5 -31 @1(2) 1000 1", "unmap-from-gpu    0x1000+8K 0x1000, migration", "gpu_id",
	  "0x1000" },
	{ "c 1f a name", "process-start     a name", "command", "a name" },
	{ "d 1f name", "process-end       name", "event", "process-end" },
	{ "30 5 77", "dropped           77 events are missing here", "dropped", "77" },
};

#define NKINDS 11

static struct outcome *tell(const char *more, const char *arguments, const char *lines)
{
	const char *path = text_file(lines);
	struct outcome *outcome;
	char environment[128];

	snprintf(environment, sizeof(environment), "FAKE_EVENTS=%s %s", path, more);
	outcome = run_svmctl(environment, arguments);
	unlink(path);
	return outcome;
}

START_TEST(each_kind_as_text)
{
	struct outcome *outcome;
	char line[128];

	snprintf(line, sizeof(line), "%s\n", kinds[_i].line);
	outcome = tell("FAKE_DEVICES=1", "events --all", line);
	ck_assert_str_eq(outcome->err, "");
	ck_assert_int_eq(outcome->status, 0);
	ck_assert_msg(!strncmp(outcome->out, "          SECONDS ", 18), "%s", outcome->out);
	ck_assert_msg(strstr(outcome->out, kinds[_i].text), "%s", outcome->out);
}
END_TEST

START_TEST(each_kind_as_json)
{
	struct json_object *document;
	char line[128];

	snprintf(line, sizeof(line), "%s\n", kinds[_i].line);
	document = json_of(tell("FAKE_DEVICES=1", "events --all --json", line));
	ck_assert_str_eq(string(document, kinds[_i].member), kinds[_i].value);
	json_object_put(document);
}
END_TEST

static size_t lines_of(const struct outcome *outcome)
{
	const char *at = outcome->out;
	size_t lines = 0;

	while ((at = strchr(at, '\n'))) {
		lines++;
		at++;
	}
	return lines;
}

/* Two devices tell the same: processes, and moves from one to the other. */
START_TEST(nothing_twice)
{
	struct outcome *outcome = tell("", "events --all --json",
				       "c 1f name\n6 5 -31 @1(1) 1000->1001 0 0\n");

	ck_assert_int_eq(outcome->status, 0);
	ck_assert_uint_eq(lines_of(outcome), 2);
	/* Of the device that was asked for only, so it is told. */
	outcome = tell("", "events --all --json --gpu 0", "6 5 -31 @1(1) 1000->1001 0 0\n");
	ck_assert_uint_eq(lines_of(outcome), 1);
}
END_TEST

/* Each stream has both; what has no time stays behind what came before it. */
START_TEST(in_the_order_of_time)
{
	struct outcome *outcome = tell("", "events --all --json queue vmfault",
				       "9 5 -31 1000 0\n1 1f:a\n9 7 -31 1001 0\n");
	static const char *const wanted[] = {
		"\"time_ns\":5", "\"a\"", "\"time_ns\":5", "\"a\"", "\"time_ns\":7",
		"\"time_ns\":7",
	};
	const char *at = outcome->out;
	size_t i;

	ck_assert_uint_eq(lines_of(outcome), 6);
	/* Two of 5 and what is behind, in whatever order of streams; then those of 7. */
	for (i = 0; i < 6; i++) {
		at = strstr(at, wanted[i]);
		ck_assert_msg(at, "%zu: %s", i, outcome->out);
		at++;
	}
}
END_TEST

START_TEST(only_what_was_chosen)
{
	struct outcome *outcome = tell("FAKE_DEVICES=1", "events --all --json queue vmfault",
				       "c 1f name\n9 5 -31 1000 0\n30 5 1\n1 1f:x\n");

	/* What is missing is told in any case. */
	ck_assert_uint_eq(lines_of(outcome), 3);
	ck_assert_ptr_null(strstr(outcome->out, "process"));
}
END_TEST

START_TEST(so_many_and_no_more)
{
	struct outcome *outcome = tell("FAKE_DEVICES=1", "events --all --json --count 2",
				       "30 5 1\n1 1f:a\n1 1f:b\n1 1f:c\n");

	ck_assert_int_eq(outcome->status, 0);
	ck_assert_uint_eq(lines_of(outcome), 3);
	ck_assert_ptr_null(strstr(outcome->out, "\"c\""));
}
END_TEST

START_TEST(of_a_process)
{
	struct outcome *outcome;
	char arguments[64], lines[64];

	be_a_target();
	snprintf(arguments, sizeof(arguments), "events --json --pid %d vmfault", getpid());
	snprintf(lines, sizeof(lines), "1 %x:a\n" "d %x a\n", getpid(), getpid());
	outcome = tell("FAKE_DEVICES=1", arguments, lines);
	ck_assert_str_eq(outcome->err, "");
	ck_assert_int_eq(outcome->status, 0);
	ck_assert_uint_eq(lines_of(outcome), 1);
}
END_TEST

START_TEST(what_is_no_event)
{
	struct outcome *outcome;

	outcome = tell("FAKE_DEVICES=1", "events --all", "nonsense\n");
	ck_assert_int_eq(outcome->status, 1);
	ck_assert_msg(strstr(outcome->err, "'nonsense'"), "%s", outcome->err);
	/* Of a later release: nobody's failure. */
	outcome = tell("FAKE_DEVICES=1", "events --all --json", "2f 1 2 3\n1 1f:a\n");
	ck_assert_int_eq(outcome->status, 0);
	ck_assert_uint_eq(lines_of(outcome), 1);
}
END_TEST

START_TEST(no_right)
{
	struct outcome *outcome = run_svmctl("FAKE_CALL_ERROR=1", "events --all --gpu 0x1000");

	ck_assert_int_eq(outcome->status, 1);
	ck_assert_ptr_eq(strchr(outcome->err, '\n'), outcome->err + strlen(outcome->err) - 1);
}
END_TEST

/* Without FAKE_EVENTS nothing is told, and it waits. */
static pid_t start(int out)
{
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (!pid) {
		dup2(out, STDOUT_FILENO);
		execl(getenv("SVMCTL_FAKE"), "svmctl", "events", "--all", NULL);
		_exit(127);
	}
	return pid;
}

START_TEST(signals_end_it_well)
{
	const int signals[] = { SIGINT, SIGTERM };
	int ends[2], status;
	char byte;
	pid_t pid;

	ck_assert_int_eq(pipe(ends), 0);
	pid = start(ends[1]);
	/* The header says that it is listening. */
	ck_assert_int_eq(read(ends[0], &byte, 1), 1);
	kill(pid, signals[_i]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 0);
}
END_TEST

START_TEST(nobody_reads)
{
	int ends[2], status;
	pid_t pid;

	ck_assert_int_eq(pipe(ends), 0);
	close(ends[0]);
	pid = start(ends[1]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 0);
}
END_TEST

TCase *events_case(void)
{
	TCase *tc = tcase_create("events");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, names);
	tcase_add_loop_test(tc, each_kind_as_text, 0, NKINDS);
	tcase_add_loop_test(tc, each_kind_as_json, 0, NKINDS);
	tcase_add_test(tc, nothing_twice);
	tcase_add_test(tc, in_the_order_of_time);
	tcase_add_test(tc, only_what_was_chosen);
	tcase_add_test(tc, so_many_and_no_more);
	tcase_add_test(tc, of_a_process);
	tcase_add_test(tc, what_is_no_event);
	tcase_add_test(tc, no_right);
	tcase_add_loop_test(tc, signals_end_it_well, 0, 2);
	tcase_add_test(tc, nobody_reads);
	return tc;
}
