// SPDX-License-Identifier: MIT
/*
 * What libamdsvm has for devices that run, against the real driver: queues,
 * packets, waiting, events, counters, and the example that uses all of it.
 */
#include <fcntl.h>
#include <pthread.h>

#include <amdsvm/amdsvm.h>

#include "vmqueue.h"

#define SIZE (16 * PAGE)
#define WORDS (SIZE / sizeof(uint64_t))

static struct amdsvm_context *ctx;
static struct amdsvm_packets *packets;
static uint32_t queue;
static uint64_t *memory, *other;

static void setup(void)
{
	vm_setup();
	expect_eq(amdsvm_open(&ctx), 0);
	expect_eq(amdsvm_queue_create(ctx, vm.gpu[0], &queue), 0);
	expect_eq(amdsvm_packets_new(&packets), 0);
	memory = vm_anon_small(SIZE);
	other = vm_anon_small(SIZE);
}

static void teardown(void)
{
	amdsvm_packets_free(packets);
	amdsvm_close(ctx);
}

static int submit(void)
{
	int fd = -1;

	expect_eq(amdsvm_submit(ctx, queue, amdsvm_packets_data(packets),
				amdsvm_packets_bytes(packets), &fd), 0);
	expect(fd >= 0);
	amdsvm_packets_reset(packets);
	return fd;
}

static struct amdsvm_result finish(int fd)
{
	struct amdsvm_result result;

	expect_eq(amdsvm_wait(fd, VM_JOB_SECONDS * 1000, &result), 0);
	close(fd);
	return result;
}

static void run(void)
{
	struct amdsvm_result result = finish(submit());

	expect_eq(result.status, 0);
}

/* One word again and again, for hours. */
static int keep_busy(void)
{
	expect_eq(amdsvm_packets_touch(packets, AMDSVM_TOUCH_READ, (uintptr_t)memory, 1ULL << 40,
				       0), 0);
	return submit();
}

/* ---- queues ------------------------------------------------------------- */

START_TEST(create_and_destroy)
{
	uint32_t second = 0, i;

	expect_eq(amdsvm_queue_create(ctx, 1, &second), -EINVAL);
	expect_eq(second, 0);
	expect_eq(amdsvm_queue_create(ctx, vm.gpu[1], &second), 0);
	expect(second && second != queue);
	expect_eq(amdsvm_queue_destroy(ctx, second), 0);
	expect_eq(amdsvm_queue_destroy(ctx, second), -ENOENT);
	for (i = 1; i < AMDSVM_MAX_QUEUES; i++)
		expect_eq(amdsvm_queue_create(ctx, vm.gpu[0], &second), 0);
	expect_eq(amdsvm_queue_create(ctx, vm.gpu[0], &second), -ENOSPC);
}
END_TEST

START_TEST(submissions_refused)
{
	uint32_t nop = AMDSVM_PACKET_NOP;
	int fd = -77;

	expect_eq(amdsvm_submit(ctx, queue + 1, &nop, 4, &fd), -ENOENT);
	expect_eq(amdsvm_submit(ctx, queue, &nop, 0, &fd), -EINVAL);
	expect_eq(amdsvm_submit(ctx, queue, &nop, 3, &fd), -EINVAL);
	expect_eq(amdsvm_submit(ctx, queue, NULL, 4, &fd), -EFAULT);
	expect_eq(fd, -77);
}
END_TEST

START_TEST(a_full_queue)
{
	int fds[AMDSVM_MAX_JOBS], fd = -77;
	uint32_t nop = AMDSVM_PACKET_NOP;
	unsigned int i;

	fds[0] = keep_busy();
	for (i = 1; i < AMDSVM_MAX_JOBS; i++)
		expect_eq(amdsvm_submit(ctx, queue, &nop, 4, &fds[i]), 0);
	expect_eq(amdsvm_submit(ctx, queue, &nop, 4, &fd), -EAGAIN);
	expect_eq(fd, -77);
	/* Closing cancels what would never end, and the rest goes on. */
	close(fds[0]);
	for (i = 1; i < AMDSVM_MAX_JOBS; i++)
		expect_eq(finish(fds[i]).status, 0);
	expect_eq(amdsvm_submit(ctx, queue, &nop, 4, &fd), 0);
	expect_eq(finish(fd).packets, 1);
}
END_TEST

/* ---- waiting ------------------------------------------------------------ */

START_TEST(waiting_has_an_end)
{
	struct amdsvm_result result = { .status = 77 };
	uint64_t begin;
	int fd = keep_busy();

	expect_eq(amdsvm_wait(fd, 0, &result), -ETIMEDOUT);
	begin = vm_now();
	expect_eq(amdsvm_wait(fd, 100, &result), -ETIMEDOUT);
	expect(vm_now() - begin >= 100 * 1000000ULL);
	expect_eq(result.status, 77);
	expect_eq(amdsvm_queue_destroy(ctx, queue), 0);
	expect_eq(amdsvm_wait(fd, 10000, &result), 0);
	expect_eq(result.status, -ECANCELED);
	/* It keeps its result. */
	expect_eq(amdsvm_wait(fd, 0, NULL), 0);
	close(fd);
	expect_eq(amdsvm_wait(fd, 0, NULL), -EBADF);
}
END_TEST

static void *wait_for_it(void *fd)
{
	struct amdsvm_result result;

	expect_eq(amdsvm_wait(*(int *)fd, -1, &result), 0);
	return (void *)(uintptr_t)result.traps;
}

START_TEST(several_wait)
{
	pthread_t threads[4];
	int busy = keep_busy(), fd, i;
	void *traps;

	expect_eq(amdsvm_packets_trap(packets, 5), 0);
	fd = submit();
	for (i = 0; i < 4; i++)
		expect(!pthread_create(&threads[i], NULL, wait_for_it, &fd));
	usleep(50000);
	close(busy);
	for (i = 0; i < 4; i++) {
		expect(!pthread_join(threads[i], &traps));
		expect_eq((uintptr_t)traps, 1);
	}
	close(fd);
}
END_TEST

/* ---- packets: what the builder makes, the device executes ----------------- */

START_TEST(packets_that_move)
{
	const uint32_t words[] = { 7, 8, 9 };
	struct amdsvm_result result;
	int fd;

	vm_fill(memory, SIZE, 3);
	expect_eq(amdsvm_packets_nop(packets, 2), 0);
	expect_eq(amdsvm_packets_copy(packets, (uintptr_t)other, (uintptr_t)memory, SIZE), 0);
	fd = submit();
	expect_eq(amdsvm_packets_fill(packets, (uintptr_t)memory, 0x11223344, 12), 0);
	expect_eq(amdsvm_packets_write(packets, (uintptr_t)memory + 4, words, 3), 0);
	expect_eq(amdsvm_packets_fence(packets, (uintptr_t)memory + 16, 0xfeed), 0);
	expect_eq(amdsvm_packets_timestamp(packets, (uintptr_t)(memory + 3)), 0);
	expect_eq(amdsvm_packets_trap(packets, 0xabcdef), 0);
	expect_eq(finish(fd).status, 0);
	result = finish(submit());
	expect_eq(result.status, 0);
	expect_eq(result.packets, 5);
	expect_eq(result.traps, 1);
	expect_eq(result.last_trap, 0xabcdef);
	expect_bytes(other, SIZE, 3);
	expect_eq(memory[0], 0x711223344);
	expect_eq(memory[1], 0x900000008);
	expect_eq((uint32_t)memory[2], 0xfeed);
	expect(memory[3] && memory[3] <= vm_now());
}
END_TEST

/* More than a packet takes: the builder makes two. */
START_TEST(large_packets)
{
	const size_t size = AMDSVM_COPY_MAX_BYTES + 2 * PAGE;
	char *from = vm_anon(size), *to = vm_anon(size);

	vm_fill(from, size, 9);
	expect_eq(amdsvm_packets_copy(packets, (uintptr_t)to, (uintptr_t)from, size), 0);
	expect_eq(amdsvm_packets_fill(packets, (uintptr_t)from, 0x5a5a5a5a, size), 0);
	expect_eq(finish(submit()).packets, 4);
	expect_bytes(to, size, 9);
	expect_eq(*(uint32_t *)from, 0x5a5a5a5a);
	expect_eq(*(uint32_t *)(from + size - 4), 0x5a5a5a5a);
}
END_TEST

START_TEST(packets_that_compute)
{
	struct amdsvm_chase_result *chase = (void *)(other + 64);
	uint32_t *indices = (void *)(other + 128);
	uint64_t at = (uintptr_t)memory, to = (uintptr_t)other;
	size_t i;

	for (i = 0; i < WORDS; i++)
		memory[i] = i * i;
	for (i = 0; i < 16; i++)
		indices[i] = 100 - i;
	expect_eq(amdsvm_packets_gather(packets, to, at, (uintptr_t)indices, 16), 0);
	expect_eq(amdsvm_packets_reduce(packets, to + 512 + 64, at, WORDS), 0);
	expect_eq(amdsvm_packets_triad(packets, to + PAGE, at, at + 8, 64, 5), 0);
	expect_eq(amdsvm_packets_touch(packets, AMDSVM_TOUCH_WRITE, at, SIZE / PAGE, PAGE), 0);
	run();
	for (i = 0; i < 16; i++)
		expect_eq(other[i], (100 - i) * (100 - i));
	expect_eq(other[72], (WORDS - 1) * WORDS * (2 * WORDS - 1) / 6);
	for (i = 0; i < 64; i++)
		expect_eq(other[512 + i], i * i + 5 * (i + 1) * (i + 1));

	expect_eq(amdsvm_packets_scatter(packets, to, at, (uintptr_t)indices, 16), 0);
	/* Three nodes of 32 bytes: next behind the value. */
	memory[256] = 5;
	memory[257] = (uintptr_t)(memory + 260);
	memory[260] = 6;
	memory[261] = (uintptr_t)(memory + 264);
	memory[264] = 7;
	memory[265] = 0;
	expect_eq(amdsvm_packets_chase(packets, (uintptr_t)(memory + 256), 8, 0, 2,
				       (uintptr_t)chase), 0);
	run();
	for (i = 0; i < 16; i++)
		if (100 - i < 64 || 100 - i > 75)
			expect_eq(other[100 - i], i * i);
	expect_eq(chase->nodes, 2);
	expect_eq(chase->sum, 11);
	expect_eq(chase->last, (uintptr_t)(memory + 260));
	expect_eq(chase->next, (uintptr_t)(memory + 264));
}
END_TEST

START_TEST(packets_that_are_atomic)
{
	uint64_t at = (uintptr_t)memory;

	only_in_lanes(LANES_WITH_MEMORY, "no atomics on system memory in this lane");
	memory[0] = 5;
	memory[1] = 0xf0f0f0f0;
	expect_eq(amdsvm_packets_atomic(packets, AMDSVM_ATOMIC_ADD_64, at, 10, 0), 0);
	expect_eq(amdsvm_packets_atomic(packets, AMDSVM_ATOMIC_CMPSWAP_64, at, 77, 15), 0);
	expect_eq(amdsvm_packets_atomic(packets, AMDSVM_ATOMIC_CMPSWAP_64, at, 99, 15), 0);
	expect_eq(amdsvm_packets_atomic(packets, AMDSVM_ATOMIC_OR_32, at + 8, 0xf, 0), 0);
	expect_eq(amdsvm_packets_atomic(packets, AMDSVM_ATOMIC_AND_32, at + 8, 0xff, 0), 0);
	run();
	expect_eq(memory[0], 77);
	expect_eq(memory[1], 0xff);
}
END_TEST

/* ---- what stops a queue --------------------------------------------------- */

START_TEST(bad_packets)
{
	uint32_t nop = AMDSVM_PACKET_NOP, second;
	struct amdsvm_result result;
	int fd = -77;

	expect_eq(amdsvm_packets_nop(packets, 0), 0);
	expect_eq(amdsvm_packets_fence(packets, 0x1000, 1), 0);
	result = finish(submit());
	expect_eq(result.status, -EFAULT);
	expect_eq(result.address, 0x1000);
	expect_eq(result.packet_offset, 4);
	expect_eq(result.packets, 1);
	expect_eq(amdsvm_submit(ctx, queue, &nop, 4, &fd), -EIO);
	expect_eq(fd, -77);

	/* Another queue is none the worse for it. */
	expect_eq(amdsvm_queue_create(ctx, vm.gpu[0], &second), 0);
	expect_eq(amdsvm_queue_destroy(ctx, queue), 0);
	queue = second;
	expect_eq(amdsvm_packets_nop(packets, 0), 0);
	run();
	expect_eq(amdsvm_packets_timestamp(packets, (uintptr_t)memory + 4), 0);
	result = finish(submit());
	expect_eq(result.status, -EBADMSG);
	expect_eq(result.packet_offset, 0);
}
END_TEST

/* ---- events and counters -------------------------------------------------- */

static unsigned int read_events(int fd, struct amdsvm_event *events, unsigned int max)
{
	char text[4096 + 1], *line, *rest;
	ssize_t got = read(fd, text, sizeof(text) - 1);
	unsigned int n = 0;

	if (got < 0) {
		expect_eq(errno, EAGAIN);
		return 0;
	}
	text[got] = '\0';
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		expect(n < max);
		expect_eq(amdsvm_event_parse(line, &events[n++]), 0);
	}
	return n;
}

START_TEST(events)
{
	const uint64_t mask = AMDSVM_SMI_EVENT_MASK_FROM_INDEX(AMDSVM_SMI_EVENT_PAGE_FAULT_START) |
			      AMDSVM_SMI_EVENT_MASK_FROM_INDEX(AMDSVM_SMI_EVENT_PAGE_FAULT_END) |
			      AMDSVM_SMI_EVENT_MASK_FROM_INDEX(AMDSVM_SMI_EVENT_VMFAULT);
	struct amdsvm_event events[8];
	int fd = -77;

	expect_eq(amdsvm_events_open(ctx, 1, mask, &fd), -EINVAL);
	expect_eq(fd, -77);
	expect_eq(amdsvm_events_open(ctx, vm.gpu[0], mask, &fd), 0);
	expect(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	expect_eq(read_events(fd, events, 8), 0);

	expect_eq(amdsvm_packets_fence(packets, (uintptr_t)memory + PAGE, 1), 0);
	run();
	expect_eq(read_events(fd, events, 8), 2);
	expect_eq(events[0].kind, AMDSVM_SMI_EVENT_PAGE_FAULT_START);
	expect_eq(events[0].pid, getpid());
	expect_eq(events[0].start, (uintptr_t)memory + PAGE);
	expect_eq(events[0].size, PAGE);
	expect_eq(events[0].gpu_id, vm.gpu[0]);
	expect_eq(events[0].access, 'W');
	expect_eq(events[1].kind, AMDSVM_SMI_EVENT_PAGE_FAULT_END);
	expect(events[1].time_ns >= events[0].time_ns);
	expect(events[1].outcome == (vm.lane == LANE_MIRROR ? 'U' : 'M'));

	expect_eq(amdsvm_packets_fence(packets, 0x1000, 1), 0);
	expect_eq(finish(submit()).status, -EFAULT);
	expect_eq(read_events(fd, events, 8), 1);
	expect_eq(events[0].kind, AMDSVM_SMI_EVENT_VMFAULT);
	expect_eq(events[0].pid, getpid());
	expect(!strcmp(events[0].command, "suite_libqueue"));
	close(fd);
}
END_TEST

START_TEST(counters)
{
	struct amdsvm_ioctl_get_device_counters_args mine, wanted;

	expect_eq(amdsvm_get_device_counters(ctx, 1, &mine), -EINVAL);
	expect_eq(amdsvm_packets_touch(packets, AMDSVM_TOUCH_READ, (uintptr_t)memory,
				       SIZE / PAGE, PAGE), 0);
	run();
	expect_eq(amdsvm_get_device_counters(ctx, vm.gpu[0], &mine), 0);
	wanted = vm_device_counters(vm.gpu[0]);
	expect(mine.faults >= 1);
	expect_eq(mine.packets, 1);
	expect(!memcmp(&mine, &wanted, sizeof(mine)));
}
END_TEST

START_TEST(xnack_is_fixed_with_queues)
{
	expect_eq(amdsvm_set_xnack_mode(ctx, 0), -EBUSY);
	expect_eq(amdsvm_queue_destroy(ctx, queue), 0);
	expect_eq(amdsvm_set_xnack_mode(ctx, 0), 0);
}
END_TEST

/* ---- the example ---------------------------------------------------------- */

/* A list of a million nodes where the project says so; it is the same elsewhere. */
START_TEST(list_sum)
{
	const char *nodes = vm.lane == LANE_PRIVATE ? "1000000" : "50000";
	int status;
	pid_t pid;

	vm_use_all_processors();
	fflush(NULL);
	pid = fork();
	expect(pid >= 0);
	if (!pid) {
		/* Where TAP goes is not for its numbers. */
		if (!freopen("/dev/null", "w", stdout))
			_exit(126);
		execlp("list_sum", "list_sum", nodes, NULL);
		_exit(127);
	}
	expect_eq(waitpid(pid, &status, 0), pid);
	expect_eq(status, 0);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("libqueue");
	TCase *t = vm_case_with(s, "libqueue", setup, teardown);

	tcase_add_test(t, create_and_destroy);
	tcase_add_test(t, submissions_refused);
	tcase_add_test(t, a_full_queue);
	tcase_add_test(t, waiting_has_an_end);
	tcase_add_test(t, several_wait);
	tcase_add_test(t, packets_that_move);
	tcase_add_test(t, large_packets);
	tcase_add_test(t, packets_that_compute);
	tcase_add_test(t, packets_that_are_atomic);
	tcase_add_test(t, bad_packets);
	tcase_add_test(t, events);
	tcase_add_test(t, counters);
	tcase_add_test(t, xnack_is_fixed_with_queues);
	tcase_add_test(t, list_sum);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
