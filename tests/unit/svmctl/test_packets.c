// SPDX-License-Identifier: MIT
/*
 * svmctl run-packets with the fake device, which executes nothing and says what it
 * is told to.
 */
#include <stdio.h>
#include <unistd.h>

#include "test.h"

static struct outcome *run_text(const char *environment, const char *options, const char *text)
{
	char command[128];
	struct outcome *outcome;
	const char *path = text_file(text);

	snprintf(command, sizeof(command), "run-packets %s %s", options, path);
	outcome = run_svmctl(environment, command);
	unlink(path);
	return outcome;
}

static void expect_failure(const struct outcome *outcome, const char *why)
{
	ck_assert_int_eq(outcome->status, 1);
	ck_assert_msg(strstr(outcome->err, why), "%s", outcome->err);
	ck_assert_ptr_eq(strchr(outcome->err, '\n'), outcome->err + strlen(outcome->err) - 1);
}

START_TEST(text)
{
	struct outcome *outcome = run_text("", "", "buffer a 32 sequence\nnop\nexpect a+8 u64 1\n"
					   "dump a+6 18\nsha256 a\n");

	ck_assert_str_eq(outcome->err, "");
	ck_assert_int_eq(outcome->status, 0);
	ck_assert_ptr_nonnull(strstr(outcome->out,
		"a+0x000006  00 00 01 00 00 00 00 00 00 00 02 00 00 00 00 00\n"
		"a+0x000016  00 00\n"));
	/* Of 0, 1, 2 and 3, eight bytes each. */
	ck_assert_ptr_nonnull(strstr(outcome->out,
		"a1e03200f1f82ad2c1cec8795c271aaecf98f5aa2d151d2229ec5fa0c177cf77  a\n"));
	ck_assert_ptr_nonnull(strstr(outcome->out, "in 1 submissions"));
}
END_TEST

START_TEST(json)
{
	struct outcome *outcome = run_text("", "--json --gpu 1",
					   "buffer a 8 sequence32\nnop\nsubmit\n\ntrap 1\nwait\n"
					   "dump a 8\nsha256 a\n");
	struct json_object *document = json_of(outcome), *results;

	ck_assert_int_eq(outcome->status, 0);
	ck_assert_str_eq(string(document, "gpu_id"), "0x1001");
	ck_assert(json_object_get_boolean(json_member(document, "ok")));
	ck_assert_int_eq(number(document, "jobs"), 2);
	results = json_member(document, "results");
	ck_assert_uint_eq(json_object_array_length(results), 4);
	ck_assert_int_eq(number(element(results, 0), "line"), 2);
	ck_assert_str_eq(string(element(results, 0), "status"), "OK");
	ck_assert_int_eq(number(element(results, 1), "line"), 5);
	ck_assert_str_eq(string(element(results, 2), "bytes"), "0000000001000000");
	ck_assert_uint_eq(strlen(string(element(results, 3), "sha256")), 64);
	json_object_put(document);
}
END_TEST

/* The packet that failed is named by its line: NOP has 4 bytes, FENCE 16. */
START_TEST(failures_have_lines)
{
	static const struct {
		const char *environment, *why;
	} cases[] = {
		{ "FAKE_STATUS=74 FAKE_OFFSET=0", ":2: nop: the device finds" },
		{ "FAKE_STATUS=74 FAKE_OFFSET=4", ":4: fence: the device finds" },
		{ "FAKE_STATUS=74 FAKE_OFFSET=12", ":4: fence:" },
		{ "FAKE_STATUS=14 FAKE_OFFSET=20 FAKE_ADDRESS=0x123000",
		  ":5: trap: there is no memory at 0x123000" },
		{ "FAKE_STATUS=13 FAKE_OFFSET=20", ":5: trap: the device may not use" },
		{ "FAKE_STATUS=95 FAKE_OFFSET=20", "no atomics" },
		{ "FAKE_STATUS=12 FAKE_OFFSET=20", "ENOMEM" },
	};

	expect_failure(run_text(cases[_i].environment, "",
				"buffer a 8\nnop\n\nfence a 1\ntrap 3\n"), cases[_i].why);
}
END_TEST

START_TEST(failures_in_json)
{
	struct outcome *outcome = run_text("FAKE_STATUS=14 FAKE_ADDRESS=0x5000", "--json",
					   "nop\nnop\n");
	struct json_object *document = json_of(outcome), *result;

	expect_failure(outcome, ":1: nop:");
	ck_assert(!json_object_get_boolean(json_member(document, "ok")));
	ck_assert_ptr_nonnull(strstr(string(document, "error"), ":1: nop:"));
	result = element(json_member(document, "results"), 0);
	ck_assert_str_eq(string(result, "status"), "EFAULT");
	ck_assert_str_eq(string(result, "address"), "0x5000");
	json_object_put(document);
}
END_TEST

START_TEST(expectations)
{
	expect_failure(run_text("", "", "buffer a 16 sequence\nexpect a+8 u64 1\n"
				"expect a+8 u32 2\n"), ":3: expect: at a+0x8");
	expect_failure(run_text("", "", "buffer a 16 sequence\nexpect a+8 u64 a\n"), "is 1 (0x1)");
}
END_TEST

START_TEST(what_cannot_be)
{
	static const struct {
		const char *environment, *options, *text, *why;
	} cases[] = {
		{ "", "", "nop\nnothing\n", ":2: there is no 'nothing'" },
		{ "", "", "buffer a 8 from /nowhere\n", "buffer a: cannot open /nowhere" },
		{ "", "", "nop 16384\n", ":1: nop: a number does not fit" },
		{ "", "", "fill 0 1 3\n", ":1: fill: a number does not fit" },
		{ "", "", "fill 0 1 0x7fffffffffff0000\n", "more packets than one submission" },
		{ "", "--gpu 7", "nop\n", "there is no device '7'" },
		{ "", "", "buffer a 8\nattr a access=7\n", "there is no device '7'" },
		{ "FAKE_OPEN_ERROR=2", "", "nop\n", "modprobe amdsvm" },
		{ "FAKE_CALL_ERROR=28", "", "nop\n", "cannot" },
	};

	expect_failure(run_text(cases[_i].environment, cases[_i].options, cases[_i].text),
		       cases[_i].why);
}
END_TEST

/* What is more than a submission takes is several. */
START_TEST(long_scripts)
{
	static char text[1024];
	struct json_object *document;
	size_t used = 0, i;

	for (i = 0; i < 20; i++)
		used += sprintf(text + used, "nop 16383\n");
	document = json_of(run_text("", "--json", text));
	ck_assert_int_eq(number(document, "jobs"), 2);
	json_object_put(document);
}
END_TEST

START_TEST(no_file)
{
	expect_failure(run_svmctl("", "run-packets /nowhere"), "cannot open /nowhere");
	expect_failure(run_svmctl("", "run-packets /"), "cannot be read");
}
END_TEST

TCase *packets_case(void)
{
	TCase *tc = tcase_create("packets");

	tcase_add_test(tc, text);
	tcase_add_test(tc, json);
	tcase_add_loop_test(tc, failures_have_lines, 0, 7);
	tcase_add_test(tc, failures_in_json);
	tcase_add_test(tc, expectations);
	tcase_add_loop_test(tc, what_cannot_be, 0, 9);
	tcase_add_test(tc, long_scripts);
	tcase_add_test(tc, no_file);
	return tc;
}
