// SPDX-License-Identifier: MIT
/*
 * Faults of devices in many blocks: each block is served once, and none waits for
 * another. What makes a service slow for as long as a test likes is a file system
 * that is frozen: who writes to a page of its files waits until it is thawed, and
 * has mmap_lock meanwhile, so between the two nothing here maps memory.
 */
#include <fcntl.h>
#include <signal.h>

#include "vmdisk.h"
#include "vmqueue.h"

#define QUEUES 26
#define SIZE (QUEUES * BLOCK)

static char *memory;
static uint32_t queues[QUEUES];

static void make_queues(void)
{
	int i;

	for (i = 0; i < QUEUES; i++)
		queues[i] = vm_queue(vm.gpu[0]);
}

static void setup(void)
{
	vm_setup();
	vm_use_all_processors();
	expect_within(10, vm_used_pages() == 0);
	memory = vm_anon_small(SIZE);
	make_queues();
}

static uint32_t place(void)
{
	return vm.lane == LANE_MIRROR ? SYSMEM : vm.gpu[0];
}

/* One that moves, if there is where to. */
static uint64_t moves(uint64_t n)
{
	return vm.lane == LANE_MIRROR ? 0 : n;
}

static int submit_touch(int queue, uint32_t kind, const void *start, uint64_t pages)
{
	struct vm_packets p = { 0 };
	int fd;

	pk_touch(&p, kind, start, pages, PAGE);
	fd = vm_submit(queues[queue], &p);
	expect(fd >= 0);
	return fd;
}

/* ---- what is served how often -------------------------------------------------------- */

static void touch_a_block_each(int n)
{
	int fds[QUEUES], i;

	for (i = 0; i < n; i++)
		fds[i] = submit_touch(i, AMDSVM_TOUCH_READ, memory + i * BLOCK, PAGES_PER_BLOCK);
	for (i = 0; i < n; i++)
		expect_status(vm_finish(fds[i]), 0);
}

/* Granules of 2 MiB: all of a block is there after its first fault. */
static void expect_a_service_each(int n)
{
	struct amdsvm_ioctl_get_device_counters_args counters;
	const size_t size = n * BLOCK;

	vm_fill(memory, size, 1);
	touch_a_block_each(n);
	counters = vm_device_counters(vm.gpu[0]);
	expect_eq(counters.faults, n);
	expect_eq(counters.services, n);
	expect_eq(counters.duplicates, 0);
	expect_eq(counters.bad_accesses, 0);
	expect_eq(counters.migrations, moves(n));
	expect_eq(counters.pages_in, moves(size / PAGE));
	expect_location(memory, size, place());
	expect_mapped(memory, size, 1);
	expect_bytes(memory, size, 1);
}

START_TEST(each_block_is_served_once)
{
	expect_a_service_each(QUEUES);
}
END_TEST

START_TEST(a_block_of_many_is_served_once)
{
	struct amdsvm_ioctl_get_device_counters_args counters;
	int fds[QUEUES], i;

	vm_fill(memory, SIZE, 1);
	for (i = 0; i < QUEUES; i++)
		fds[i] = submit_touch(i, AMDSVM_TOUCH_WRITE, memory + i % 4 * BLOCK + i * PAGE, 100);
	for (i = 0; i < QUEUES; i++)
		expect_status(vm_finish(fds[i]), 0);
	counters = vm_device_counters(vm.gpu[0]);
	expect_eq(counters.migrations, moves(4));
	expect_eq(counters.pages_in, moves(4 * PAGES_PER_BLOCK));
	expect(counters.faults <= QUEUES);
	expect(counters.services + counters.duplicates <= counters.faults);
	expect(counters.services >= 4);
	expect_location(memory, 4 * BLOCK, place());
	expect_location(memory + 4 * BLOCK, SIZE - 4 * BLOCK, SYSMEM);
	expect_mapped(memory, 4 * BLOCK, 1);
	expect_bytes(memory, SIZE, 1);
}
END_TEST

START_TEST(errors_stop_their_own_queues)
{
	int fds[QUEUES], i;

	vm_fill(memory, SIZE, 1);
	expect(!munmap(memory + 8 * BLOCK, BLOCK));
	expect(!mprotect(memory + 9 * BLOCK, BLOCK, PROT_READ));
	for (i = 0; i < QUEUES; i++)
		fds[i] = submit_touch(i, AMDSVM_TOUCH_WRITE, memory + i % 16 * BLOCK + i * PAGE, 1);
	for (i = 0; i < QUEUES; i++) {
		struct amdsvm_result result = vm_finish(fds[i]);
		int status = i % 16 == 8 ? -EFAULT : i % 16 == 9 ? -EACCES : 0;

		expect_status(result, status);
		if (status)
			expect_eq(result.address, (uintptr_t)memory + i % 16 * BLOCK + i * PAGE);
	}
	expect_eq(vm_device_counters(vm.gpu[0]).bad_accesses, 4);
	expect_location(memory, 8 * BLOCK, place());
	expect_bytes(memory, 8 * BLOCK, 1);
}
END_TEST

START_TEST(two_processes_fault_at_once)
{
	struct peer peer;
	bool child = vm_fork(&peer);

	if (child) {
		close(vm.fd);
		vm.fd = vm_open();
		make_queues();
	}
	/* Not what the other has, too. */
	memory = vm_anon_small(SIZE);
	if (child)
		vm_await(&peer);
	else
		vm_tell(&peer);
	/* There is room for both on the debug kernel, too. */
	expect_a_service_each(QUEUES / 2);
	if (child)
		vm_done();
	expect_joined(&peer);
}
END_TEST

/* ---- a service that takes long -------------------------------------------------------- */

#define OTHERS 16
#define SLOW (QUEUES - 1)

static char *file;

static void setup_file(void)
{
	int fd, i;

	setup();
	vm_fill(memory, SIZE, 1);
	fd = open(VM_DISK "/file", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	expect(fd >= 0 && !ftruncate(fd, SLOW * BLOCK));
	file = vm_reserve(SLOW * BLOCK);
	expect(mmap(file, SLOW * BLOCK, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) == file);
	/* Read, so that nothing but the write waits. */
	for (i = 0; i < SLOW; i++)
		expect_zero(file + i * BLOCK, PAGE);
	expect(!fsync(fd));
}

static int start_slow_service(void)
{
	int fd;

	vm_disk_freeze();
	fd = submit_touch(0, AMDSVM_TOUCH_WRITE, file, 1);
	expect_within(10, vm_device_counters(vm.gpu[0]).services == 1);
	return fd;
}

START_TEST(nobody_waits_for_another_block)
{
	struct amdsvm_ioctl_get_device_counters_args counters;
	int slow = start_slow_service(), more, fds[OTHERS], i;

	/* One after the other, then all at once. */
	for (i = 1; i < OTHERS / 2; i++)
		expect_status(vm_finish(submit_touch(i, AMDSVM_TOUCH_WRITE, memory + i * BLOCK,
						     PAGES_PER_BLOCK)), 0);
	for (; i < OTHERS; i++)
		fds[i] = submit_touch(i, AMDSVM_TOUCH_WRITE, memory + i * BLOCK, PAGES_PER_BLOCK);
	for (i = OTHERS / 2; i < OTHERS; i++)
		expect_status(vm_finish(fds[i]), 0);
	/* In the slow block itself one waits, and is answered with the first. */
	more = submit_touch(OTHERS, AMDSVM_TOUCH_WRITE, file, 1);
	expect_within(10, vm_device_counters(vm.gpu[0]).faults == OTHERS + 1);
	counters = vm_device_counters(vm.gpu[0]);
	expect_eq(counters.services, OTHERS);
	expect_eq(counters.migrations, moves(OTHERS - 1));
	expect_eq(counters.pages_in, moves((OTHERS - 1) * PAGES_PER_BLOCK));
	expect(!vm_job_done(slow) && !vm_job_done(more));
	vm_disk_thaw();
	expect_status(vm_finish(slow), 0);
	expect_status(vm_finish(more), 0);
	counters = vm_device_counters(vm.gpu[0]);
	expect_eq(counters.services, OTHERS);
	expect_eq(counters.duplicates, 1);
	expect_eq(counters.bad_accesses, 0);
	expect_location(memory, BLOCK, SYSMEM);
	expect_location(memory + BLOCK, (OTHERS - 1) * BLOCK, place());
	expect_mapped(memory + BLOCK, (OTHERS - 1) * BLOCK, 1);
	expect_mapped(file, PAGE, 1);
	expect_bytes(memory, SIZE, 1);
}
END_TEST

/* However many services sleep: as many as there are queues but one. */
START_TEST(nobody_waits_for_many_slow_blocks)
{
	struct amdsvm_ioctl_get_device_counters_args counters;
	int slow[SLOW], i;

	slow[0] = start_slow_service();
	for (i = 1; i < SLOW; i++)
		slow[i] = submit_touch(i, AMDSVM_TOUCH_WRITE, file + i * BLOCK, 1);
	expect_within(10, vm_device_counters(vm.gpu[0]).services == SLOW);
	for (i = 0; i < 4; i++)
		expect_status(vm_finish(submit_touch(SLOW, AMDSVM_TOUCH_WRITE, memory + i * BLOCK,
						     PAGES_PER_BLOCK)), 0);
	/* Another device of the same process is served by others. */
	expect_touches(vm.gpu[1], READ, memory + 16 * BLOCK, 1);
	for (i = 0; i < SLOW; i++)
		expect(!vm_job_done(slow[i]));
	vm_disk_thaw();
	for (i = 0; i < SLOW; i++)
		expect_status(vm_finish(slow[i]), 0);
	counters = vm_device_counters(vm.gpu[0]);
	expect_eq(counters.services, SLOW + 4);
	expect_eq(counters.migrations, moves(4));
	expect_eq(counters.duplicates, 0);
	expect_location(memory, 4 * BLOCK, place());
	expect_bytes(memory, SIZE, 1);
}
END_TEST

/* A queue that is in the middle of a service goes, and its space is used again. */
START_TEST(a_queue_goes_while_it_is_served)
{
	int slow = start_slow_service();

	expect_eq(vm_queue_destroy(queues[0]), 0);
	expect_status(vm_finish(slow), -ECANCELED);
	expect_status(vm_finish(submit_touch(1, AMDSVM_TOUCH_WRITE, memory, 1)), 0);
	vm_disk_thaw();
	expect_status(vm_finish(submit_touch(2, AMDSVM_TOUCH_WRITE, file, 1)), 0);
	expect_location(memory, BLOCK, place());
	expect_bytes(memory, SIZE, 1);
}
END_TEST

/* A close waits for 2 s at most, whatever is served. */
#define END_NS 4000000000ULL

START_TEST(the_process_is_killed_while_it_is_served)
{
	long users = vm_read_number("/sys/module/amdsvm/refcnt");
	uint64_t start, patience = vm_is_debug_kernel() ? 2 : 1;
	struct peer peer;

	if (vm_fork(&peer)) {
		close(vm.fd);
		vm.fd = vm_open();
		make_queues();
		/* Each its own: nothing is shared as after a fork. */
		memory = vm_anon_small(SIZE);
		start_slow_service();
		vm_tell(&peer);
		for (;;) {
			close(submit_touch(1, AMDSVM_TOUCH_WRITE, memory, PAGES_PER_BLOCK));
			usleep(1000);
		}
	}
	vm_await(&peer);
	memory = vm_anon_small(SIZE);
	vm_fill(memory, SIZE, 1);
	start = vm_now();
	expect(!kill(peer.pid, SIGKILL));
	expect(waitpid(peer.pid, NULL, 0) == peer.pid);
	if (vm_now() - start > patience * END_NS)
		vm_fail(HERE, "it takes %llu ms to end (R6)",
			(unsigned long long)((vm_now() - start) / 1000000));
	/* Others are served. */
	expect_touches(vm.gpu[0], WRITE, memory, PAGES_PER_BLOCK);
	expect_location(memory, BLOCK, place());
	expect_bytes(memory, SIZE, 1);
	expect(!munmap(memory, SIZE));
	vm_disk_thaw();
	expect_within(10, vm_used_pages() == 0);
	expect_within(10, vm_read_number("/sys/module/amdsvm/refcnt") == users);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("parallel_fault");
	TCase *t = vm_case_with(s, "services", setup, NULL);

	tcase_add_test(t, each_block_is_served_once);
	tcase_add_test(t, a_block_of_many_is_served_once);
	tcase_add_test(t, errors_stop_their_own_queues);
	tcase_add_test(t, two_processes_fault_at_once);
	t = vm_case_with(s, "slow", setup_file, NULL);
	tcase_add_unchecked_fixture(t, vm_disk_mount, vm_disk_unmount);
	tcase_add_test(t, nobody_waits_for_another_block);
	tcase_add_test(t, nobody_waits_for_many_slow_blocks);
	tcase_add_test(t, a_queue_goes_while_it_is_served);
	tcase_add_test(t, the_process_is_killed_while_it_is_served);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
