// SPDX-License-Identifier: MIT
/*
 * svmctl doctor: the module, as a file and as loaded. Why there is no file is in
 * doctor_dkms.c, its signature in doctor_signature.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor.h"
#include "system.h"

/* modinfo's lines: a name, a colon, blanks, the value. */
static void take_field(struct module_file *file, const char *name, const char *value)
{
	const struct {
		const char *name;
		char *to;
		size_t size;
	} fields[] = {
		{ "filename", file->path, sizeof(file->path) },
		{ "version", file->version, sizeof(file->version) },
		{ "vermagic", file->kernel, sizeof(file->kernel) },
		{ "srcversion", file->source, sizeof(file->source) },
		{ "signer", file->signer, sizeof(file->signer) },
		{ "sig_key", file->key, sizeof(file->key) },
	};
	size_t i;

	if (!strcmp(name, "sig_id"))
		file->is_signed = true;
	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (!strcmp(name, fields[i].name))
			snprintf(fields[i].to, fields[i].size, "%s", value);
}

static void take_fields(struct module_file *file, char *text)
{
	char *line, *value;

	while ((line = next_line(&text))) {
		value = strchr(line, ':');
		if (!value)
			continue;
		*value++ = '\0';
		take_field(file, line, value + strspn(value, " "));
	}
	/* "6.1.0-13-amd64 SMP preempt": the kernel is the first word. */
	file->kernel[strcspn(file->kernel, " ")] = '\0';
	file->is_signed |= file->signer[0];
}

/* Without modinfo's help: where DKMS, packages and "make modules_install" put it. */
static void look_around(const char *release, struct module_file *file)
{
	static const char *const directories[] = { "updates/dkms", "extra", "updates", "weak-updates" };
	static const char *const ends[] = { "", ".xz", ".zst", ".gz" };
	size_t i, j;

	for (i = 0; i < sizeof(directories) / sizeof(directories[0]); i++)
		for (j = 0; j < sizeof(ends) / sizeof(ends[0]); j++) {
			snprintf(file->path, sizeof(file->path), "/lib/modules/%s/%s/amdsvm.ko%s",
				 release, directories[i], ends[j]);
			file->found = file_exists("%s", file->path);
			if (file->found)
				return;
		}
	file->path[0] = '\0';
}

void read_module_file(const char *release, struct module_file *file)
{
	const char *const modinfo[] = { "modinfo", "-k", release, "amdsvm", NULL };
	char *text;
	int ret = run_program(modinfo, &text);

	memset(file, 0, sizeof(*file));
	if (!ret)
		take_fields(file, text);
	file->described = file->path[0] == '/';
	file->found = file->described;
	file->listed = file->described || ret < 0;
	free(text);
	if (!file->found)
		look_around(release, file);
}

bool is_stand_in(const struct module_file *file)
{
	return file->described && !file->version[0];
}

static void no_file(struct doctor *doctor)
{
	if (doctor->loaded)
		advise(add_check(doctor, "installed", CHECK_WARN,
				 "Linux %s has no module file: what is loaded was loaded by hand",
				 doctor->release),
		       "install amdsvm-dkms (Fedora: dkms-amdsvm), for the next boot to have it");
	else
		advise(add_check(doctor, "installed", CHECK_FAIL,
				 "there is no amdsvm module for Linux %s", doctor->release),
		       "the line 'dkms' says why; without DKMS: 'make -C amdsvm modules_install && depmod'");
}

static bool is_unusable(struct doctor *doctor)
{
	const struct module_file *file = &doctor->file;

	if (is_stand_in(file))
		advise(add_check(doctor, "installed", hindrance(doctor),
				 "%s is not the driver: amdsvm does not build for Linux %s",
				 file->path, doctor->release),
		       "install a newer amdsvm, or start another kernel; the line 'dkms' says more");
	else if (!file->listed)
		advise(add_check(doctor, "installed", hindrance(doctor),
				 "%s is there, but modprobe does not find it", file->path),
		       "'depmod -a %s' as root", doctor->release);
	else if (file->kernel[0] && strcmp(file->kernel, doctor->release))
		advise(add_check(doctor, "installed", hindrance(doctor),
				 "%s was built for another kernel, Linux %s", file->path, file->kernel),
		       "build it for this one: 'dkms install amdsvm/%s -k %s --force' as root",
		       file->version, doctor->release);
	else
		return false;
	return true;
}

void check_installed(struct doctor *doctor)
{
	const struct module_file *file = &doctor->file;
	const char *library = amdsvm_library_version();

	if (!file->found)
		no_file(doctor);
	else if (is_unusable(doctor))
		return;
	else if (!file->described)
		advise(add_check(doctor, "installed", CHECK_WARN,
				 "%s; its version is unknown without modinfo", file->path),
		       "install kmod");
	else if (strcmp(file->version, SVMCTL_VERSION) || strcmp(library, SVMCTL_VERSION))
		advise(add_check(doctor, "installed", CHECK_WARN,
				 "%s is version %s, svmctl %s, the library %s", file->path,
				 file->version, SVMCTL_VERSION, library),
		       "install the same release of amdsvm-dkms, amdsvm-tools and libamdsvm");
	else
		add_check(doctor, "installed", CHECK_OK, "%s, version %s as svmctl and the library",
			  file->path, file->version);
}

static void not_loaded(struct doctor *doctor)
{
	struct check *check;
	unsigned int i;
	bool hindered = false;

	for (i = 0; i < doctor->count; i++)
		hindered |= doctor->checks[i].status == CHECK_FAIL;

	check = add_check(doctor, "module", CHECK_FAIL, "the module is not loaded");
	if (hindered)
		advise(check, "first do what the lines above say, then 'modprobe amdsvm' as root");
	else
		advise(check, "load it with 'modprobe amdsvm' as root; if that fails, 'dmesg | grep amdsvm' says why");
}

/* A package was upgraded, or built again, and the kernel still has the old one. */
static bool is_outdated(const struct module_file *file, const char *version, const char *source)
{
	if (!file->version[0])
		return false;
	return strcmp(file->version, version) ||
	       (file->source[0] && source[0] && strcmp(file->source, source));
}

void check_loaded(struct doctor *doctor)
{
	const struct module_file *file = &doctor->file;
	char version[64], source[64] = "";

	if (!doctor->loaded) {
		not_loaded(doctor);
		return;
	}

	if (!read_line("/sys/module/amdsvm/version", version, sizeof(version)))
		strcpy(version, "unknown");
	read_line("/sys/module/amdsvm/srcversion", source, sizeof(source));
	if (is_outdated(file, version, source))
		advise(add_check(doctor, "module", CHECK_WARN,
				 "version %s is loaded, %s %s is installed", version,
				 strcmp(file->version, version) ? "version" : "another build of",
				 file->version),
		       "when nobody uses it ('fuser %s'): 'rmmod amdsvm; modprobe amdsvm' as root; or reboot",
		       AMDSVM_DEVICE_PATH);
	else
		add_check(doctor, "module", CHECK_OK, "loaded, version %s", version);
}
