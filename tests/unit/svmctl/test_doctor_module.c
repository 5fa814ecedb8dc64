// SPDX-License-Identifier: MIT
/*
 * svmctl doctor: the module's file, the module that is loaded, and what DKMS made
 * for which kernel.
 */
#include <stdio.h>

#include "machine.h"
#include "test.h"

#define NOT_LOADED { "/sys/module/amdsvm", NULL }
#define UNLOADED "FAKE_OPEN_ERROR=2"
#define ARCH ", x86_64: "
#define NEWER_KERNEL \
	{ "/lib/modules/" NEWER "/modules.builtin", "" }, \
	{ "/lib/modules/" NEWER "/build/include/config", "" }
#define FIELDS(version, kernel, source) \
	"filename:       " MODULE "\nversion:        " version "\nsrcversion:     " source \
	"\nvermagic:       " kernel " SMP\n"
#define STAND_IN \
	"filename:       " MODULE "\ndescription:    Not the driver: amdsvm does not build\n" \
	"vermagic:       " KERNEL " SMP\n"
/* As dkms/build writes it. */
#define FAILURE(kernel) \
	"make: a line of the log\n\namdsvm " SVMCTL_VERSION " does not build for Linux " kernel ": this kernel has no amdsvm.\n" \
	"Nothing else is affected. The reason:\n\n    hmm.h:3: error: a header of another time\n" \
	"    second reason\n    third reason\n    fourth reason\n\nWhat helps: a newer amdsvm.\n    dkms remove\n"
#define TREE "/var/lib/dkms/amdsvm/" SVMCTL_VERSION

static const struct doctor_case files[] = {
	{ "installed", NULL, {}, "installed", "ok",
	  MODULE ", version " SVMCTL_VERSION " as svmctl and the library", NULL },
	{ "no file", UNLOADED, { NOT_LOADED, { MODINFO(KERNEL), NULL }, { MODULE, NULL } },
	  "installed", "fail", "there is no amdsvm module for Linux " KERNEL, "the line 'dkms'" },
	{ "no file, and it runs", NULL, { { MODINFO(KERNEL), NULL }, { MODULE, NULL } },
	  "installed", "warn", "loaded by hand", "install amdsvm-dkms" },
	{ "a stand-in of dkms 3.0", UNLOADED, { NOT_LOADED, { MODINFO(KERNEL), STAND_IN } },
	  "installed", "fail", MODULE " is not the driver", "a newer amdsvm" },
	{ "depmod has not run", UNLOADED, { NOT_LOADED, { MODINFO(KERNEL), NULL } },
	  "installed", "fail", MODULE " is there, but modprobe does not find it", "depmod -a " KERNEL },
	{ "built for another kernel", UNLOADED,
	  { NOT_LOADED, { MODINFO(KERNEL), FIELDS(SVMCTL_VERSION, "6.1.0-9-amd64", "A") } },
	  "installed", "fail", "for another kernel, Linux 6.1.0-9-amd64",
	  "dkms install amdsvm/" SVMCTL_VERSION " -k " KERNEL " --force" },
	{ "another version", NULL, { { MODINFO(KERNEL), FIELDS("9.9.9", KERNEL, "AABBCC") } },
	  "installed", "warn", "is version 9.9.9, svmctl " SVMCTL_VERSION, "the same release" },
	{ "without modinfo", NULL, { { "/usr/sbin/modinfo", NULL } },
	  "installed", "warn", MODULE "; its version is unknown", "install kmod" },
	{ "without modinfo, of Fedora", NULL,
	  { { "/usr/sbin/modinfo", NULL }, { MODULE, NULL },
	    { "/lib/modules/" KERNEL "/extra/amdsvm.ko.zst", "" } },
	  "installed", "warn", "/extra/amdsvm.ko.zst; its version", "install kmod" },
	{ "loaded", NULL, {}, "module", "ok", "loaded, version " SVMCTL_VERSION, NULL },
	{ "not loaded, nothing in its way", UNLOADED, { NOT_LOADED },
	  "module", "fail", "not loaded", "load it with 'modprobe amdsvm'" },
	{ "not loaded, for want of a file", UNLOADED,
	  { NOT_LOADED, { MODINFO(KERNEL), NULL }, { MODULE, NULL } },
	  "module", "fail", "not loaded", "first do what the lines above say" },
	{ "upgraded while it runs", NULL, { { "/sys/module/amdsvm/version", "0.0.1\n" } },
	  "module", "warn", "version 0.0.1 is loaded, version " SVMCTL_VERSION " is installed",
	  "rmmod amdsvm; modprobe amdsvm" },
	{ "built again while it runs", NULL, { { "/sys/module/amdsvm/srcversion", "DDEEFF\n" } },
	  "module", "warn", "another build of " SVMCTL_VERSION " is installed", "rmmod amdsvm" },
	{ "of unknown build", NULL, { { "/sys/module/amdsvm/srcversion", NULL } },
	  "module", "ok", "loaded", NULL },
};

START_TEST(module_lines)
{
	machine_case(&files[_i]);
}
END_TEST

static const struct doctor_case builds[] = {
	{ "dkms 3", NULL, {}, "dkms", "ok", "amdsvm " SVMCTL_VERSION " is installed for Linux " KERNEL,
	  NULL },
	{ "dkms 2", NULL,
	  { { DKMS, "amdsvm, " SVMCTL_VERSION ", " KERNEL ARCH "installed\n" } },
	  "dkms", "ok", "amdsvm " SVMCTL_VERSION " is installed for Linux " KERNEL, NULL },
	{ "kABI of RHEL", NULL,
	  { { DKMS, "amdsvm/" SVMCTL_VERSION ", 5.14.0, x86_64: built\namdsvm, " SVMCTL_VERSION ", "
	      KERNEL ARCH "installed-weak from 5.14.0\n" } },
	  "dkms", "ok", "is installed for Linux " KERNEL, NULL },
	{ "a remark that does not matter", NULL,
	  { { DKMS, "amdsvm/" SVMCTL_VERSION ", " KERNEL ARCH "installed (Original modules exist)\n" } },
	  "dkms", "ok", "is installed", NULL },
	{ "changed since", NULL,
	  { { DKMS, "amdsvm/" SVMCTL_VERSION ", " KERNEL ARCH
	      "installed (WARNING! Diff between built and installed module!)\n" } },
	  "dkms", "warn", "is not as DKMS built it (WARNING!", "--force" },
	{ "changed since, dkms 3.2", NULL,
	  { { DKMS, "amdsvm/" SVMCTL_VERSION ", " KERNEL ARCH
	      "installed (Differences between built and installed modules)\n" } },
	  "dkms", "warn", "is not as DKMS built it (Differences", "--force" },
	{ "another version", NULL, { { DKMS, "amdsvm/9.9.9, " KERNEL ARCH "installed\n" } },
	  "dkms", "warn", "amdsvm 9.9.9 is installed for Linux " KERNEL ", svmctl is", "the same release" },
	{ "two versions", NULL,
	  { { DKMS, "amdsvm/9.9.9: added\namdsvm/" SVMCTL_VERSION ", " KERNEL ARCH "installed\n"
	      "amdsvm/9.9.8, " KERNEL ARCH "built\n" } },
	  "dkms", "ok", "amdsvm " SVMCTL_VERSION " is installed", NULL },
	{ "built only", NULL, { { DKMS, "amdsvm/" SVMCTL_VERSION ", " KERNEL ARCH "built\n" } },
	  "dkms", "warn", "is built but not installed for Linux " KERNEL,
	  "'dkms install amdsvm/" SVMCTL_VERSION " -k " KERNEL "' as root" },
	{ "added only", UNLOADED,
	  { NOT_LOADED, { MODINFO(KERNEL), NULL }, { MODULE, NULL },
	    { DKMS, "Deprecated feature: X\namdsvm/" SVMCTL_VERSION ": added\n" } },
	  "dkms", "fail", "is not built for Linux " KERNEL, "dkms install amdsvm/" SVMCTL_VERSION " -k "
	  KERNEL },
	{ "for another kernel only", UNLOADED,
	  { NOT_LOADED, { MODINFO(KERNEL), NULL }, { MODULE, NULL },
	    { DKMS, "amdsvm/" SVMCTL_VERSION ", 6.12.1-amd64-rt, x86_64: installed\n" } },
	  "dkms", "fail", "amdsvm " SVMCTL_VERSION " is not built for Linux " KERNEL, "dkms install" },
	{ "broken", NULL,
	  { { DKMS, "amdsvm/" SVMCTL_VERSION ": broken\nError! amdsvm: Missing the module source\n" } },
	  "dkms", "warn", "lost the sources of amdsvm " SVMCTL_VERSION,
	  "/var/lib/dkms/amdsvm/" SVMCTL_VERSION },
	{ "broken, dkms 3.0", NULL,
	  { { "/usr/sbin/dkms", "#!/bin/sh\necho 'Error! Could not locate dkms.conf file.\n"
	      "File: /var/lib/dkms/amdsvm/0.0.9/source/dkms.conf does not exist.' >&2\nexit 2\n" } },
	  "dkms", "warn", "lost the sources of amdsvm 0.0.9", "/var/lib/dkms/amdsvm/0.0.9" },
	{ "no headers, Debian", NULL,
	  { { DKMS, "amdsvm/" SVMCTL_VERSION ": added\n" }, { "/lib/modules/" KERNEL "/build", NULL } },
	  "dkms", "warn", "not built for Linux " KERNEL ": the headers of this kernel are missing",
	  "'apt install linux-headers-" KERNEL "' as root" },
	{ "no headers, Fedora", NULL,
	  { { DKMS, "amdsvm/" SVMCTL_VERSION ": added\n" }, { "/lib/modules/" KERNEL "/build", NULL },
	    { "/etc/os-release", "NAME=debian-like\nID=rocky\nID_LIKE=\"rhel centos fedora\"\n" } },
	  "dkms", "warn", "headers of this kernel are missing", "'dnf install kernel-devel-" KERNEL "'" },
	{ "no headers, who knows", NULL,
	  { { DKMS, "amdsvm/" SVMCTL_VERSION ": added\n" }, { "/lib/modules/" KERNEL "/build", NULL },
	    { "/etc/os-release", "ID=other\n" } },
	  "dkms", "warn", "headers of this kernel are missing", "install the headers of Linux " KERNEL },
	{ "does not build, dkms 3.1 and later", UNLOADED,
	  { NOT_LOADED, { MODINFO(KERNEL), NULL }, { MODULE, NULL },
	    { DKMS, "amdsvm/" SVMCTL_VERSION ": added\n" },
	    { TREE "/build/dkms/failed", FAILURE(KERNEL) } },
	  "dkms", "fail", ": hmm.h:3: error: a header of another time; second reason; third reason",
	  "dkms remove amdsvm/" SVMCTL_VERSION " -k " KERNEL "; dkms install" },
	{ "another kernel's failure", NULL,
	  { { DKMS, "amdsvm/" SVMCTL_VERSION ": added\n" },
	    { TREE "/build/dkms/failed", FAILURE(KERNEL "-rt") } },
	  "dkms", "warn", "is not built for Linux " KERNEL, "'dkms install amdsvm/" },
	{ "does not build, dkms 3.0", UNLOADED,
	  { NOT_LOADED, { MODINFO(KERNEL), STAND_IN }, { "/lib/modules/" KERNEL "/build", NULL },
	    { TREE "/" KERNEL "/x86_64/log/make.log", FAILURE(KERNEL) } },
	  "dkms", "fail", "amdsvm " SVMCTL_VERSION " does not build for Linux " KERNEL ": hmm.h:3: error",
	  "install a newer amdsvm" },
	{ "dkms does not know it", NULL, { { DKMS, "" } },
	  "dkms", "ok", "does not know amdsvm; Linux " KERNEL " has a module", NULL },
	{ "nor of a module", UNLOADED,
	  { NOT_LOADED, { MODINFO(KERNEL), NULL }, { MODULE, NULL },
	    { DKMS, "amdsvmx/1.0: added\nother/1, " KERNEL ARCH "installed\n" } },
	  "dkms", "fail", "DKMS does not know amdsvm, and Linux " KERNEL " has no module",
	  "install amdsvm-dkms" },
	{ "no dkms", NULL, { { "/usr/sbin/dkms", NULL } },
	  "dkms", "ok", "DKMS is not installed; Linux " KERNEL " has a module", NULL },
	{ "no dkms and no module", UNLOADED,
	  { NOT_LOADED, { "/usr/sbin/dkms", NULL }, { MODINFO(KERNEL), NULL }, { MODULE, NULL } },
	  "dkms", "fail", "DKMS is not installed, and", "install amdsvm-dkms" },

	{ "newest kernel has it", NULL,
	  { NEWER_KERNEL, { "/lib/modules/6.12.9-amd64/modules.builtin", "" },
	    { DKMS, "amdsvm/" SVMCTL_VERSION ", " KERNEL ARCH "installed\namdsvm/" SVMCTL_VERSION ", "
	      NEWER ARCH "installed\n" },
	    { MODINFO(NEWER), FIELDS(SVMCTL_VERSION, NEWER, "A") } },
	  "newest", "ok", "installed for Linux " NEWER, NULL },
	{ "newest kernel lacks it", NULL, { NEWER_KERNEL },
	  "newest", "warn", "amdsvm " SVMCTL_VERSION " is not built for Linux " NEWER,
	  "dkms install amdsvm/" SVMCTL_VERSION " -k " NEWER },
	{ "newest kernel lacks headers", NULL,
	  { { "/lib/modules/" NEWER "/vmlinuz", "" } },
	  "newest", "warn", "headers of this kernel are missing", "linux-headers-" NEWER },
	{ "newest kernel has a stand-in", NULL,
	  { NEWER_KERNEL, { MODINFO(NEWER), "filename:       /lib/modules/" NEWER "/x.ko\n" },
	    { DKMS, "amdsvm/" SVMCTL_VERSION ", " NEWER ARCH "installed\n" },
	    { TREE "/" NEWER "/x86_64/log/make.log", FAILURE(NEWER) } },
	  "newest", "warn", "does not build for Linux " NEWER ": hmm.h:3: error", "newer amdsvm" },
	{ "newest kernel, no dkms", NULL, { NEWER_KERNEL, { "/usr/sbin/dkms", NULL } },
	  "newest", "warn", "DKMS is not installed, and Linux " NEWER, "install amdsvm-dkms" },
};

START_TEST(build_lines)
{
	machine_case(&builds[_i]);
}
END_TEST

/* A line has room for some. */
START_TEST(reasons_are_cut)
{
	struct outcome *outcome;

	machine_put(DKMS, "amdsvm/" SVMCTL_VERSION ": added\n");
	machine_put(TREE "/build/dkms/failed", FAILURE(KERNEL));
	outcome = machine_doctor(NULL, "");
	ck_assert_ptr_nonnull(strstr(outcome->out, "third reason"));
	ck_assert_ptr_null(strstr(outcome->out, "fourth reason"));
}
END_TEST

/* What a removed kernel left is no kernel. */
START_TEST(remains_of_a_kernel)
{
	struct outcome *outcome;

	machine_put("/lib/modules/9.9.9-amd64/modules.dep", "");
	outcome = machine_doctor(NULL, "");
	ck_assert_ptr_null(strstr(outcome->out, "newest"));
	ck_assert_ptr_null(strstr(outcome->out, "9.9.9"));
}
END_TEST

TCase *doctor_module_case(void)
{
	TCase *tc = tcase_create("doctor_module");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, machine_up, machine_down);
	tcase_add_loop_test(tc, module_lines, 0, sizeof(files) / sizeof(files[0]));
	tcase_add_loop_test(tc, build_lines, 0, sizeof(builds) / sizeof(builds[0]));
	tcase_add_test(tc, reasons_are_cut);
	tcase_add_test(tc, remains_of_a_kernel);
	return tc;
}
