/* SPDX-License-Identifier: MIT */
/*
 * A file system on a disk, for suites: the pages of tmpfs are dirty all the time, and
 * it cannot be frozen. For unchecked fixtures: one for the suite.
 */
#ifndef AMDSVM_TESTS_VMDISK_H
#define AMDSVM_TESTS_VMDISK_H

#define VM_DISK "/tmp/vmdisk"	/* mounted here; 96 MiB, less what ext4 takes */

void vm_disk_mount(void);
void vm_disk_unmount(void);	/* also when it is frozen */

/* Who writes to a page that is clean waits until it is thawed. */
void vm_disk_freeze(void);
void vm_disk_thaw(void);

#endif
