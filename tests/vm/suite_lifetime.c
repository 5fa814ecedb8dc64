// SPDX-License-Identifier: MIT
/*
 * The ends of a process: exit, kill, exec, the last close. Whatever the end,
 * its device pages are free soon after, and not before (R3, R6).
 */
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "vmtest.h"

#define SIZE (4 * BLOCK)
#define PAGES (SIZE / PAGE)

/* A process of its own with pages on device 0 and mappings on both. */
static bool owner(struct peer *peer, int huge)
{
	char *memory;

	expect_within(10, vm_used_pages() == 0);
	if (!vm_fork(peer)) {
		vm_await(peer);
		expect_eq(vm_used_pages(), PAGES);
		return false;
	}
	close(vm.fd);
	vm.fd = vm_open();
	memory = huge ? vm_anon(SIZE) : vm_anon_small(SIZE);
	vm_fill(memory, SIZE, 1);
	expect_eq(set(memory, SIZE, { ATTR(ACCESS_IN_PLACE), vm.gpu[1] }), 0);
	expect_prefetch(memory, SIZE, vm.gpu[0], 0, .moved = PAGES);
	vm_tell(peer);
	return true;
}

START_TEST(exit_frees_device_pages)
{
	struct peer peer;

	needs_device_memory();
	if (owner(&peer, _i)) {
		vm_await(&peer);
		exit(0);
	}
	vm_tell(&peer);
	expect_joined(&peer);
	expect_within(10, vm_used_pages() == 0);
}
END_TEST

START_TEST(sigkill_frees_device_pages)
{
	struct peer peer;

	needs_device_memory();
	if (owner(&peer, _i)) {
		pause();
		vm_done();
	}
	expect(!kill(peer.pid, SIGKILL));
	expect(waitpid(peer.pid, NULL, 0) == peer.pid);
	expect_within(10, vm_used_pages() == 0);
}
END_TEST

START_TEST(exec_frees_device_pages)
{
	struct peer peer;

	needs_device_memory();
	if (owner(&peer, _i)) {
		vm_await(&peer);
		dup2(peer.fd, STDIN_FILENO);
		dup2(peer.fd, STDOUT_FILENO);
		execl("/proc/self/exe", "suite", "hold", NULL);
		_exit(1);
	}
	vm_tell(&peer);
	/* The new program runs; nothing of the old one is left. */
	vm_await(&peer);
	expect_within(10, vm_used_pages() == 0);
	expect(!shutdown(peer.fd, SHUT_WR));
	expect_joined(&peer);
}
END_TEST

START_TEST(a_segmentation_fault_frees_device_pages)
{
	struct peer peer;
	int status;

	needs_device_memory();
	if (owner(&peer, _i)) {
		vm_await(&peer);
		*(volatile int *)vm_reserve(PAGE) = 1;
	}
	vm_tell(&peer);
	expect(waitpid(peer.pid, &status, 0) == peer.pid);
	expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	expect_within(10, vm_used_pages() == 0);
}
END_TEST

START_TEST(close_leaves_pages_where_they_are)
{
	char *memory = _i ? vm_anon(SIZE) : vm_anon_small(SIZE);

	needs_device_memory();
	expect_within(10, vm_used_pages() == 0);
	vm_fill(memory, SIZE, 1);
	expect_eq(set(memory, SIZE, { ATTR(PREFETCH_LOC), vm.gpu[0] }), 0);
	close(vm.fd);
	expect_eq(vm_used_pages(), PAGES);
	vm.fd = vm_open();
	/* Policy and mappings went with the file, and with them the counters. */
	expect_eq(vm_range_count(), 0);
	expect_location(memory, SIZE, vm.gpu[0]);
	expect_mapped(memory, SIZE, 0);
	expect_eq(vm_counters().pages_in, 0);
	expect_bytes(memory, SIZE, 1);
}
END_TEST

/* No file, so no process known to the driver: core finds the page's own owner. */
START_TEST(pages_come_home_without_a_file)
{
	char *memory = _i ? vm_anon(SIZE) : vm_anon_small(SIZE);

	needs_device_memory();
	expect_within(10, vm_used_pages() == 0);
	vm_fill(memory, SIZE, 1);
	expect_prefetch(memory, SIZE, vm.gpu[0], 0, .moved = PAGES);
	close(vm.fd);
	expect_bytes(memory, SIZE, 1);
	vm_fill(memory, SIZE, 2);
	expect_bytes(memory, SIZE, 2);
	if (vm.lane == LANE_PRIVATE)
		expect_within(10, vm_used_pages() == 0);
	vm.fd = vm_open();
	expect_location(memory, SIZE, vm.lane == LANE_PRIVATE ? SYSMEM : vm.gpu[0]);
}
END_TEST

static void *sleeper(void *argument)
{
	(void)argument;
	pause();
	return NULL;
}

START_TEST(a_process_with_threads_dies_whole)
{
	struct peer peer;
	pthread_t thread;
	int i;

	needs_device_memory();
	if (owner(&peer, _i)) {
		for (i = 0; i < 4; i++)
			expect(!pthread_create(&thread, NULL, sleeper, NULL));
		vm_await(&peer);
		_exit(0);
	}
	vm_tell(&peer);
	expect_joined(&peer);
	expect_within(10, vm_used_pages() == 0);
}
END_TEST

static void *late_worker(void *argument)
{
	char *memory = vm_anon(BLOCK);

	(void)argument;
	usleep(100000);
	vm_fill(memory, BLOCK, 3);
	expect_prefetch(memory, BLOCK, vm.gpu[0], 0, .moved = 512);
	expect_bytes(memory, BLOCK, 3);
	expect_prefetch(memory, BLOCK, vm.gpu[1], 0, .moved = 512);
	exit(0);
}

/* The first thread ends early: the memory lives as long as any thread does. */
START_TEST(a_thread_outlives_the_first)
{
	struct peer peer;
	pthread_t thread;

	needs_device_memory();
	if (vm_fork(&peer)) {
		close(vm.fd);
		vm.fd = vm_open();
		expect(!pthread_create(&thread, NULL, late_worker, NULL));
		/* Not pthread_exit(): that loads a library, which a guest may lack. */
		syscall(SYS_exit, 0);
	}
	expect_joined(&peer);
	expect_within(10, vm_used_pages() == 0);
}
END_TEST

/* SIGKILL in the middle of a long call: it ends, and soon (R6). */
START_TEST(a_kill_interrupts_a_prefetch)
{
	struct peer peer;
	uint64_t start, size;
	int round;

	needs_device_memory();
	expect_within(10, vm_used_pages() == 0);
	size = vm_device(vm.gpu[0]).vram_bytes / 2;
	vm_use_all_processors();
	for (round = 0; round < 5; round++) {
		if (vm_fork(&peer)) {
			struct amdsvm_ioctl_prefetch_args args;
			char *memory = vm_anon_small(size);
			uint32_t i;

			close(vm.fd);
			vm.fd = vm_open();
			vm_tell(&peer);
			for (i = 0;; i++)
				vm_prefetch_on(vm.fd, memory, size, vm.gpu[i % 2], &args);
		}
		vm_await(&peer);
		/* The call is under way, not only about to be made. */
		expect_within(10, vm_used_pages() > 0);
		usleep(20000 * (round + 1));
		start = vm_now();
		expect(!kill(peer.pid, SIGKILL));
		expect(waitpid(peer.pid, NULL, 0) == peer.pid);
		expect(vm_now() - start < 10 * 1000000000ULL);
		expect_within(10, vm_used_pages() == 0);
	}
}
END_TEST

/* Signals that do not kill leave a call alone, or it tells what it did. */
static void on_alarm(int signal)
{
	(void)signal;
}

START_TEST(ordinary_signals_lose_nothing)
{
	struct sigaction action = { .sa_handler = on_alarm };
	struct amdsvm_ioctl_prefetch_args args;
	char *memory = vm_anon_small(SIZE);
	int round, result;

	needs_device_memory();
	vm_fill(memory, SIZE, 1);
	expect(!sigaction(SIGALRM, &action, NULL));
	for (round = 0; round < 10; round++) {
		ualarm(500 * (round + 1), 0);
		result = vm_prefetch_on(vm.fd, memory, SIZE, vm.gpu[round % 2], &args);
		expect(result == 0 || result == -EINTR);
		expect(args.pages_moved + args.pages_already <= PAGES);
	}
	ualarm(0, 0);
	expect(vm_counters().pages_in > 0);
	expect_bytes(memory, SIZE, 1);
}
END_TEST

START_TEST(opening_again_and_again_leaves_nothing_behind)
{
	char *memory = vm_anon(BLOCK);
	int rounds = vm_rounds(200), round;

	vm_fill(memory, BLOCK, 1);
	for (round = 0; round < rounds; round++) {
		int second = vm_open();

		expect_eq(set(memory, BLOCK, { ATTR(ACCESS_IN_PLACE), vm.gpu[0] }), 0);
		close(vm.fd);
		vm.fd = second;
		expect_eq(vm_range_count(), 1);
		close(second);
		vm.fd = vm_open();
		expect_eq(vm_range_count(), 0);
	}
	expect_bytes(memory, BLOCK, 1);
}
END_TEST

START_TEST(many_short_lives)
{
	struct peer peer;
	int i;

	for (i = 0; i < 40; i++) {
		if (vm_fork(&peer)) {
			char *memory = vm_anon(BLOCK);

			vm.fd = vm_open();
			vm_fill(memory, 8 * PAGE, i);
			expect_eq(set(memory, BLOCK, { ATTR(ACCESS_IN_PLACE), vm.gpu[i % 2] }), 0);
			if (vm.lane != LANE_MIRROR)
				expect_eq(set(memory, BLOCK, { ATTR(PREFETCH_LOC), vm.gpu[i % 2] }), 0);
			expect_bytes(memory, 8 * PAGE, i);
			vm_done();
		}
		expect_joined(&peer);
	}
	expect_within(10, vm_used_pages() == 0);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("lifetime");
	TCase *t = vm_case(s, "ends");

	tcase_add_loop_test(t, exit_frees_device_pages, 0, 2);
	tcase_add_loop_test(t, sigkill_frees_device_pages, 0, 2);
	tcase_add_loop_test(t, exec_frees_device_pages, 0, 2);
	tcase_add_loop_test(t, a_segmentation_fault_frees_device_pages, 0, 2);
	tcase_add_loop_test(t, a_process_with_threads_dies_whole, 0, 2);
	tcase_add_test(t, a_thread_outlives_the_first);
	tcase_add_test(t, a_kill_interrupts_a_prefetch);
	tcase_add_test(t, ordinary_signals_lose_nothing);
	t = vm_case(s, "files");
	tcase_add_loop_test(t, close_leaves_pages_where_they_are, 0, 2);
	tcase_add_loop_test(t, pages_come_home_without_a_file, 0, 2);
	tcase_add_test(t, opening_again_and_again_leaves_nothing_behind);
	tcase_add_test(t, many_short_lives);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
