// SPDX-License-Identifier: MIT
/*
 * svmctl devices: what devices there are, and how full they are.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "output.h"
#include "svmctl.h"
#include "units.h"

static void device_json(struct json_object *array, const struct amdsvm_device_info *device)
{
	struct json_object *object = json_new_object();

	json_set_string(object, "gpu_id", "0x%x", device->gpu_id);
	json_set_u64(object, "index", device->index);
	json_set_string(object, "name", "%s", device->name);
	json_set_string(object, "memory", "%s", memory_kind_name(device->memory_kind));
	json_set_u64(object, "vram_bytes", device->vram_bytes);
	json_set_u64(object, "vram_used_bytes", device->vram_used_bytes);
	json_set_u64(object, "vram_backed_bytes", device->vram_backed_bytes);
	json_set_u64(object, "pages_in", device->pages_in);
	json_set_u64(object, "pages_out", device->pages_out);
	json_add(array, object);
}

static void print_json(const struct amdsvm_device_info *devices, size_t count)
{
	struct json_object *document = json_document();
	struct json_object *array = json_new_array();
	size_t i;

	for (i = 0; i < count; i++)
		device_json(array, &devices[i]);
	json_set(document, "devices", array);
	json_print(document);
}

enum { INDEX, GPU_ID, NAME, MEMORY, SIZE, USED, BACKED, PAGES_IN, PAGES_OUT, NCOLUMNS };

static const struct output_column columns[NCOLUMNS] = {
	[INDEX] = { "INDEX", ALIGN_RIGHT },
	[GPU_ID] = { "GPU_ID", ALIGN_LEFT },
	[NAME] = { "NAME", ALIGN_LEFT },
	[MEMORY] = { "MEMORY", ALIGN_LEFT },
	[SIZE] = { "SIZE", ALIGN_RIGHT },
	[USED] = { "USED", ALIGN_RIGHT },
	[BACKED] = { "BACKED", ALIGN_RIGHT },
	[PAGES_IN] = { "PAGES-IN", ALIGN_RIGHT },
	[PAGES_OUT] = { "PAGES-OUT", ALIGN_RIGHT },
};

static void device_line(struct libscols_table *table, const struct amdsvm_device_info *device)
{
	struct libscols_line *line = table_line(table);
	char text[UNITS_TEXT];

	table_cell(line, INDEX, "%u", device->index);
	table_cell(line, GPU_ID, "0x%x", device->gpu_id);
	table_cell(line, NAME, "%s", device->name);
	table_cell(line, MEMORY, "%s", memory_kind_name(device->memory_kind));
	table_cell(line, SIZE, "%s", format_bytes(device->vram_bytes, text));
	table_cell(line, USED, "%s", format_bytes(device->vram_used_bytes, text));
	/* Only the software device's private memory is backed as it is used. */
	if (device->memory_kind == AMDSVM_MEMORY_PRIVATE)
		table_cell(line, BACKED, "%s", format_bytes(device->vram_backed_bytes, text));
	else
		table_cell(line, BACKED, "-");
	table_cell(line, PAGES_IN, "%llu", device->pages_in);
	table_cell(line, PAGES_OUT, "%llu", device->pages_out);
}

static void print_devices(const struct amdsvm_device_info *devices, size_t count)
{
	struct libscols_table *table = table_new(columns, NCOLUMNS);
	size_t i;

	for (i = 0; i < count; i++)
		device_line(table, &devices[i]);
	table_print(table);
}

static int run(const struct command *cmd, int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct amdsvm_device_info *devices;
	struct amdsvm_context *ctx;
	bool json = false;
	size_t count;
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
	if (optind < argc)
		return misused(cmd, "'%s' is one argument too many", argv[optind]);

	ret = open_driver(&ctx);
	if (ret)
		return ret;

	ret = amdsvm_get_devices(ctx, &devices, &count);
	amdsvm_close(ctx);
	if (ret)
		return failed("cannot list the devices: %s", strerror(-ret));

	if (json)
		print_json(devices, count);
	else if (count)
		print_devices(devices, count);
	else
		puts("There are no devices.");
	amdsvm_free_devices(devices);
	return SVMCTL_OK;
}

const struct command cmd_devices = {
	.name = "devices",
	.arguments = "[--json]",
	.summary = "list the devices: memory, how full it is, pages moved in and out",
	.help = "  -j, --json  print JSON; sizes are bytes\n",
	.run = run,
};
