// SPDX-License-Identifier: MIT
/*
 * EVICT: a whole device's pages come home, found by physical page, whoever owns
 * them and whether or not the owner still has the device open.
 */
#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "vmtest.h"

static void evict(const char *file, int line, uint32_t gpu, uint64_t moved)
{
	struct amdsvm_ioctl_evict_args args;
	int result = vm_evict_on(vm.fd, gpu, &args);

	if (result || args.pages_moved != moved || args.pages_left)
		vm_fail(file, line, "EVICT is %d: %llu moved, not %llu; %llu left", result,
			(unsigned long long)args.pages_moved, (unsigned long long)moved,
			(unsigned long long)args.pages_left);
}

#define expect_evicted(gpu, moved) evict(HERE, gpu, moved)

START_TEST(own_pages_come_home)
{
	const size_t size = 2 * BLOCK + 9 * PAGE;
	char *memory = _i ? vm_anon(size) : vm_anon_small(size);

	needs_device_memory();
	expect_within(10, vm_used_pages() == 0);
	vm_fill(memory, size, 1);
	expect_prefetch(memory, size, vm.gpu[0], 0, .moved = size / PAGE);
	expect_evicted(vm.gpu[0], size / PAGE);
	expect_location(memory, size, SYSMEM);
	expect_within(10, vm_used_pages() == 0);
	/* Not the process's doing, nor a CPU access. */
	expect_eq(vm_counters().pages_out, 0);
	expect_eq(vm_counters().cpu_faults, 0);
	expect_bytes(memory, size, 1);
	expect_prefetch(memory, size, vm.gpu[0], 0, .moved = size / PAGE);
	expect_bytes(memory, size, 1);
}
END_TEST

START_TEST(one_device_or_all)
{
	char *first = vm_anon(BLOCK), *second = vm_anon(BLOCK);

	needs_device_memory();
	expect_within(10, vm_used_pages() == 0);
	vm_fill(first, BLOCK, 1);
	vm_fill(second, BLOCK, 2);
	expect_prefetch(first, BLOCK, vm.gpu[0], 0, .moved = 512);
	expect_prefetch(second, BLOCK, vm.gpu[1], 0, .moved = 512);
	expect_evicted(vm.gpu[0], 512);
	expect_location(first, BLOCK, SYSMEM);
	expect_location(second, BLOCK, vm.gpu[1]);
	expect_prefetch(first, BLOCK, vm.gpu[0], 0, .moved = 512);
	expect_evicted(0, 1024);
	expect_location(first, BLOCK, SYSMEM);
	expect_location(second, BLOCK, SYSMEM);
	expect_bytes(first, BLOCK, 1);
	expect_bytes(second, BLOCK, 2);
	expect_evicted(0, 0);
}
END_TEST

START_TEST(cleared_pages_come_home_as_zeros)
{
	char *memory = _i ? vm_anon(BLOCK) : vm_anon_small(BLOCK);

	needs_device_memory();
	expect_within(10, vm_used_pages() == 0);
	expect_prefetch(memory, BLOCK, vm.gpu[0], 0, .cleared = 512);
	expect_evicted(vm.gpu[0], 512);
	expect_location(memory, BLOCK, SYSMEM);
	expect_zero(memory, BLOCK);
}
END_TEST

START_TEST(pages_of_other_processes_come_home)
{
	struct peer peer;
	char *memory;

	needs_device_memory();
	expect_within(10, vm_used_pages() == 0);
	if (vm_fork(&peer)) {
		close(vm.fd);
		vm.fd = vm_open();
		memory = vm_anon(BLOCK);
		vm_fill(memory, BLOCK, 5);
		expect_prefetch(memory, BLOCK, vm.gpu[0], 0, .moved = 512);
		/* With no file open at all. */
		close(vm.fd);
		vm_tell(&peer);
		vm_await(&peer);
		expect_bytes(memory, BLOCK, 5);
		vm_done();
	}
	vm_await(&peer);
	expect_eq(vm_used_pages(), 512);
	expect_evicted(vm.gpu[0], 512);
	expect_within(10, vm_used_pages() == 0);
	vm_tell(&peer);
	expect_joined(&peer);
}
END_TEST

START_TEST(pages_that_forked_children_share_come_home)
{
	char *memory = _i ? vm_anon(BLOCK) : vm_anon_small(BLOCK);
	struct peer peers[3];
	int i;

	needs_device_memory();
	expect_within(10, vm_used_pages() == 0);
	vm_fill(memory, BLOCK, 1);
	expect_prefetch(memory, BLOCK, vm.gpu[0], 0, .moved = 512);
	for (i = 0; i < 3; i++) {
		if (vm_fork(&peers[i])) {
			vm_await(&peers[i]);
			expect_bytes(memory, BLOCK, 1);
			vm_fill(memory, BLOCK, 10 + i);
			expect_bytes(memory, BLOCK, 10 + i);
			vm_done();
		}
	}
	expect_evicted(vm.gpu[0], 512);
	expect_within(10, vm_used_pages() == 0);
	for (i = 0; i < 3; i++)
		vm_tell(&peers[i]);
	for (i = 0; i < 3; i++)
		expect_joined(&peers[i]);
	expect_bytes(memory, BLOCK, 1);
}
END_TEST

/* The CPU can pin coherent memory in place; such a page stays and is told. */
START_TEST(pinned_pages_are_left_and_counted)
{
	struct amdsvm_ioctl_evict_args args;
	char *memory = vm_anon_small(BLOCK);
	struct iovec vector = { memory + 9 * PAGE, 2 * PAGE };
	int pipes[2];

	only_in_lanes(LANE_COHERENT, "a pin brings private memory home");
	expect_within(10, vm_used_pages() == 0);
	vm_fill(memory, BLOCK, 1);
	expect_prefetch(memory, BLOCK, vm.gpu[0], 0, .moved = 512);
	expect(!pipe(pipes));
	expect(vmsplice(pipes[1], &vector, 1, 0) == (ssize_t)(2 * PAGE));
	expect_eq(vm_evict_on(vm.fd, vm.gpu[0], &args), 0);
	expect_eq(args.pages_moved, 510);
	expect_eq(args.pages_left, 2);
	expect_location(memory + 9 * PAGE, 2 * PAGE, vm.gpu[0]);
	close(pipes[0]);
	close(pipes[1]);
	expect_evicted(vm.gpu[0], 2);
	expect_location(memory, BLOCK, SYSMEM);
	expect_bytes(memory, BLOCK, 1);
}
END_TEST

static void *let_go(void *argument)
{
	int *pipes = argument;

	usleep(30000);
	close(pipes[0]);
	close(pipes[1]);
	return NULL;
}

START_TEST(pages_held_for_a_moment_are_tried_again)
{
	char *memory = vm_anon_small(BLOCK);
	struct iovec vector = { memory + 9 * PAGE, 2 * PAGE };
	pthread_t thread;
	int pipes[2];

	only_in_lanes(LANE_COHERENT, "a pin brings private memory home");
	expect_within(10, vm_used_pages() == 0);
	vm_fill(memory, BLOCK, 1);
	expect_prefetch(memory, BLOCK, vm.gpu[0], 0, .moved = 512);
	expect(!pipe(pipes));
	expect(vmsplice(pipes[1], &vector, 1, 0) == (ssize_t)(2 * PAGE));
	expect(!pthread_create(&thread, NULL, let_go, pipes));
	expect_evicted(vm.gpu[0], 512);
	expect(!pthread_join(thread, NULL));
	expect_bytes(memory, BLOCK, 1);
}
END_TEST

START_TEST(pinning_private_pages_brings_them_home)
{
	char *memory = vm_anon_small(BLOCK);
	struct iovec vector = { memory + 9 * PAGE, PAGE };
	int pipes[2];

	only_in_lanes(LANE_PRIVATE, "coherent memory is pinned in place");
	vm_fill(memory, BLOCK, 1);
	expect_prefetch(memory, BLOCK, vm.gpu[0], 0, .moved = 512);
	expect(!pipe(pipes));
	expect(vmsplice(pipes[1], &vector, 1, 0) == (ssize_t)PAGE);
	expect_location(memory + 9 * PAGE, PAGE, SYSMEM);
	expect(read(pipes[0], memory, PAGE) == (ssize_t)PAGE);
	expect(!memcmp(memory, memory + 9 * PAGE, PAGE));
}
END_TEST

START_TEST(eviction_while_the_owner_works_loses_nothing)
{
	char *memory = vm_anon(2 * BLOCK);
	struct amdsvm_ioctl_evict_args args;
	uint64_t moved = 0;
	struct peer peer;
	int round;

	needs_device_memory();
	vm_use_all_processors();
	if (vm_fork(&peer)) {
		close(vm.fd);
		vm.fd = vm_open();
		for (round = 0; round < 15; round++) {
			struct amdsvm_ioctl_prefetch_args prefetch;

			vm_fill(memory, 2 * BLOCK, round);
			expect_eq(vm_prefetch_on(vm.fd, memory, 2 * BLOCK, vm.gpu[round % 2], &prefetch), 0);
			/* Pages on their way home may count as busy. */
			expect_eq(prefetch.pages_moved + prefetch.pages_already + prefetch.pages_busy,
				  1024);
			expect_bytes(memory, 2 * BLOCK, round);
		}
		vm_done();
	}
	while (!vm_ended(&peer)) {
		expect_eq(vm_evict_on(vm.fd, 0, &args), 0);
		moved += args.pages_moved;
		usleep(1000);
	}
	expect_joined(&peer);
	expect(moved > 0);
}
END_TEST

START_TEST(eviction_needs_cap_sys_admin)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];
	struct amdsvm_ioctl_evict_args args;
	char *memory = vm_anon(BLOCK);
	struct peer peer;

	vm_fill(memory, BLOCK, 1);
	if (vm.lane != LANE_MIRROR)
		expect_prefetch(memory, BLOCK, vm.gpu[0], 0, .moved = 512);
	if (vm_fork(&peer)) {
		int fd;

		expect(!syscall(SYS_capget, &header, data));
		data[CAP_SYS_ADMIN / 32].effective &= ~(1U << (CAP_SYS_ADMIN % 32));
		expect(!syscall(SYS_capset, &header, data));
		fd = vm_open();
		expect_eq(vm_evict_on(fd, vm.gpu[0], &args), -EPERM);
		expect_eq(vm_evict_on(fd, 0, &args), -EPERM);
		expect_eq(vm_evict_on(fd, 12345, &args), -EPERM);
		vm_done();
	}
	expect_joined(&peer);
	expect_location(memory, BLOCK, vm.lane == LANE_MIRROR ? SYSMEM : vm.gpu[0]);
	expect_bytes(memory, BLOCK, 1);
}
END_TEST

START_TEST(devices_without_memory_have_nothing_to_evict)
{
	only_in_lanes(LANE_MIRROR, "the lane has device memory");
	expect_evicted(0, 0);
	expect_evicted(vm.gpu[0], 0);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("evict");
	TCase *t = vm_case(s, "evict");

	tcase_add_loop_test(t, own_pages_come_home, 0, 2);
	tcase_add_test(t, one_device_or_all);
	tcase_add_loop_test(t, cleared_pages_come_home_as_zeros, 0, 2);
	tcase_add_test(t, pages_of_other_processes_come_home);
	tcase_add_loop_test(t, pages_that_forked_children_share_come_home, 0, 2);
	tcase_add_test(t, pinned_pages_are_left_and_counted);
	tcase_add_test(t, pages_held_for_a_moment_are_tried_again);
	tcase_add_test(t, pinning_private_pages_brings_them_home);
	tcase_add_test(t, eviction_while_the_owner_works_loses_nothing);
	tcase_add_test(t, eviction_needs_cap_sys_admin);
	tcase_add_test(t, devices_without_memory_have_nothing_to_evict);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
