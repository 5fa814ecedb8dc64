// SPDX-License-Identifier: MIT
/*
 * Devices and memory that comes from files: reading leaves pages shared and clean
 * (R4), writing goes where a write of the CPU would go. The file system is a real
 * one: the pages of tmpfs are dirty all the time.
 */
#include <fcntl.h>
#include <sys/syscall.h>

#include "vmdisk.h"
#include "vmqueue.h"

#define LARGE (64UL << 20)	/* an eighth on the debug kernel */
#define SIZE (64 * PAGE)

static int make_file(size_t size, uint64_t seed)
{
	int fd = open(VM_DISK "/file", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	uint64_t *bytes = malloc(BLOCK);
	size_t at, i;

	expect(fd >= 0 && bytes);
	for (at = 0; at < size; at += BLOCK) {
		size_t length = size - at < BLOCK ? size - at : BLOCK;

		for (i = 0; i < length / 8; i++)
			bytes[i] = vm_word(seed, at / 8 + i);
		expect(write(fd, bytes, length) == (ssize_t)length);
	}
	expect(!fsync(fd));
	free(bytes);
	return fd;
}

static char *map(int fd, size_t size, int protection, int flags)
{
	char *start = vm_reserve(size);

	expect(mmap(start, size, protection, flags | MAP_FIXED, fd, 0) == start);
	return start;
}

static void expect_file(int fd, size_t size, uint64_t seed)
{
	char *bytes = malloc(size);

	expect(bytes && pread(fd, bytes, size, 0) == (ssize_t)size);
	expect_bytes(bytes, size, seed);
	free(bytes);
}

/* ---- what the kernel says of the pages ------------------------------------------------ */

struct smaps {
	long rss, anonymous, dirty;
};

static struct smaps smaps_of(const char *start)
{
	FILE *file = fopen("/proc/self/smaps", "re");
	struct smaps sum = { 0 };
	unsigned long from, to;
	bool inside = false;
	char line[256];
	long value;

	expect(file);
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2 && strchr(line, '-') < strchr(line, ' '))
			inside = from <= (uintptr_t)start && (uintptr_t)start < to;
		else if (inside && sscanf(line, "Rss: %ld kB", &value) == 1)
			sum.rss += value;
		else if (inside && sscanf(line, "Anonymous: %ld kB", &value) == 1)
			sum.anonymous += value;
		else if (inside && (sscanf(line, "Private_Dirty: %ld kB", &value) == 1 ||
				    sscanf(line, "Shared_Dirty: %ld kB", &value) == 1))
			sum.dirty += value;
	}
	fclose(file);
	return sum;
}

/* Pages that are no longer those of the file. */
static size_t own_pages(const char *start, size_t size)
{
	size_t i, pages = size / PAGE, own = 0;
	uint64_t *entries = calloc(pages, 8);

	expect(entries);
	vm_pagemap(start, pages, entries);
	for (i = 0; i < pages; i++)
		own += (entries[i] & PAGEMAP_PRESENT) && !(entries[i] & PAGEMAP_FILE);
	free(entries);
	return own;
}

static uint64_t device_sum(uint32_t gpu, const void *start, uint64_t words)
{
	uint64_t *sum = vm_anon(PAGE);
	struct vm_packets p = { 0 };

	pk_reduce(&p, start, words, sum);
	expect_runs(vm_queue(gpu), &p);
	return *sum;
}

static uint64_t sum_of(uint64_t seed, size_t words)
{
	uint64_t sum = 0;

	while (words--)
		sum += vm_word(seed, words);
	return sum;
}

/* ---- tests ------------------------------------------------------------------------------ */

START_TEST(reading_a_private_mapping_leaves_it_shared_and_clean)
{
	const size_t large = vm_is_debug_kernel() ? LARGE / 8 : LARGE;
	int fd = make_file(large, 1);
	char *start = map(fd, large, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	struct smaps after;

	/* By default, and with the device told to have it at home. */
	if (_i)
		expect_eq(set(start, large, { ATTR(PREFERRED_LOC), vm.gpu[0] }), 0);
	expect_eq(device_sum(vm.gpu[0], start, large / 8), sum_of(1, large / 8));
	expect_touches(vm.gpu[1], READ, start, large / PAGE);
	after = smaps_of(start);
	expect_eq(after.rss, large / 1024);
	expect_eq(after.anonymous, 0);
	expect_eq(after.dirty, 0);
	expect_eq(own_pages(start, large), 0);
	expect_location(start, large, SYSMEM);
	expect_mapped(start, large, 3);
	expect_eq(vm_counters().pages_in, 0);
	/* The device has the pages of the file, not copies. */
	expect(pwrite(fd, "ABCDEFGH", 8, 8 * PAGE) == 8);
	expect_eq(device_sum(vm.gpu[0], start + 8 * PAGE, 1), 0x4847464544434241);
}
END_TEST

START_TEST(writing_a_private_mapping_copies_what_is_written)
{
	int fd = make_file(SIZE, 2);
	char *start = map(fd, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE);

	if (_i)
		expect_eq(device_sum(vm.gpu[0], start, SIZE / 8), sum_of(2, SIZE / 8));
	device_fill(vm.gpu[0], start + 5 * PAGE + 8, 0x12341234, 2 * PAGE);
	expect_words(start + 5 * PAGE + 8, 0x12341234, 2 * PAGE);
	expect_eq(own_pages(start, SIZE), 3);
	expect_eq(*(uint64_t *)(start + 5 * PAGE), vm_word(2, 5 * 512));
	expect_eq(*(uint64_t *)(start + 7 * PAGE + 8), vm_word(2, 7 * 512 + 1));
	expect_bytes(start, 5 * PAGE, 2);
	expect_file(fd, SIZE, 2);
	/* Once more, on pages of our own, wherever they are. */
	device_fill(vm.gpu[0], start + 5 * PAGE, 0x43214321, 3 * PAGE);
	expect_words(start + 5 * PAGE, 0x43214321, 3 * PAGE);
	expect_file(fd, SIZE, 2);
	expect_eq(smaps_of(start).anonymous, 12);
}
END_TEST

START_TEST(writing_a_shared_mapping_writes_the_file)
{
	int fd = make_file(SIZE, 3);
	char *start = map(fd, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED);
	uint32_t word;

	if (_i)
		expect_eq(device_sum(vm.gpu[0], start, SIZE / 8), sum_of(3, SIZE / 8));
	device_fill(vm.gpu[0], start + 9 * PAGE, 0x56785678, 3 * PAGE);
	expect(pread(fd, &word, 4, 11 * PAGE + 100) == 4);
	expect_eq(word, 0x56785678);
	expect_eq(own_pages(start, SIZE), 0);
	expect_location(start + 9 * PAGE, 3 * PAGE, SYSMEM);
	/* Down to the disk, and back from there. */
	expect(!munmap(start, SIZE));
	expect(!fsync(fd));
	expect_eq(vm_write_file("/proc/sys/vm/drop_caches", "1"), 0);
	expect(!posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
	start = map(fd, SIZE, PROT_READ, MAP_SHARED);
	expect_words(start + 9 * PAGE, 0x56785678, 3 * PAGE);
	expect_bytes(start, 9 * PAGE, 3);
}
END_TEST

/* Written again after the kernel cleaned the page: that write is not lost either. */
START_TEST(writing_after_writeback_is_written_back)
{
	int fd = make_file(SIZE, 4);
	char *start = map(fd, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED);
	uint32_t round;

	for (round = 1; round < 6; round++) {
		device_fill(vm.gpu[0], start, round, SIZE);
		expect(!msync(start, SIZE, MS_SYNC));
		device_fill(vm.gpu[0], start + PAGE, round * 1000, SIZE - 2 * PAGE);
		expect(!fsync(fd));
		expect(!munmap(start, SIZE));
		expect(!posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
		start = map(fd, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED);
		expect_words(start + PAGE, round * 1000, SIZE - 2 * PAGE);
		expect_words(start, round, PAGE);
	}
}
END_TEST

START_TEST(a_read_only_mapping_is_not_written)
{
	int fd = make_file(SIZE, 5);
	char *start = map(fd, SIZE, PROT_READ, _i ? MAP_PRIVATE : MAP_SHARED);

	expect_eq(device_sum(vm.gpu[0], start, SIZE / 8), sum_of(5, SIZE / 8));
	expect_status(vm_touch(vm.gpu[0], WRITE, start + PAGE, 1), -EACCES);
	expect_eq(device_sum(vm.gpu[0], start, SIZE / 8), sum_of(5, SIZE / 8));
	expect_eq(own_pages(start, SIZE), 0);
	expect_file(fd, SIZE, 5);
}
END_TEST

START_TEST(behind_the_end_of_the_file_is_efault)
{
	int fd = make_file(8 * PAGE, 6);
	char *start = map(fd, SIZE, PROT_READ | PROT_WRITE, _i ? MAP_PRIVATE : MAP_SHARED);
	struct amdsvm_result result;

	result = vm_touch(vm.gpu[0], READ, start, 9);
	expect_status(result, -EFAULT);
	expect_eq(result.address, (uintptr_t)start + 8 * PAGE);
	expect_status(vm_touch(vm.gpu[0], WRITE, start + 20 * PAGE, 1), -EFAULT);
	expect_touches(vm.gpu[0], READ, start, 8);
	expect_mapped(start, 8 * PAGE, 1);
	/* What is cut off is lost at once, what is added is there. */
	expect(!ftruncate(fd, 4 * PAGE));
	expect_mapped(start + 4 * PAGE, 4 * PAGE, 0);
	expect_status(vm_touch(vm.gpu[0], READ, start + 4 * PAGE, 1), -EFAULT);
	expect(!ftruncate(fd, SIZE));
	expect_eq(device_sum(vm.gpu[0], start, SIZE / 8), sum_of(6, 4 * PAGE / 8));
}
END_TEST

START_TEST(memory_of_a_memfd)
{
	int fd = syscall(SYS_memfd_create, "faultfile", 0);
	char *start, *second;

	expect(fd >= 0 && !ftruncate(fd, SIZE));
	start = map(fd, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED);
	second = map(fd, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED);
	device_fill(vm.gpu[0], start, 0x99, SIZE / 2);
	expect_words(second, 0x99, SIZE / 2);
	expect_zero(second + SIZE / 2, SIZE / 2);
	vm_fill(second, SIZE, 7);
	expect_eq(device_sum(vm.gpu[0], start, SIZE / 8), sum_of(7, SIZE / 8));
	expect_eq(device_sum(vm.gpu[1], second, SIZE / 8), sum_of(7, SIZE / 8));
	expect_location(start, SIZE, SYSMEM);
	/* A hole is punched in it. */
	expect(!madvise(start + PAGE, PAGE, MADV_REMOVE));
	expect_mapped(second + PAGE, PAGE, 0);
	expect_eq(device_sum(vm.gpu[0], second + PAGE, 512), 0);
	expect_bytes(second, PAGE, 7);
}
END_TEST

/* Two processes, one file: each with its device. */
START_TEST(shared_memory_of_two_processes)
{
	char *start = map(-1, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS);
	struct peer peer;

	if (vm_fork(&peer)) {
		close(vm.fd);
		vm.fd = vm_open();
		vm_await(&peer);
		expect_eq(device_sum(vm.gpu[1], start, SIZE / 8), sum_of(8, SIZE / 8));
		device_fill(vm.gpu[0], start, 0x77, PAGE);
		vm_tell(&peer);
		vm_done();
	}
	expect_touches(vm.gpu[0], WRITE, start, SIZE / PAGE);
	vm_fill(start, SIZE, 8);
	vm_tell(&peer);
	vm_await(&peer);
	expect_eq(device_sum(vm.gpu[0], start, 512), 0x7700000077 * 512);
	expect_words(start, 0x77, PAGE);
	expect_joined(&peer);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("faultfile");
	TCase *t = vm_case(s, "files");

	tcase_add_unchecked_fixture(t, vm_disk_mount, vm_disk_unmount);
	tcase_add_loop_test(t, reading_a_private_mapping_leaves_it_shared_and_clean, 0, 2);
	tcase_add_loop_test(t, writing_a_private_mapping_copies_what_is_written, 0, 2);
	tcase_add_loop_test(t, writing_a_shared_mapping_writes_the_file, 0, 2);
	tcase_add_test(t, writing_after_writeback_is_written_back);
	tcase_add_loop_test(t, a_read_only_mapping_is_not_written, 0, 2);
	tcase_add_loop_test(t, behind_the_end_of_the_file_is_efault, 0, 2);
	tcase_add_test(t, memory_of_a_memfd);
	tcase_add_test(t, shared_memory_of_two_processes);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
