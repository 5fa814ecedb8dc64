// SPDX-License-Identifier: MIT
/*
 * Opening and closing, and how every call treats signals and old drivers.
 */
#include <fcntl.h>
#include <unistd.h>

#include "test.h"

START_TEST(open_is_close_on_exec)
{
	struct amdsvm_context *ctx = open_fake();

	ck_assert_int_eq(fcntl(amdsvm_fd(ctx), F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fake.open_flags & O_ACCMODE, O_RDWR);
	amdsvm_close(ctx);
}
END_TEST

START_TEST(open_reports_errors_of_open)
{
	static const int errors[][2] = {
		{ ENOENT, -ENOENT }, { EACCES, -EACCES }, { ENXIO, -ENODEV },
		{ ENODEV, -ENODEV }, { EMFILE, -EMFILE },
	};
	struct amdsvm_context *ctx = NULL;
	size_t i;

	for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		fake.open_error = errors[i][0];
		ck_assert_int_eq(amdsvm_open(&ctx), errors[i][1]);
		ck_assert_ptr_null(ctx);
	}
}
END_TEST

START_TEST(open_refuses_other_major)
{
	struct amdsvm_context *ctx = NULL;
	int before = dup(0), after;

	close(before);
	fake.major_version = AMDSVM_IOCTL_MAJOR_VERSION + 1;
	ck_assert_int_eq(amdsvm_open(&ctx), -EPROTO);
	ck_assert_ptr_null(ctx);

	/* The file was closed again: its number is free. */
	after = dup(0);
	ck_assert_int_eq(after, before);
	close(after);
}
END_TEST

START_TEST(open_takes_other_minor)
{
	struct amdsvm_context *ctx;
	uint32_t major, minor;

	fake.minor_version = 77;
	ctx = open_fake();
	ck_assert_int_eq(amdsvm_get_version(ctx, &major, &minor), 0);
	ck_assert_uint_eq(major, AMDSVM_IOCTL_MAJOR_VERSION);
	ck_assert_uint_eq(minor, 77);
	ck_assert_int_eq(amdsvm_get_version(ctx, NULL, NULL), 0);
	amdsvm_close(ctx);
}
END_TEST

START_TEST(open_fd_refuses_other_files)
{
	struct amdsvm_context *ctx = NULL;
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	ck_assert_int_eq(amdsvm_open_fd(fd, &ctx), -ENODEV);
	/* The caller still owns the file. */
	ck_assert_int_eq(close(fd), 0);
	ck_assert_int_eq(amdsvm_open_fd(fd, &ctx), -EBADF);
	ck_assert_ptr_null(ctx);
}
END_TEST

START_TEST(open_fd_owns_the_file)
{
	struct amdsvm_context *ctx;
	int fd = open(AMDSVM_DEVICE_PATH, O_RDWR | O_CLOEXEC);

	ck_assert_int_eq(amdsvm_open_fd(fd, &ctx), 0);
	ck_assert_int_eq(amdsvm_fd(ctx), fd);
	amdsvm_close(ctx);
	ck_assert_int_eq(close(fd), -1);
	ck_assert_int_eq(errno, EBADF);
}
END_TEST

START_TEST(close_takes_null)
{
	amdsvm_close(NULL);
}
END_TEST

START_TEST(interrupted_calls_are_restarted)
{
	static const int interrupts[] = { EINTR, EAGAIN };
	struct amdsvm_ioctl_get_counters_args counters;
	struct amdsvm_context *ctx = open_fake();

	fake.counters.pages_in = 5;
	fake.interrupts = 3;
	fake.interrupt_errno = interrupts[_i];
	ck_assert_int_eq(amdsvm_get_counters(ctx, &counters), 0);
	ck_assert_uint_eq(fake.calls, 4);
	ck_assert_uint_eq(counters.pages_in, 5);
	amdsvm_close(ctx);
}
END_TEST

START_TEST(unknown_call_is_not_supported)
{
	struct amdsvm_ioctl_get_counters_args counters = { .pages_in = 9 };
	struct amdsvm_context *ctx = open_fake();

	fake.call_error = ENOTTY;
	ck_assert_int_eq(amdsvm_get_counters(ctx, &counters), -EOPNOTSUPP);
	/* Outputs are written on success only. */
	ck_assert_uint_eq(counters.pages_in, 9);
	amdsvm_close(ctx);
}
END_TEST

START_TEST(library_version_is_the_project_version)
{
	ck_assert_str_eq(amdsvm_library_version(), FAKE_DRIVER_VERSION);
}
END_TEST

TCase *context_case(void)
{
	TCase *tc = tcase_create("context");

	tcase_add_test(tc, open_is_close_on_exec);
	tcase_add_test(tc, open_reports_errors_of_open);
	tcase_add_test(tc, open_refuses_other_major);
	tcase_add_test(tc, open_takes_other_minor);
	tcase_add_test(tc, open_fd_refuses_other_files);
	tcase_add_test(tc, open_fd_owns_the_file);
	tcase_add_test(tc, close_takes_null);
	tcase_add_loop_test(tc, interrupted_calls_are_restarted, 0, 2);
	tcase_add_test(tc, unknown_call_is_not_supported);
	tcase_add_test(tc, library_version_is_the_project_version);
	return tc;
}
