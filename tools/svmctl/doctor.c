// SPDX-License-Identifier: MIT
/*
 * svmctl doctor: is this machine able to run the driver, and if not, why. The
 * checks of the driver that runs are here, those of the system in doctor_*.c.
 */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor.h"
#include "output.h"
#include "system.h"

static const char *const status_names[] = {
	[CHECK_OK] = "ok",
	[CHECK_WARN] = "warn",
	[CHECK_FAIL] = "fail",
};

struct check *add_check(struct doctor *doctor, const char *name, enum check_status status,
			const char *fmt, ...)
{
	struct check *check = &doctor->checks[doctor->count++];
	va_list ap;

	if (doctor->count > DOCTOR_MAX_CHECKS)
		abort();

	check->name = name;
	check->status = status;
	check->advice[0] = '\0';
	va_start(ap, fmt);
	vsnprintf(check->text, sizeof(check->text), fmt, ap);
	va_end(ap);
	return check;
}

void advise(struct check *check, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(check->advice, sizeof(check->advice), fmt, ap);
	va_end(ap);
}

enum check_status hindrance(const struct doctor *doctor)
{
	return doctor->loaded ? CHECK_WARN : CHECK_FAIL;
}

/* A library may be newer than the driver, never of another major version. */
static void check_versions(struct doctor *doctor, struct amdsvm_context *ctx,
			   const struct amdsvm_ioctl_get_caps_args *caps)
{
	uint32_t major, minor;

	amdsvm_get_version(ctx, &major, &minor);
	if (!strcmp(caps->driver_version, amdsvm_library_version()) &&
	    minor == AMDSVM_IOCTL_MINOR_VERSION) {
		add_check(doctor, "version", CHECK_OK,
			  "driver and library %s, interface %u.%u", caps->driver_version,
			  major, minor);
		return;
	}

	advise(add_check(doctor, "version", CHECK_WARN,
			 "driver %s with interface %u.%u, library %s with interface %u.%u",
			 caps->driver_version, major, minor, amdsvm_library_version(),
			 AMDSVM_IOCTL_MAJOR_VERSION, AMDSVM_IOCTL_MINOR_VERSION),
	       "install the same release of both, then load the module again ('rmmod amdsvm; modprobe amdsvm')");
}

static void check_private(struct doctor *doctor, const struct amdsvm_ioctl_get_caps_args *caps)
{
	if (caps->features & AMDSVM_CAP_KERNEL_PRIVATE)
		add_check(doctor, "private", CHECK_OK,
			  "the kernel supports private device memory");
	else
		/* No fault by itself: the next check says whether it hurts. */
		add_check(doctor, "private", CHECK_OK,
			  "the kernel has no private device memory (CONFIG_DEVICE_PRIVATE)");
}

static void check_memory(struct doctor *doctor, const struct amdsvm_ioctl_get_caps_args *caps)
{
	struct check *check;

	if (caps->memory_kind != AMDSVM_MEMORY_NONE) {
		/* What was asked for at the module's load comes before private memory. */
		add_check(doctor, "memory", CHECK_OK, "devices have %s memory%s",
			  memory_kind_name(caps->memory_kind),
			  caps->memory_kind == AMDSVM_MEMORY_COHERENT ?
			  ", in the range that coherent_base gave" : "");
		return;
	}

	check = add_check(doctor, "memory", CHECK_WARN,
			  "devices have no memory and map system memory only: %s",
			  memory_reason_text(caps->memory_reason));
	advise(check, "%s", memory_reason_advice(caps->memory_reason));
}

static void check_devices(struct doctor *doctor, const struct amdsvm_ioctl_get_caps_args *caps)
{
	if (caps->num_devices)
		add_check(doctor, "devices", CHECK_OK, "%u ('svmctl devices' lists them)",
			  caps->num_devices);
	else
		advise(add_check(doctor, "devices", CHECK_FAIL, "there is no device"),
		       "'dmesg | grep amdsvm' says why; 'modinfo amdsvm' lists the parameters that make software devices");
}

static void check_driver(struct doctor *doctor, struct amdsvm_context *ctx)
{
	struct amdsvm_ioctl_get_caps_args caps;
	int ret = amdsvm_get_caps(ctx, &caps);

	if (ret) {
		advise(add_check(doctor, "version", CHECK_FAIL,
				 "the driver does not say what it can do: %s", strerror(-ret)),
		       "install the driver and the library of the same release");
		return;
	}

	check_versions(doctor, ctx, &caps);
	check_private(doctor, &caps);
	check_memory(doctor, &caps);
	check_devices(doctor, &caps);
}

/* From the kernel up: each line may be the reason of those below. */
static bool examine(struct doctor *doctor)
{
	struct amdsvm_context *ctx;
	unsigned int i;
	int ret;

	doctor->loaded = file_exists("/sys/module/amdsvm");
	check_kernel(doctor);
	check_options(doctor);
	newest_kernel(doctor->newest, sizeof(doctor->newest));
	read_module_file(doctor->release, &doctor->file);
	check_installed(doctor);
	check_dkms(doctor);
	check_signature(doctor);
	check_loaded(doctor);

	ret = amdsvm_open(&ctx);
	check_access(doctor, ret);
	if (!ret) {
		check_driver(doctor, ctx);
		amdsvm_close(ctx);
	}
	check_cgroups(doctor);
	check_taint(doctor);

	for (i = 0; i < doctor->count; i++)
		if (doctor->checks[i].status == CHECK_FAIL)
			return false;
	return true;
}

static void print_json(const struct doctor *doctor, bool usable)
{
	struct json_object *document = json_document(), *array = json_new_array(), *object;
	const struct check *check;
	unsigned int i;

	json_set_bool(document, "usable", usable);
	for (i = 0; i < doctor->count; i++) {
		check = &doctor->checks[i];
		object = json_new_object();
		json_set_string(object, "name", "%s", check->name);
		json_set_string(object, "status", "%s", status_names[check->status]);
		json_set_string(object, "text", "%s", check->text);
		if (check->advice[0])
			json_set_string(object, "advice", "%s", check->advice);
		json_add(array, object);
	}
	json_set(document, "checks", array);
	json_print(document);
}

static void print_checks(const struct doctor *doctor, bool usable)
{
	const struct check *check;
	unsigned int i;

	for (i = 0; i < doctor->count; i++) {
		check = &doctor->checks[i];
		printf("%-4s  %-9s  %s\n", status_names[check->status], check->name,
		       check->text);
		if (check->advice[0])
			printf("                 -> %s\n", check->advice);
	}
	printf("\n%s\n", usable ? "The driver is usable." : "The driver is not usable.");
}

static int run(const struct command *cmd, int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct doctor doctor = {0};
	bool json = false, usable;
	int c;

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

	usable = examine(&doctor);
	if (json)
		print_json(&doctor, usable);
	else
		print_checks(&doctor, usable);
	return usable ? SVMCTL_OK : SVMCTL_FAILED;
}

const struct command cmd_doctor = {
	.name = "doctor",
	.arguments = "[--json]",
	.summary = "check whether this machine can run the driver, and say what to do",
	.help = "  -j, --json  print JSON\n\n"
		"Kernel, module, DKMS, Secure Boot, permissions, devices, cgroups: a line each, ok,\n"
		"warn or fail, with what to do. Succeeds when the driver is usable, also when\n"
		"devices have no memory (warn). Root learns more than others.\n",
	.run = run,
};
