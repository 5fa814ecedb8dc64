// SPDX-License-Identifier: MIT
/*
 * Pages that somebody holds: they stay, are counted as busy, and move when they are let
 * go, in the same call if that is soon.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "vmtest.h"

/* vmsplice holds a plain reference on the page for as long as it is in the pipe. */
static void pin(int pipe_fds[2], char *page, size_t pages)
{
	struct iovec vector = { page, pages * PAGE };

	expect(!pipe(pipe_fds));
	expect(vmsplice(pipe_fds[1], &vector, 1, 0) == (ssize_t)(pages * PAGE));
}

START_TEST(pinned_pages_stay_and_are_busy)
{
	char *memory = vm_anon_small(BLOCK);
	int pipes[2];

	needs_device_memory();
	vm_fill(memory, BLOCK, 1);
	pin(pipes, memory + 10 * PAGE, 3);
	expect_prefetch(memory, BLOCK, vm.gpu[0], 0, .moved = 509, .busy = 3);
	expect_location(memory + 10 * PAGE, 3 * PAGE, SYSMEM);
	expect_location(memory + 13 * PAGE, BLOCK - 13 * PAGE, vm.gpu[0]);
	expect(vm_counters().pages_failed >= 3);
	close(pipes[0]);
	close(pipes[1]);
	expect_prefetch(memory, BLOCK, vm.gpu[0], 0, .moved = 3, .already = 509);
	expect_bytes(memory, BLOCK, 1);
}
END_TEST

START_TEST(nothing_but_pinned_pages_is_ebusy)
{
	char *memory = vm_anon_small(BLOCK);
	int pipes[2];

	needs_device_memory();
	vm_fill(memory, BLOCK, 1);
	pin(pipes, memory, 4);
	expect_prefetch(memory, 4 * PAGE, vm.gpu[0], -EBUSY, .busy = 4);
	/* The migration step failed, the attributes are set (R8). */
	expect_eq(set(memory, 4 * PAGE, { ATTR(PREFETCH_LOC), vm.gpu[0] }), -EBUSY);
	expect_eq(get(memory, 4 * PAGE, ATTR(PREFETCH_LOC)), vm.gpu[0]);
	expect_location(memory, 4 * PAGE, SYSMEM);
	close(pipes[0]);
	close(pipes[1]);
	expect_bytes(memory, BLOCK, 1);
}
END_TEST

/* struct holder - has a reference to pages until a move of them has failed */
struct holder {
	int pipes[2];
	uint64_t failed;	/* pages_failed before */
	atomic_bool tired;	/* of waiting */
};

static void *let_go(void *arg)
{
	struct holder *holder = arg;

	while (vm_counters().pages_failed == holder->failed && !atomic_load(&holder->tired))
		sched_yield();
	close(holder->pipes[0]);
	close(holder->pipes[1]);
	return NULL;
}

/* Who is held up may see it only when the last try was over, but not each time. */
static bool moves_when_let_go(char *memory, size_t size)
{
	struct amdsvm_ioctl_prefetch_args args;
	struct holder holder = { .failed = vm_counters().pages_failed };
	pthread_t thread;
	int result;

	vm_fill(memory, size, 1);
	pin(holder.pipes, memory, 1);
	expect(!pthread_create(&thread, NULL, let_go, &holder));
	result = vm_prefetch_on(vm.fd, memory, size, vm.gpu[0], &args);
	atomic_store(&holder.tired, true);
	expect(!pthread_join(thread, NULL));
	expect(!result || result == -EBUSY);
	expect(vm_counters().pages_failed > holder.failed);
	expect_bytes(memory, size, 1);
	expect(!munmap(memory, size));
	return !result && args.pages_moved == size / PAGE && !args.pages_busy;
}

/* Each test once with small pages, and once as the kernel likes: there none of 512 moves. */
START_TEST(what_is_busy_for_a_moment_moves)
{
	const size_t size = 2 * BLOCK;
	unsigned int i = 0;

	needs_device_memory();
	while (!moves_when_let_go(_i ? vm_anon(size) : vm_anon_small(size), size))
		expect(++i < 20);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("busy");
	TCase *t = vm_case(s, "busy");

	tcase_add_test(t, pinned_pages_stay_and_are_busy);
	tcase_add_test(t, nothing_but_pinned_pages_is_ebusy);
	tcase_add_loop_test(t, what_is_busy_for_a_moment_moves, 0, 2);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
