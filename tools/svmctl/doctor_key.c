// SPDX-License-Identifier: MIT
/*
 * svmctl doctor: whether the key that signed the module is one that the kernel
 * trusts, and if not, the next command.
 *
 * Firmware and shim say so to anybody, through mokutil; the kernel's own keys are
 * in /proc/keys, for root only. A certificate is known by its serial number, which
 * is what a module's signature carries.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"
#include "system.h"

enum key_state { KEY_UNKNOWN, KEY_MISSING, KEY_REQUESTED, KEY_ENROLLED };

struct certificate {
	char path[256];
	char *text;		/* NULL: not known */
	size_t size;
};

/* mokutil prints serial numbers as modinfo does, in small letters. */
static bool mentions(const char *text, const struct module_file *file)
{
	if (file->key[0])
		return strcasestr(text, file->key);
	return file->signer[0] && strstr(text, file->signer);
}

/* A list of mokutil: is the key in it? UNKNOWN: there is none to be had. */
static enum key_state ask_mokutil(const char *list, const struct module_file *file)
{
	const char *const mokutil[] = { "mokutil", list, NULL };
	enum key_state state = KEY_UNKNOWN;
	char *text;
	int ret = run_program(mokutil, &text);

	if (ret >= 0 && mentions(text, file))
		state = KEY_ENROLLED;
	else if (!ret)
		state = KEY_MISSING;
	free(text);
	return state;
}

/* Bytes of "0a1b" or "0A:1B"; their number. */
static size_t read_hex(const char *text, unsigned char *bytes, size_t size)
{
	size_t length = 0;
	unsigned int byte;

	while (length < size && sscanf(text, "%2x", &byte) == 1) {
		bytes[length++] = byte;
		text += 2;
		text += *text == ':' && isxdigit((unsigned char)text[1]);
		if (!isxdigit((unsigned char)*text))
			break;
	}
	return length;
}

/* Serial number and key identifier are in a certificate as they are. */
static bool has_bytes(const struct certificate *certificate, const char *hex)
{
	unsigned char bytes[64];
	size_t length = read_hex(hex, bytes, sizeof(bytes));

	return length && memmem(certificate->text, certificate->size, bytes, length);
}

static bool read_certificate(struct certificate *certificate, const char *path,
			     const struct module_file *file)
{
	if (!path[0])
		return false;
	certificate->text = read_text(path, &certificate->size);
	if (!certificate->text)
		return false;
	snprintf(certificate->path, sizeof(certificate->path), "%s", path);
	if (has_bytes(certificate, file->key))
		return true;
	free(certificate->text);
	certificate->text = NULL;
	return false;
}

/* mok_certificate="..." */
static void configured_path(char *path, size_t size)
{
	char *text = read_text("/etc/dkms/framework.conf", NULL), *rest = text, *line;

	path[0] = '\0';
	while ((line = next_line(&rest))) {
		if (strncmp(line, "mok_certificate=", 16))
			continue;
		line += 16 + strspn(line + 16, "\"'");
		snprintf(path, size, "%.*s", (int)strcspn(line, "\"'"), line);
	}
	free(text);
}

/* Among those that DKMS signs with, the one of this signature; text NULL if none. */
static void find_certificate(struct certificate *certificate, const struct module_file *file)
{
	char configured[256];

	memset(certificate, 0, sizeof(*certificate));
	configured_path(configured, sizeof(configured));
	if (!read_certificate(certificate, configured, file) &&
	    !read_certificate(certificate, "/var/lib/dkms/mok.pub", file))
		/* Ubuntu's dkms. */
		read_certificate(certificate, "/var/lib/shim-signed/mok/MOK.der", file);
}

/*
 * Lines of keyrings: "0a1b2c3d I------ 1 perm 1f010000 0 0 asymmetri DKMS module
 * signing key: 8a1c...: X509.rsa 8a1c2d3e []". The number is that of the key, which a
 * signature does not carry: without its certificate, the name must do. With it, an
 * older key of the same name is told apart.
 */
static bool is_our_line(const char *line, const char *name, const struct certificate *certificate)
{
	const char *at = strstr(line, name);

	if (!at || !strstr(line, " asymmetri "))
		return false;
	return !certificate->text || has_bytes(certificate, at + strlen(name));
}

static enum key_state ask_kernel(const struct module_file *file,
				 const struct certificate *certificate)
{
	enum key_state state = KEY_UNKNOWN;
	char *text, *rest, *line, name[160];

	if (geteuid() || !file->signer[0])
		return KEY_UNKNOWN;

	text = read_text("/proc/keys", NULL);
	rest = text;
	snprintf(name, sizeof(name), " %s: ", file->signer);
	while (state != KEY_ENROLLED && (line = next_line(&rest))) {
		if (strstr(line, " .builtin_trusted_keys: "))
			state = KEY_MISSING;
		if (is_our_line(line, name, certificate))
			state = KEY_ENROLLED;
	}
	free(text);
	return state;
}

static enum key_state key_state(const struct module_file *file,
				const struct certificate *certificate)
{
	enum key_state state = ask_kernel(file, certificate), mok;

	if (state == KEY_ENROLLED)
		return state;
	mok = ask_mokutil("--list-enrolled", file);
	if (mok != KEY_ENROLLED && ask_mokutil("--db", file) == KEY_ENROLLED)
		return KEY_ENROLLED;
	if (mok != KEY_ENROLLED && ask_mokutil("--list-new", file) == KEY_ENROLLED)
		return KEY_REQUESTED;
	return mok > state ? mok : state;
}

static void advise_enrolment(struct check *check, const struct module_file *file,
			     const struct certificate *certificate)
{
	if (!file_exists("/sys/firmware/efi"))
		advise(check,
		       "without EFI no key can be enrolled: boot without module.sig_enforce=1 and lockdown=; or by UEFI, and there 'mokutil --import %s' as root",
		       certificate->text ? certificate->path : "CERTIFICATE");
	else if (!certificate->text)
		advise(check,
		       "its certificate is not here: 'mokutil --import CERTIFICATE' as root, and reboot; or have DKMS sign with its own: 'dkms install amdsvm/%s --force' as root",
		       file->version);
	else
		advise(check,
		       "%s'mokutil --import %s' as root, choose a password, reboot, there: Enroll MOK, and the password",
		       access("/usr/bin/mokutil", X_OK) ? "install mokutil; " : "",
		       certificate->path);
}

/* The kernel asks for the key, and has loaded no module. */
static void check_asked(struct doctor *doctor, enum key_state state,
			const struct certificate *certificate)
{
	switch (state) {
	case KEY_REQUESTED:
		advise(add_check(doctor, "key", CHECK_FAIL,
				 "the key waits for being enrolled; until then the kernel refuses the module"),
		       "reboot, there: Enroll MOK, and the password");
		break;
	case KEY_MISSING:
		advise_enrolment(add_check(doctor, "key", CHECK_FAIL,
					   "the key is not enrolled: the kernel refuses the module (\"Key was rejected by service\")"),
				 &doctor->file, certificate);
		break;
	default:
		advise(add_check(doctor, "key", CHECK_WARN,
				 "unknown: whether the key is enrolled"),
		       "%s 'svmctl doctor' as root; with Secure Boot, 'mokutil --list-enrolled' lists keys",
		       geteuid() ? "run" : "install mokutil and run");
	}
}

void check_key(struct doctor *doctor, bool enforced)
{
	static const char *const words[] = {
		[KEY_UNKNOWN] = "may be enrolled or not",
		[KEY_MISSING] = "is not enrolled",
		[KEY_REQUESTED] = "will be enrolled at the next boot",
		[KEY_ENROLLED] = "is enrolled",
	};
	struct certificate certificate;
	enum key_state state;

	find_certificate(&certificate, &doctor->file);
	state = key_state(&doctor->file, &certificate);
	if (state == KEY_ENROLLED)
		add_check(doctor, "key", CHECK_OK, "the key is enrolled");
	else if (!enforced)
		add_check(doctor, "key", CHECK_OK, "the key %s; this kernel does not ask for it",
			  words[state]);
	else if (doctor->loaded)
		add_check(doctor, "key", CHECK_OK,
			  "the kernel has accepted the module that is loaded");
	else
		check_asked(doctor, state, &certificate);
	free(certificate.text);
}
