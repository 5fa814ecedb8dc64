// SPDX-License-Identifier: MIT
/*
 * svmctl doctor: what DKMS has made of the module for the running kernel, and for
 * the newest one, which the next boot starts. Why it made nothing is in
 * doctor_build.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor.h"
#include "system.h"

/* In the order of what is better. */
enum dkms_stage { STAGE_NONE, STAGE_BROKEN, STAGE_ADDED, STAGE_BUILT, STAGE_INSTALLED };

struct dkms_state {
	enum dkms_stage stage;
	char version[64];
	char note[128];		/* what dkms remarks in parentheses */
};

static enum dkms_stage stage_of(const char *word)
{
	static const struct {
		const char *word;
		enum dkms_stage stage;
	} stages[] = {
		{ "broken", STAGE_BROKEN },
		{ "added", STAGE_ADDED },
		{ "built", STAGE_BUILT },
		/* Also "installed-weak from KERNEL". */
		{ "installed", STAGE_INSTALLED },
	};
	size_t i;

	for (i = 0; i < sizeof(stages) / sizeof(stages[0]); i++)
		if (!strncmp(word, stages[i].word, strlen(stages[i].word)))
			return stages[i].stage;
	return STAGE_NONE;
}

/*
 * "amdsvm/0.1.0, 6.12.1-amd64, x86_64: installed (a remark)", of older dkms "amdsvm,
 * 0.1.0, 6.12.1-amd64, x86_64: installed", and without kernel "amdsvm/0.1.0: added".
 */
static void take_line(struct dkms_state *state, char *line, const char *release)
{
	char *colon = strstr(line, ": "), *version, *kernel, *note;
	enum dkms_stage stage;

	if (strncmp(line, "amdsvm", 6) || !strchr("/,", line[6]) || !colon)
		return;
	*colon = '\0';
	stage = stage_of(colon + 2);
	version = line + 7 + strspn(line + 7, " ");
	kernel = strchr(version, ',');
	if (kernel) {
		*kernel++ = '\0';
		kernel += strspn(kernel, " ");
		kernel[strcspn(kernel, ",")] = '\0';
		/* For another kernel: then the sources are there for this one, too. */
		if (strcmp(kernel, release))
			stage = STAGE_ADDED;
	}
	if (stage <= state->stage)
		return;

	state->stage = stage;
	snprintf(state->version, sizeof(state->version), "%s", version);
	note = strchr(colon + 2, '(');
	snprintf(state->note, sizeof(state->note), "%s", note ? note : "");
}

/* dkms 3.0 has no line for it: "File: .../amdsvm/0.1.0/source/dkms.conf does not exist." */
static void take_error(struct dkms_state *state, char *line)
{
	char *end = strstr(line, "/source/dkms.conf does not exist"), *version;

	if (!end || state->stage > STAGE_BROKEN)
		return;
	*end = '\0';
	version = strstr(line, "/amdsvm/");
	if (!version)
		return;
	state->stage = STAGE_BROKEN;
	snprintf(state->version, sizeof(state->version), "%s", version + strlen("/amdsvm/"));
}

static void read_state(struct dkms_state *state, const char *status, const char *release)
{
	char *copy = strdup(status), *rest = copy, *line;

	memset(state, 0, sizeof(*state));
	while ((line = next_line(&rest))) {
		take_error(state, line);
		take_line(state, line, release);
	}
	free(copy);
}

/* Not there, or a stand-in: all that dkms 3.0 has where the driver does not build. */
static void not_installed(struct doctor *doctor, const char *name, enum check_status status,
			  const char *release, const struct dkms_state *state)
{
	const char *what = state->stage == STAGE_INSTALLED ? "does not build" :
			   state->stage == STAGE_BUILT ? "is built but not installed" :
			   "is not built";
	char reason[320], advice[400];

	explain_missing(release, state->version, state->stage == STAGE_INSTALLED, reason,
			sizeof(reason), advice, sizeof(advice));
	advise(add_check(doctor, name, status, "amdsvm %s %s for Linux %s%s%s", state->version,
			 what, release, reason[0] ? ": " : "", reason),
	       "%s", advice);
}

static void is_installed(struct doctor *doctor, const char *name, const char *release,
			 const struct dkms_state *state)
{
	/* "Differences between", "Diff between", "modules are missing in". */
	if (strstr(state->note, "Diff") || strstr(state->note, "missing"))
		advise(add_check(doctor, name, CHECK_WARN,
				 "amdsvm %s for Linux %s is not as DKMS built it %s",
				 state->version, release, state->note),
		       "'dkms install amdsvm/%s -k %s --force' as root", state->version, release);
	else if (strcmp(state->version, SVMCTL_VERSION))
		advise(add_check(doctor, name, CHECK_WARN,
				 "amdsvm %s is installed for Linux %s, svmctl is %s",
				 state->version, release, SVMCTL_VERSION),
		       "install the same release of amdsvm-dkms and amdsvm-tools");
	else
		add_check(doctor, name, CHECK_OK, "amdsvm %s is installed for Linux %s",
			  state->version, release);
}

static void known_to_dkms(struct doctor *doctor, const char *name, enum check_status status,
			  const char *release, const struct dkms_state *state,
			  const struct module_file *file)
{
	switch (state->stage) {
	case STAGE_BROKEN:
		advise(add_check(doctor, name, status, "DKMS has lost the sources of amdsvm %s",
				 state->version),
		       "'rm -r /var/lib/dkms/amdsvm/%s' as root, then install amdsvm-dkms again",
		       state->version);
		break;
	case STAGE_INSTALLED:
		if (is_stand_in(file))
			not_installed(doctor, name, status, release, state);
		else
			is_installed(doctor, name, release, state);
		break;
	default:
		not_installed(doctor, name, status, release, state);
	}
}

/* There are other ways to have a module. */
static void unknown_to_dkms(struct doctor *doctor, const char *name, enum check_status status,
			    const char *release, const struct module_file *file, bool has_dkms)
{
	const char *what = has_dkms ? "DKMS does not know amdsvm" : "DKMS is not installed";

	if (file->found)
		add_check(doctor, name, CHECK_OK, "%s; Linux %s has a module that it did not make",
			  what, release);
	else
		advise(add_check(doctor, name, status, "%s, and Linux %s has no module", what,
				 release),
		       "install amdsvm-dkms (Fedora: dkms-amdsvm)");
}

static void check_one(struct doctor *doctor, const char *name, enum check_status status,
		      const char *release, const struct module_file *file, const char *output)
{
	struct dkms_state state;

	read_state(&state, output ? output : "", release);
	if (state.stage == STAGE_NONE)
		unknown_to_dkms(doctor, name, status, release, file, output);
	else
		known_to_dkms(doctor, name, status, release, &state, file);
}

void check_dkms(struct doctor *doctor)
{
	const char *const dkms[] = { "dkms", "status", "-m", "amdsvm", NULL };
	struct module_file file;
	char *output;
	int ret = run_program(dkms, &output);

	/* Its status is of no use: it fails for one broken version of several. */
	if (ret < 0 && ret != -ENOENT) {
		advise(add_check(doctor, "dkms", CHECK_WARN, "unknown: 'dkms status' did not end"),
		       "run it as root to see why");
		return;
	}

	check_one(doctor, "dkms", hindrance(doctor), doctor->release, &doctor->file, output);
	if (doctor->newest[0] && strcmp(doctor->newest, doctor->release)) {
		read_module_file(doctor->newest, &file);
		check_one(doctor, "newest", CHECK_WARN, doctor->newest, &file, output);
	}
	free(output);
}
