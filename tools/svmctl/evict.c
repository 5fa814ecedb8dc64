// SPDX-License-Identifier: MIT
/*
 * svmctl evict: bring what lives on a device home.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "location.h"
#include "output.h"
#include "svmctl.h"

static int evict_failed(int err)
{
	switch (err) {
	case -EPERM:
		return failed("eviction concerns every process: it takes CAP_SYS_ADMIN (run as root)");
	case -ENOMEM:
		return failed("system memory ran out before all pages were home: free some and run it again");
	case -EINTR:
		return failed("interrupted before all pages were home: run it again");
	default:
		return failed("cannot evict: %s", strerror(-err));
	}
}

static void print_json(uint32_t gpu_id, uint64_t moved, uint64_t left, int err)
{
	struct json_object *document = json_document();

	if (gpu_id)
		json_set_string(document, "gpu_id", "0x%x", gpu_id);
	if (err)
		json_set_string(document, "error", "%s", error_name(-err));
	json_set_u64(document, "pages_moved", moved);
	json_set_u64(document, "pages_left", left);
	json_print(document);
}

/* @gpu_id 0: all devices. Pages that stay make the command fail. */
static int evict(struct amdsvm_context *ctx, uint32_t gpu_id, bool json)
{
	uint64_t moved = 0, left = 0;
	int ret = amdsvm_evict(ctx, gpu_id, &moved, &left);

	if (!ret || ret == -ENOMEM || ret == -EINTR) {
		if (json)
			print_json(gpu_id, moved, left, ret);
		else
			printf("%ju pages came home, %ju stayed.\n", (uintmax_t)moved,
			       (uintmax_t)left);
	}
	if (ret)
		return evict_failed(ret);
	if (left)
		return failed("some pages are in use (pinned, locked or moving): run it again later");
	return SVMCTL_OK;
}

static int run(const struct command *cmd, int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct amdsvm_context *ctx;
	struct location location;
	bool json = false;
	uint32_t gpu_id;
	const char *why;
	int c, ret;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":jh", options, NULL)) != -1) {
		switch (c) {
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
		return misused(cmd, "a DEVICE or 'all' is needed, and nothing else");
	why = parse_location(argv[optind], &location);
	if (!why && location.kind == LOCATION_SYSTEM)
		why = "is where pages are evicted to";
	if (why)
		return misused(cmd, "device '%s' %s", argv[optind], why);

	ret = open_driver(&ctx);
	if (ret)
		return ret;
	ret = resolve_device(ctx, argv[optind], &location, &gpu_id);
	if (!ret)
		ret = evict(ctx, gpu_id, json);
	amdsvm_close(ctx);
	return ret;
}

const struct command cmd_evict = {
	.name = "evict",
	.arguments = "[--json] DEVICE|all",
	.summary = "bring the pages of a device home, whoever owns them",
	.help = "  -j, --json  print JSON\n"
		"  DEVICE      a device's index, or its gpu_id (0x...)\n"
		"\n"
		"Needs CAP_SYS_ADMIN. Fails when pages stay because they are in use.\n",
	.run = run,
};
