// SPDX-License-Identifier: MIT
/*
 * svmctl query: attributes of a process's ranges, and where their pages are.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "location.h"
#include "output.h"
#include "query.h"

/* The walk over the ranges; gaps are shown only inside a RANGE asked for. */
struct query {
	struct amdsvm_context *ctx;
	const struct range *window;	/* NULL: everything with attributes */
	uint64_t next;			/* first address not shown yet */
	struct libscols_table *table;	/* NULL with JSON */
	struct json_object *array;
};

enum {
	RANGE, SIZE, PREFERRED, PREFETCH, ACCESS, IN_PLACE, FLAGS, GRANULARITY,
	SYSTEM, DEVICE, ABSENT, MAPPED, NCOLUMNS
};

static const struct output_column columns[NCOLUMNS] = {
	[RANGE] = { "RANGE", ALIGN_LEFT },
	[SIZE] = { "KIB", ALIGN_RIGHT },
	[PREFERRED] = { "PREFERRED", ALIGN_LEFT },
	[PREFETCH] = { "PREFETCH", ALIGN_LEFT },
	[ACCESS] = { "ACCESS", ALIGN_LEFT },
	[IN_PLACE] = { "IN-PLACE", ALIGN_LEFT },
	[FLAGS] = { "FLAGS", ALIGN_LEFT },
	[GRANULARITY] = { "GRAN", ALIGN_RIGHT },
	[SYSTEM] = { "SYSTEM", ALIGN_RIGHT },
	[DEVICE] = { "DEVICE", ALIGN_RIGHT },
	[ABSENT] = { "ABSENT", ALIGN_RIGHT },
	[MAPPED] = { "MAPPED", ALIGN_RIGHT },
};

static void attribute_cells(struct libscols_line *line, const struct amdsvm_range_info *range)
{
	char text[DEVICE_MASK_TEXT];

	table_cell(line, PREFERRED, "%s", format_location(range->preferred_loc, text));
	table_cell(line, PREFETCH, "%s", format_location(range->prefetch_loc, text));
	table_cell(line, ACCESS, "%s", format_device_mask(range->access, text));
	table_cell(line, IN_PLACE, "%s", format_device_mask(range->access_in_place, text));
	table_cell(line, FLAGS, "0x%x", range->flags);
	table_cell(line, GRANULARITY, "%u", range->granularity);
}

static void default_cells(struct libscols_line *line)
{
	size_t column;

	table_cell(line, PREFERRED, "default");
	for (column = PREFETCH; column <= GRANULARITY; column++)
		table_cell(line, column, "-");
}

static void show_line(struct query *query, uint64_t start, uint64_t size,
		      const struct amdsvm_range_info *range,
		      const struct amdsvm_residency_sums *sums)
{
	struct libscols_line *line = table_line(query->table);

	table_cell(line, RANGE, "0x%jx-0x%jx", (uintmax_t)start, (uintmax_t)(start + size));
	table_cell(line, SIZE, "%ju", (uintmax_t)size >> 10);
	if (range)
		attribute_cells(line, range);
	else
		default_cells(line);
	table_cell(line, SYSTEM, "%ju", (uintmax_t)sums->pages_system);
	table_cell(line, DEVICE, "%ju", (uintmax_t)sums->pages_device);
	table_cell(line, ABSENT, "%ju", (uintmax_t)sums->pages_absent);
	table_cell(line, MAPPED, "%ju", (uintmax_t)sums->pages_mapped);
}

static void show_object(struct query *query, uint64_t start, uint64_t size,
			const struct amdsvm_range_info *range,
			const struct amdsvm_residency_sums *sums)
{
	struct json_object *object = json_new_object(), *attributes;
	char text[LOCATION_TEXT];

	json_set_string(object, "start", "0x%jx", (uintmax_t)start);
	json_set_u64(object, "size", size);
	if (range) {
		attributes = json_new_object();
		json_set_string(attributes, "preferred", "%s",
				format_location(range->preferred_loc, text));
		json_set_string(attributes, "prefetch", "%s",
				format_location(range->prefetch_loc, text));
		json_set_mask(attributes, "access", range->access);
		json_set_mask(attributes, "access_in_place", range->access_in_place);
		json_set_u64(attributes, "flags", range->flags);
		json_set_u64(attributes, "granularity", range->granularity);
		json_set(object, "attributes", attributes);
	}
	json_set_u64(object, "pages_system", sums->pages_system);
	json_set_u64(object, "pages_device", sums->pages_device);
	json_set_u64(object, "pages_absent", sums->pages_absent);
	json_set_u64(object, "pages_mapped", sums->pages_mapped);
	json_add(query->array, object);
}

/* @range is NULL for memory with the default attributes. */
static int show(struct query *query, uint64_t start, uint64_t size,
		const struct amdsvm_range_info *range)
{
	struct amdsvm_residency_sums sums;
	int ret = amdsvm_residency(query->ctx, start, size, NULL, &sums);

	if (ret)
		return ret;

	if (query->table)
		show_line(query, start, size, range, &sums);
	else
		show_object(query, start, size, range, &sums);
	return 0;
}

static int show_gap(struct query *query, uint64_t end)
{
	if (!query->window || query->next >= end)
		return 0;
	return show(query, query->next, end - query->next, NULL);
}

static int show_range(const struct amdsvm_range_info *range, void *data)
{
	struct query *query = data;
	int ret = show_gap(query, range->start);

	if (ret)
		return ret;
	query->next = range->start + range->size;
	return show(query, range->start, range->size, range);
}

static int walk(struct query *query)
{
	const struct range *window = query->window;
	int ret;

	if (!window)
		return amdsvm_for_each_range(query->ctx, 0, 0, show_range, query);

	query->next = window->start;
	ret = amdsvm_for_each_range(query->ctx, window->start, window->size, show_range, query);
	return ret ? ret : show_gap(query, window->start + window->size);
}

static int query_ranges(struct amdsvm_context *ctx, pid_t pid, const struct range *window,
			bool json)
{
	struct query query = { .ctx = ctx, .window = window };
	struct json_object *document;
	int ret;

	if (json)
		query.array = json_new_array();
	else
		query.table = table_new(columns, NCOLUMNS);

	ret = walk(&query);
	if (ret) {
		scols_unref_table(query.table);
		json_object_put(query.array);
		return call_failed("query", pid, ret);
	}

	if (json) {
		document = json_document();
		json_set_u64(document, "pid", pid);
		json_set_u64(document, "page_size", sysconf(_SC_PAGESIZE));
		json_set(document, "ranges", query.array);
		json_print(document);
	} else if (scols_table_is_empty(query.table)) {
		printf("Process %d has no ranges with attributes; give a RANGE to see where its pages are.\n",
		       pid);
		scols_unref_table(query.table);
	} else {
		table_print(query.table);
	}
	return SVMCTL_OK;
}

static int run(const struct command *cmd, int argc, char **argv)
{
	static const struct option options[] = {
		{ "pid", required_argument, NULL, 'p' },
		{ "pages", no_argument, NULL, 'P' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	bool json = false, pages = false;
	struct amdsvm_context *ctx;
	struct range range;
	const char *why;
	pid_t pid = 0;
	int c, ret;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":p:Pjh", options, NULL)) != -1) {
		switch (c) {
		case 'p':
			if (!parse_pid(optarg, &pid))
				return misused(cmd, "'%s' is no process id", optarg);
			break;
		case 'P':
			pages = true;
			break;
		case 'j':
			json = true;
			break;
		case 'h':
			return print_command_help(cmd);
		default:
			return bad_option(cmd, c, argv);
		}
	}
	if (!pid)
		return misused(cmd, "--pid PID is missing");
	if (argc - optind > 1)
		return misused(cmd, "'%s' is one argument too many", argv[optind + 1]);
	if (pages && optind == argc)
		return misused(cmd, "--pages needs a RANGE");
	if (optind < argc) {
		why = parse_range(argv[optind], sysconf(_SC_PAGESIZE), &range);
		if (why)
			return misused(cmd, "range '%s' %s", argv[optind], why);
	}

	ret = open_process(pid, &ctx);
	if (ret)
		return ret;

	if (pages)
		ret = query_pages(ctx, pid, &range, json);
	else
		ret = query_ranges(ctx, pid, optind < argc ? &range : NULL, json);
	amdsvm_close(ctx);
	return ret;
}

const struct command cmd_query = {
	.name = "query",
	.arguments = "--pid PID [--pages] [--json] [RANGE]",
	.summary = "show a process's ranges: attributes, and where their pages are",
	.help = "  -p, --pid PID  the process; it must have /dev/amdsvm open\n"
		"  -P, --pages    show each page of RANGE: CPU page table, frame, location\n"
		"  -j, --json     print JSON\n"
		"  RANGE          START+SIZE, START-END or START (one page); hexadecimal with 0x,\n"
		"                 or decimal; K, M and G are known. Without RANGE: all ranges\n"
		"                 that have attributes.\n"
		"\n"
		"FRAME is '-' without CAP_SYS_ADMIN, and for pages that the CPU cannot address.\n"
		"FLAGS is a mask of AMDSVM_IOCTL_SVM_FLAG_*, GRAN the log2 of the pages that\n"
		"migrate together, SYSTEM to MAPPED are numbers of pages.\n",
	.run = run,
};
