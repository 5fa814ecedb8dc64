// SPDX-License-Identifier: MIT
/*
 * svmctl doctor: whether limits of cgroups hold for memory that devices use.
 *
 * The kernel charges a process's pages to its memory cgroup, and keeps doing so
 * when they move to a device and home; the driver has what it allocates for a
 * process charged there, too. Device memory as such would be the matter of the dmem
 * controller (Linux 6.14), which the driver does not register with.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor.h"
#include "system.h"

static const char not_mounted[] =
	"the kernel has memory cgroups, and none is mounted at /sys/fs/cgroup";

#define CONTROLLERS "/sys/fs/cgroup/cgroup.controllers"

/* A word of a line with blanks between. */
static bool has_word(const char *line, const char *word)
{
	size_t length = strlen(word);
	const char *at = line;

	while ((at = strstr(at, word))) {
		if ((at == line || at[-1] == ' ') && strchr(" ", at[length]))
			return true;
		at += length;
	}
	return false;
}

/*
 * /proc/cgroups: name, hierarchy, number of cgroups, enabled. False: no such line.
 * @hierarchy: not 0 when it is mounted as version 1.
 */
static bool read_controller(const char *name, unsigned int *hierarchy, bool *enabled)
{
	char *text = read_text("/proc/cgroups", NULL), *rest = text, *line;
	unsigned int cgroups, on;
	char word[32];
	bool found = false;

	while (!found && (line = next_line(&rest)))
		if (sscanf(line, "%31s %u %u %u", word, hierarchy, &cgroups, &on) == 4 &&
		    !strcmp(word, name)) {
			*enabled = on;
			found = true;
		}
	free(text);
	return found;
}

/*
 * Neither list has it. Where nothing is mounted that does not mean much: newer
 * kernels leave out of /proc/cgroups what only version 2 has.
 */
static void no_memory_controller(struct doctor *doctor, bool mounted)
{
	if (mounted || doctor->memcg == ANSWER_NO)
		advise(add_check(doctor, "cgroup", CHECK_WARN,
				 "there are no memory cgroups here: no limit holds for what devices use"),
		       "use a kernel with CONFIG_MEMCG; in a container, delegate the controller 'memory'");
	else if (doctor->memcg == ANSWER_YES)
		add_check(doctor, "cgroup", CHECK_OK, "%s", not_mounted);
	else
		add_check(doctor, "cgroup", CHECK_OK,
			  "unknown: no cgroups are mounted at /sys/fs/cgroup");
}

static void check_memory_controller(struct doctor *doctor, const char *version2)
{
	static const char charged[] = "memory is charged to the cgroup of its process, on devices too";
	unsigned int hierarchy;
	bool enabled;

	if (has_word(version2, "memory"))
		add_check(doctor, "cgroup", CHECK_OK, "%s (version 2)", charged);
	else if (!read_controller("memory", &hierarchy, &enabled))
		no_memory_controller(doctor, version2[0]);
	else if (!enabled)
		advise(add_check(doctor, "cgroup", CHECK_WARN,
				 "memory cgroups are switched off: no limit holds for what devices use"),
		       "boot without cgroup_disable=memory");
	else if (hierarchy)
		add_check(doctor, "cgroup", CHECK_OK, "%s (version 1)", charged);
	else
		add_check(doctor, "cgroup", CHECK_OK, "%s", not_mounted);
}

void check_cgroups(struct doctor *doctor)
{
	char version2[256] = "";
	unsigned int hierarchy;
	bool enabled;

	read_line(CONTROLLERS, version2, sizeof(version2));
	check_memory_controller(doctor, version2);
	if (has_word(version2, "dmem") || read_controller("dmem", &hierarchy, &enabled))
		add_check(doctor, "dmem", CHECK_OK,
			  "the kernel has the controller of device memory; amdsvm does not use it, its limits do not hold here");
}
