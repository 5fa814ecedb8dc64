// SPDX-License-Identifier: MIT
/*
 * svmctl run-packets: have a device execute what a script says, and look at what
 * came of it.
 */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "output.h"
#include "runner.h"
#include "svmctl.h"

int runner_failed(struct runner *runner, const struct script_statement *statement,
		  const char *format, ...)
{
	char why[400];
	va_list ap;

	va_start(ap, format);
	vsnprintf(why, sizeof(why), format, ap);
	va_end(ap);
	snprintf(runner->error, sizeof(runner->error), "%s:%u: %s: %s", runner->name,
		 statement->line, statement->name, why);
	return failed("%s", runner->error);
}

struct json_object *runner_result(struct runner *runner,
				  const struct script_statement *statement)
{
	struct json_object *result;

	if (!runner->results)
		return NULL;
	result = json_new_object();
	json_set_u64(result, "line", statement->line);
	json_set_string(result, "statement", "%s", statement->name);
	json_add(runner->results, result);
	return result;
}

/* What looks at memory, or changes how it may be used, comes after the packets before it. */
static int execute(struct runner *runner, const struct script_statement *statement)
{
	int ret;

	switch (statement->op) {
	case SCRIPT_SUBMIT:
		return runner_submit(runner);
	case SCRIPT_WAIT:
	case SCRIPT_ATTR:
	case SCRIPT_EXPECT:
	case SCRIPT_DUMP:
	case SCRIPT_SHA256:
		ret = runner_wait(runner);
		break;
	default:
		return runner_packet(runner, statement);
	}
	if (ret)
		return ret;

	switch (statement->op) {
	case SCRIPT_ATTR:
		return runner_attr(runner, statement);
	case SCRIPT_EXPECT:
		return runner_expect(runner, statement);
	case SCRIPT_DUMP:
		return runner_dump(runner, statement);
	case SCRIPT_SHA256:
		return runner_sha256(runner, statement);
	default:
		return SVMCTL_OK;
	}
}

static int execute_all(struct runner *runner)
{
	const struct script *script = runner->script;
	size_t i;
	int ret;

	ret = runner_get_memory(runner);
	for (i = 0; i < script->count && !ret; i++)
		ret = execute(runner, &script->statements[i]);
	if (!ret)
		ret = runner_wait(runner);
	runner_cancel(runner);
	runner_put_memory(runner);
	return ret;
}

static void print_json(struct runner *runner, bool good)
{
	struct json_object *document = json_document();

	json_set_string(document, "gpu_id", "0x%x", runner->gpu_id);
	json_set_bool(document, "ok", good);
	if (runner->error[0])
		json_set_string(document, "error", "%s", runner->error);
	json_set_u64(document, "jobs", runner->jobs_done);
	json_set_u64(document, "packets", runner->packets_done);
	json_set_u64(document, "traps", runner->traps);
	json_set(document, "results", runner->results);
	json_print(document);
}

static void print_sums(const struct runner *runner)
{
	printf("%ju packets in %ju submissions, %ju traps.\n", (uintmax_t)runner->packets_done,
	       (uintmax_t)runner->jobs_done, (uintmax_t)runner->traps);
}

/* With the sentence if there is no queue to be had. */
static int open_queue(struct runner *runner, const char *gpu, const struct location *location)
{
	int ret = resolve_device(runner->ctx, gpu, location, &runner->gpu_id);

	if (ret)
		return ret;
	ret = amdsvm_queue_create(runner->ctx, runner->gpu_id, &runner->queue);
	if (ret == -EOPNOTSUPP)
		return failed("the driver has no queues: install the driver and svmctl of the same release");
	if (ret)
		return failed("cannot make a queue on device %s: %s", gpu, strerror(-ret));
	ret = amdsvm_packets_new(&runner->packets);
	return ret ? failed("no memory left for packets") : SVMCTL_OK;
}

static int run_script(const struct script *script, const char *name, const char *gpu,
		      const struct location *location, bool json)
{
	struct runner runner = { .script = script, .name = name };
	int ret = open_driver(&runner.ctx);

	if (ret)
		return ret;
	ret = open_queue(&runner, gpu, location);
	if (!ret) {
		runner.results = json ? json_new_array() : NULL;
		ret = execute_all(&runner);
		if (json)
			print_json(&runner, !ret);
		else if (!ret)
			print_sums(&runner);
	}
	amdsvm_packets_free(runner.packets);
	/* The queue goes with the last file of the process. */
	amdsvm_close(runner.ctx);
	return ret;
}

static int read_script(const char *name, struct script *script)
{
	bool standard = !strcmp(name, "-");
	FILE *file = standard ? stdin : fopen(name, "re");
	bool good;

	memset(script, 0, sizeof(*script));
	if (!file)
		return failed("cannot open %s: %m", name);
	good = script_read(file, script);
	if (!standard)
		fclose(file);
	return good ? SVMCTL_OK : failed("%s:%u: %s", name, script->line, script->error);
}

static int run(const struct command *cmd, int argc, char **argv)
{
	static const struct option options[] = {
		{ "gpu", required_argument, NULL, 'g' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct location location;
	const char *gpu = "0", *why;
	struct script script;
	bool json = false;
	int c, ret;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":g:jh", options, NULL)) != -1) {
		switch (c) {
		case 'g':
			gpu = optarg;
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
	if (argc - optind != 1)
		return misused(cmd, "a FILE is needed ('-' is standard input), and nothing else");
	why = parse_device(gpu, &location);
	if (why)
		return misused(cmd, "device '%s' %s", gpu, why);

	ret = read_script(argv[optind], &script);
	if (!ret)
		ret = run_script(&script, argv[optind], gpu, &location, json);
	script_free(&script);
	return ret;
}

const struct command cmd_run_packets = {
	.name = "run-packets",
	.arguments = "[--gpu DEVICE] [--json] FILE|-",
	.summary = "have a device execute the packets of a script, and check what came of it",
	.help = "  -g, --gpu DEVICE  its index, or its gpu_id (0x...); else the first one\n"
		"  -j, --json        print JSON\n"
		"  FILE              the script; '-' is standard input\n"
		"\n"
		"A line of a script is a packet, or a statement:\n"
		"  buffer NAME BYTES [zero|sequence|sequence32|from FILE]\n"
		"  attr NAME ATTRIBUTE=VALUE...\n"
		"  submit | wait\n"
		"  expect NAME[+OFFSET] u32|u64 VALUE\n"
		"  dump NAME[+OFFSET] BYTES\n"
		"  sha256 NAME\n"
		"svmctl(8) has the packets. Succeeds when all packets were executed and all\n"
		"expectations held.\n",
	.run = run,
};
