// SPDX-License-Identifier: MIT
/*
 * Queues: their limits, the order of what they execute, and the descriptor that
 * tells of the end. What packets do is in suite_packets, what memory does under
 * them in suite_fault.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>

#include "vmqueue.h"

/* Words that the CPU looks at while a device writes them. */
static volatile uint32_t *words;
static uint32_t queue;

static void setup(void)
{
	vm_setup();
	words = vm_anon(PAGE);
	queue = vm_queue(vm.gpu[0]);
}

static int submit_endless(uint32_t queue_id)
{
	struct vm_packets p = { 0 };
	int fd;

	pk_endless(&p, (void *)(words + 1000));
	fd = vm_submit(queue_id, &p);
	expect(fd >= 0);
	return fd;
}

static int submit_fence(uint32_t queue_id, unsigned int index, uint32_t word)
{
	struct vm_packets p = { 0 };
	int fd;

	pk_fence(&p, (void *)(words + index), word);
	fd = vm_submit(queue_id, &p);
	expect(fd >= 0);
	return fd;
}

static int submit_malformed(uint32_t queue_id)
{
	struct vm_packets p = { 0 };
	int fd;

	pk_word(&p, 0xff);
	fd = vm_submit(queue_id, &p);
	expect(fd >= 0);
	return fd;
}

/* The queue works: a word of its job arrives. */
static void expect_works(uint32_t queue_id)
{
	static uint32_t word;

	expect_status(vm_finish(submit_fence(queue_id, 1001, ++word)), 0);
	expect_eq(words[1001], word);
}

START_TEST(ids_are_not_zero_and_differ)
{
	uint32_t other = vm_queue(vm.gpu[0]), second = vm_queue(vm.gpu[1]);

	expect(queue && other && second);
	expect(queue != other && queue != second && other != second);
	expect_works(queue);
	expect_works(other);
	expect_works(second);
	expect_eq(vm_queue_destroy(queue), 0);
	expect_eq(vm_queue_destroy(queue), -ENOENT);
	expect_works(other);
	expect_works(second);
}
END_TEST

START_TEST(a_process_has_64_queues_on_each_device)
{
	uint32_t ids[AMDSVM_MAX_QUEUES], more;
	int i;

	ids[0] = queue;
	for (i = 1; i < AMDSVM_MAX_QUEUES; i++)
		ids[i] = vm_queue(vm.gpu[0]);
	expect_eq(vm_queue_create_on(vm.fd, vm.gpu[0], &more), -ENOSPC);
	/* Those of the other device are counted apart. */
	expect_works(vm_queue(vm.gpu[1]));
	for (i = 0; i < AMDSVM_MAX_QUEUES; i++)
		expect_works(ids[i]);
	expect_eq(vm_queue_destroy(ids[40]), 0);
	expect_works(vm_queue(vm.gpu[0]));
	expect_eq(vm_queue_create_on(vm.fd, vm.gpu[0], &more), -ENOSPC);
}
END_TEST

START_TEST(queues_come_and_go)
{
	struct rlimit few = { 24, 24 };
	int i;

	/* A descriptor that is left behind each time would show. */
	expect(!setrlimit(RLIMIT_NOFILE, &few));
	for (i = 0; i < 200; i++) {
		uint32_t id = vm_queue(vm.gpu[i % 2]);
		int fd = submit_endless(id);

		if (i % 3 == 0)
			expect_eq(vm_queue_destroy(id), 0);
		close(fd);
		if (i % 3)
			expect_eq(vm_queue_destroy(id), 0);
	}
	expect_works(queue);
}
END_TEST

/* Each job copies what the one before it wrote: out of order, the word does not arrive. */
START_TEST(jobs_of_a_queue_execute_in_order)
{
	enum { JOBS = 200 };
	int fds[JOBS], first, i;

	words[0] = 0xabcd;
	first = submit_endless(queue);
	for (i = 0; i < JOBS; i++) {
		struct vm_packets p = { 0 };

		pk_copy(&p, (void *)(words + 2 * i + 1), (void *)(words + 2 * i), 4);
		pk_copy(&p, (void *)(words + 2 * i + 2), (void *)(words + 2 * i + 1), 4);
		fds[i] = vm_submit(queue, &p);
		expect(fds[i] >= 0);
	}
	expect(!vm_job_done(fds[0]));
	expect_eq(words[1], 0);
	close(first);
	/* The last one tells of all before it. */
	expect_status(vm_wait(fds[JOBS - 1]), 0);
	for (i = 0; i < JOBS; i++)
		expect(vm_job_done(fds[i]));
	expect_eq(words[2 * JOBS], 0xabcd);
}
END_TEST

START_TEST(a_queue_does_not_wait_for_another)
{
	int fds[12], i;

	/* More than there are lanes: each gets its time all the same. */
	for (i = 0; i < 12; i++)
		fds[i] = submit_endless(vm_queue(vm.gpu[0]));
	for (i = 0; i < 5; i++) {
		expect_works(queue);
		expect_works(vm_queue(vm.gpu[1]));
	}
	for (i = 0; i < 12; i++)
		expect(!vm_job_done(fds[i]));
}
END_TEST

START_TEST(packets_are_copied_by_the_call)
{
	int first = submit_endless(queue), fd;
	struct vm_packets p = { 0 };

	pk_fence(&p, (void *)words, 1);
	fd = vm_submit(queue, &p);
	expect(fd >= 0);
	p.n = 0;
	pk_fence(&p, (void *)words, 2);
	close(first);
	expect_status(vm_finish(fd), 0);
	expect_eq(words[0], 1);
}
END_TEST

START_TEST(a_queue_holds_256_jobs)
{
	int fds[AMDSVM_MAX_JOBS], i;
	struct vm_packets p = { 0 };

	fds[0] = submit_endless(queue);
	for (i = 1; i < AMDSVM_MAX_JOBS; i++)
		fds[i] = submit_fence(queue, i, i);
	pk_fence(&p, (void *)words, 1);
	expect_eq(vm_submit(queue, &p), -EAGAIN);
	/* The next queue has its own count. */
	expect_works(vm_queue(vm.gpu[0]));
	close(fds[0]);
	for (i = 1; i < AMDSVM_MAX_JOBS; i++)
		expect_status(vm_finish(fds[i]), 0);
	for (i = 1; i < AMDSVM_MAX_JOBS; i++)
		expect_eq(words[i], i);
	expect_eq(words[0], 0);
	expect_works(queue);
}
END_TEST

START_TEST(a_large_submit_is_executed)
{
	const unsigned int n = AMDSVM_MAX_SUBMIT_BYTES / 4, fences = n / 4;
	uint32_t *packets = malloc(AMDSVM_MAX_SUBMIT_BYTES), *memory = vm_anon(fences * 4);
	struct amdsvm_result result;
	unsigned int i;

	expect(packets);
	for (i = 0; i < fences; i++) {
		packets[4 * i] = AMDSVM_PACKET_FENCE;
		packets[4 * i + 1] = (uintptr_t)(memory + i);
		packets[4 * i + 2] = (uintptr_t)(memory + i) >> 32;
		packets[4 * i + 3] = i + 7;
	}
	result = vm_finish(vm_submit_bytes_on(vm.fd, queue, packets, AMDSVM_MAX_SUBMIT_BYTES));
	expect_status(result, 0);
	expect_eq(result.packets, fences);
	expect_eq(result.packet_offset, AMDSVM_MAX_SUBMIT_BYTES);
	for (i = 0; i < fences; i++)
		expect_eq(memory[i], i + 7);
}
END_TEST

START_TEST(poll_and_read_tell_of_the_end)
{
	int first = submit_endless(queue), fd = submit_fence(queue, 0, 9);
	struct amdsvm_result result, again;
	char large[2 * sizeof(result)], *volatile nowhere = NULL;

	expect(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	expect(!vm_job_done(fd));
	expect(!fcntl(fd, F_SETFL, O_NONBLOCK));
	expect(read(fd, &result, sizeof(result)) < 0 && errno == EAGAIN);
	expect(!fcntl(fd, F_SETFL, 0));
	usleep(50000);
	expect(!vm_job_done(fd) && words[0] == 0);

	close(first);
	/* This one waits in read(). */
	expect(read(fd, &result, sizeof(result)) == sizeof(result));
	expect_eq(words[0], 9);
	expect_status(result, 0);
	expect(vm_job_done(fd));
	again = vm_wait(fd);
	expect(!memcmp(&result, &again, sizeof(result)));
	expect(read(fd, large, sizeof(large)) == sizeof(result));
	expect(!memcmp(&result, large, sizeof(result)));
	expect(read(fd, large, sizeof(result) - 1) < 0 && errno == EINVAL);
	expect(read(fd, large, 0) <= 0);
	expect(read(fd, nowhere, sizeof(result)) < 0 && errno == EFAULT);
	expect_eq(result.packets, 1);
	expect_eq(result.packet_offset, 16);
	expect_eq(result.address, 0);
	expect_eq(result.traps, 0);
}
END_TEST

START_TEST(closing_cancels_what_runs)
{
	int fd = submit_endless(queue), next = submit_fence(queue, 0, 1);

	usleep(20000);
	expect(!vm_job_done(next));
	close(fd);
	expect_status(vm_finish(next), 0);
	expect_eq(words[0], 1);
	expect_works(queue);
}
END_TEST

START_TEST(closing_cancels_what_waits)
{
	int first = submit_endless(queue), second = submit_fence(queue, 0, 1);
	int third = submit_fence(queue, 1, 1), fourth = submit_fence(queue, 2, 1);

	close(third);
	close(second);
	close(first);
	expect_status(vm_finish(fourth), 0);
	expect_eq(words[0], 0);
	expect_eq(words[1], 0);
	expect_eq(words[2], 1);
}
END_TEST

START_TEST(only_the_last_close_of_a_descriptor_cancels)
{
	int first = submit_endless(queue), fd = submit_fence(queue, 0, 1), copy = dup(fd);

	expect(copy >= 0);
	close(fd);
	close(first);
	expect_status(vm_finish(copy), 0);
	expect_eq(words[0], 1);
}
END_TEST

START_TEST(destroying_cancels_with_ecanceled)
{
	int fds[3], i, done = submit_fence(queue, 5, 5);
	uint32_t other = vm_queue(vm.gpu[0]);
	struct amdsvm_result result;
	uint64_t start;

	expect_status(vm_wait(done), 0);
	fds[0] = submit_endless(queue);
	fds[1] = submit_fence(queue, 0, 1);
	fds[2] = submit_endless(queue);
	start = vm_now();
	expect_eq(vm_queue_destroy(queue), 0);
	expect(vm_now() - start < 5000000000ULL);
	for (i = 0; i < 3; i++) {
		/* At once: the call does not return before. */
		expect(vm_job_done(fds[i]));
		result = vm_wait(fds[i]);
		expect_status(result, -ECANCELED);
		expect_eq(result.packets, 0);
		expect_eq(result.packet_offset, 0);
	}
	expect_eq(words[0], 0);
	expect_status(vm_finish(done), 0);
	expect_works(other);
}
END_TEST

START_TEST(an_error_stops_the_queue_and_nothing_else)
{
	uint32_t beside = vm_queue(vm.gpu[0]), other = vm_queue(vm.gpu[1]);
	int first = submit_endless(queue), before = submit_fence(queue, 0, 1);
	int bad = submit_malformed(queue), after = submit_fence(queue, 1, 1);
	int last = submit_endless(queue);
	struct vm_packets p = { 0 };

	close(first);
	expect_status(vm_finish(before), 0);
	expect_status(vm_finish(bad), -EBADMSG);
	expect_status(vm_finish(after), -ECANCELED);
	expect_status(vm_finish(last), -ECANCELED);
	expect_eq(words[0], 1);
	expect_eq(words[1], 0);
	pk_fence(&p, (void *)words, 2);
	expect_eq(vm_submit(queue, &p), -EIO);
	expect_works(beside);
	expect_works(other);
	expect_eq(vm_submit(queue, &p), -EIO);
	expect_eq(vm_queue_destroy(queue), 0);
	expect_eq(vm_submit(queue, &p), -ENOENT);
	expect_works(vm_queue(vm.gpu[0]));
	expect_eq(words[0], 1);
}
END_TEST

START_TEST(results_outlive_the_file)
{
	int done = submit_fence(queue, 0, 3), bad, running;
	struct amdsvm_result result;

	expect_status(vm_wait(done), 0);
	running = submit_endless(vm_queue(vm.gpu[1]));
	bad = submit_malformed(queue);
	expect_status(vm_wait(bad), -EBADMSG);
	close(vm.fd);
	expect_status(vm_finish(running), -ECANCELED);
	result = vm_finish(done);
	expect_status(result, 0);
	expect_eq(result.packets, 1);
	expect_status(vm_finish(bad), -EBADMSG);
	vm.fd = vm_open();
	expect_works(vm_queue(vm.gpu[0]));
}
END_TEST

START_TEST(a_reader_can_be_killed)
{
	struct peer peer;
	int fd = submit_endless(queue), status;
	struct amdsvm_result result;
	uint64_t start;

	if (vm_fork(&peer)) {
		vm_tell(&peer);
		expect(read(fd, &result, sizeof(result)) == sizeof(result));
		vm_done();
	}
	vm_await(&peer);
	usleep(100000);
	expect(!vm_ended(&peer));
	start = vm_now();
	expect(!kill(peer.pid, SIGKILL));
	expect(waitpid(peer.pid, &status, 0) == peer.pid && WIFSIGNALED(status));
	expect(vm_now() - start < 3000000000ULL);
	expect(!vm_job_done(fd));
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("queue");
	TCase *t = vm_case_with(s, "queues", setup, NULL);

	tcase_add_test(t, ids_are_not_zero_and_differ);
	tcase_add_test(t, a_process_has_64_queues_on_each_device);
	tcase_add_test(t, queues_come_and_go);
	tcase_add_test(t, jobs_of_a_queue_execute_in_order);
	tcase_add_test(t, a_queue_does_not_wait_for_another);
	tcase_add_test(t, packets_are_copied_by_the_call);
	tcase_add_test(t, a_queue_holds_256_jobs);
	tcase_add_test(t, a_large_submit_is_executed);
	t = vm_case_with(s, "completion", setup, NULL);
	tcase_add_test(t, poll_and_read_tell_of_the_end);
	tcase_add_test(t, closing_cancels_what_runs);
	tcase_add_test(t, closing_cancels_what_waits);
	tcase_add_test(t, only_the_last_close_of_a_descriptor_cancels);
	tcase_add_test(t, destroying_cancels_with_ecanceled);
	tcase_add_test(t, an_error_stops_the_queue_and_nothing_else);
	tcase_add_test(t, results_outlive_the_file);
	tcase_add_test(t, a_reader_can_be_killed);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
