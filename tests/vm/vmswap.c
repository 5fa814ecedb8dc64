// SPDX-License-Identifier: MIT
/*
 * Swap for the suites; see vmswap.h.
 */
#include <fcntl.h>
#include <sys/swap.h>

#include "vmswap.h"
#include "vmtest.h"

/* A swap header is a page with few words in it. */
void vm_swap_on(void)
{
	static char header[PAGE];
	uint32_t *words = (uint32_t *)(header + 1024);
	int fd;

	/* Built into some kernels, of which modprobe knows nothing. */
	if (system("modprobe -q zram"))
		expect(!access("/sys/block/zram0", F_OK));
	/* A test that failed may have left it on. */
	swapoff("/dev/zram0");
	if (vm_read_number("/sys/block/zram0/disksize") == 0)
		expect_eq(vm_write_file("/sys/block/zram0/disksize", "64M"), 0);
	words[0] = 1;
	words[1] = (64 << 20) / PAGE - 1;
	memcpy(header + PAGE - 10, "SWAPSPACE2", 10);
	fd = open("/dev/zram0", O_WRONLY | O_CLOEXEC);
	expect(fd >= 0 && write(fd, header, PAGE) == (ssize_t)PAGE && !fsync(fd));
	close(fd);
	expect(!swapon("/dev/zram0", 0));
}

void vm_swap_off(void)
{
	expect(!swapoff("/dev/zram0"));
}

void vm_page_out(void *start, size_t size)
{
	expect(!madvise(start, size, MADV_PAGEOUT));
	expect_within(20, (madvise(start, size, MADV_PAGEOUT), vm_sums(start, size).pages_absent ==
								      size / PAGE));
}
