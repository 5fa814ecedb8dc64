// SPDX-License-Identifier: MIT
/*
 * svmctl demo with the fake device: what it does and believes, and what people at a
 * terminal see of it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "test.h"

#define DEMO_PAGES ((64 << 20) / 4096 + 1)

/* A new file of 64 MiB and a bit, which is not a whole page. */
static const char *demo_command(const char *option)
{
	static char path[] = "/tmp/svmctl-demo-XXXXXX", command[128];
	unsigned char block[4096];
	size_t i, n;
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	for (n = 0; n < (64 << 20) / sizeof(block); n++) {
		for (i = 0; i < sizeof(block); i++)
			block[i] = n * 7 + i;
		ck_assert_int_eq(write(fd, block, sizeof(block)), sizeof(block));
	}
	ck_assert_int_eq(write(fd, block, 100), 100);
	close(fd);
	snprintf(command, sizeof(command), "demo %s %s", option, path);
	return command;
}

static void forget_file(const char *command)
{
	unlink(strrchr(command, ' ') + 1);
}

START_TEST(demo_moves_everything)
{
	static const struct {
		const char *environment;
		size_t steps;
	} cases[] = {
		{ "FAKE_KIND=private", 4 },
		{ "FAKE_KIND=private FAKE_DEVICES=1", 3 },
		{ "FAKE_KIND=coherent", 5 },
		/* Busy pages go with the second try. */
		{ "FAKE_KIND=private FAKE_BUSY=3", 4 },
	};
	const char *command = demo_command("--json");
	struct outcome *outcome = run_svmctl(cases[_i].environment, command);
	struct json_object *document, *steps, *last;

	forget_file(command);
	ck_assert_str_eq(outcome->err, "");
	ck_assert_int_eq(outcome->status, 0);
	document = json_of(outcome);
	ck_assert_int_eq(number(document, "pages"), DEMO_PAGES);
	ck_assert(json_object_get_boolean(json_member(document, "same_bytes")));
	steps = json_member(document, "steps");
	ck_assert_uint_eq(json_object_array_length(steps), cases[_i].steps);
	ck_assert_int_eq(number(element(steps, 1), "counted_in"), number(document, "pages"));
	last = element(steps, cases[_i].steps - 1);
	ck_assert_int_eq(number(last, "pages_system"), number(document, "pages"));
	ck_assert_int_eq(number(last, "counted_out"), number(document, "pages"));
	json_object_put(document);
}
END_TEST

START_TEST(demo_fails_when_it_must)
{
	static const struct {
		const char *environment, *advice;
	} cases[] = {
		{ "FAKE_KIND=none", "CONFIG_DEVICE_PRIVATE" },
		{ "FAKE_DEVICES=0", "no device" },
		{ "FAKE_VRAM_MB=64", "smaller file" },
		{ "FAKE_BUSY=100000", "in use" },
		{ "FAKE_LOSE=1", "where they must be" },
		{ "FAKE_KIND=coherent FAKE_CORRUPT=1 FAKE_DEVICES=1", "bytes" },
		/* ENOSPC of every call but GET_VERSION. */
		{ "FAKE_CALL_ERROR=28", "cannot" },
	};
	const char *command = demo_command("--json");
	struct outcome *outcome = run_svmctl(cases[_i].environment, command);

	forget_file(command);
	ck_assert_int_eq(outcome->status, 1);
	ck_assert_msg(strstr(outcome->err, cases[_i].advice), "%s", outcome->err);
}
END_TEST

/* What the driver says of itself is held against what others see. */
START_TEST(demo_believes_no_driver)
{
	static const struct {
		const char *environment, *step, *why;
	} cases[] = {
		/* The first read is after the file is in memory, the next on a device. */
		{ "FAKE_PAGEMAP=1", "file in system memory", "present 0 and swap 1" },
		{ "FAKE_PAGEMAP=2", "system to device 0", "present 1 and swap 0" },
		{ "FAKE_PAGEMAP=2 FAKE_KIND=coherent", "system to device 0",
		  "present 0 and swap 1" },
		{ "FAKE_MISCOUNT=in", "system to device 0", "counted 16384 pages to devices" },
		{ "FAKE_MISCOUNT=peer", "device 0 to device 1", "16384 between devices" },
		{ "FAKE_MISCOUNT=out", "CPU reads, pages come home", "16384 home" },
		{ "FAKE_MISCOUNT=out FAKE_KIND=coherent", "device to system", "16384 home" },
	};
	const char *command = demo_command("--json");
	struct outcome *outcome = run_svmctl(cases[_i].environment, command);

	forget_file(command);
	ck_assert_int_eq(outcome->status, 1);
	ck_assert_msg(strstr(outcome->err, cases[_i].step), "%s", outcome->err);
	ck_assert_msg(strstr(outcome->err, cases[_i].why), "%s", outcome->err);
	ck_assert_ptr_eq(strchr(outcome->err, '\n'), outcome->err + strlen(outcome->err) - 1);
}
END_TEST

START_TEST(demo_wants_a_large_file)
{
	struct outcome *outcome = run_svmctl("", "demo /etc/passwd");

	ck_assert_int_eq(outcome->status, 1);
	ck_assert_ptr_nonnull(strstr(outcome->err, "at least 64 MiB"));
	ck_assert_int_eq(run_svmctl("", "demo /nowhere")->status, 1);
	ck_assert_int_eq(run_svmctl("", "demo /dev")->status, 1);

	/* No file helps where there is no device memory. */
	outcome = run_svmctl("FAKE_KIND=none", "demo");
	ck_assert_int_eq(outcome->status, 1);
	ck_assert_ptr_nonnull(strstr(outcome->err, "CONFIG_DEVICE_PRIVATE"));
}
END_TEST

/* As it is after the first 8 MiB. */
static void expect_bar(const char *out, const char *what)
{
	char bar[96];

	snprintf(bar, sizeof(bar), "\r%-24s [%-40s]  12%%\r", what, "####");
	ck_assert_msg(strstr(out, bar), "no bar '%s' in: %s", bar + 1, out);
}

/* All pages, seconds, and below its heading the speed that follows from these. */
static void expect_speed(const char *table, const char *step)
{
	const char *heading = strstr(table, "GB/S"), *line = strstr(table, step);
	double seconds, speed;
	unsigned int moved;
	int end;

	ck_assert_msg(heading && line, "no '%s', or no GB/S, in: %s", step, table);
	ck_assert_int_eq(sscanf(line + strlen(step), "%lf %lf%n %u", &seconds, &speed, &end,
				&moved), 3);
	ck_assert_int_eq(strlen(step) + end, heading + strlen("GB/S") - table);
	ck_assert_uint_eq(moved, DEMO_PAGES);
	/* Both are rounded, to 3 and 2 places. */
	ck_assert_double_eq_tol(seconds * speed, DEMO_PAGES * 4096e-9,
				0.0005 * speed + 0.005 * seconds + 1e-5);
}

static const char *hash(const char *out, const char *label)
{
	const char *found = strstr(out, label);

	ck_assert_msg(found, "no '%s' in: %s", label, out);
	found += strlen(label);
	ck_assert_uint_eq(strspn(found, "0123456789abcdef"), 64);
	return found;
}

START_TEST(demo_on_a_terminal)
{
	const char *last = "All bytes are the same.\r\n", *report, *table;
	const char *command = demo_command("");
	struct outcome *outcome = run_svmctl_on_terminal("FAKE_KIND=private TERM=xterm", command);

	forget_file(command);
	ck_assert_msg(outcome->status == 0, "%s", outcome->out);
	expect_bar(outcome->out, "reading the file");
	expect_bar(outcome->out, "SHA-256");
	expect_bar(outcome->out, "system to device 0");
	expect_bar(outcome->out, "device 0 to device 1");
	expect_bar(outcome->out, "CPU reads");

	/* The bar has given its line back, and does not come again. */
	report = strstr(outcome->out, strrchr(command, ' ') + 1);
	ck_assert_ptr_nonnull(report);
	ck_assert_int_eq(report[-2], ' ');
	ck_assert_int_eq(report[-1], '\r');
	ck_assert_ptr_null(strchr(report, '#'));

	table = strstr(report, "STEP ");
	ck_assert_ptr_nonnull(table);
	expect_speed(table, "system to device 0");
	expect_speed(table, "device 0 to device 1");
	expect_speed(table, "CPU reads, pages come home");
	ck_assert_int_eq(strncmp(hash(report, "SHA-256 before  "),
				 hash(report, "SHA-256 after   "), 64), 0);
	ck_assert_str_eq(report + strlen(report) - strlen(last), last);
}
END_TEST

TCase *demo_case(void)
{
	TCase *tc = tcase_create("demo");

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, demo_moves_everything, 0, 4);
	tcase_add_loop_test(tc, demo_fails_when_it_must, 0, 7);
	tcase_add_loop_test(tc, demo_believes_no_driver, 0, 7);
	tcase_add_test(tc, demo_wants_a_large_file);
	tcase_add_test(tc, demo_on_a_terminal);
	return tc;
}
