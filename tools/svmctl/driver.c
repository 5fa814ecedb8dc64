// SPDX-License-Identifier: MIT
/*
 * The ways to the driver that commands share, each with the sentence that says
 * what to do when it is barred.
 */
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "location.h"
#include "svmctl.h"

/* Who may open the file is what the system's udev rule made of it. */
static void permission_sentence(char *sentence, size_t size)
{
	struct group *group;
	struct stat st;

	if (stat(AMDSVM_DEVICE_PATH, &st)) {
		snprintf(sentence, size, "no permission to open %s: run as root",
			 AMDSVM_DEVICE_PATH);
		return;
	}

	group = getgrgid(st.st_gid);
	if (group && st.st_gid && (st.st_mode & 0060) == 0060)
		snprintf(sentence, size,
			 "no permission to open %s (mode %04o): join the group %s, or run as root",
			 AMDSVM_DEVICE_PATH, st.st_mode & 07777, group->gr_name);
	else
		snprintf(sentence, size,
			 "no permission to open %s (mode %04o): run as root, or give it to a group by a udev rule",
			 AMDSVM_DEVICE_PATH, st.st_mode & 07777);
}

void open_sentence(int err, char *sentence, size_t size)
{
	switch (err) {
	case -ENOENT:
		snprintf(sentence, size,
			 "%s is missing: load the module with 'modprobe amdsvm' ('svmctl doctor' says more)",
			 AMDSVM_DEVICE_PATH);
		break;
	case -ENODEV:
		snprintf(sentence, size,
			 "%s has no driver behind it: load the module with 'modprobe amdsvm'",
			 AMDSVM_DEVICE_PATH);
		break;
	case -EACCES:
	case -EPERM:
		permission_sentence(sentence, size);
		break;
	case -EPROTO:
		snprintf(sentence, size,
			 "the driver has another major version of the interface than svmctl %s: install the same release of both and load the module again",
			 amdsvm_library_version());
		break;
	default:
		snprintf(sentence, size, "cannot open %s: %s ('svmctl doctor' says more)",
			 AMDSVM_DEVICE_PATH, strerror(-err));
	}
}

int open_driver(struct amdsvm_context **ctx)
{
	int ret = amdsvm_open(ctx);
	char sentence[256];

	if (!ret)
		return SVMCTL_OK;

	open_sentence(ret, sentence, sizeof(sentence));
	return failed("%s", sentence);
}

int open_process(pid_t pid, struct amdsvm_context **ctx)
{
	int ret = amdsvm_open_pid(pid, ctx);

	switch (ret) {
	case 0:
		return SVMCTL_OK;
	case -ESRCH:
		return failed("there is no process %d: 'fuser %s' lists those that use it",
			      pid, AMDSVM_DEVICE_PATH);
	case -ENODEV:
		return failed("process %d has not opened %s, so it has nothing to look at: 'fuser %s' lists those that have",
			      pid, AMDSVM_DEVICE_PATH, AMDSVM_DEVICE_PATH);
	case -EPERM:
		return failed("no right to look into process %d: run as its user, or with CAP_SYS_PTRACE (root)",
			      pid);
	case -ENOENT:
	case -EPROTO: {
		char sentence[256];

		open_sentence(ret, sentence, sizeof(sentence));
		return failed("%s", sentence);
	}
	default:
		return failed("cannot get at %s of process %d: %s", AMDSVM_DEVICE_PATH, pid,
			      strerror(-ret));
	}
}

int call_failed(const char *what, pid_t pid, int err)
{
	switch (err) {
	case -EPERM:
		return failed("%s: no right to process %d: it takes the same user or CAP_SYS_PTRACE, and to move memory CAP_SYS_NICE besides (run as root)",
			      what, pid);
	case -ESRCH:
		return failed("%s: process %d has ended", what, pid);
	case -EFAULT:
		return failed("%s: a part of the range is not mapped, or is device I/O memory: /proc/%d/maps has what is mapped",
			      what, pid);
	case -ENOSPC:
		return failed("%s: nothing moved, the device is full: 'svmctl devices' shows how full, 'svmctl evict' makes room",
			      what);
	case -EBUSY:
		return failed("%s: nothing moved, all pages are in use (pinned, locked or moving): try again later",
			      what);
	case -EOPNOTSUPP:
		return failed("%s: the driver cannot do this here (hugetlb memory, no device memory, or an older driver): 'svmctl doctor' says which",
			      what);
	case -ENOMEM:
		return failed("%s: no memory left: free some and try again", what);
	default:
		return failed("%s: %s", what, strerror(-err));
	}
}

int resolve_device(struct amdsvm_context *ctx, const char *text,
		   const struct location *location, uint32_t *gpu_id)
{
	const struct amdsvm_device_info *device;
	struct amdsvm_device_info *devices;
	size_t count;
	int ret;

	/* System memory, and all devices, are 0 where a gpu_id stands. */
	*gpu_id = 0;
	if (location->kind == LOCATION_SYSTEM || location->kind == LOCATION_ALL)
		return SVMCTL_OK;

	ret = amdsvm_get_devices(ctx, &devices, &count);
	if (ret)
		return failed("cannot list the devices: %s", strerror(-ret));
	device = find_device(location, devices, count);
	if (device)
		*gpu_id = device->gpu_id;
	amdsvm_free_devices(devices);
	if (!device)
		return failed("there is no device '%s': 'svmctl devices' lists them", text);
	return SVMCTL_OK;
}
