/* SPDX-License-Identifier: MIT */
/*
 * What the checks of svmctl doctor (doctor.c and doctor_system.c) share.
 */
#ifndef SVMCTL_DOCTOR_H
#define SVMCTL_DOCTOR_H

#include <stdbool.h>

enum check_status { CHECK_OK, CHECK_WARN, CHECK_FAIL };

struct check {
	const char *name;
	enum check_status status;
	char text[256];		/* what was found */
	char advice[400];	/* what to do; empty if nothing */
};

#define DOCTOR_MAX_CHECKS 12

struct doctor {
	struct check checks[DOCTOR_MAX_CHECKS];
	unsigned int count;
};

/* add_check() - append a check; the text is a format. Return: it, for advice. */
__attribute__((format(printf, 4, 5)))
struct check *add_check(struct doctor *doctor, const char *name, enum check_status status,
			const char *fmt, ...);

/* advise() - set the advice of a check. */
__attribute__((format(printf, 2, 3)))
void advise(struct check *check, const char *fmt, ...);

/* Checks of the system; they need no open device. check_module(): is it loaded? */
bool check_module(struct doctor *doctor);
void check_lockdown(struct doctor *doctor);
void check_kernel(struct doctor *doctor);
void check_taint(struct doctor *doctor);

#endif /* SVMCTL_DOCTOR_H */
