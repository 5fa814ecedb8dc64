// SPDX-License-Identifier: MIT
/*
 * svmctl stat: counters from a directory, differences, columns, intervals.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stat_rows.h"
#include "test.h"

static char top[] = "/tmp/svmctl-stat-XXXXXX";

static void make_top(void)
{
	ck_assert_ptr_nonnull(mkdtemp(top));
}

static void remove_top(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", top);
	ck_assert_int_eq(system(command), 0);
}

static void write_counter(const char *process, const char *device, const char *name,
			  unsigned int value)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", top, process);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/%s/%s", top, process, device);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/%s/%s/%s", top, process, device, name);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fprintf(file, "%u\n", value);
	fclose(file);
}

static void write_counters(const char *process, const char *device, unsigned int first)
{
	unsigned int i;

	for (i = 0; i < NCOUNTERS; i++)
		write_counter(process, device, counters[i].name, first + i);
}

START_TEST(directories)
{
	struct stat_rows rows;
	unsigned int i;

	write_counters("200", "00001001", 50);
	write_counters("200", "00001000", 100);
	write_counters("30", "00001000", 200);
	write_counters("200-7", "00001000", 300);
	/* What is no process and no device. */
	write_counters("power", "00001000", 1);
	write_counters("200", "power", 1);
	/* A process that is ending. */
	write_counter("40", "00001000", "later", 1);
	/* An older driver, without the last counters. */
	write_counter("50", "00001000", "faults", 9);

	ck_assert_int_eq(stat_of_directory(top, &rows), 0);
	ck_assert_uint_eq(rows.count, 5);
	ck_assert_uint_eq(rows.hidden, 0);
	ck_assert_int_eq(rows.rows[0].pid, 30);
	ck_assert_int_eq(rows.rows[1].pid, 50);
	ck_assert_uint_eq(rows.rows[1].values[0], 9);
	ck_assert_uint_eq(rows.rows[1].values[NCOUNTERS - 1], 0);
	ck_assert_uint_eq(rows.rows[2].gpu_id, 0x1000);
	ck_assert_uint_eq(rows.rows[3].gpu_id, 0x1001);
	ck_assert_uint_eq(rows.rows[4].id, 7);
	for (i = 0; i < NCOUNTERS; i++)
		ck_assert_uint_eq(rows.rows[3].values[i], 50 + i);
	stat_free(&rows);
}
END_TEST

START_TEST(no_directory)
{
	struct stat_rows rows;

	ck_assert_int_eq(stat_of_directory("/nowhere", &rows), -ENOENT);
	ck_assert_int_eq(stat_of_directory(top, &rows), 0);
	ck_assert_uint_eq(rows.count, 0);
	stat_free(&rows);
}
END_TEST

/* Root may read everything, so it must be somebody else who looks. */
START_TEST(of_others)
{
	struct stat_rows rows;
	char path[128];

	write_counters("30", "00001000", 200);
	snprintf(path, sizeof(path), "%s/30/00001000/faults", top);
	ck_assert_int_eq(chmod(path, 0), 0);
	if (!geteuid()) {
		chmod(top, 0755);
		ck_assert_int_eq(seteuid(65534), 0);
	}
	ck_assert_int_eq(stat_of_directory(top, &rows), 0);
	if (!getuid())
		ck_assert_int_eq(seteuid(0), 0);
	ck_assert_uint_eq(rows.count, 0);
	ck_assert_uint_eq(rows.hidden, 1);
	stat_free(&rows);
}
END_TEST

START_TEST(differences)
{
	struct stat_row old[] = {
		{ .pid = 1, .gpu_id = 5, .values = { 10, 20 } },
		{ .pid = 3, .gpu_id = 5, .values = { 10, 20 } },
	};
	struct stat_row new[] = {
		{ .pid = 1, .gpu_id = 5, .values = { 15, 20 } },
		{ .pid = 2, .gpu_id = 5, .values = { 7 } },
		/* The number has been given to another one. */
		{ .pid = 3, .gpu_id = 5, .values = { 2, 21 } },
	};
	struct stat_rows before = { .rows = old, .count = 2 }, since;
	struct stat_rows now = { .rows = new, .count = 3, .hidden = 4 };

	old[0].values[NCOUNTERS - 3] = 3;
	new[0].values[NCOUNTERS - 3] = 4;
	ck_assert_int_eq(stat_between(&before, &now, &since), 0);
	ck_assert_uint_eq(since.count, 3);
	ck_assert_uint_eq(since.hidden, 4);
	ck_assert_uint_eq(since.rows[0].values[0], 5);
	ck_assert_uint_eq(since.rows[0].values[1], 0);
	/* Leaves are what there is now. */
	ck_assert_uint_eq(since.rows[0].values[NCOUNTERS - 3], 4);
	ck_assert_uint_eq(since.rows[1].values[0], 7);
	ck_assert_uint_eq(since.rows[2].values[0], 2);
	stat_free(&since);
}
END_TEST

/* ---- the command -------------------------------------------------------- */

static struct outcome *stat_myself(const char *environment, const char *arguments)
{
	char command[128];

	be_a_target();
	snprintf(command, sizeof(command), "stat --pid %d %s", getpid(), arguments);
	return run_svmctl(environment, command);
}

START_TEST(json)
{
	struct outcome *outcome = stat_myself("FAKE_FAULTS=11", "--json");
	struct json_object *document = json_of(outcome), *rows;

	ck_assert_int_eq(outcome->status, 0);
	rows = json_member(document, "rows");
	ck_assert_uint_eq(json_object_array_length(rows), 2);
	ck_assert_int_eq(number(element(rows, 1), "pid"), getpid());
	ck_assert_str_eq(string(element(rows, 1), "gpu_id"), "0x1001");
	ck_assert_int_eq(number(element(rows, 1), "faults"), 11);
	ck_assert_int_eq(number(element(rows, 1), "leaves"), 0);
	json_object_put(document);
}
END_TEST

START_TEST(columns)
{
	struct outcome *outcome = stat_myself("FAKE_FAULTS=11", "");

	ck_assert_int_eq(outcome->status, 0);
	ck_assert_ptr_nonnull(strstr(outcome->out, "FAULTS"));
	ck_assert_ptr_null(strstr(outcome->out, "TABLES"));
	/* A terminal has 80 columns. */
	ck_assert_uint_le(strchr(outcome->out, '\n') - outcome->out, 80);
	outcome = stat_myself("", "--output faults,gpu_id");
	ck_assert_str_eq(outcome->out, "FAULTS GPU_ID\n     0 0x1000\n     0 0x1001\n");
	outcome = stat_myself("", "-o +tables,faults");
	ck_assert_ptr_nonnull(strstr(outcome->out, "PACKETS TABLES\n"));
	outcome = stat_myself("", "-o all");
	ck_assert_ptr_nonnull(strstr(outcome->out, "COMMAND"));
	ck_assert_ptr_nonnull(strstr(outcome->out, "svmctl-test"));
}
END_TEST

START_TEST(intervals)
{
	struct outcome *outcome = stat_myself("FAKE_FAULTS=11", "--json 0.01 3");
	struct json_object *document, *row;
	const char *line = outcome->out;
	int i;

	ck_assert_int_eq(outcome->status, 0);
	for (i = 0; i < 3; i++) {
		document = json_tokener_parse(line);
		row = element(json_member(document, "rows"), 0);
		/* First all that was, then what was since. */
		ck_assert_int_eq(number(row, "faults"), i ? 0 : 11);
		ck_assert_int_eq(json_object_object_get_ex(document, "seconds", NULL), !!i);
		json_object_put(document);
		line = strchr(line, '\n') + 1;
	}
	ck_assert_str_eq(line, "");
}
END_TEST

START_TEST(without_the_driver)
{
	struct outcome *outcome = run_svmctl("", "stat");

	if (!access(STAT_DIRECTORY, F_OK))
		return;
	ck_assert_int_eq(outcome->status, 1);
	ck_assert_ptr_nonnull(strstr(outcome->err, "modprobe amdsvm"));
}
END_TEST

TCase *stat_case(void)
{
	TCase *tc = tcase_create("stat");

	tcase_add_checked_fixture(tc, make_top, remove_top);
	tcase_add_test(tc, directories);
	tcase_add_test(tc, no_directory);
	tcase_add_test(tc, of_others);
	tcase_add_test(tc, differences);
	tcase_add_test(tc, json);
	tcase_add_test(tc, columns);
	tcase_add_test(tc, intervals);
	tcase_add_test(tc, without_the_driver);
	return tc;
}
