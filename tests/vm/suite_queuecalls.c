// SPDX-License-Identifier: MIT
/*
 * The calls of queues: what they refuse, who may make them, and whose memory
 * they are about. A refused call leaves everything as it was, and the queues that
 * there are go on (R8).
 */
#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "vmqueue.h"

#define NOBODY 65534

static uint32_t *words;
static uint32_t queue;

static void setup(void)
{
	vm_setup();
	words = vm_anon(PAGE);
	queue = vm_queue(vm.gpu[0]);
}

static void setup_witness(void)
{
	vm_witness_setup();
	words = vm_anon(PAGE);
	queue = vm_queue(vm.gpu[0]);
}

static void expect_works(uint32_t queue_id)
{
	static uint32_t word = 100;
	struct vm_packets p = { 0 };

	pk_fence(&p, words + 9, ++word);
	expect_runs(queue_id, &p);
	expect_eq(words[9], word);
}

static void teardown_witness(void)
{
	expect_works(queue);
	vm_witness_teardown();
}

START_TEST(create_refuses)
{
	struct amdsvm_ioctl_queue_create_args args;
	uint32_t ids[] = { 0, 1, UNDEFINED, vm.gpu[0] + 1, vm.gpu[0] ^ 0x80000000 };
	unsigned int i;

	for (i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		args = (struct amdsvm_ioctl_queue_create_args){ .gpu_id = ids[i] };
		if (ids[i] == vm.gpu[1])
			continue;
		expect_eq(vm_ioctl(vm.fd, AMDSVM_IOC_QUEUE_CREATE, &args), -EINVAL);
		expect_witness();
	}
	for (i = 0; i < 32; i++) {
		args = (struct amdsvm_ioctl_queue_create_args){ vm.gpu[0], 1u << i, 0, 0 };
		expect_eq(vm_ioctl(vm.fd, AMDSVM_IOC_QUEUE_CREATE, &args), -EINVAL);
		args = (struct amdsvm_ioctl_queue_create_args){ vm.gpu[0], 0, 0, 1u << i };
		expect_eq(vm_ioctl(vm.fd, AMDSVM_IOC_QUEUE_CREATE, &args), -EINVAL);
	}
	expect_eq(vm_ioctl(vm.fd, AMDSVM_IOC_QUEUE_CREATE, NULL), -EFAULT);
}
END_TEST

/* What failed took none of the 64. */
START_TEST(create_refused_costs_nothing)
{
	struct amdsvm_ioctl_queue_create_args args;
	int i;

	for (i = 0; i < 200; i++) {
		args = (struct amdsvm_ioctl_queue_create_args){ vm.gpu[0], 1, 0, 0 };
		expect_eq(vm_ioctl(vm.fd, AMDSVM_IOC_QUEUE_CREATE, &args), -EINVAL);
	}
	for (i = 1; i < AMDSVM_MAX_QUEUES; i++)
		vm_queue(vm.gpu[0]);
}
END_TEST

START_TEST(destroy_refuses)
{
	struct amdsvm_ioctl_queue_destroy_args args = { queue, 1 };
	uint32_t ids[] = { 0, queue + 1, queue + 64, UNDEFINED, 0x80000000 };
	unsigned int i;

	expect_eq(vm_ioctl(vm.fd, AMDSVM_IOC_QUEUE_DESTROY, &args), -EINVAL);
	for (i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		expect_eq(vm_queue_destroy(ids[i]), -ENOENT);
		expect_witness();
	}
}
END_TEST

static int submit(uint32_t queue_id, uint32_t flags, const void *packets, uint32_t bytes)
{
	struct amdsvm_ioctl_queue_submit_args args = {
		queue_id, flags, (uintptr_t)packets, bytes, -1
	};

	return vm_ioctl(vm.fd, AMDSVM_IOC_QUEUE_SUBMIT, &args);
}

START_TEST(submit_refuses)
{
	uint32_t *packets = vm_anon(2 << 20);
	struct vm_packets p = { 0 };
	unsigned int i;

	pk_fence(&p, words, 1);
	memcpy(packets, p.words, p.n * 4);
	expect_eq(submit(0, 0, packets, 16), -ENOENT);
	expect_eq(submit(queue + 1, 0, packets, 16), -ENOENT);
	expect_eq(submit(UNDEFINED, 0, packets, 16), -ENOENT);
	for (i = 0; i < 32; i++)
		expect_eq(submit(queue, 1u << i, packets, 16), -EINVAL);
	expect_eq(submit(queue, 0, packets, 0), -EINVAL);
	expect_eq(submit(queue, 0, NULL, 0), -EINVAL);
	for (i = 1; i < 4; i++)
		expect_eq(submit(queue, 0, packets, 16 + i), -EINVAL);
	expect_eq(submit(queue, 0, packets, AMDSVM_MAX_SUBMIT_BYTES + 4), -EINVAL);
	expect_eq(submit(queue, 0, packets, 0xfffffffc), -EINVAL);
	expect_witness();
	expect_eq(submit(queue, 0, NULL, 16), -EFAULT);
	expect_eq(submit(queue, 0, (void *)0xffff800000000000UL, 16), -EFAULT);
	expect_eq(submit(queue, 0, (char *)packets + (2 << 20) - 8, 16), -EFAULT);
	expect_works(queue);
	expect_eq(words[0], 0);
}
END_TEST

START_TEST(submit_refused_takes_no_place)
{
	uint32_t *packets = vm_anon(PAGE);
	int i;

	for (i = 0; i < 2 * AMDSVM_MAX_JOBS; i++)
		expect_eq(submit(queue, 0, packets + 1022, 16), -EFAULT);
	expect_works(queue);
}
END_TEST

/* Of all queues together; what is done does not count, whoever keeps its descriptor. */
START_TEST(pending_packets_are_bounded)
{
	enum { JOBS = AMDSVM_MAX_PENDING_BYTES / AMDSVM_MAX_SUBMIT_BYTES };
	uint32_t *packets = vm_anon(AMDSVM_MAX_SUBMIT_BYTES);
	uint32_t queues[2] = { vm_queue(vm.gpu[0]), vm_queue(vm.gpu[1]) };
	struct vm_packets p = { 0 };
	int fds[JOBS], endless[2], i;

	/* NOPs of the largest size. */
	for (i = 0; i < AMDSVM_MAX_SUBMIT_BYTES / 4; i += 0x4000)
		packets[i] = 0x3fff0000;
	pk_endless(&p, words);
	for (i = 0; i < 2; i++) {
		expect_status(vm_finish(vm_submit_bytes_on(vm.fd, queues[i], packets,
							   AMDSVM_MAX_SUBMIT_BYTES)), 0);
		endless[i] = vm_submit(queues[i], &p);
		expect(endless[i] >= 0);
	}
	for (i = 0; i < JOBS - 1; i++) {
		fds[i] = vm_submit_bytes_on(vm.fd, queues[i % 2], packets, AMDSVM_MAX_SUBMIT_BYTES);
		expect(fds[i] >= 0);
	}
	expect_eq(submit(queues[0], 0, packets, AMDSVM_MAX_SUBMIT_BYTES), -EAGAIN);
	expect_eq(submit(queues[1], 0, packets, AMDSVM_MAX_SUBMIT_BYTES), -EAGAIN);
	expect_works(queue);
	close(endless[0]);
	close(endless[1]);
	for (i = 0; i < JOBS - 1; i++)
		expect_status(vm_wait(fds[i]), 0);
	for (i = 0; i < JOBS; i++)
		expect_status(vm_finish(vm_submit_bytes_on(vm.fd, queues[i % 2], packets,
							   AMDSVM_MAX_SUBMIT_BYTES)), 0);
}
END_TEST

START_TEST(counters_refuse)
{
	struct amdsvm_ioctl_get_device_counters_args args = { .gpu_id = 1 };

	expect_eq(vm_ioctl(vm.fd, AMDSVM_IOC_GET_DEVICE_COUNTERS, &args), -EINVAL);
	args = (struct amdsvm_ioctl_get_device_counters_args){ .gpu_id = vm.gpu[0], .reserved = 1 };
	expect_eq(vm_ioctl(vm.fd, AMDSVM_IOC_GET_DEVICE_COUNTERS, &args), -EINVAL);
}
END_TEST

START_TEST(counters_are_of_the_process_and_the_device)
{
	struct amdsvm_ioctl_get_device_counters_args one, other;
	struct vm_packets p = { 0 };
	int i, file;

	for (i = 0; i < 10; i++)
		pk_nop(&p, i);
	one = vm_device_counters(vm.gpu[0]);
	other = vm_device_counters(vm.gpu[1]);
	expect_eq(one.packets, 0);
	expect_runs(queue, &p);
	expect_eq(vm_device_counters(vm.gpu[0]).packets, 10);
	expect_eq(vm_device_counters(vm.gpu[0]).faults, 0);
	expect_eq(vm_device_counters(vm.gpu[1]).packets, other.packets);
	file = vm_open();
	expect_eq(vm_device_counters_on(file, vm.gpu[0], &one), 0);
	expect_eq(one.packets, 10);
	expect_eq(one.gpu_id, vm.gpu[0]);
}
END_TEST

START_TEST(without_a_descriptor_nothing_is_executed)
{
	struct rlimit limit, none;
	struct vm_packets p = { 0 };

	expect(!getrlimit(RLIMIT_NOFILE, &limit));
	none = limit;
	none.rlim_cur = 0;
	pk_fence(&p, (void *)words, 1);
	expect(!setrlimit(RLIMIT_NOFILE, &none));
	expect_eq(vm_submit(queue, &p), -EMFILE);
	expect(!setrlimit(RLIMIT_NOFILE, &limit));
	expect_works(queue);
	expect_eq(words[0], 0);
}
END_TEST

START_TEST(every_file_of_the_process_has_its_queues)
{
	int other = vm_open();
	struct vm_packets p = { 0 };
	int fd;

	pk_fence(&p, (void *)words, 5);
	fd = vm_submit_bytes_on(other, queue, p.words, p.n * 4);
	expect(fd >= 0);
	expect_status(vm_finish(fd), 0);
	expect_eq(words[0], 5);
	/* They go with the last of them. */
	close(vm.fd);
	vm.fd = other;
	expect_works(queue);
	close(vm.fd);
	vm.fd = vm_open();
	expect_eq(vm_submit(queue, &p), -ENOENT);
	expect_eq(vm_queue_destroy(queue), -ENOENT);
}
END_TEST

/* This process as a user with just these capabilities. */
static void become(uid_t uid, uint64_t capabilities)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = { 0 };
	int i;

	expect(!setresuid(uid, uid, uid));
	for (i = 0; i < 2; i++)
		data[i].effective = data[i].permitted = capabilities >> (32 * i);
	/* A user other than root has lost them, and may say so. */
	expect(!syscall(SYS_capset, &header, data));
}

START_TEST(others_may_not_act)
{
	static const struct {
		uid_t uid;
		uint64_t capabilities;
		int read;
	} who[] = { { 0, 0, 0 }, { NOBODY, 0, -EPERM } };
	struct amdsvm_ioctl_get_device_counters_args counters;
	struct vm_packets p = { 0 };
	struct peer peer;
	uint32_t id;

	pk_fence(&p, words, 1);
	if (vm_fork(&peer)) {
		become(who[_i].uid, who[_i].capabilities);
		expect_eq(vm_queue_create_on(vm.fd, vm.gpu[0], &id), -EPERM);
		expect_eq(vm_submit(queue, &p), -EPERM);
		expect_eq(vm_queue_destroy(queue), -EPERM);
		/* No oracle for which queues there are. */
		expect_eq(vm_queue_destroy(queue + 1), -EPERM);
		expect_eq(vm_device_counters_on(vm.fd, vm.gpu[0], &counters), who[_i].read);
		vm_done();
	}
	expect_joined(&peer);
	expect_eq(words[0], 0);
	expect_works(queue);
}
END_TEST

START_TEST(who_may_act_acts_on_the_opener)
{
	struct vm_packets p = { 0 };
	struct peer peer;
	uint32_t id;

	if (vm_fork(&peer)) {
		words[0] = 77;
		pk_fence(&p, words, 5);
		expect_runs(queue, &p);
		id = vm_queue(vm.gpu[1]);
		p.n = 0;
		pk_fence(&p, words + 1, 6);
		expect_runs(id, &p);
		expect_eq(words[0], 77);
		expect_eq(words[1], 0);
		vm_done();
	}
	expect_joined(&peer);
	expect_eq(words[0], 5);
	expect_eq(words[1], 6);
}
END_TEST

START_TEST(a_process_has_its_own_queues)
{
	struct vm_packets p = { 0 };
	struct peer peer;
	uint32_t own;

	if (vm_fork(&peer)) {
		close(vm.fd);
		vm.fd = vm_open();
		pk_fence(&p, words, 5);
		expect_eq(vm_submit(queue, &p), -ENOENT);
		expect_eq(vm_queue_destroy(queue), -ENOENT);
		own = vm_queue(vm.gpu[0]);
		expect_runs(own, &p);
		expect_eq(words[0], 5);
		expect_eq(vm_queue_destroy(own), 0);
		vm_done();
	}
	expect_joined(&peer);
	expect_eq(words[0], 0);
	expect_works(queue);
}
END_TEST

/* A completion descriptor says nothing about memory: whoever has it may read it. */
START_TEST(a_completion_can_be_given_away)
{
	struct vm_packets p = { 0 };
	struct peer peer;
	int first, fd;

	pk_endless(&p, words + 5);
	first = vm_submit(queue, &p);
	p.n = 0;
	pk_fence(&p, words, 5);
	fd = vm_submit(queue, &p);
	expect(first >= 0 && fd >= 0);
	if (vm_fork(&peer)) {
		close(first);
		become(NOBODY, 0);
		vm_tell(&peer);
		expect_status(vm_wait(fd), 0);
		vm_tell(&peer);
		vm_await(&peer);
		vm_done();
	}
	vm_await(&peer);
	close(fd);
	close(first);
	vm_await(&peer);
	expect_eq(words[0], 5);
	vm_tell(&peer);
	expect_joined(&peer);
}
END_TEST

/*
 * The opener's child takes the file from it and outlives it. Both results are
 * those of before the end, for nobody is there to execute in.
 */
START_TEST(calls_after_the_opener_is_gone_are_esrch)
{
	struct amdsvm_ioctl_get_device_counters_args counters;
	struct vm_packets p = { 0 };
	struct peer opener, holder;
	int done, running;
	char byte;

	if (!vm_fork(&opener)) {
		vm_await(&opener);
		expect_joined(&opener);
		return;
	}
	close(vm.fd);
	vm.fd = vm_open();
	queue = vm_queue(vm.gpu[0]);
	pk_fence(&p, words, 1);
	done = vm_submit(queue, &p);
	expect_status(vm_wait(done), 0);
	p.n = 0;
	pk_endless(&p, words);
	running = vm_submit(queue, &p);
	expect(running >= 0);
	if (vm_fork(&holder)) {
		/* The end of the socket: the opener is dead. */
		expect(read(holder.fd, &byte, 1) == 0);
		expect_within(10, vm_queue_destroy(queue) == -ESRCH);
		expect_eq(vm_submit(queue, &p), -ESRCH);
		expect_eq(vm_queue_create_on(vm.fd, vm.gpu[0], &queue), -ESRCH);
		expect_eq(vm_device_counters_on(vm.fd, vm.gpu[0], &counters), -ESRCH);
		expect_status(vm_finish(running), -ECANCELED);
		expect_status(vm_finish(done), 0);
		/* Nobody waits for this process but by this. */
		expect(write(opener.fd, "x", 1) == 1);
		vm_done();
	}
	vm_done();
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("queuecalls");
	TCase *t = vm_case_with(s, "refused", setup_witness, teardown_witness);

	tcase_add_test(t, create_refuses);
	tcase_add_test(t, create_refused_costs_nothing);
	tcase_add_test(t, destroy_refuses);
	tcase_add_test(t, submit_refuses);
	tcase_add_test(t, submit_refused_takes_no_place);
	tcase_add_test(t, pending_packets_are_bounded);
	tcase_add_test(t, counters_refuse);
	t = vm_case_with(s, "files", setup, NULL);
	tcase_add_test(t, counters_are_of_the_process_and_the_device);
	tcase_add_test(t, without_a_descriptor_nothing_is_executed);
	tcase_add_test(t, every_file_of_the_process_has_its_queues);
	t = vm_case_with(s, "rights", setup, NULL);
	tcase_add_loop_test(t, others_may_not_act, 0, 2);
	tcase_add_test(t, who_may_act_acts_on_the_opener);
	tcase_add_test(t, a_process_has_its_own_queues);
	tcase_add_test(t, a_completion_can_be_given_away);
	tcase_add_test(t, calls_after_the_opener_is_gone_are_esrch);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
