// SPDX-License-Identifier: MIT
/*
 * svmctl doctor: the running kernel, how it was configured, and whether something
 * went wrong in it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "doctor.h"
#include "system.h"

/* As BUILD_EXCLUSIVE_CONFIG and _KERNEL_MIN in dkms.conf; tests/static/doctor compares. */
static const char *const needed[] = {
	"CONFIG_MMU_NOTIFIER",
	"CONFIG_HMM_MIRROR",
	"CONFIG_ZONE_DEVICE",
	"CONFIG_DEVICE_MIGRATION",
	"CONFIG_GET_FREE_REGION",
};
#define MIN_MAJOR 6
#define MIN_MINOR 1

#define NEEDED (sizeof(needed) / sizeof(needed[0]))

void check_kernel(struct doctor *doctor)
{
	unsigned int major = 0, minor = 0;
	struct utsname name;

	uname(&name);
	snprintf(doctor->release, sizeof(doctor->release), "%s", name.release);
	sscanf(name.release, "%u.%u", &major, &minor);

	if (strcmp(name.machine, "x86_64"))
		advise(add_check(doctor, "kernel", hindrance(doctor),
				 "%s %s runs on %s; the driver is for x86_64", name.sysname,
				 name.release, name.machine),
		       "use a 64-bit kernel on a PC");
	else if (major < MIN_MAJOR || (major == MIN_MAJOR && minor < MIN_MINOR))
		advise(add_check(doctor, "kernel", hindrance(doctor),
				 "%s %s is too old; the driver needs Linux %d.%d", name.sysname,
				 name.release, MIN_MAJOR, MIN_MINOR),
		       "install a newer kernel and start it");
	else
		add_check(doctor, "kernel", CHECK_OK, "%s %s %s", name.sysname, name.release,
			  name.machine);
}

/* Where distributions put it; the kernel's own copy last, because it takes gzip. */
static char *read_config(const char *release, char *path, size_t size)
{
	static const char *const places[] = {
		"/boot/config-%s", "/lib/modules/%s/config", "/lib/modules/%s/build/.config",
	};
	const char *const unpack[] = { "gzip", "-dc", "/proc/config.gz", NULL };
	char *config;
	size_t i;

	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(path, size, places[i], release);
		config = read_text(path, NULL);
		if (config)
			return config;
	}

	snprintf(path, size, "%s", unpack[2]);
	if (!file_exists("%s", path))
		return NULL;
	if (!run_program(unpack, &config))
		return config;
	free(config);
	return NULL;
}

static bool is_set(const char *config, const char *option)
{
	size_t length = strlen(option);
	const char *at;

	for (at = strstr(config, option); at; at = strstr(at + 1, option))
		if ((at == config || at[-1] == '\n') && at[length] == '=' &&
		    (at[length + 1] == 'y' || at[length + 1] == 'm'))
			return true;
	return false;
}

static void options_unknown(struct doctor *doctor)
{
	/* A driver that runs has what it needs. */
	if (doctor->loaded)
		add_check(doctor, "options", CHECK_OK,
			  "the kernel's configuration is unknown, but the driver runs");
	else
		advise(add_check(doctor, "options", CHECK_WARN,
				 "unknown: there is no configuration of this kernel"),
		       "look for it in /boot/config-%s, or install the kernel's headers",
		       doctor->release);
}

void check_options(struct doctor *doctor)
{
	char path[256], missing[256] = "";
	char *config = read_config(doctor->release, path, sizeof(path));
	size_t i;

	doctor->memcg = ANSWER_UNKNOWN;
	if (!config) {
		options_unknown(doctor);
		return;
	}

	doctor->memcg = is_set(config, "CONFIG_MEMCG") ? ANSWER_YES : ANSWER_NO;
	for (i = 0; i < NEEDED; i++) {
		if (is_set(config, needed[i]))
			continue;
		strcat(missing, missing[0] ? ", " : "");
		strcat(missing, needed[i]);
	}
	if (missing[0])
		advise(add_check(doctor, "options", hindrance(doctor),
				 "the kernel lacks %s (%s)", missing, path),
		       "start a kernel that has it, as those of Debian 12 and later, Ubuntu and Fedora");
	else
		add_check(doctor, "options", CHECK_OK,
			  "the kernel has all that the driver needs, %s CONFIG_DEVICE_PRIVATE, %s CONFIG_MEMCG (%s)",
			  is_set(config, "CONFIG_DEVICE_PRIVATE") ? "with" : "without",
			  doctor->memcg == ANSWER_YES ? "with" : "without", path);
	free(config);
}

/*
 * An out-of-tree module taints the kernel by being there (O, and E when it is
 * unsigned). What matters is that something went wrong before.
 */
static const struct {
	unsigned int bit;
	const char *what;
} taints[] = {
	{ 4, "a machine check" },
	{ 5, "a bad page" },
	{ 7, "an oops" },
	{ 9, "a kernel warning" },
	{ 14, "a soft lockup" },
};

void check_taint(struct doctor *doctor)
{
	unsigned long mask;
	char line[32], found[128] = "";
	size_t i;

	if (!read_line("/proc/sys/kernel/tainted", line, sizeof(line)))
		return;
	mask = strtoul(line, NULL, 10);

	for (i = 0; i < sizeof(taints) / sizeof(taints[0]); i++) {
		if (!(mask & (1UL << taints[i].bit)))
			continue;
		if (found[0])
			strcat(found, ", ");
		strcat(found, taints[i].what);
	}

	if (!found[0]) {
		add_check(doctor, "taint", CHECK_OK, "no kernel error since boot (taint %lu)",
			  mask);
		return;
	}
	advise(add_check(doctor, "taint", CHECK_WARN, "since boot there was %s (taint %lu)",
			 found, mask),
	       "'dmesg' says where; after an oops or a bad page, reboot");
}
