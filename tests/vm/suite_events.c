// SPDX-License-Identifier: MIT
/*
 * Event descriptors: the lines about moving memory field by field, and that no
 * line is torn, or lost without being counted. Who hears what is in
 * suite_listeners.
 */
#include <poll.h>
#include <pthread.h>
#include <sys/uio.h>
#include <time.h>

#include "vmevents.h"

static long long boot_time(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static char *filled(size_t size)
{
	char *memory = vm_anon_small(size);

	vm_fill(memory, size, 1);
	return memory;
}

START_TEST(prefetch_is_told_both_ways)
{
	char *memory = filled(2 * BLOCK);
	int fd = listener(vm.fd, vm.gpu[0], MOVES);
	long long before = boot_time();

	needs_device_memory();
	expect_prefetch(memory, 2 * BLOCK, vm.gpu[0], 0, .moved = 1024);
	/* A block at a time, the second while the first is copied, if it is by an engine. */
	expect_eq(hear(fd), 4);
	expect_move(0, memory, 512, SYSMEM, vm.gpu[0], NO_ATTRIBUTES);
	expect_move(heard[1].id == EVENT(MIGRATE_START) ? 1 : 2, memory + BLOCK, 512, SYSMEM,
		    vm.gpu[0], NO_ATTRIBUTES);
	expect(heard[0].ns >= before && heard[3].ns <= boot_time());

	expect_prefetch(memory + 5 * PAGE, 7 * PAGE, SYSMEM, 0, .moved = 7);
	expect_eq(hear(fd), 2);
	expect_move(0, memory + 5 * PAGE, 7, vm.gpu[0], SYSMEM, NO_ATTRIBUTES);
	/* Of these 16 only what is to move. */
	expect_prefetch(memory, 16 * PAGE, vm.gpu[0], 0, .moved = 7, .already = 9);
	expect_eq(hear(fd), 2);
	expect_move(0, memory + 5 * PAGE, 7, SYSMEM, vm.gpu[0], NO_ATTRIBUTES);
	/* Nothing is to move, nothing is told. */
	expect_prefetch(memory, 16 * PAGE, vm.gpu[0], 0, .already = 16);
	expect_eq(hear(fd), 0);
	expect_bytes(memory, 2 * BLOCK, 1);
}
END_TEST

START_TEST(untouched_memory_is_told)
{
	char *memory = vm_anon_small(BLOCK);
	int fd = listener(vm.fd, vm.gpu[1], MOVES);

	needs_device_memory();
	expect_prefetch(memory, BLOCK, SYSMEM, 0, .unmovable = 512);
	expect_eq(hear(fd), 0);
	expect_prefetch(memory, BLOCK, vm.gpu[1], 0, .cleared = 512);
	expect_eq(hear(fd), 2);
	expect_move(0, memory, 512, SYSMEM, vm.gpu[1], NO_ATTRIBUTES);
}
END_TEST

START_TEST(attributes_are_told)
{
	char *memory = filled(BLOCK);
	int fd = listener(vm.fd, vm.gpu[0], MOVES);

	needs_device_memory();
	expect_eq(set(memory, BLOCK, { ATTR(PREFERRED_LOC), vm.gpu[1] },
		      { ATTR(PREFETCH_LOC), vm.gpu[0] }), 0);
	expect_eq(hear(fd), 2);
	expect_move(0, memory, 512, SYSMEM, vm.gpu[0], .prefetch = vm.gpu[0],
		    .preferred = vm.gpu[1]);
}
END_TEST

START_TEST(a_cpu_fault_is_told)
{
	char *memory = filled(BLOCK);
	int fd = listener(vm.fd, vm.gpu[1], MOVES);

	only_in_lanes(LANE_PRIVATE, "only private memory comes home by faults");
	expect_eq(set(memory, BLOCK, { ATTR(GRANULARITY), 3 }), 0);
	expect_prefetch(memory, BLOCK, vm.gpu[1], 0, .moved = 512);
	expect_eq(hear(fd), 2);
	(void)*(volatile char *)(memory + 21 * PAGE);
	expect_eq(hear(fd), 2);
	expect_move(0, memory + 16 * PAGE, 8, vm.gpu[1], SYSMEM, NO_ATTRIBUTES,
		    .trigger = TRIGGER(PAGEFAULT_CPU));
	expect_bytes(memory, BLOCK, 1);
}
END_TEST

START_TEST(a_move_that_fails_says_why)
{
	char *memory = filled(4 * PAGE);
	struct iovec vector = { memory, 2 * PAGE };
	int fd = listener(vm.fd, vm.gpu[0], MOVES), pipes[2];
	unsigned int tries, i;

	needs_device_memory();
	expect(!pipe(pipes) && vmsplice(pipes[1], &vector, 1, 0) == 2 * (ssize_t)PAGE);
	expect_prefetch(memory, 2 * PAGE, vm.gpu[0], -EBUSY, .busy = 2);
	/* It is tried again: so often it fails. */
	tries = hear(fd) / 2;
	expect(tries > 1 && tries < 10);
	for (i = 0; i < tries; i++)
		expect_move(2 * i, memory, 2, SYSMEM, vm.gpu[0], NO_ATTRIBUTES, .error = -EBUSY);
	/* A part that moved is no error (R5). */
	expect_prefetch(memory, 4 * PAGE, vm.gpu[0], 0, .moved = 2, .busy = 2);
	expect_eq(hear(fd), 2 * tries);
	expect_move(0, memory, 4, SYSMEM, vm.gpu[0], NO_ATTRIBUTES);
	for (i = 1; i < tries; i++)
		expect_move(2 * i, memory, 2, SYSMEM, vm.gpu[0], NO_ATTRIBUTES, .error = -EBUSY);
}
END_TEST

START_TEST(the_mask_chooses)
{
	char *page = touched_page();
	int fd = listener(vm.fd, vm.gpu[0], 0);

	needs_device_memory();
	move_page(page, vm.gpu[0]);
	expect_eq(hear(fd), 0);
	choose(fd, EVENT_BIT(MIGRATE_END));
	move_page(page, SYSMEM);
	expect_eq(hear(fd), 1);
	expect_eq(heard[0].id, EVENT(MIGRATE_END));
	choose(fd, EVENT_BIT(VMFAULT) | EVENT_BIT(PAGE_FAULT_START));
	move_page(page, vm.gpu[0]);
	expect_eq(hear(fd), 0);
	choose(fd, MOVES);
	move_page(page, SYSMEM);
	expect_eq(hear(fd), 2);
}
END_TEST

START_TEST(a_mask_is_eight_bytes)
{
	int fd = listener(vm.fd, vm.gpu[0], 0);
	uint64_t masks[2] = { MOVES, 0 };

	expect(write(fd, masks, 7) == -1 && errno == EINVAL);
	expect(write(fd, masks, 0) == -1 && errno == EINVAL);
	expect(write(fd, masks, 16) == -1 && errno == EINVAL);
	expect(write(fd, (void *)8, 8) == -1 && errno == EFAULT);
	expect_eq(hear(fd), 0);
}
END_TEST

START_TEST(poll_tells_and_read_never_waits)
{
	char *page = touched_page();
	int fd = listener(vm.fd, vm.gpu[0], MOVES);
	struct pollfd waiter = { .fd = fd, .events = POLLIN };

	needs_device_memory();
	expect_eq(poll(&waiter, 1, 0), 0);
	expect_eq(hear(fd), 0);
	move_page(page, vm.gpu[0]);
	expect_eq(poll(&waiter, 1, 0), 1);
	expect_eq(waiter.revents, POLLIN);
	expect_eq(hear(fd), 2);
	expect_eq(poll(&waiter, 1, 0), 0);
}
END_TEST

static void *move_later(void *page)
{
	usleep(200000);
	move_page(page, vm.gpu[0]);
	return NULL;
}

START_TEST(poll_wakes_up)
{
	char *page = touched_page();
	int fd = listener(vm.fd, vm.gpu[0], MOVES);
	struct pollfd waiter = { .fd = fd, .events = POLLIN };
	pthread_t thread;

	needs_device_memory();
	expect(!pthread_create(&thread, NULL, move_later, page));
	expect_eq(poll(&waiter, 1, 60000), 1);
	pthread_join(thread, NULL);
	expect_eq(hear(fd), 2);
}
END_TEST

START_TEST(no_line_is_torn)
{
	char *page = touched_page(), text[4096];
	int fd = listener(vm.fd, vm.gpu[0], MOVES), i;
	ssize_t first, length;

	needs_device_memory();
	for (i = 0; i < 4; i++)
		move_page(page, i % 2 ? SYSMEM : vm.gpu[0]);
	expect(read(fd, text, 10) == -1 && errno == EINVAL);
	expect(read(fd, text, 0) == -1 && errno == EINVAL);
	/* What could not be written is not lost. */
	expect(read(fd, (void *)8, sizeof(text)) == -1 && errno == EFAULT);
	first = read(fd, text, AMDSVM_SMI_EVENT_MSG_SIZE);
	expect(first > 10 && memchr(text, '\n', first) == text + first - 1);
	/* Room for one and for a part of the next. */
	length = read(fd, text, first + first / 2);
	expect(length > 10 && memchr(text, '\n', length) == text + length - 1);
	expect_eq(hear_by(fd, AMDSVM_SMI_EVENT_MSG_SIZE), 6);
}
END_TEST

/* Of heard[]: lines that are events, and the sum of what is missing. */
static unsigned int add_up(unsigned int count, unsigned long *dropped)
{
	unsigned int i, lines = 0;

	*dropped = 0;
	for (i = 0; i < count; i++) {
		*dropped += heard[i].dropped;
		lines += heard[i].id != EVENT(DROPPED);
	}
	return lines;
}

#define ROUNDS 400	/* of two lines each: more than fit */

static void move_often(char *page)
{
	int i;

	for (i = 0; i < ROUNDS; i++)
		move_page(page, i % 2 ? SYSMEM : vm.gpu[0]);
}

/* With buffers of several sizes, so that lines wrap round at any place. */
START_TEST(what_is_dropped_is_counted)
{
	int fd = listener(vm.fd, vm.gpu[0], MOVES);
	unsigned int count, lines;
	char *page = touched_page();
	unsigned long dropped;
	const int rounds = vm_is_debug_kernel() ? 1 : 3;
	int round;

	needs_device_memory();
	for (round = 0; round < rounds; round++) {
		move_often(page);
		count = hear_by(fd, AMDSVM_SMI_EVENT_MSG_SIZE + _i * 31);
		lines = add_up(count, &dropped);
		expect_eq(lines + dropped, 2 * ROUNDS);
		/* Where they are missing: behind the last for which there was room. */
		expect(dropped && lines + 1 == count);
		expect_eq(heard[count - 1].id, EVENT(DROPPED));
		/* And from then on nothing is missing. */
		move_page(page, vm.gpu[0]);
		move_page(page, SYSMEM);
		expect_eq(hear(fd), 4);
		expect_eq(add_up(4, &dropped), 4);
	}
}
END_TEST

START_TEST(drops_are_told_between_what_was_heard)
{
	int fd = listener(vm.fd, vm.gpu[0], MOVES), i;
	unsigned int count, lines, early = 0;
	char *page = touched_page(), text[256];
	unsigned long dropped;
	ssize_t length;

	needs_device_memory();
	move_often(page);
	for (i = 0; i < 3; i++) {
		length = read(fd, text, sizeof(text));
		expect(length > 0);
		while (length--)
			early += text[length] == '\n';
	}
	/* The room is for the number and for a few more. */
	move_often(page);
	count = hear(fd);
	lines = add_up(count, &dropped);
	expect_eq(count - lines, 2);
	expect_eq(heard[count - 1].id, EVENT(DROPPED));
	expect_eq(early + lines + dropped, 4 * ROUNDS);
	expect_eq(hear(fd), 0);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("events");
	TCase *t = vm_case(s, "lines");

	tcase_add_test(t, prefetch_is_told_both_ways);
	tcase_add_test(t, untouched_memory_is_told);
	tcase_add_test(t, attributes_are_told);
	tcase_add_test(t, a_cpu_fault_is_told);
	tcase_add_test(t, a_move_that_fails_says_why);
	t = vm_case(s, "descriptor");
	tcase_add_test(t, the_mask_chooses);
	tcase_add_test(t, a_mask_is_eight_bytes);
	tcase_add_test(t, poll_tells_and_read_never_waits);
	tcase_add_test(t, poll_wakes_up);
	tcase_add_test(t, no_line_is_torn);
	tcase_add_loop_test(t, what_is_dropped_is_counted, 0, 4);
	tcase_add_test(t, drops_are_told_between_what_was_heard);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
