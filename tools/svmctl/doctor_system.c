// SPDX-License-Identifier: MIT
/*
 * svmctl doctor: checks of the system that need no open /dev/amdsvm.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "doctor.h"

static bool read_line(const char *path, char *line, size_t size)
{
	FILE *file = fopen(path, "re");
	char *got;

	if (!file)
		return false;
	got = fgets(line, size, file);
	fclose(file);
	if (!got)
		return false;

	line[strcspn(line, "\n")] = '\0';
	return true;
}

bool check_module(struct doctor *doctor)
{
	char version[64];
	struct stat st;

	if (stat("/sys/module/amdsvm", &st)) {
		advise(add_check(doctor, "module", CHECK_FAIL, "the module is not loaded"),
		       "load it with 'modprobe amdsvm'; if there is no such module, 'dkms status' says whether it was built for this kernel");
		return false;
	}

	if (read_line("/sys/module/amdsvm/version", version, sizeof(version)))
		add_check(doctor, "module", CHECK_OK, "loaded, version %s", version);
	else
		add_check(doctor, "module", CHECK_OK, "loaded");
	return true;
}

void check_lockdown(struct doctor *doctor)
{
	char line[128];

	/* "[none] integrity confidentiality": the brackets are round what holds. */
	if (!read_line("/sys/kernel/security/lockdown", line, sizeof(line)) ||
	    strstr(line, "[none]"))
		return;

	advise(add_check(doctor, "lockdown", CHECK_WARN,
			 "the kernel is locked down (Secure Boot) and refuses unsigned modules"),
	       "enrol the key that DKMS signs with: 'mokutil --import /var/lib/dkms/mok.pub', then reboot and confirm");
}

void check_kernel(struct doctor *doctor)
{
	struct utsname name;

	uname(&name);
	add_check(doctor, "kernel", CHECK_OK, "%s %s %s", name.sysname, name.release,
		  name.machine);
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
