// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "vmdisk.h"
#include "vmtest.h"

#define IMAGE VM_DISK ".image"

/* Nothing else in the guest uses loop devices. */
#define LOOP "/dev/loop0"

static int freezer(unsigned long request)
{
	int fd = open(VM_DISK, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int result = fd < 0 ? -1 : ioctl(fd, request, 0);

	if (fd >= 0)
		close(fd);
	return result;
}

void vm_disk_freeze(void)
{
	expect(!freezer(FIFREEZE));
}

void vm_disk_thaw(void)
{
	expect(!freezer(FITHAW));
}

void vm_disk_unmount(void)
{
	freezer(FITHAW);
	while (!umount2(VM_DISK, MNT_DETACH))
		;
	if (system("losetup -d " LOOP " 2>/dev/null"))
		errno = 0;
	unlink(IMAGE);
}

void vm_disk_mount(void)
{
	vm_disk_unmount();
	mkdir(VM_DISK, 0755);
	/*
	 * Built into some kernels, of which modprobe knows nothing. Not "mount -o loop":
	 * busybox has the device open for writing meanwhile, which kernels without
	 * CONFIG_BLK_DEV_WRITE_MOUNTED refuse.
	 */
	if (system("modprobe -q loop; modprobe -q ext4; dd if=/dev/zero of=" IMAGE
		   " bs=1M count=0 seek=96 2>/dev/null && mke2fs -F " IMAGE
		   " >/dev/null && losetup " LOOP " " IMAGE " && mount -t ext4 " LOOP " " VM_DISK))
		printf("# no file system: the tests will fail\n");
}
