/* SPDX-License-Identifier: MIT */
/*
 * A machine for svmctl doctor to look at: a directory with the files and programs
 * it asks. It begins as one where all is well; a case says what is different, and
 * which line must say so.
 */
#ifndef SVMCTL_MACHINE_H
#define SVMCTL_MACHINE_H

#include <stddef.h>

#define KERNEL "6.12.1-amd64"		/* what runs */
#define NEWER "6.12.10-amd64"		/* newer by number, older by letters */
#define MODULE "/lib/modules/" KERNEL "/updates/dkms/amdsvm.ko.xz"
#define SERIAL "0A:1B:2C:3D:4E:5F:60:71:82"
#define OTHER_SERIAL "11:22:33:44:55:66:77:88:99"
#define SIGNER "DKMS module signing key"

/* What programs answer is in files of these names. */
#define MODINFO(kernel) "/answers/modinfo" kernel
#define DKMS "/answers/dkms-m"
#define MOKUTIL(list) "/answers/mokutil" list

struct change {
	const char *path;
	const char *content;	/* NULL: it goes */
};

#define MAX_CHANGES 8

struct doctor_case {
	const char *what;		/* for whoever reads that it failed */
	const char *environment;	/* for the fake, or NULL */
	struct change changes[MAX_CHANGES];
	const char *check, *status;
	const char *text, *advice;	/* parts; advice NULL: there must be none */
};

/* machine_up() - make the machine; machine_down() - remove it. */
void machine_up(void);
void machine_down(void);

/* machine_put() - write a file of the machine, or remove it. */
void machine_put(const char *path, const char *content);
void machine_put_bytes(const char *path, const void *bytes, size_t size, unsigned int mode);

/* machine_root() - its directory. */
const char *machine_root(void);

/* machine_doctor() - run svmctl doctor on it, with ARGUMENTS behind. */
struct outcome *machine_doctor(const char *environment, const char *arguments);

/*
 * machine_case() - make the changes and hold text and JSON against the case. The
 * driver must be found usable unless the line is a failure, or the device does not
 * open.
 */
void machine_case(const struct doctor_case *expected);

#endif /* SVMCTL_MACHINE_H */
