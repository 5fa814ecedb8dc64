// SPDX-License-Identifier: MIT
/*
 * The machine of machine.h: Debian 13, amdsvm installed by DKMS and loaded, one
 * kernel, no Secure Boot.
 */
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "machine.h"
#include "test.h"

static char root[] = "/tmp/svmctl-machine-XXXXXX";

static const struct change healthy[] = {
	{ "/boot/config-" KERNEL,
	  "CONFIG_64BIT=y\nCONFIG_MMU_NOTIFIER=y\nCONFIG_HMM_MIRROR=y\nCONFIG_ZONE_DEVICE=y\n"
	  "CONFIG_DEVICE_MIGRATION=y\nCONFIG_GET_FREE_REGION=y\nCONFIG_DEVICE_PRIVATE=y\n"
	  "CONFIG_MEMCG=y\n" },
	{ "/etc/os-release", "NAME=\"Debian GNU/Linux\"\nID=debian\n" },
	{ "/lib/modules/" KERNEL "/modules.builtin", "" },
	{ "/lib/modules/" KERNEL "/build/include/config", "" },
	{ MODULE, "" },
	{ MODINFO(KERNEL),
	  "filename:       " MODULE "\n"
	  "version:        " SVMCTL_VERSION "\n"
	  "srcversion:     AABBCC\n"
	  "description:    shared virtual memory\n"
	  "vermagic:       " KERNEL " SMP preempt mod_unload modversions \n"
	  "sig_id:         PKCS#7\n"
	  "signer:         " SIGNER "\n"
	  "sig_key:        " SERIAL "\n"
	  "signature:      01:02:03:\n\t\t04:05\n"
	  "parm:           version: not this one\n" },
	{ DKMS, "amdsvm/" SVMCTL_VERSION ", " KERNEL ", x86_64: installed\n" },
	{ MOKUTIL("--list-enrolled"), "[key 1]\nSerial Number:\n    11:22:33:44:55:66:77:88:99\n" },
	{ MOKUTIL("--list-new"), "" },
	{ MOKUTIL("--db"), "" },
	{ "/proc/sys/kernel/tainted", "4096\n" },
	{ "/proc/cgroups", "#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpu\t0\t9\t1\n" },
	{ "/proc/keys",
	  "0a1b2c3d I------     2 perm 1f0b0000     0     0 keyring   .builtin_trusted_keys: 1\n"
	  "0b1b2c3d I------     1 perm 1f030000     0     0 asymmetri Debian CA: aabbcc: X509.rsa 00aabbcc []\n" },
	{ "/sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory pids\n" },
	{ "/sys/kernel/security/lockdown", "[none] integrity confidentiality\n" },
	{ "/sys/kernel/security/lsm", "lockdown,capability\n" },
	{ "/sys/module/module/parameters/sig_enforce", "N\n" },
	{ "/sys/module/amdsvm/version", SVMCTL_VERSION "\n" },
	{ "/sys/module/amdsvm/srcversion", "AABBCC\n" },
	{ "/usr/lib/udev/rules.d/60-amdsvm.rules", "KERNEL==\"amdsvm\"\n" },
};

static void make_directories(char *path)
{
	char *slash;

	for (slash = path + sizeof(root); (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(path, 0755);
		*slash = '/';
	}
}

void machine_put_bytes(const char *path, const void *bytes, size_t size, unsigned int mode)
{
	char there[512];
	int fd;

	snprintf(there, sizeof(there), "%s%s", root, path);
	make_directories(there);
	fd = open(there, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	ck_assert_msg(fd >= 0, "cannot write %s", there);
	ck_assert_int_eq(write(fd, bytes, size), size);
	close(fd);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void remove_tree(const char *path)
{
	char there[512];

	snprintf(there, sizeof(there), "%s%s", root, path);
	ck_assert_msg(!nftw(there, remove_one, 8, FTW_DEPTH | FTW_PHYS), "no %s to remove", there);
}

void machine_put(const char *path, const char *content)
{
	if (content)
		machine_put_bytes(path, content, strlen(content), strstr(path, "bin/") ? 0755 : 0644);
	else
		remove_tree(path);
}

/* A program that answers with a file named after it and one of its arguments. */
static void put_answerer(const char *path, const char *name, const char *argument)
{
	char script[256];

	snprintf(script, sizeof(script), "#!/bin/sh\nexec cat \"%s/answers/%s%s\"\n", root, name,
		 argument);
	machine_put(path, script);
}

void machine_up(void)
{
	size_t i;

	strcpy(root + sizeof(root) - 7, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	for (i = 0; i < sizeof(healthy) / sizeof(healthy[0]); i++)
		machine_put(healthy[i].path, healthy[i].content);
	put_answerer("/usr/sbin/modinfo", "modinfo", "$2");
	put_answerer("/usr/sbin/dkms", "dkms", "$2");
	put_answerer("/usr/bin/mokutil", "mokutil", "$1");
}

void machine_down(void)
{
	remove_tree("");
}

const char *machine_root(void)
{
	return root;
}

struct outcome *machine_doctor(const char *environment, const char *arguments)
{
	char all[512], command[64];

	/* Who is root here sees more than others do: the tests say who it is. */
	snprintf(all, sizeof(all), "FAKE_UID=1000 FAKE_NODE=0660:992 FAKE_ROOT=%s %s", root,
		 environment ? environment : "");
	snprintf(command, sizeof(command), "doctor %s", arguments);
	return run_svmctl(all, command);
}

static struct json_object *find_check(struct json_object *document, const char *name)
{
	struct json_object *checks = json_member(document, "checks"), *check;
	size_t i;

	for (i = 0; i < json_object_array_length(checks); i++) {
		check = element(checks, i);
		if (!strcmp(string(check, "name"), name))
			return check;
	}
	return NULL;
}

static bool is_usable(const struct doctor_case *expected)
{
	return strcmp(expected->status, "fail") &&
	       (!expected->environment || !strstr(expected->environment, "FAKE_OPEN_ERROR"));
}

static void expect_json(const struct doctor_case *expected)
{
	struct outcome *outcome = machine_doctor(expected->environment, "--json");
	struct json_object *document = json_of(outcome), *check, *advice;

	check = find_check(document, expected->check);
	ck_assert_msg(check, "%s: no line %s in %s", expected->what, expected->check, outcome->out);
	ck_assert_msg(!strcmp(string(check, "status"), expected->status), "%s: %s", expected->what,
		      json_object_to_json_string(check));
	ck_assert_msg(strstr(string(check, "text"), expected->text), "%s: %s", expected->what,
		      json_object_to_json_string(check));
	if (!json_object_object_get_ex(check, "advice", &advice))
		advice = NULL;
	ck_assert_msg(!advice == !expected->advice, "%s: %s", expected->what,
		      json_object_to_json_string(check));
	ck_assert_msg(!advice || strstr(json_object_get_string(advice), expected->advice), "%s: %s",
		      expected->what, json_object_to_json_string(check));
	ck_assert_msg(json_object_get_boolean(json_member(document, "usable")) ==
		      is_usable(expected), "%s: %s", expected->what, outcome->out);
	ck_assert_int_eq(outcome->status, !is_usable(expected));
	/* Programs complain into the pipe. */
	ck_assert_str_eq(outcome->err, "");
	json_object_put(document);
}

static void expect_text(const struct doctor_case *expected)
{
	struct outcome *outcome = machine_doctor(expected->environment, "");
	char head[64], *line, *next;

	snprintf(head, sizeof(head), "%-4s  %-9s  ", expected->status, expected->check);
	line = strstr(outcome->out, head);
	ck_assert_msg(line, "%s: no '%s' in %s", expected->what, head, outcome->out);
	next = strchr(line, '\n');
	*next++ = '\0';
	ck_assert_msg(strstr(line, expected->text), "%s: %s", expected->what, line);
	ck_assert_msg(!strncmp(next, "                 -> ", 20) == !!expected->advice, "%s: %s",
		      expected->what, next);
	next[strcspn(next, "\n")] = '\0';
	ck_assert_msg(!expected->advice || strstr(next, expected->advice), "%s: %s",
		      expected->what, next);
	ck_assert_int_eq(outcome->status, !is_usable(expected));
}

void machine_case(const struct doctor_case *expected)
{
	size_t i;

	for (i = 0; i < MAX_CHANGES && expected->changes[i].path; i++)
		machine_put(expected->changes[i].path, expected->changes[i].content);
	expect_json(expected);
	expect_text(expected);
}
