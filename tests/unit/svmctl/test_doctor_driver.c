// SPDX-License-Identifier: MIT
/*
 * svmctl doctor: who may open the device, and what the driver says of itself.
 */
#include <stdio.h>

#include "machine.h"
#include "test.h"

#define RULE "/usr/lib/udev/rules.d/60-amdsvm.rules"

static const struct doctor_case nodes[] = {
	{ "opens", NULL, {}, "file", "ok", "/dev/amdsvm opens (group render, mode 0660)", NULL },
	{ "opens for all", "FAKE_NODE=0666:0", {}, "file", "ok", "opens (group root, mode 0666)", NULL },
	{ "opens for root only", "FAKE_NODE=0600:0 FAKE_UID=0", {}, "file", "warn",
	  "for root only (group root, mode 0600)", "udevadm trigger" },
	{ "the group may not", "FAKE_NODE=0640:992 FAKE_UID=0", {}, "file", "warn", "for root only",
	  "udevadm trigger" },
	{ "there is no rule", "FAKE_NODE=0600:0 FAKE_UID=0", { { RULE, NULL } }, "file", "warn",
	  "for root only", "install amdsvm-tools, then 'udevadm" },
	{ "not a member", "FAKE_OPEN_ERROR=13", {}, "file", "fail",
	  "is for root and group render (mode 0660), not for user",
	  "'adduser user render' as root (Fedora: 'usermod -aG render user'), then log in again" },
	{ "a member of another", "FAKE_OPEN_ERROR=13 FAKE_MEMBER=993", {}, "file", "fail",
	  "not for user", "adduser user render" },
	{ "a member since", "FAKE_OPEN_ERROR=13 FAKE_MEMBER=992", {}, "file", "fail", "not for user",
	  "user has joined group render since: log in again" },
	{ "the rule was not applied", "FAKE_OPEN_ERROR=13 FAKE_NODE=0600:0", {}, "file", "fail",
	  "group root (mode 0600)", "has not been applied: 'udevadm trigger" },
	{ "a rule of /etc", "FAKE_OPEN_ERROR=13 FAKE_NODE=0600:0",
	  { { RULE, NULL }, { "/etc/udev/rules.d/60-amdsvm.rules", "" } }, "file", "fail",
	  "group root", "has not been applied" },
	{ "no rule", "FAKE_OPEN_ERROR=1 FAKE_NODE=0660:0", { { RULE, NULL } }, "file", "fail",
	  "group root (mode 0660)", "the udev rule is missing: install amdsvm-tools" },
	{ "a group without a name", "FAKE_OPEN_ERROR=13 FAKE_NODE=0660:4711", {}, "file", "fail",
	  "group 4711", "adduser user 4711" },
	{ "no file", "FAKE_OPEN_ERROR=2", {}, "file", "fail", "No such file", "dmesg | grep amdsvm" },
	{ "no file, not loaded", "FAKE_OPEN_ERROR=2", { { "/sys/module/amdsvm", NULL } }, "file", "fail",
	  "No such file", "comes with the module" },
	{ "no driver", "FAKE_OPEN_ERROR=19", {}, "file", "fail", "No such device", "modprobe amdsvm" },
};

START_TEST(device_file)
{
	machine_case(&nodes[_i]);
}
END_TEST

static const struct doctor_case drivers[] = {
	{ "versions", NULL, {}, "version", "ok", "driver and library " SVMCTL_VERSION, NULL },
	{ "no capabilities", "FAKE_CALL_ERROR=25", {}, "version", "fail", "does not say what it can",
	  "the same release" },
	{ "private memory", NULL, {}, "private", "ok", "supports private device memory", NULL },
	{ "no private memory", "FAKE_KIND=none", {}, "private", "ok", "has no private device memory", NULL },
	{ "memory", NULL, {}, "memory", "ok", "devices have private memory", NULL },
	{ "coherent memory", "FAKE_KIND=coherent", {}, "memory", "ok",
	  "devices have coherent memory, in the range that coherent_base gave", NULL },
	{ "no memory", "FAKE_KIND=none", {}, "memory", "warn", "map system memory only: this kernel has no",
	  "memmap=1G$0x140000000" },
	{ "devices", NULL, {}, "devices", "ok", "2 ('svmctl devices'", NULL },
	{ "no device", "FAKE_DEVICES=0", {}, "devices", "fail", "there is no device", "dmesg | grep" },
};

START_TEST(driver_lines)
{
	machine_case(&drivers[_i]);
}
END_TEST

TCase *doctor_driver_case(void)
{
	TCase *tc = tcase_create("doctor_driver");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, machine_up, machine_down);
	tcase_add_loop_test(tc, device_file, 0, sizeof(nodes) / sizeof(nodes[0]));
	tcase_add_loop_test(tc, driver_lines, 0, sizeof(drivers) / sizeof(drivers[0]));
	return tc;
}
