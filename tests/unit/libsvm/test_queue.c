// SPDX-License-Identifier: MIT
/*
 * Queues: making them, submitting, waiting with signals and time in the way.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "interrupt.h"
#include "test.h"

static const uint32_t words[] = { AMDSVM_PACKET_NOP, AMDSVM_PACKET_NOP };

static uint32_t make_queue(struct amdsvm_context *ctx)
{
	uint32_t queue = 0;

	ck_assert_int_eq(amdsvm_queue_create(ctx, fake_gpu_id(1), &queue), 0);
	ck_assert_uint_ne(queue, 0);
	return queue;
}

static int submit_words(struct amdsvm_context *ctx)
{
	int fd = -1;

	ck_assert_int_eq(amdsvm_submit(ctx, make_queue(ctx), words, sizeof(words), &fd), 0);
	ck_assert_int_ge(fd, 0);
	return fd;
}

START_TEST(create_and_destroy_pass_the_numbers)
{
	struct amdsvm_context *ctx = open_fake();
	uint32_t queue = make_queue(ctx);

	ck_assert_uint_eq(fake.request, AMDSVM_IOC_QUEUE_CREATE);
	ck_assert_uint_eq(arguments(struct amdsvm_ioctl_queue_create_args)->gpu_id, fake_gpu_id(1));
	ck_assert_uint_ne(make_queue(ctx), queue);
	ck_assert_int_eq(amdsvm_queue_destroy(ctx, queue), 0);
	ck_assert_uint_eq(fake.request, AMDSVM_IOC_QUEUE_DESTROY);
	ck_assert_uint_eq(arguments(struct amdsvm_ioctl_queue_destroy_args)->queue_id, queue);
	ck_assert_int_eq(amdsvm_queue_destroy(ctx, queue), -ENOENT);
	amdsvm_close(ctx);
}
END_TEST

START_TEST(create_errors_write_nothing)
{
	static const int errors[][2] = {
		{ EINVAL, -EINVAL }, { ENOSPC, -ENOSPC }, { ENOMEM, -ENOMEM },
		{ EPERM, -EPERM }, { ESRCH, -ESRCH }, { ENOTTY, -EOPNOTSUPP },
	};
	struct amdsvm_context *ctx = open_fake();
	uint32_t queue = 77;

	ck_assert_int_eq(amdsvm_queue_create(ctx, 1, &queue), -EINVAL);
	fake.call_error = errors[_i][0];
	ck_assert_int_eq(amdsvm_queue_create(ctx, fake_gpu_id(0), &queue), errors[_i][1]);
	ck_assert_int_eq(amdsvm_queue_destroy(ctx, 1), errors[_i][1]);
	ck_assert_uint_eq(queue, 77);
	amdsvm_close(ctx);
}
END_TEST

START_TEST(submit_passes_the_packets)
{
	const struct amdsvm_ioctl_queue_submit_args *args;
	struct amdsvm_context *ctx = open_fake();
	uint32_t queue = make_queue(ctx);
	int fd = -1;

	ck_assert_int_eq(amdsvm_submit(ctx, queue, words, sizeof(words), &fd), 0);
	args = arguments(struct amdsvm_ioctl_queue_submit_args);
	ck_assert_uint_eq(fake.request, AMDSVM_IOC_QUEUE_SUBMIT);
	ck_assert_uint_eq(args->queue_id, queue);
	ck_assert_uint_eq(args->flags, 0);
	ck_assert_uint_eq(args->packets_bytes, sizeof(words));
	ck_assert_mem_eq(fake.packets, words, sizeof(words));
	ck_assert_int_eq(close(fd), 0);
	amdsvm_close(ctx);
}
END_TEST

START_TEST(submit_errors_write_nothing)
{
	static const int errors[][2] = {
		{ ENOENT, -ENOENT }, { EINVAL, -EINVAL }, { EAGAIN, -EAGAIN }, { EIO, -EIO },
		{ ENOMEM, -ENOMEM }, { EMFILE, -EMFILE }, { EFAULT, -EFAULT },
		{ ENOTTY, -EOPNOTSUPP },
	};
	struct amdsvm_context *ctx = open_fake();
	uint32_t queue = make_queue(ctx);
	int fd = 77;

	fake.calls = 0;
	fake.call_error = errors[_i][0];
	ck_assert_int_eq(amdsvm_submit(ctx, queue, words, sizeof(words), &fd), errors[_i][1]);
	/* Once: with -EAGAIN it is the caller who has to do something. */
	ck_assert_uint_eq(fake.calls, 1);
	ck_assert_int_eq(fd, 77);
	amdsvm_close(ctx);
}
END_TEST

START_TEST(submit_is_restarted_and_checks_the_length)
{
	struct amdsvm_context *ctx = open_fake();
	uint32_t queue = make_queue(ctx);
	int fd = 77;

	fake.calls = 0;
	/* What the driver would see of it is 8 bytes. */
	ck_assert_int_eq(amdsvm_submit(ctx, queue, words, (1ULL << 32) + 8, &fd), -EINVAL);
	ck_assert_uint_eq(fake.calls, 0);
	ck_assert_int_eq(amdsvm_submit(ctx, queue, words, 0, &fd), -EINVAL);
	ck_assert_int_eq(amdsvm_submit(ctx, queue, words, 6, &fd), -EINVAL);
	ck_assert_int_eq(fd, 77);

	fake.calls = 0;
	fake.interrupts = 2;
	ck_assert_int_eq(amdsvm_submit(ctx, queue, words, sizeof(words), &fd), 0);
	ck_assert_uint_eq(fake.calls, 3);
	close(fd);
	amdsvm_close(ctx);
}
END_TEST

START_TEST(wait_returns_the_result)
{
	struct amdsvm_context *ctx = open_fake();
	struct amdsvm_result result;
	int fd;

	fake.result = (struct amdsvm_result){ .status = -EFAULT, .packet_offset = 4,
		.address = 0x7f0000001000, .packets = 5, .traps = 6, .last_trap = 7 };
	fd = submit_words(ctx);
	/* That it is over is no error, however it ended. */
	ck_assert_int_eq(amdsvm_wait(fd, _i ? -1 : 0, &result), 0);
	ck_assert_mem_eq(&result, &fake.result, sizeof(result));
	close(fd);

	fd = submit_words(ctx);
	ck_assert_int_eq(amdsvm_wait(fd, 1000, NULL), 0);
	close(fd);
	amdsvm_close(ctx);
}
END_TEST

static void *complete_later(void *data)
{
	const struct timespec delay = { .tv_nsec = 50000000 };

	(void)data;
	nanosleep(&delay, NULL);
	ck_assert_int_eq(write(fake.completion_end, &fake.result, sizeof(fake.result)),
			 sizeof(fake.result));
	return NULL;
}

START_TEST(wait_waits)
{
	struct amdsvm_result result = { .status = 77 };
	struct amdsvm_context *ctx = open_fake();
	pthread_t thread;
	int fd;

	fake.pending = 1;
	fake.result.packets = 9;
	fd = submit_words(ctx);
	ck_assert_int_eq(amdsvm_wait(fd, 0, &result), -ETIMEDOUT);
	ck_assert_int_eq(amdsvm_wait(fd, 1, &result), -ETIMEDOUT);
	ck_assert_int_eq(result.status, 77);

	ck_assert_int_eq(pthread_create(&thread, NULL, complete_later, NULL), 0);
	ck_assert_int_eq(amdsvm_wait(fd, _i ? -1 : 60000, &result), 0);
	ck_assert_uint_eq(result.packets, 9);
	pthread_join(thread, NULL);
	close(fd);
	amdsvm_close(ctx);
}
END_TEST

static volatile sig_atomic_t alarms;

static void count_alarm(int signal)
{
	(void)signal;
	alarms++;
}

/* Without SA_RESTART; poll() would not be restarted with it either. */
static void alarm_every_10_ms(void)
{
	const struct itimerval timer = { { 0, 10000 }, { 0, 10000 } };
	const struct sigaction action = { .sa_handler = count_alarm };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

START_TEST(signals_do_not_change_the_time)
{
	struct amdsvm_context *ctx = open_fake();
	struct amdsvm_result result;
	double begin, end;
	int fd;

	fake.pending = 1;
	fd = submit_words(ctx);
	alarm_every_10_ms();
	begin = seconds();
	ck_assert_int_eq(amdsvm_wait(fd, 300, &result), -ETIMEDOUT);
	end = seconds();
	/* Each signal begins the wait again: with all of the time it would not end. */
	ck_assert_int_ge(alarms, 1);
	ck_assert(end - begin >= 0.3);
	ck_assert(end - begin < 30);
	close(fd);
	amdsvm_close(ctx);
}
END_TEST

START_TEST(signals_do_not_end_it)
{
	struct amdsvm_context *ctx = open_fake();
	struct amdsvm_result result;
	pthread_t thread;
	int fd;

	fake.pending = 1;
	fd = submit_words(ctx);
	ck_assert_int_eq(pthread_create(&thread, NULL, complete_later, NULL), 0);
	alarm_every_10_ms();
	ck_assert_int_eq(amdsvm_wait(fd, -1, &result), 0);
	pthread_join(thread, NULL);
	close(fd);

	fake.pending = 0;
	fd = submit_words(ctx);
	interrupt_read = (struct interrupt){ .calls = 2, .error = EINTR };
	ck_assert_int_eq(amdsvm_wait(fd, -1, &result), 0);
	ck_assert_uint_eq(interrupt_read.seen, 3);
	close(fd);
	amdsvm_close(ctx);
}
END_TEST

START_TEST(wait_knows_what_is_no_completion)
{
	struct amdsvm_result result = { .status = 77 };
	struct amdsvm_context *ctx = open_fake();
	int fd = submit_words(ctx), closed = submit_words(ctx), null;

	/* Half a result, none, and what is not even open. */
	interrupt_read.limit = sizeof(result) - 1;
	ck_assert_int_eq(amdsvm_wait(fd, 1000, &result), -EIO);
	interrupt_read.limit = 0;
	null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(amdsvm_wait(null, 1000, &result), -EIO);
	close(null);
	close(closed);
	ck_assert_int_eq(amdsvm_wait(closed, 1000, &result), -EBADF);
	ck_assert_int_eq(amdsvm_wait(-1, 1000, &result), -EBADF);
	ck_assert_int_eq(amdsvm_wait(-1, -1, &result), -EBADF);

	interrupt_read = (struct interrupt){ .calls = 1, .error = ENOMEM };
	ck_assert_int_eq(amdsvm_wait(fd, 1000, &result), -ENOMEM);
	ck_assert_int_eq(result.status, 77);
	close(fd);
	amdsvm_close(ctx);
}
END_TEST

START_TEST(device_counters_are_passed_on)
{
	struct amdsvm_ioctl_get_device_counters_args counters = { .faults = 3 };
	struct amdsvm_context *ctx = open_fake();

	ck_assert_int_eq(amdsvm_get_device_counters(ctx, 1, &counters), -EINVAL);
	ck_assert_uint_eq(counters.faults, 3);
	memset(&fake.device_counters, 0x5a, sizeof(fake.device_counters));
	ck_assert_int_eq(amdsvm_get_device_counters(ctx, fake_gpu_id(1), &counters), 0);
	ck_assert_uint_eq(fake.request, AMDSVM_IOC_GET_DEVICE_COUNTERS);
	ck_assert_uint_eq(counters.gpu_id, fake_gpu_id(1));
	ck_assert_uint_eq(counters.faults, 0x5a5a5a5a5a5a5a5a);
	ck_assert_uint_eq(counters.clears_saved, 0x5a5a5a5a5a5a5a5a);
	amdsvm_close(ctx);
}
END_TEST

TCase *queue_case(void)
{
	TCase *tc = tcase_create("queue");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, create_and_destroy_pass_the_numbers);
	tcase_add_loop_test(tc, create_errors_write_nothing, 0, 6);
	tcase_add_test(tc, submit_passes_the_packets);
	tcase_add_loop_test(tc, submit_errors_write_nothing, 0, 8);
	tcase_add_test(tc, submit_is_restarted_and_checks_the_length);
	tcase_add_loop_test(tc, wait_returns_the_result, 0, 2);
	tcase_add_loop_test(tc, wait_waits, 0, 2);
	tcase_add_test(tc, signals_do_not_change_the_time);
	tcase_add_test(tc, signals_do_not_end_it);
	tcase_add_test(tc, wait_knows_what_is_no_completion);
	tcase_add_test(tc, device_counters_are_passed_on);
	return tc;
}
