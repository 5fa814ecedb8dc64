// SPDX-License-Identifier: MIT
/*
 * Contexts for other processes. The child is a real process with a real open
 * file, so pidfd_getfd() and /proc are those of the kernel.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

/* A child that waits; with an open device if asked. */
static pid_t start_child(int with_device)
{
	int ready[2];
	pid_t pid;
	char c;

	ck_assert_int_eq(pipe(ready), 0);
	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (with_device && open(AMDSVM_DEVICE_PATH, O_RDWR | O_CLOEXEC) < 0)
			_exit(1);
		if (write(ready[1], "", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}

	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &c, 1), 1);
	close(ready[0]);
	return pid;
}

static unsigned int count_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int count = 0;

	ck_assert_ptr_nonnull(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static void end_child(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

START_TEST(finds_the_file_of_a_process)
{
	pid_t pid = start_child(1);
	struct amdsvm_context *ctx;

	ck_assert_int_eq(amdsvm_open_pid(pid, &ctx), 0);
	ck_assert_int_eq(fcntl(amdsvm_fd(ctx), F_GETFD), FD_CLOEXEC);
	/* The last question was whether it may be read. */
	ck_assert_uint_eq(fake.request, AMDSVM_IOC_LIST_RANGES);
	amdsvm_close(ctx);
	end_child(pid);
}
END_TEST

START_TEST(says_when_there_is_no_file)
{
	pid_t pid = start_child(0);
	struct amdsvm_context *ctx = NULL;

	ck_assert_int_eq(amdsvm_open_pid(pid, &ctx), -ENODEV);
	ck_assert_ptr_null(ctx);
	end_child(pid);
}
END_TEST

START_TEST(says_when_there_is_no_process)
{
	struct amdsvm_context *ctx = NULL;
	pid_t pid = start_child(1);

	end_child(pid);
	ck_assert_int_eq(amdsvm_open_pid(pid, &ctx), -ESRCH);
	ck_assert_int_eq(amdsvm_open_pid(0, &ctx), -ESRCH);
	ck_assert_int_eq(amdsvm_open_pid(-1, &ctx), -ESRCH);
	ck_assert_ptr_null(ctx);
}
END_TEST

START_TEST(says_when_the_driver_refuses)
{
	struct amdsvm_context *ctx = NULL;
	pid_t pid = start_child(1);
	unsigned int before = count_files();

	fake.call_error = EPERM;
	ck_assert_int_eq(amdsvm_open_pid(pid, &ctx), -EPERM);
	ck_assert_ptr_null(ctx);

	/* Neither the pidfd, the directory nor the copy stay open. */
	ck_assert_uint_eq(count_files(), before);
	end_child(pid);
}
END_TEST

START_TEST(passes_over_files_of_dead_openers)
{
	struct amdsvm_context *ctx = NULL;
	pid_t pid = start_child(1);

	/* Open since before an exec: the address space of the opener is gone. */
	fake.call_error = ESRCH;
	ck_assert_int_eq(amdsvm_open_pid(pid, &ctx), -ENODEV);
	ck_assert_ptr_null(ctx);
	end_child(pid);
}
END_TEST

START_TEST(says_when_tracing_is_not_allowed)
{
	struct amdsvm_context *ctx = NULL;
	pid_t pid = start_child(1);

	if (geteuid() == 0) {
		/* Nobody may not look into a process of root. */
		ck_assert_int_eq(setresuid(65534, 65534, 65534), 0);
		ck_assert_int_eq(amdsvm_open_pid(pid, &ctx), -EPERM);
	} else {
		ck_assert_int_eq(amdsvm_open_pid(1, &ctx), -EPERM);
		end_child(pid);
	}
	ck_assert_ptr_null(ctx);
}
END_TEST

START_TEST(says_when_the_module_is_missing)
{
	struct amdsvm_context *ctx = NULL;

	fake.open_error = ENOENT;
	ck_assert_int_eq(amdsvm_open_pid(getpid(), &ctx), -ENOENT);
}
END_TEST

TCase *pid_case(void)
{
	TCase *tc = tcase_create("pid");

	tcase_add_test(tc, finds_the_file_of_a_process);
	tcase_add_test(tc, says_when_there_is_no_file);
	tcase_add_test(tc, says_when_there_is_no_process);
	tcase_add_test(tc, says_when_the_driver_refuses);
	tcase_add_test(tc, passes_over_files_of_dead_openers);
	tcase_add_test(tc, says_when_tracing_is_not_allowed);
	tcase_add_test(tc, says_when_the_module_is_missing);
	return tc;
}
