// SPDX-License-Identifier: MIT
/*
 * svmctl doctor on machines made for it: what all lines have in common, the kernel,
 * the cgroups, and programs that do not end.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "machine.h"
#include "test.h"

START_TEST(all_is_well)
{
	static const char *const names[] = {
		"kernel", "options", "installed", "dkms", "lockdown", "signature", "key", "module",
		"file", "version", "private", "memory", "devices", "cgroup", "taint",
	};
	struct outcome *outcome = machine_doctor(NULL, "--json");
	struct json_object *document = json_of(outcome), *checks, *advice;
	size_t i;

	checks = json_member(document, "checks");
	for (i = 0; i < json_object_array_length(checks); i++) {
		ck_assert_str_eq(string(element(checks, i), "name"), names[i]);
		ck_assert_msg(!strcmp(string(element(checks, i), "status"), "ok"), "%s", outcome->out);
		ck_assert_msg(!json_object_object_get_ex(element(checks, i), "advice", &advice),
			      "%s", outcome->out);
	}
	ck_assert_uint_eq(i, sizeof(names) / sizeof(names[0]));
	ck_assert_int_eq(outcome->status, 0);
	ck_assert_str_eq(outcome->err, "");
	json_object_put(document);

	outcome = machine_doctor(NULL, "");
	ck_assert_ptr_nonnull(strstr(outcome->out, "\nThe driver is usable.\n"));
	ck_assert_ptr_null(strstr(outcome->out, "->"));
	ck_assert_int_eq(outcome->status, 0);
}
END_TEST

/* Nothing of what it asks is there. */
START_TEST(an_empty_machine)
{
	static const char *const gone[] = {
		"/boot", "/etc", "/lib", "/answers", "/proc", "/sys", "/usr",
	};
	struct outcome *outcome;
	size_t i;

	for (i = 0; i < sizeof(gone) / sizeof(gone[0]); i++)
		machine_put(gone[i], NULL);
	outcome = machine_doctor("FAKE_OPEN_ERROR=2", "");
	ck_assert_int_eq(outcome->status, 1);
	ck_assert_str_eq(outcome->err, "");
	ck_assert_ptr_nonnull(strstr(outcome->out, "fail  dkms       DKMS is not installed"));
	ck_assert_ptr_nonnull(strstr(outcome->out, "\nThe driver is not usable.\n"));
}
END_TEST

static const struct doctor_case kernels[] = {
	{ "another machine", "FAKE_MACHINE=aarch64", {}, "kernel", "warn", "aarch64", "64-bit" },
	{ "an old kernel", "FAKE_RELEASE=5.10.0-9-amd64 FAKE_OPEN_ERROR=2",
	  { { "/sys/module/amdsvm", NULL } },
	  "kernel", "fail", "5.10.0-9-amd64 is too old; the driver needs Linux 6.1", "newer kernel" },
	{ "the oldest one", "FAKE_RELEASE=6.1.0-9-amd64", {}, "kernel", "ok", "6.1.0-9-amd64", NULL },
	{ "one before it", "FAKE_RELEASE=6.0.0", {}, "kernel", "warn", "too old", "newer kernel" },
	{ "configuration of /boot", NULL, {},
	  "options", "ok", "with CONFIG_DEVICE_PRIVATE, with CONFIG_MEMCG (/boot/config-" KERNEL ")",
	  NULL },
	{ "no private memory", NULL,
	  { { "/boot/config-" KERNEL, "CONFIG_MMU_NOTIFIER=y\nCONFIG_HMM_MIRROR=y\n"
	      "CONFIG_ZONE_DEVICE=y\nCONFIG_DEVICE_MIGRATION=y\nCONFIG_GET_FREE_REGION=m\n"
	      "# CONFIG_DEVICE_PRIVATE is not set\nCONFIG_MEMCG_V1=y\n" } },
	  "options", "ok", "without CONFIG_DEVICE_PRIVATE, without CONFIG_MEMCG", NULL },
	{ "options missing", "FAKE_OPEN_ERROR=2",
	  { { "/sys/module/amdsvm", NULL },
	    { "/boot/config-" KERNEL, "CONFIG_MMU_NOTIFIER=y\n# CONFIG_HMM_MIRROR is not set\n"
	      "CONFIG_ZONE_DEVICE=n\nXCONFIG_DEVICE_MIGRATION=y\nCONFIG_GET_FREE_REGION=y\n" } },
	  "options", "fail", "lacks CONFIG_HMM_MIRROR, CONFIG_ZONE_DEVICE, CONFIG_DEVICE_MIGRATION (",
	  "start a kernel that has it" },
	{ "options missing, and it runs", NULL,
	  { { "/boot/config-" KERNEL, "CONFIG_64BIT=y\n" } },
	  "options", "warn", "lacks CONFIG_MMU_NOTIFIER", "start a kernel" },
	{ "configuration of Fedora", NULL,
	  { { "/boot/config-" KERNEL, NULL },
	    { "/lib/modules/" KERNEL "/config", "CONFIG_64BIT=y\n" } },
	  "options", "warn", "(/lib/modules/" KERNEL "/config)", "start a kernel" },
	{ "configuration of the headers", NULL,
	  { { "/boot/config-" KERNEL, NULL },
	    { "/lib/modules/" KERNEL "/build/.config", "CONFIG_64BIT=y\n" } },
	  "options", "warn", "(/lib/modules/" KERNEL "/build/.config)", "start a kernel" },
	{ "configuration of the kernel", NULL,
	  { { "/boot/config-" KERNEL, NULL }, { "/proc/config.gz", "packed" },
	    { "/usr/bin/gzip", "#!/bin/sh\n[ \"$*\" = '-dc /proc/config.gz' ] && echo CONFIG_HMM_MIRROR=y\n" } },
	  "options", "warn", "lacks CONFIG_MMU_NOTIFIER, CONFIG_ZONE_DEVICE", "start a kernel" },
	{ "that does not unpack", NULL,
	  { { "/boot/config-" KERNEL, NULL }, { "/proc/config.gz", "packed" },
	    { "/usr/bin/gzip", "#!/bin/sh\nexit 1\n" } },
	  "options", "ok", "unknown, but the driver runs", NULL },
	{ "no configuration, not loaded", "FAKE_OPEN_ERROR=2",
	  { { "/boot/config-" KERNEL, NULL }, { "/sys/module/amdsvm", NULL } },
	  "options", "warn", "unknown: there is no configuration", "/boot/config-" KERNEL },
	{ "an oops before", NULL, { { "/proc/sys/kernel/tainted", "128\n" } },
	  "taint", "warn", "an oops (taint 128)", "reboot" },
	{ "cgroups of version 1", NULL,
	  { { "/sys/fs/cgroup", NULL }, { "/proc/cgroups", "cpu\t1\t1\t1\nmemory\t4\t63\t1\n" } },
	  "cgroup", "ok", "on devices too (version 1)", NULL },
	{ "cgroups of version 2", NULL, {}, "cgroup", "ok", "on devices too (version 2)", NULL },
	{ "cgroups not mounted", NULL,
	  { { "/sys/fs/cgroup", NULL }, { "/proc/cgroups", "memory\t0\t1\t1\n" } },
	  "cgroup", "ok", "none is mounted", NULL },
	{ "memory cgroups switched off", NULL,
	  { { "/sys/fs/cgroup/cgroup.controllers", "cpu pids\n" },
	    { "/proc/cgroups", "memory\t0\t1\t0\n" } },
	  "cgroup", "warn", "switched off: no limit holds", "cgroup_disable=memory" },
	{ "no memory cgroups", NULL,
	  { { "/sys/fs/cgroup/cgroup.controllers", "cpu memoryless xmemory pids\n" } },
	  "cgroup", "warn", "no memory cgroups here", "CONFIG_MEMCG" },
	{ "no memory cgroups in the kernel", NULL,
	  { { "/sys/fs/cgroup", NULL }, { "/boot/config-" KERNEL, "CONFIG_64BIT=y\n" } },
	  "cgroup", "warn", "no memory cgroups here", "CONFIG_MEMCG" },
	{ "memory cgroups of version 2 only, not mounted", NULL, { { "/sys/fs/cgroup", NULL } },
	  "cgroup", "ok", "none is mounted", NULL },
	{ "nothing known of cgroups", NULL,
	  { { "/sys/fs/cgroup", NULL }, { "/boot/config-" KERNEL, NULL } },
	  "cgroup", "ok", "unknown: no cgroups are mounted", NULL },
	{ "device memory cgroups", NULL,
	  { { "/sys/fs/cgroup/cgroup.controllers", "cpu memory dmem\n" } },
	  "dmem", "ok", "amdsvm does not use it", NULL },
};

START_TEST(kernel_lines)
{
	machine_case(&kernels[_i]);
}
END_TEST

/* Dead, or a zombie that nobody has buried. */
static bool is_gone(const char *pid)
{
	char path[64], line[256];
	FILE *file;
	bool gone;

	snprintf(path, sizeof(path), "/proc/%d/stat", atoi(pid));
	file = fopen(path, "re");
	if (!file)
		return true;
	gone = !fgets(line, sizeof(line), file) || strstr(line, ") Z");
	fclose(file);
	return gone;
}

/*
 * Programs that hang, that close their output and hang, that never stop talking,
 * and that leave somebody behind who could.
 */
START_TEST(programs_that_do_not_end)
{
	static const char *const scripts[] = {
		"sleep 100 & echo $! >%s/pid; wait",
		"sleep 100 >/dev/null 2>&1 & echo $! >%s/pid; exec >/dev/null 2>&1; wait",
		"yes & echo $! >%s/pid; wait",
		"sleep 100 & echo $! >%s/pid",
	};
	char script[512] = "#!/bin/sh\n", pid[32], path[256];
	struct timespec before, after;
	struct outcome *outcome;
	FILE *file;

	snprintf(script + strlen(script), sizeof(script) - strlen(script), scripts[_i],
		 machine_root());
	machine_put("/usr/sbin/dkms", script);
	clock_gettime(CLOCK_MONOTONIC, &before);
	outcome = machine_doctor(NULL, "");
	clock_gettime(CLOCK_MONOTONIC, &after);
	ck_assert_int_lt(after.tv_sec - before.tv_sec, 60);
	ck_assert_int_eq(outcome->status, 0);
	ck_assert_msg(strstr(outcome->out, "warn  dkms       unknown: 'dkms status' did not end"),
		      "%s", outcome->out);

	snprintf(path, sizeof(path), "%s/pid", machine_root());
	file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	ck_assert_ptr_nonnull(fgets(pid, sizeof(pid), file));
	fclose(file);
	ck_assert_msg(is_gone(pid), "what dkms started lives on");
}
END_TEST

TCase *doctor_case(void)
{
	TCase *tc = tcase_create("doctor");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, machine_up, machine_down);
	tcase_add_test(tc, all_is_well);
	tcase_add_test(tc, an_empty_machine);
	tcase_add_loop_test(tc, kernel_lines, 0, sizeof(kernels) / sizeof(kernels[0]));
	tcase_add_loop_test(tc, programs_that_do_not_end, 0, 4);
	return tc;
}
