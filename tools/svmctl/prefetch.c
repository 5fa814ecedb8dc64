// SPDX-License-Identifier: MIT
/*
 * svmctl prefetch: move memory of a process to a device or home.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "location.h"
#include "output.h"
#include "range.h"
#include "svmctl.h"

static const struct output_column columns[] = {
	{ "PAGES", ALIGN_RIGHT },
	{ "WHAT BECAME OF THEM", ALIGN_LEFT },
};

static void print_table(const struct amdsvm_prefetch_result *result)
{
	const struct {
		uint64_t pages;
		const char *what;
	} rows[] = {
		{ result->pages_moved, "moved" },
		{ result->pages_cleared, "cleared there (never touched before)" },
		{ result->pages_already, "already there" },
		{ result->pages_no_space, "stayed: no space there" },
		{ result->pages_busy, "stayed: busy (pinned, locked or moving)" },
		{ result->pages_unmovable, "stayed: unmovable (shared or file memory, no page)" },
	};
	struct libscols_table *table = table_new(columns, 2);
	struct libscols_line *line;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		line = table_line(table);
		table_cell(line, 0, "%ju", (uintmax_t)rows[i].pages);
		table_cell(line, 1, "%s", rows[i].what);
	}
	table_print(table);
}

static void print_json(pid_t pid, const struct range *range, uint32_t gpu_id, int err,
		       const struct amdsvm_prefetch_result *result)
{
	struct json_object *document = json_document();
	char text[LOCATION_TEXT];

	json_set_u64(document, "pid", pid);
	json_set_string(document, "start", "0x%jx", (uintmax_t)range->start);
	json_set_u64(document, "size", range->size);
	json_set_string(document, "location", "%s", format_location(gpu_id, text));
	if (err)
		json_set_string(document, "error", "%s", error_name(-err));
	json_set_u64(document, "pages_moved", result->pages_moved);
	json_set_u64(document, "pages_cleared", result->pages_cleared);
	json_set_u64(document, "pages_already", result->pages_already);
	json_set_u64(document, "pages_no_space", result->pages_no_space);
	json_set_u64(document, "pages_busy", result->pages_busy);
	json_set_u64(document, "pages_unmovable", result->pages_unmovable);
	json_print(document);
}

/* These have counts to show before they have a sentence to say. */
static bool has_counts(int err)
{
	return !err || err == -ENOSPC || err == -EBUSY || err == -ENOMEM || err == -EINTR;
}

static int prefetch(struct amdsvm_context *ctx, pid_t pid, const struct range *range,
		    uint32_t gpu_id, bool json)
{
	struct amdsvm_prefetch_result result = {0};
	int ret = amdsvm_prefetch(ctx, range->start, range->size, gpu_id, &result);

	if (json && has_counts(ret))
		print_json(pid, range, gpu_id, ret, &result);
	else if (has_counts(ret))
		print_table(&result);
	return ret ? call_failed("prefetch", pid, ret) : SVMCTL_OK;
}

static int run(const struct command *cmd, int argc, char **argv)
{
	static const struct option options[] = {
		{ "pid", required_argument, NULL, 'p' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct amdsvm_context *ctx;
	struct location location;
	struct range range;
	bool json = false;
	uint32_t gpu_id;
	const char *why;
	pid_t pid = 0;
	int c, ret;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":p:jh", options, NULL)) != -1) {
		switch (c) {
		case 'p':
			if (!parse_pid(optarg, &pid))
				return misused(cmd, "'%s' is no process id", optarg);
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
	if (argc - optind != 2)
		return misused(cmd, "RANGE and LOCATION are needed, and nothing else");
	why = parse_range(argv[optind], sysconf(_SC_PAGESIZE), &range);
	if (why)
		return misused(cmd, "range '%s' %s", argv[optind], why);
	why = parse_location(argv[optind + 1], &location);
	if (!why && location.kind == LOCATION_ALL)
		why = "is no place to move memory to";
	if (why)
		return misused(cmd, "location '%s' %s", argv[optind + 1], why);

	ret = open_process(pid, &ctx);
	if (ret)
		return ret;
	ret = resolve_device(ctx, argv[optind + 1], &location, &gpu_id);
	if (!ret)
		ret = prefetch(ctx, pid, &range, gpu_id, json);
	amdsvm_close(ctx);
	return ret;
}

const struct command cmd_prefetch = {
	.name = "prefetch",
	.arguments = "--pid PID [--json] RANGE LOCATION",
	.summary = "move memory of a process to a device or to system memory, now",
	.help = "  -p, --pid PID  the process; it must have /dev/amdsvm open\n"
		"  -j, --json     print JSON\n"
		"  RANGE          START+SIZE, START-END or START (one page); hexadecimal with 0x,\n"
		"                 or decimal; K, M and G are known\n"
		"  LOCATION       system, a device's index, or its gpu_id (0x...)\n"
		"\n"
		"Pages that stay behind are counted and no failure, as long as some moved.\n"
		"It takes the same user as the process or CAP_SYS_PTRACE, and CAP_SYS_NICE.\n",
	.run = run,
};
