// SPDX-License-Identifier: MIT
/*
 * What devices write is dirty (R1): reclaim writes such pages to swap, and drops
 * only those that nobody wrote. HMM and migration leave that to drivers; a driver
 * that forgets loses the bytes, and reads zeros.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "vmqueue.h"
#include "vmswap.h"

#define SIZE (64 * PAGE)
#define GROUP "/sys/fs/cgroup/amdsvm-reclaim"

static char *memory;

static void setup(void)
{
	vm_setup();
	vm_swap_on();
	memory = vm_anon_small(SIZE);
}

static void teardown(void)
{
	vm_swap_off();
}

/* ---- reclaim ------------------------------------------------------------------------ */

enum { BY_ADVICE, BY_GROUP, WAYS };

/* Before the memory is touched: it is charged to where it was touched first. */
static void enter_group(void)
{
	char pid[16];

	vm_write_file("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
	if (mkdir(GROUP, 0755))
		expect(errno == EEXIST);
	snprintf(pid, sizeof(pid), "%d", getpid());
	expect_eq(vm_write_file(GROUP "/cgroup.procs", pid), 0);
}

/* To the root group, so that the other can go. */
static void leave_group(void)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", getpid());
	expect_eq(vm_write_file("/sys/fs/cgroup/cgroup.procs", pid), 0);
	rmdir(GROUP);
}

static void prepare(int way)
{
	if (way == BY_GROUP)
		enter_group();
}

/* Until no page is in memory any more: swapped, or dropped. */
static void reclaim(int way, char *start)
{
	if (way == BY_ADVICE) {
		vm_page_out(start, SIZE);
	} else {
		/* -EAGAIN when it could not get so much. */
		expect_within(30, (vm_write_file(GROUP "/memory.reclaim", "64M"),
				   vm_sums(start, SIZE).pages_absent == SIZE / PAGE));
		leave_group();
	}
}

static void in_place(void)
{
	expect_eq(set(memory, SIZE, { ATTR(ACCESS_IN_PLACE), vm.gpu[0] }), 0);
}

static void prefetch(uint32_t location)
{
	struct amdsvm_ioctl_prefetch_args args;

	expect_eq(vm_prefetch_on(vm.fd, memory, SIZE, location, &args), 0);
}

/* The others could not fail if this one did: nothing is kept that nobody wrote. */
START_TEST(free_pages_that_nobody_writes_are_dropped)
{
	prepare(_i);
	vm_fill(memory, SIZE, 1);
	expect(!madvise(memory, SIZE, MADV_FREE));
	reclaim(_i, memory);
	expect_zero(memory, SIZE);
}
END_TEST

/* R4: reading dirties nothing, whatever the device had mapped. */
START_TEST(free_pages_that_a_device_reads_are_dropped)
{
	prepare(_i);
	in_place();
	vm_fill(memory, SIZE, 1);
	expect_touches(vm.gpu[0], READ, memory, SIZE / PAGE);
	expect(!madvise(memory, SIZE, MADV_FREE));
	expect_touches(vm.gpu[0], READ, memory, SIZE / PAGE);
	expect_mapped(memory, SIZE, 1);
	reclaim(_i, memory);
	expect_mapped(memory, SIZE, 0);
	expect_zero(memory, SIZE);
}
END_TEST

START_TEST(free_pages_that_a_device_writes_are_kept)
{
	prepare(_i);
	in_place();
	vm_fill(memory, SIZE, 1);
	expect(!madvise(memory, SIZE, MADV_FREE));
	device_fill(vm.gpu[0], memory, 0xd00d, SIZE);
	reclaim(_i, memory);
	expect_words(memory, 0xd00d, SIZE);
}
END_TEST

/* One word of each page, through entries that reading made. */
START_TEST(free_pages_that_a_device_reads_then_writes_are_kept)
{
	size_t i;

	prepare(_i);
	in_place();
	vm_fill(memory, SIZE, 1);
	expect(!madvise(memory, SIZE, MADV_FREE));
	expect_touches(vm.gpu[0], READ, memory, SIZE / PAGE);
	/* With what they hold: writing is writing. */
	expect_touches(vm.gpu[0], WRITE, memory, SIZE / PAGE / 2);
	reclaim(_i, memory);
	expect_bytes(memory, SIZE / 2, 1);
	for (i = SIZE / 2; i < SIZE; i += PAGE)
		expect_zero(memory + i, PAGE);
}
END_TEST

START_TEST(free_pages_that_a_device_wrote_at_home_are_kept)
{
	needs_device_memory();
	prepare(_i);
	vm_fill(memory, SIZE, 1);
	expect(!madvise(memory, SIZE, MADV_FREE));
	prefetch(vm.gpu[0]);
	expect_location(memory, SIZE, vm.gpu[0]);
	device_fill(vm.gpu[0], memory, 0xbeef, SIZE);
	prefetch(SYSMEM);
	expect_location(memory, SIZE, SYSMEM);
	reclaim(_i, memory);
	expect_words(memory, 0xbeef, SIZE);
}
END_TEST

/* Said of pages that are on the device already. */
START_TEST(pages_freed_on_the_device_and_written_are_kept)
{
	needs_device_memory();
	prepare(_i);
	vm_fill(memory, SIZE, 1);
	prefetch(vm.gpu[0]);
	expect(!madvise(memory, SIZE, MADV_FREE));
	device_fill(vm.gpu[0], memory, 0xfeed, SIZE);
	prefetch(SYSMEM);
	reclaim(_i, memory);
	expect_words(memory, 0xfeed, SIZE);
}
END_TEST

START_TEST(free_pages_that_came_by_another_device_are_kept)
{
	needs_device_memory();
	prepare(_i);
	vm_fill(memory, SIZE, 1);
	expect(!madvise(memory, SIZE, MADV_FREE));
	device_fill(vm.gpu[0], memory, 0xaaaa, SIZE);
	prefetch(vm.gpu[1]);
	prefetch(SYSMEM);
	reclaim(_i, memory);
	expect_words(memory, 0xaaaa, SIZE);
}
END_TEST

/* Allocated by a read of the CPU, which makes it clean. */
START_TEST(shared_pages_that_a_device_writes_are_kept)
{
	int fd = syscall(SYS_memfd_create, "reclaim", 0);
	char *shared = vm_reserve(SIZE);

	prepare(_i);
	expect(fd >= 0 && !ftruncate(fd, SIZE));
	expect(mmap(shared, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) == shared);
	expect_zero(shared, SIZE);
	device_fill(vm.gpu[0], shared, 0xcafe, SIZE);
	expect_location(shared, SIZE, SYSMEM);
	reclaim(_i, shared);
	expect_words(shared, 0xcafe, SIZE);
}
END_TEST

/* Swapped, wanted by a device, swapped again: the copy in swap is out of date. */
START_TEST(swapped_pages_that_a_device_writes_are_kept)
{
	uint32_t round;

	prepare(_i);
	in_place();
	vm_fill(memory, SIZE, 1);
	vm_page_out(memory, SIZE);
	for (round = 1; round < 4; round++) {
		expect_touches(vm.gpu[0], READ, memory, SIZE / PAGE);
		device_fill(vm.gpu[0], memory, round, SIZE);
		vm_page_out(memory, SIZE);
		expect_mapped(memory, SIZE, 0);
		expect_words(memory, round, SIZE);
	}
	reclaim(_i, memory);
	expect_words(memory, 3, SIZE);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("reclaim");
	TCase *t = vm_case_with(s, "dirty", setup, teardown);

	tcase_add_loop_test(t, free_pages_that_nobody_writes_are_dropped, 0, WAYS);
	tcase_add_loop_test(t, free_pages_that_a_device_reads_are_dropped, 0, WAYS);
	tcase_add_loop_test(t, free_pages_that_a_device_writes_are_kept, 0, WAYS);
	tcase_add_loop_test(t, free_pages_that_a_device_reads_then_writes_are_kept, 0, WAYS);
	tcase_add_loop_test(t, free_pages_that_a_device_wrote_at_home_are_kept, 0, WAYS);
	tcase_add_loop_test(t, pages_freed_on_the_device_and_written_are_kept, 0, WAYS);
	tcase_add_loop_test(t, free_pages_that_came_by_another_device_are_kept, 0, WAYS);
	tcase_add_loop_test(t, shared_pages_that_a_device_writes_are_kept, 0, WAYS);
	tcase_add_loop_test(t, swapped_pages_that_a_device_writes_are_kept, 0, WAYS);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
