/* SPDX-License-Identifier: MIT */
/*
 * What the checks of svmctl doctor share. Each file doctor_*.c has those of one
 * subject; doctor.c runs and prints them.
 */
#ifndef SVMCTL_DOCTOR_H
#define SVMCTL_DOCTOR_H

#include <stdbool.h>

#include "svmctl.h"

enum answer { ANSWER_NO, ANSWER_YES, ANSWER_UNKNOWN };
enum check_status { CHECK_OK, CHECK_WARN, CHECK_FAIL };

struct check {
	const char *name;
	enum check_status status;
	char text[512];		/* what was found */
	char advice[512];	/* what to do; empty if nothing */
};

#define DOCTOR_MAX_CHECKS 24

/* What modinfo says of the module of a kernel. */
struct module_file {
	bool found;
	bool listed;		/* modprobe finds it; else only its file is there */
	bool described;		/* what follows is known */
	char path[256];
	char version[64];	/* empty: not the driver, but what takes its place */
	char kernel[128];	/* it was built for */
	char source[64];	/* srcversion */
	char signer[128];
	char key[128];		/* serial number of the signer's certificate: "0A:1B" */
	bool is_signed;
};

struct doctor {
	struct check checks[DOCTOR_MAX_CHECKS];
	unsigned int count;
	bool loaded;		/* the module is there and runs */
	enum answer memcg;	/* CONFIG_MEMCG of the running kernel */
	char release[128];	/* of the running kernel */
	char newest[128];	/* installed kernel; empty if unknown */
	struct module_file file;	/* for the running kernel */
};

/* add_check() - append a check; the text is a format. Return: it, for advice. */
__attribute__((format(printf, 4, 5)))
struct check *add_check(struct doctor *doctor, const char *name, enum check_status status,
			const char *fmt, ...);

/* advise() - set the advice of a check. */
__attribute__((format(printf, 2, 3)))
void advise(struct check *check, const char *fmt, ...);

/*
 * hindrance() - the status of what keeps a module from being loaded: a failure,
 * but a warning while one is loaded nevertheless.
 */
enum check_status hindrance(const struct doctor *doctor);

/* ---- doctor_kernel.c ---- */
void check_kernel(struct doctor *doctor);
void check_options(struct doctor *doctor);
void check_taint(struct doctor *doctor);

/* ---- doctor_module.c ---- */

/* read_module_file() - find the module of a kernel, and read what modinfo knows. */
void read_module_file(const char *release, struct module_file *file);
/* is_stand_in() - is it what dkms/build puts there when the driver does not build? */
bool is_stand_in(const struct module_file *file);
void check_installed(struct doctor *doctor);
void check_loaded(struct doctor *doctor);

/* ---- doctor_dkms.c: the running kernel, and the newest one if it is another ---- */
void check_dkms(struct doctor *doctor);

/* ---- doctor_build.c ---- */

/*
 * explain_missing() - why a kernel has no module: the reason of a failed build,
 * headers that are missing, or nothing known.
 * @version: of amdsvm, for the commands that help.
 * @tried: the driver was built, and in vain.
 * @reason: set to a clause, or left empty.
 * @advice: set to the next command.
 */
void explain_missing(const char *release, const char *version, bool tried, char *reason,
		     size_t reason_size, char *advice, size_t advice_size);

/* ---- doctor_signature.c: lockdown, signature ---- */

/* check_signature() - does the kernel ask for signatures, and has the module one? */
void check_signature(struct doctor *doctor);

/* ---- doctor_key.c ---- */

/*
 * check_key() - is the key of the module's signature enrolled?
 * @enforced: the kernel asks for it.
 */
void check_key(struct doctor *doctor, bool enforced);

/* ---- doctor_access.c ---- */

/* check_access() - what became of opening /dev/amdsvm, and who may. @err: 0 or -errno. */
void check_access(struct doctor *doctor, int err);

/* ---- doctor_cgroup.c ---- */
void check_cgroups(struct doctor *doctor);

#endif /* SVMCTL_DOCTOR_H */
