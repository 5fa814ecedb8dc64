// SPDX-License-Identifier: MIT
/*
 * The machine and the user of fake_root.h, in place of what the C library says of
 * the real ones. open() and stat() are in fake_calls.c.
 */
#undef _FORTIFY_SOURCE

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "fake_root.h"

#define RENDER 992

const char *fake_path(const char *path)
{
	const char *root = getenv("FAKE_ROOT");
	static char there[1024];

	if (!root || path[0] != '/' || !strcmp(path, "/dev/null"))
		return path;
	snprintf(there, sizeof(there), "%s%s", root, path);
	return there;
}

void fake_node(mode_t *mode, gid_t *gid)
{
	const char *node = getenv("FAKE_NODE");
	unsigned int bits, group;

	if (!node || sscanf(node, "%o:%u", &bits, &group) != 2)
		return;
	*mode = (*mode & ~07777) | bits;
	*gid = group;
}

int access(const char *path, int mode)
{
	return syscall(SYS_faccessat, AT_FDCWD, fake_path(path), mode);
}

int execve(const char *path, char *const argv[], char *const envp[])
{
	return syscall(SYS_execve, fake_path(path), argv, envp);
}

int uname(struct utsname *name)
{
	const char *release = getenv("FAKE_RELEASE"), *machine = getenv("FAKE_MACHINE");
	int ret = syscall(SYS_uname, name);

	if (!getenv("FAKE_ROOT"))
		return ret;
	strcpy(name->release, release ? release : "6.12.1-amd64");
	strcpy(name->machine, machine ? machine : "x86_64");
	return ret;
}

uid_t geteuid(void)
{
	const char *uid = getenv("FAKE_UID");

	return uid ? (uid_t)atoi(uid) : (uid_t)syscall(SYS_geteuid);
}

struct passwd *getpwuid(uid_t uid)
{
	static struct passwd user = { .pw_name = "user" };

	user.pw_uid = uid;
	user.pw_gid = uid;
	return &user;
}

struct group *getgrgid(gid_t gid)
{
	static struct group group;

	group.gr_name = gid == RENDER ? "render" : "root";
	group.gr_gid = gid;
	return gid == RENDER || !gid ? &group : NULL;
}

int getgrouplist(const char *user, gid_t group, gid_t *groups, int *count)
{
	const char *member = getenv("FAKE_MEMBER");

	(void)user;
	groups[0] = group;
	*count = 1;
	if (member)
		groups[(*count)++] = atoi(member);
	return *count;
}
