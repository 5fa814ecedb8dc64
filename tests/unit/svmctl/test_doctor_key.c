// SPDX-License-Identifier: MIT
/*
 * svmctl doctor: Secure Boot. Does the kernel ask for signatures, has the module
 * one, is the key enrolled, and what is the next command?
 */
#include <stdio.h>

#include "machine.h"
#include "test.h"

#define UNLOADED "FAKE_OPEN_ERROR=2"
#define ROOT "FAKE_OPEN_ERROR=2 FAKE_UID=0"
#define NOT_LOADED { "/sys/module/amdsvm", NULL }
#define ENFORCED { "/sys/module/module/parameters/sig_enforce", "Y\n" }
#define LOCKED { "/sys/kernel/security/lockdown", "none [integrity] confidentiality\n" }
#define EFI { "/sys/firmware/efi/systab", "" }
#define EFIVAR "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
#define KEYRING \
	"0a1b2c3d I------     2 perm 1f0b0000     0     0 keyring   .builtin_trusted_keys: 1\n"
#define KEY_OF(name, id) \
	"0b1b2c3d I------     1 perm 1f030000     0     0 asymmetri " name ": " id ": X509.rsa 1 []\n"
#define UNSIGNED(path) \
	"filename:       " path "\nversion:        " SVMCTL_VERSION "\nvermagic:       " KERNEL " SMP\n"
#define ENROLLED_KEY { MOKUTIL("--list-enrolled"), "[key 1]\n   Serial Number:\n  0a:1b:2c:3d:4e:5f:60:71:82\n" }
#define NO_MOKUTIL { "/usr/bin/mokutil", NULL }

static const struct doctor_case locks[] = {
	{ "nothing asked for", NULL, {}, "lockdown", "ok",
	  "loads modules without a signature (Secure Boot absent, no EFI)", NULL },
	{ "sig_enforce", NULL, { ENFORCED }, "lockdown", "ok",
	  "only signed modules (lockdown none, module.sig_enforce Y, Secure Boot absent", NULL },
	{ "locked down", NULL, { LOCKED, EFI }, "lockdown", "ok",
	  "only signed modules (lockdown integrity, module.sig_enforce N, Secure Boot unknown)", NULL },
	{ "no lockdown in the kernel", NULL, { { "/sys/kernel/security/lockdown", NULL } },
	  "lockdown", "ok", "without a signature", NULL },
	{ "securityfs not mounted", UNLOADED, { NOT_LOADED, { "/sys/kernel/security", NULL } },
	  "lockdown", "warn", "unknown: whether", "mount -t securityfs" },
	{ "no signatures in the kernel", NULL,
	  { { "/sys/module/module", NULL }, { "/sys/kernel/security", NULL } },
	  "lockdown", "ok", "does not check signatures", NULL },
	{ "signed", NULL, {}, "signature", "ok", "signed by '" SIGNER "', key " SERIAL, NULL },
	{ "signed by nobody knows", NULL,
	  { { MODINFO(KERNEL), UNSIGNED(MODULE) "sig_id:         PKCS#7\nsigner:         \nsig_key:        \n" } },
	  "signature", "ok", "signed by 'unknown'", NULL },
	{ "not signed, not asked for", NULL, { { MODINFO(KERNEL), UNSIGNED(MODULE) } },
	  "signature", "ok", "is not signed", NULL },
	{ "not signed, of dkms", UNLOADED,
	  { NOT_LOADED, ENFORCED, { MODINFO(KERNEL), UNSIGNED(MODULE) } },
	  "signature", "fail", "not signed, and the kernel refuses it",
	  "install openssl, then 'dkms remove amdsvm/" SVMCTL_VERSION " -k " KERNEL },
	{ "not signed, by hand", UNLOADED,
	  { NOT_LOADED, LOCKED, { MODINFO(KERNEL), UNSIGNED("/lib/modules/" KERNEL "/updates/amdsvm.ko") } },
	  "signature", "fail", "refuses it",
	  "'/lib/modules/" KERNEL "/build/scripts/sign-file sha256 /var/lib/dkms/mok.key /var/lib/dkms/mok.pub /lib/modules/"
	  KERNEL "/updates/amdsvm.ko'" },
	{ "not signed, by hand, Ubuntu", UNLOADED,
	  { NOT_LOADED, LOCKED, { MODINFO(KERNEL), UNSIGNED("/lib/modules/" KERNEL "/updates/amdsvm.ko") },
	    { "/var/lib/shim-signed/mok/MOK.priv", "" } },
	  "signature", "fail", "refuses it", "kmodsign sha512 /var/lib/shim-signed/mok/MOK.priv" },
	{ "not signed, and it runs", NULL, { ENFORCED, { MODINFO(KERNEL), UNSIGNED(MODULE) } },
	  "signature", "warn", "not signed", "install openssl" },
};

START_TEST(lockdown_and_signature)
{
	machine_case(&locks[_i]);
}
END_TEST

static const struct doctor_case keys[] = {
	{ "enrolled", UNLOADED, { NOT_LOADED, ENFORCED, EFI, ENROLLED_KEY },
	  "key", "ok", "the key is enrolled", NULL },
	{ "in the firmware", UNLOADED,
	  { NOT_LOADED, ENFORCED, { MOKUTIL("--db"), "Serial Number: 0a:1b:2c:3d:4e:5f:60:71:82\n" } },
	  "key", "ok", "the key is enrolled", NULL },
	{ "not enrolled", UNLOADED, { NOT_LOADED, ENFORCED, EFI },
	  "key", "fail", "\"Key was rejected by service\"", "'mokutil --import /var/lib/dkms/mok.pub' as root, choose" },
	{ "not enrolled, Ubuntu", UNLOADED,
	  { NOT_LOADED, ENFORCED, EFI, { "/var/lib/dkms/mok.pub", "another certificate" },
	    { "/var/lib/shim-signed/mok/MOK.der", "<\x0a\x1b\x2c\x3d\x4e\x5f\x60\x71\x82>" } },
	  "key", "fail", "not enrolled", "'mokutil --import /var/lib/shim-signed/mok/MOK.der'" },
	{ "not enrolled, a key of one's own", UNLOADED,
	  { NOT_LOADED, ENFORCED, EFI,
	    { "/etc/dkms/framework.conf", "# mok_certificate=/no\nmok_certificate=\"/srv/own.der\"\n" },
	    { "/srv/own.der", "<\x0a\x1b\x2c\x3d\x4e\x5f\x60\x71\x82>" } },
	  "key", "fail", "not enrolled", "'mokutil --import /srv/own.der'" },
	{ "not enrolled, by somebody else", UNLOADED,
	  { NOT_LOADED, ENFORCED, EFI, { "/var/lib/dkms/mok.pub", "another certificate" } },
	  "key", "fail", "not enrolled", "its certificate is not here" },
	{ "requested", UNLOADED,
	  { NOT_LOADED, ENFORCED, EFI,
	    { MOKUTIL("--list-new"), "Serial Number:\n  0a:1b:2c:3d:4e:5f:60:71:82\n" } },
	  "key", "fail", "waits for being enrolled", "reboot, there: Enroll MOK" },
	{ "without EFI", ROOT,
	  { NOT_LOADED, ENFORCED, { MOKUTIL("--list-enrolled"), NULL } },
	  "key", "fail", "not enrolled", "boot without module.sig_enforce=1" },
	{ "without mokutil, root", ROOT, { NOT_LOADED, ENFORCED, EFI, NO_MOKUTIL },
	  "key", "fail", "not enrolled", "install mokutil; 'mokutil --import /var/lib/dkms/mok.pub'" },
	{ "without mokutil, a user", UNLOADED,
	  { NOT_LOADED, ENFORCED, EFI, NO_MOKUTIL, { "/proc/keys", KEYRING KEY_OF(SIGNER, "d00d0102") } },
	  "key", "warn", "unknown: whether", "run 'svmctl doctor' as root" },
	{ "the kernel has it", ROOT,
	  { NOT_LOADED, ENFORCED, NO_MOKUTIL, { "/proc/keys", KEYRING KEY_OF(SIGNER, "d00d0102") } },
	  "key", "ok", "the key is enrolled", NULL },
	{ "the kernel has an older one", ROOT,
	  { NOT_LOADED, ENFORCED, NO_MOKUTIL, { "/proc/keys", KEYRING KEY_OF(SIGNER, "d00d0103") } },
	  "key", "fail", "not enrolled", "boot without" },
	{ "the kernel has one, the certificate is unknown", ROOT,
	  { NOT_LOADED, ENFORCED, NO_MOKUTIL, { "/var/lib/dkms/mok.pub", NULL },
	    { "/proc/keys", KEYRING KEY_OF(SIGNER, "d00d0103") } },
	  "key", "ok", "the key is enrolled", NULL },
	{ "root sees no keys", ROOT, { NOT_LOADED, ENFORCED, NO_MOKUTIL, { "/proc/keys", "" } },
	  "key", "warn", "unknown", "install mokutil and run" },
	{ "not asked for", NULL, {}, "key", "ok", "is not enrolled; this kernel does not ask", NULL },
	{ "not asked for, not known", NULL, { NO_MOKUTIL },
	  "key", "ok", "may be enrolled or not; this kernel does not ask", NULL },
	{ "it runs", NULL, { ENFORCED }, "key", "ok", "has accepted the module that is loaded", NULL },
};

static const unsigned char certificate[] = {
	0x30, 0x82, 0, 0x0a, 0x1b, 0x2c, 0x3d, 0x4e, 0x5f, 0x60, 0x71, 0x82, 0, 0xd0, 0x0d, 1, 2,
};

static void certified_machine(void)
{
	machine_up();
	machine_put_bytes("/var/lib/dkms/mok.pub", certificate, sizeof(certificate), 0644);
}

START_TEST(key_of_the_signature)
{
	machine_case(&keys[_i]);
}
END_TEST

/* Attributes, then the value. */
START_TEST(secure_boot_of_the_firmware)
{
	static const struct {
		unsigned char value;
		const char *text;
	} cases[] = { { 0, "Secure Boot off" }, { 1, "Secure Boot on" } };
	const unsigned char variable[] = { 6, 0, 0, 0, cases[_i].value };
	struct outcome *outcome;

	machine_put_bytes(EFIVAR, variable, sizeof(variable), 0644);
	outcome = machine_doctor(NULL, "");
	ck_assert_msg(strstr(outcome->out, cases[_i].text), "%s", outcome->out);
}
END_TEST

/* The kernel refuses the module: the last line before it must not say "modprobe". */
START_TEST(first_the_key)
{
	struct outcome *outcome;

	machine_put("/sys/module/amdsvm", NULL);
	machine_put("/sys/module/module/parameters/sig_enforce", "Y\n");
	outcome = machine_doctor(UNLOADED, "");
	ck_assert_int_eq(outcome->status, 1);
	ck_assert_ptr_nonnull(strstr(outcome->out, "-> first do what the lines above say"));
}
END_TEST

TCase *doctor_key_case(void)
{
	TCase *tc = tcase_create("doctor_key");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, certified_machine, machine_down);
	tcase_add_loop_test(tc, lockdown_and_signature, 0, sizeof(locks) / sizeof(locks[0]));
	tcase_add_loop_test(tc, key_of_the_signature, 0, sizeof(keys) / sizeof(keys[0]));
	tcase_add_loop_test(tc, secure_boot_of_the_firmware, 0, 2);
	tcase_add_test(tc, first_the_key);
	return tc;
}
