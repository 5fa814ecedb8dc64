// SPDX-License-Identifier: MIT
/*
 * svmctl demo: the driver's main job on real memory. A file is read into memory
 * of malloc(), moved to a device, to the next one, and read back by the CPU;
 * every step is proved by where the pages are, and the whole by a hash.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "demo.h"
#include "pagemap.h"
#include "svmctl.h"
#include "units.h"

static int check_memory(struct demo *demo)
{
	struct amdsvm_ioctl_get_caps_args caps;
	int ret = amdsvm_get_caps(demo->ctx, &caps);

	if (ret)
		return failed("cannot ask the driver what it can do: %s", strerror(-ret));
	if (caps.memory_kind == AMDSVM_MEMORY_NONE)
		return failed("there is no device memory to move to: %s; %s",
			      memory_reason_text(caps.memory_reason),
			      memory_reason_advice(caps.memory_reason));
	return SVMCTL_OK;
}

static int find_devices(struct demo *demo)
{
	int ret = amdsvm_get_devices(demo->ctx, &demo->devices, &demo->ndevices);

	if (ret)
		return failed("cannot list the devices: %s", strerror(-ret));
	if (!demo->ndevices)
		return failed("there is no device: 'svmctl doctor' says why");
	/* The indices of devices are bits of a 64-bit mask. */
	if (demo->ndevices > 64)
		demo->ndevices = 64;
	return SVMCTL_OK;
}

static int choose_file(struct demo *demo)
{
	if (demo->path)
		return SVMCTL_OK;

	demo->path = demo->found = demo_find_file();
	if (!demo->path)
		return failed("found no file of at least 64 MiB: name one, as in 'svmctl demo FILE'");
	return SVMCTL_OK;
}

static int check_room(const struct demo *demo)
{
	size_t i, used = demo->ndevices > 1 ? 2 : 1;
	char needed[UNITS_TEXT], left[UNITS_TEXT];
	uint64_t room;

	for (i = 0; i < used; i++) {
		room = demo->devices[i].vram_bytes - demo->devices[i].vram_used_bytes;
		if (room < demo->bytes)
			return failed("%s needs %s and device %u has %s left: name a smaller file, or make room with 'svmctl evict %u'",
				      demo->path, format_bytes(demo->bytes, needed),
				      demo->devices[i].index, format_bytes(room, left),
				      demo->devices[i].index);
	}
	return SVMCTL_OK;
}

/* Devices may use the memory from here on; it stays where it is. */
static int share_memory(struct demo *demo)
{
	struct amdsvm_ioctl_svm_attribute attrs[64];
	struct demo_step *step = demo_begin(demo, "file in system memory");
	size_t i;
	int ret;

	for (i = 0; i < demo->ndevices; i++) {
		attrs[i].type = AMDSVM_IOCTL_SVM_ATTR_ACCESS;
		attrs[i].value = demo->devices[i].gpu_id;
	}
	ret = amdsvm_set_attr(demo->ctx, (uintptr_t)demo->memory, demo->bytes, attrs,
			      demo->ndevices);
	if (ret)
		return call_failed("sharing the memory", getpid(), ret);

	ret = amdsvm_get_counters(demo->ctx, &demo->counters);
	if (ret)
		return failed("cannot read the counters: %s", strerror(-ret));
	return demo_end(demo, step, AMDSVM_IOCTL_SVM_LOCATION_SYSMEM);
}

static int move_out(struct demo *demo)
{
	char name[48];
	int ret;

	snprintf(name, sizeof(name), "system to device %u", demo->devices[0].index);
	ret = demo_move(demo, demo->devices[0].gpu_id, name);
	if (ret || demo->ndevices < 2)
		return ret;

	snprintf(name, sizeof(name), "device %u to device %u", demo->devices[0].index,
		 demo->devices[1].index);
	return demo_move(demo, demo->devices[1].gpu_id, name);
}

/*
 * Private memory comes home because the CPU touches it. Coherent memory is read
 * where it is, and comes home when asked.
 */
static int read_back(struct demo *demo)
{
	const struct amdsvm_device_info *last = &demo->devices[demo->ndevices > 1];
	bool coherent = last->memory_kind == AMDSVM_MEMORY_COHERENT;
	struct demo_step *step;
	double begin;
	int ret;

	step = demo_begin(demo, coherent ? "CPU reads in place" : "CPU reads, pages come home");
	begin = demo_seconds();
	demo_touch(demo, "CPU reads");
	step->seconds = demo_seconds() - begin;
	step->timed = true;
	ret = demo_end(demo, step, coherent ? last->gpu_id : AMDSVM_IOCTL_SVM_LOCATION_SYSMEM);
	if (ret || !coherent)
		return ret;

	/* The bytes must be right there, too. */
	demo_hash(demo, demo->sha_after);
	if (strcmp(demo->sha_before, demo->sha_after))
		return failed("the bytes changed on their way to device %u: report it",
			      last->index);
	return demo_move(demo, AMDSVM_IOCTL_SVM_LOCATION_SYSMEM, "device to system");
}

static int run_steps(struct demo *demo)
{
	int ret = share_memory(demo);

	if (!ret)
		ret = move_out(demo);
	if (!ret)
		ret = read_back(demo);
	if (ret)
		return ret;

	demo_hash(demo, demo->sha_after);
	if (strcmp(demo->sha_before, demo->sha_after))
		return failed("the bytes are not what they were: report it");
	return SVMCTL_OK;
}

static int demonstrate(struct demo *demo, bool json)
{
	int ret;

	ret = check_memory(demo);
	if (!ret)
		ret = find_devices(demo);
	if (!ret)
		ret = choose_file(demo);
	if (!ret)
		ret = demo_read_file(demo);
	if (!ret)
		ret = check_room(demo);
	if (ret)
		return ret;

	demo->pagemap_fd = pagemap_open(0);
	if (demo->pagemap_fd < 0)
		return failed("cannot open /proc/self/pagemap: %s",
			      strerror(-demo->pagemap_fd));
	demo_hash(demo, demo->sha_before);

	ret = run_steps(demo);
	demo_report(demo, json);
	close(demo->pagemap_fd);
	return ret;
}

static int run(const struct command *cmd, int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct demo demo = {0};
	bool json = false;
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
	if (argc - optind > 1)
		return misused(cmd, "'%s' is one argument too many", argv[optind + 1]);

	ret = open_driver(&demo.ctx);
	if (ret)
		return ret;

	if (optind < argc)
		demo.path = argv[optind];
	ret = demonstrate(&demo, json);

	amdsvm_free_devices(demo.devices);
	amdsvm_close(demo.ctx);
	free(demo.pages);
	free(demo.allocation);
	free(demo.found);
	return ret;
}

const struct command cmd_demo = {
	.name = "demo",
	.arguments = "[--json] [FILE]",
	.summary = "move a file's bytes to devices and back, and prove every step",
	.help = "  -j, --json  print JSON\n"
		"  FILE        a file of at least 64 MiB; without it a large one is looked for in\n"
		"              /boot, /var/cache/apt/archives, /usr and /var/lib\n"
		"\n"
		"Fails when a page is not where it must be after a step, when the CPU's page\n"
		"table or the driver's counters disagree, or a byte is not what it was.\n"
		"FRAME is '-' without CAP_SYS_ADMIN, and for pages the CPU cannot address.\n",
	.run = run,
};
