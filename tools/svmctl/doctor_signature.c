// SPDX-License-Identifier: MIT
/*
 * svmctl doctor: whether the kernel loads only signed modules, as it does when it
 * was started with Secure Boot, and whether the module is signed. Whose signature
 * counts is in doctor_key.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor.h"
#include "system.h"

#define SECURE_BOOT "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"

/* Four bytes of attributes, then the variable: 1 when it is on. */
static const char *secure_boot(void)
{
	const char *state = "unknown";
	size_t size;
	char *text;

	if (!file_exists("/sys/firmware/efi"))
		return "absent, no EFI";
	text = read_text(SECURE_BOOT, &size);
	if (text && size == 5)
		state = text[4] ? "on" : "off";
	free(text);
	return state;
}

/* "[none] integrity confidentiality": the brackets are round what holds. */
static enum answer lockdown(char *name, size_t size)
{
	char line[128], *open = NULL, *end = NULL;

	if (read_line("/sys/kernel/security/lockdown", line, sizeof(line)))
		open = strchr(line, '[');
	if (open)
		end = strchr(open, ']');
	if (end) {
		*end = '\0';
		snprintf(name, size, "%s", open + 1);
		return strcmp(name, "none") ? ANSWER_YES : ANSWER_NO;
	}

	/* Beside it there is always this file: then the kernel has no lockdown. */
	if (file_exists("/sys/kernel/security/lsm")) {
		snprintf(name, size, "none");
		return ANSWER_NO;
	}
	snprintf(name, size, "unknown");
	return ANSWER_UNKNOWN;
}

/* Either is enough for the kernel to refuse a module that is not signed. */
static enum answer check_lockdown(struct doctor *doctor)
{
	char name[32], enforce[8];
	enum answer locked = lockdown(name, sizeof(name));

	/* Lockdown brings the means to check signatures with it (MODULE_SIG). */
	if (!read_line("/sys/module/module/parameters/sig_enforce", enforce, sizeof(enforce))) {
		add_check(doctor, "lockdown", CHECK_OK, "the kernel does not check signatures");
		return ANSWER_NO;
	}
	if (locked == ANSWER_YES || enforce[0] == 'Y') {
		add_check(doctor, "lockdown", CHECK_OK,
			  "the kernel loads only signed modules (lockdown %s, module.sig_enforce %s, Secure Boot %s)",
			  name, enforce, secure_boot());
		return ANSWER_YES;
	}
	if (locked == ANSWER_NO) {
		add_check(doctor, "lockdown", CHECK_OK,
			  "the kernel loads modules without a signature (Secure Boot %s)",
			  secure_boot());
		return ANSWER_NO;
	}
	advise(add_check(doctor, "lockdown", doctor->loaded ? CHECK_OK : CHECK_WARN,
			 "unknown: whether the kernel is locked down and loads only signed modules (Secure Boot %s)",
			 secure_boot()),
	       "'mount -t securityfs securityfs /sys/kernel/security' as root, and ask again");
	return ANSWER_UNKNOWN;
}

static void not_signed(struct doctor *doctor, enum answer enforced)
{
	const struct module_file *file = &doctor->file;
	struct check *check;

	if (enforced != ANSWER_YES) {
		add_check(doctor, "signature", CHECK_OK, "the module is not signed");
		return;
	}

	check = add_check(doctor, "signature", hindrance(doctor),
			  "the module is not signed, and the kernel refuses it");
	/* Ubuntu's own key is what its dkms signs with; elsewhere dkms makes one. */
	if (strstr(file->path, "/updates/dkms/") || strstr(file->path, "/extra/"))
		advise(check,
		       "have DKMS build and sign it: install openssl, then 'dkms remove amdsvm/%s -k %s; dkms install amdsvm/%s -k %s' as root",
		       file->version, doctor->release, file->version, doctor->release);
	else if (file_exists("/var/lib/shim-signed/mok/MOK.priv"))
		advise(check,
		       "'kmodsign sha512 /var/lib/shim-signed/mok/MOK.priv /var/lib/shim-signed/mok/MOK.der %s' as root",
		       file->path);
	else
		advise(check,
		       "'/lib/modules/%s/build/scripts/sign-file sha256 /var/lib/dkms/mok.key /var/lib/dkms/mok.pub %s' as root, or with a key of your own",
		       doctor->release, file->path);
}

void check_signature(struct doctor *doctor)
{
	const struct module_file *file = &doctor->file;
	enum answer enforced = check_lockdown(doctor);

	if (!file->described || is_stand_in(file))
		return;
	if (!file->is_signed) {
		not_signed(doctor, enforced);
		return;
	}

	add_check(doctor, "signature", CHECK_OK, "the module is signed by '%s'%s%s",
		  file->signer[0] ? file->signer : "unknown", file->key[0] ? ", key " : "",
		  file->key);
	check_key(doctor, enforced == ANSWER_YES);
}
