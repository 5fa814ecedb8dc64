// SPDX-License-Identifier: MIT
/*
 * svmctl doctor: the device file, and who may open it. That is what the udev rule
 * made of it: root:render 0660.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "doctor.h"
#include "system.h"

#define MAX_GROUPS 256

struct node {
	bool exists;
	unsigned int mode;
	gid_t gid;
	char group[64];
	char user[64];
};

static void look_at(struct node *node)
{
	struct passwd *user = getpwuid(geteuid());
	struct group *group;
	struct stat st;

	memset(node, 0, sizeof(*node));
	snprintf(node->user, sizeof(node->user), "%s", user ? user->pw_name : "USER");
	if (stat(AMDSVM_DEVICE_PATH, &st))
		return;
	node->exists = true;
	node->mode = st.st_mode & 07777;
	node->gid = st.st_gid;
	group = getgrgid(st.st_gid);
	if (group)
		snprintf(node->group, sizeof(node->group), "%s", group->gr_name);
	else
		snprintf(node->group, sizeof(node->group), "%u", st.st_gid);
}

/* In the group by the system's books, which this session may be older than. */
static bool is_registered(const struct node *node)
{
	struct passwd *user = getpwuid(geteuid());
	gid_t groups[MAX_GROUPS];
	int count = MAX_GROUPS, i;

	if (!user)
		return false;
	if (getgrouplist(user->pw_name, user->pw_gid, groups, &count) < 0)
		return false;
	for (i = 0; i < count; i++)
		if (groups[i] == node->gid)
			return true;
	return false;
}

static bool has_rule(void)
{
	return file_exists("/usr/lib/udev/rules.d/60-amdsvm.rules") ||
	       file_exists("/lib/udev/rules.d/60-amdsvm.rules") ||
	       file_exists("/etc/udev/rules.d/60-amdsvm.rules");
}

/* Some group other than root's may use it. */
static bool is_shared(const struct node *node)
{
	return node->gid && (node->mode & 0060) == 0060;
}

static void advise_rule(struct check *check)
{
	if (has_rule())
		advise(check,
		       "the udev rule has not been applied: 'udevadm trigger --action=change /sys/class/misc/amdsvm' as root");
	else
		advise(check,
		       "the udev rule is missing: install amdsvm-tools, then 'udevadm trigger --action=change /sys/class/misc/amdsvm' as root");
}

static void not_permitted(struct doctor *doctor, const struct node *node)
{
	struct check *check;

	check = add_check(doctor, "file", CHECK_FAIL,
			  "%s is for root and group %s (mode %04o), not for %s",
			  AMDSVM_DEVICE_PATH, node->group, node->mode, node->user);
	if (!is_shared(node))
		advise_rule(check);
	else if (is_registered(node))
		advise(check, "%s has joined group %s since: log in again, or 'newgrp %s'",
		       node->user, node->group, node->group);
	else
		advise(check,
		       "join the group: 'adduser %s %s' as root (Fedora: 'usermod -aG %s %s'), then log in again; or run as root",
		       node->user, node->group, node->group, node->user);
}

static void opens(struct doctor *doctor, const struct node *node)
{
	struct check *check;

	/* Root sees no difference; users would. */
	if (node->exists && !is_shared(node) && (node->mode & 0006) != 0006) {
		check = add_check(doctor, "file", CHECK_WARN,
				  "%s opens, but for root only (group %s, mode %04o)",
				  AMDSVM_DEVICE_PATH, node->group, node->mode);
		advise_rule(check);
		return;
	}
	add_check(doctor, "file", CHECK_OK, "%s opens (group %s, mode %04o)",
		  AMDSVM_DEVICE_PATH, node->group, node->mode);
}

void check_access(struct doctor *doctor, int err)
{
	struct check *check;
	struct node node;

	look_at(&node);
	if (!err) {
		opens(doctor, &node);
		return;
	}
	if (node.exists && (err == -EACCES || err == -EPERM)) {
		not_permitted(doctor, &node);
		return;
	}

	check = add_check(doctor, "file", CHECK_FAIL, "%s does not open: %s", AMDSVM_DEVICE_PATH,
			  strerror(-err));
	if (err == -ENOENT && doctor->loaded)
		advise(check, "the module is loaded but has made no file: 'dmesg | grep amdsvm' says why");
	else if (err == -ENOENT)
		advise(check, "it comes with the module");
	else
		open_sentence(err, check->advice, sizeof(check->advice));
}
