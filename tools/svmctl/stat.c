// SPDX-License-Identifier: MIT
/*
 * svmctl stat: what devices did in processes, once or again and again. Where the
 * numbers come from is in stat_rows.c.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "output.h"
#include "stat_rows.h"
#include "stream.h"
#include "svmctl.h"

enum { PID, COMMAND, GPU_ID, FIRST_COUNTER, NCOLUMNS = FIRST_COUNTER + NCOUNTERS };

struct watch {
	struct amdsvm_context *ctx;	/* NULL: all processes */
	pid_t pid;			/* with @ctx */
	bool json;
	int interval_ms;		/* 0: once */
	uint64_t count;			/* 0: for ever */
	unsigned int columns[NCOLUMNS];
	size_t ncolumns;
};

/* ---- columns ------------------------------------------------------------ */

static struct output_column column_at(unsigned int column)
{
	static const struct output_column first[FIRST_COUNTER] = {
		[PID] = { "PID", ALIGN_RIGHT },
		[COMMAND] = { "COMMAND", ALIGN_LEFT },
		[GPU_ID] = { "GPU_ID", ALIGN_LEFT },
	};

	if (column < FIRST_COUNTER)
		return first[column];
	return (struct output_column){ counters[column - FIRST_COUNTER].title, ALIGN_RIGHT };
}

static void add_column(struct watch *watch, unsigned int column)
{
	size_t i;

	for (i = 0; i < watch->ncolumns; i++)
		if (watch->columns[i] == column)
			return;
	watch->columns[watch->ncolumns++] = column;
}

static void default_columns(struct watch *watch)
{
	unsigned int i;

	add_column(watch, PID);
	add_column(watch, GPU_ID);
	for (i = 0; i < NCOUNTERS; i++)
		if (counters[i].shown)
			add_column(watch, FIRST_COUNTER + i);
}

static bool add_column_named(struct watch *watch, const char *name)
{
	static const char *const first[] = { "pid", "command", "gpu_id" };
	unsigned int i;

	for (i = 0; i < NCOLUMNS; i++) {
		if (strcmp(name, i < FIRST_COUNTER ? first[i] : counters[i - FIRST_COUNTER].name))
			continue;
		add_column(watch, i);
		return true;
	}
	if (strcmp(name, "all"))
		return false;
	for (i = 0; i < NCOLUMNS; i++)
		add_column(watch, i);
	return true;
}

/* Names with commas between; behind a '+' they come to the usual ones. */
static int choose_columns(const struct command *cmd, struct watch *watch, char *list)
{
	char *name, *rest;
	size_t names = 0;

	watch->ncolumns = 0;
	if (*list == '+') {
		default_columns(watch);
		list++;
	}
	for (name = strtok_r(list, ",", &rest); name; name = strtok_r(NULL, ",", &rest), names++)
		if (!add_column_named(watch, name))
			return misused(cmd, "there is no column '%s'", name);
	if (!names)
		return misused(cmd, "--output needs the name of a column, or several with commas");
	return SVMCTL_OK;
}

/* ---- printing ----------------------------------------------------------- */

static const char *command_of(pid_t pid, char *text, size_t size)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	file = fopen(path, "re");
	if (!file || !fgets(text, size, file))
		strcpy(text, "?");
	if (file)
		fclose(file);
	text[strcspn(text, "\n")] = '\0';
	return text;
}

static void print_cell(struct libscols_line *line, size_t at, unsigned int column,
		       const struct stat_row *row)
{
	char command[32];

	if (column == PID && row->id)
		table_cell(line, at, "%d-%ju", row->pid, (uintmax_t)row->id);
	else if (column == PID)
		table_cell(line, at, "%d", row->pid);
	else if (column == COMMAND)
		table_cell(line, at, "%s", command_of(row->pid, command, sizeof(command)));
	else if (column == GPU_ID)
		table_cell(line, at, "0x%x", row->gpu_id);
	else
		table_cell(line, at, "%ju", (uintmax_t)row->values[column - FIRST_COUNTER]);
}

static void print_table(const struct watch *watch, const struct stat_rows *rows)
{
	struct output_column columns[NCOLUMNS];
	struct libscols_table *table;
	struct libscols_line *line;
	size_t i, j;

	for (i = 0; i < watch->ncolumns; i++)
		columns[i] = column_at(watch->columns[i]);
	table = table_new(columns, watch->ncolumns);
	for (i = 0; i < rows->count; i++) {
		line = table_line(table);
		for (j = 0; j < watch->ncolumns; j++)
			print_cell(line, j, watch->columns[j], &rows->rows[i]);
	}
	table_print(table);
}

/* Programs get all counters, whatever people have chosen to see. */
static void print_json(const struct watch *watch, const struct stat_rows *rows, double seconds)
{
	struct json_object *document = json_document(), *array = json_new_array(), *object;
	const struct stat_row *row;
	size_t i, j;

	if (seconds)
		json_set_double(document, "seconds", seconds);
	for (i = 0; i < rows->count; i++) {
		row = &rows->rows[i];
		object = json_new_object();
		json_set_u64(object, "pid", row->pid);
		if (row->id)
			json_set_u64(object, "id", row->id);
		json_set_string(object, "gpu_id", "0x%x", row->gpu_id);
		for (j = 0; j < NCOUNTERS; j++)
			json_set_u64(object, counters[j].name, row->values[j]);
		json_add(array, object);
	}
	json_set(document, "rows", array);
	if (watch->interval_ms)
		json_print_line(document);
	else
		json_print(document);
}

static void print_nothing(const struct stat_rows *rows)
{
	if (rows->hidden)
		printf("The processes that use devices (%zu) are not yours: run as their user or as root.\n",
		       rows->hidden);
	else
		puts("No process uses a device.");
}

static void print_rows(const struct watch *watch, const struct stat_rows *rows, double seconds)
{
	if (watch->json)
		print_json(watch, rows, seconds);
	else if (rows->count)
		print_table(watch, rows);
	else
		print_nothing(rows);
}

/* ---- once, and again and again ------------------------------------------ */

static int read_rows(const struct watch *watch, struct stat_rows *rows)
{
	int ret;

	if (watch->ctx)
		return stat_of_process(watch->ctx, watch->pid, rows);
	ret = stat_of_directory(STAT_DIRECTORY, rows);
	return ret == -ENOENT ? -ENODEV : ret;
}

static int read_failed(const struct watch *watch, int err)
{
	if (watch->ctx)
		return call_failed("stat", watch->pid, err);
	if (err == -ENODEV)
		return failed("there is no " STAT_DIRECTORY ": load the module with 'modprobe amdsvm' ('svmctl doctor' says more)");
	return failed("cannot read " STAT_DIRECTORY ": %s", strerror(-err));
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static int print_once(const struct watch *watch)
{
	struct stat_rows rows;
	int ret = read_rows(watch, &rows);

	if (ret)
		return read_failed(watch, ret);
	print_rows(watch, &rows, 0);
	stat_free(&rows);
	return SVMCTL_OK;
}

/* @before becomes what is now. */
static int print_interval(const struct watch *watch, struct stat_rows *before, double seconds)
{
	struct stat_rows now, since;
	int ret = read_rows(watch, &now);

	if (ret)
		return ret;
	ret = stat_between(before, &now, &since);
	if (!ret)
		print_rows(watch, &since, seconds);
	stat_free(&since);
	stat_free(before);
	*before = now;
	return ret;
}

/* As vmstat: first all that was, then what each interval brought. */
static int print_intervals(const struct watch *watch)
{
	int64_t last = 0, now = now_ms(), due = now;
	struct stat_rows before = {0};
	uint64_t done = 0;
	int ret = 0;

	stream_begin();
	while (!watch->count || done < watch->count) {
		if (done && !watch->json)
			putchar('\n');
		ret = print_interval(watch, &before, done ? (now - last) / 1000.0 : 0);
		if (ret || !stream_flush() || ++done == watch->count)
			break;
		last = now;
		due += watch->interval_ms;
		if (stream_poll(NULL, 0, due > now_ms() ? due - now_ms() : 0) < 0)
			break;
		now = now_ms();
	}
	stat_free(&before);

	/* The process has ended: so has what was to be seen of it. */
	if (!ret || (ret == -ESRCH && done))
		return SVMCTL_OK;
	return read_failed(watch, ret);
}

static int parse_arguments(const struct command *cmd, int argc, char **argv, struct watch *watch)
{
	if (argc > 2)
		return misused(cmd, "'%s' is one argument too many", argv[2]);
	if (argc && !parse_seconds(argv[0], &watch->interval_ms))
		return misused(cmd, "'%s' is no INTERVAL in seconds, as 2 or 0.5", argv[0]);
	if (argc == 2 && !parse_count(argv[1], &watch->count))
		return misused(cmd, "'%s' is no COUNT of reports", argv[1]);
	return SVMCTL_OK;
}

static int run(const struct command *cmd, int argc, char **argv)
{
	static const struct option options[] = {
		{ "pid", required_argument, NULL, 'p' },
		{ "output", required_argument, NULL, 'o' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct watch watch = {0};
	int c, ret;

	default_columns(&watch);
	opterr = 0;
	while ((c = getopt_long(argc, argv, ":p:o:jh", options, NULL)) != -1) {
		switch (c) {
		case 'p':
			if (!parse_pid(optarg, &watch.pid))
				return misused(cmd, "'%s' is no process id", optarg);
			break;
		case 'o':
			ret = choose_columns(cmd, &watch, optarg);
			if (ret)
				return ret;
			break;
		case 'j':
			watch.json = true;
			break;
		case 'h':
			return print_command_help(cmd);
		default:
			return bad_option(cmd, c, argv);
		}
	}
	ret = parse_arguments(cmd, argc - optind, argv + optind, &watch);
	if (!ret && watch.pid)
		ret = open_process(watch.pid, &watch.ctx);
	if (ret)
		return ret;

	ret = watch.interval_ms ? print_intervals(&watch) : print_once(&watch);
	amdsvm_close(watch.ctx);
	return ret;
}

const struct command cmd_stat = {
	.name = "stat",
	.arguments = "[--pid PID] [--output COLUMNS] [--json] [INTERVAL [COUNT]]",
	.summary = "show what devices did in processes: faults, pages moved and mapped",
	.help = "  -p, --pid PID         one process; without it, all that the caller may look at\n"
		"  -o, --output COLUMNS  others than the usual ones, or '+' and more of them\n"
		"  -j, --json            print JSON, with all counters\n"
		"  INTERVAL              seconds: first all that was, then what each brought\n"
		"  COUNT                 so many reports; without it, until it is interrupted\n"
		"\n"
		"Columns: all, or of pid command gpu_id faults duplicates services overflows\n"
		"bad_accesses pages_in pages_out migrations pages_mapped pages_unmapped\n"
		"invalidations map_retries tlb_flushes evictions restores packets tables leaves\n"
		"thrash_pins clears_saved\n",
	.run = run,
};
