// SPDX-License-Identifier: MIT
/*
 * Running the suites: which lane this is, what failing means in a test and in
 * its children, and the check that each suite ends with. The calls are in
 * vmcalls.c, what memory is compared with in vmmemory.c.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>

#include "vmtest.h"

struct vm vm = { .fd = -1 };

/* The process that Check started for this test; others are its children. */
static pid_t test_process;

uint64_t vm_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

/*
 * Check's own report works in the process that it forked only: a child of the
 * test that used it would end the test in the parent's name.
 */
void vm_fail(const char *file, int line, const char *format, ...)
{
	char text[512];
	const char *base = strrchr(file, '/');
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	file = base ? base + 1 : file;
	if (getpid() == test_process)
		_ck_assert_failed(file, line, "expect", "%s:%d: %s", file, line, text);
	dprintf(STDERR_FILENO, "# child: %s:%d: %s\n", file, line, text);
	_exit(1);
}

enum lane vm_lane(void)
{
	struct amdsvm_ioctl_get_caps_args caps = { 0 };
	const char *lane = getenv("AMDSVM_LANE");
	int fd;

	if (lane && !strcmp(lane, "private"))
		return LANE_PRIVATE;
	if (lane && !strcmp(lane, "coherent"))
		return LANE_COHERENT;
	if (lane && !strcmp(lane, "mirror"))
		return LANE_MIRROR;
	if (lane && *lane)
		vm_fail(HERE, "AMDSVM_LANE=%s is no lane", lane);

	/* By hand, without the harness: what the driver says. */
	fd = vm_open();
	expect_eq(vm_ioctl(fd, AMDSVM_IOC_GET_CAPS, &caps), 0);
	close(fd);
	return caps.memory_kind == AMDSVM_MEMORY_PRIVATE  ? LANE_PRIVATE :
	       caps.memory_kind == AMDSVM_MEMORY_COHERENT ? LANE_COHERENT :
							    LANE_MIRROR;
}

bool vm_kernel_is(const char *release)
{
	char line[256] = "";
	FILE *file = fopen("/proc/sys/kernel/osrelease", "re");
	size_t length = strlen(release);

	expect(file && fgets(line, sizeof(line), file));
	fclose(file);
	return !strncmp(line, release, length) && (line[length] == '.' || line[length] == '-');
}

/* The harness says which kernel it booted. */
bool vm_is_debug_kernel(void)
{
	const char *kernel = getenv("AMDSVM_KERNEL");

	return kernel && !strcmp(kernel, "debug");
}

/* The debug kernel sees in one round what others need luck for, and is slow. */
int vm_rounds(int rounds)
{
	return vm_is_debug_kernel() ? (rounds + 9) / 10 : rounds;
}

bool vm_in_full(void)
{
	return vm_lane() == LANE_PRIVATE && !vm_is_debug_kernel();
}

void vm_add_variants(TCase *t, const TTest *test, int variants)
{
	int first = vm_in_full() ? 0 : vm_is_debug_kernel() ? variants - 1 : variants / 2;

	tcase_add_loop_test(t, test, first, variants);
}

/* One word for the test: the harness counts by it. */
void vm_skip(int index, const char *reason)
{
	if (index)
		printf("# SKIP %s[%d]: %s\n", tcase_name(), index, reason);
	else
		printf("# SKIP %s: %s\n", tcase_name(), reason);
}

/* AMDSVM_SEED repeats a run that failed. */
uint64_t vm_seed(void)
{
	const char *seed = getenv("AMDSVM_SEED");

	return seed && *seed ? strtoull(seed, NULL, 0) : 1;
}

/*
 * A page that another processor is just putting on its list of pages is in use,
 * and does not migrate (R5). Tests that count exactly keep to one processor, so
 * that no list but its own ever has their pages.
 */
static void use_one_processor(void)
{
	int processor = sched_getcpu();
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(processor < 0 ? 0 : processor, &set);
	expect(!sched_setaffinity(0, sizeof(set), &set));
}

/* For tests whose subject is what happens at the same time. */
void vm_use_all_processors(void)
{
	cpu_set_t set;

	memset(&set, 0xff, sizeof(set));
	expect(!sched_setaffinity(0, sizeof(set), &set));
}

void vm_setup(void)
{
	struct amdsvm_device_info infos[MAX_DEVICES];
	struct amdsvm_ioctl_get_devices_args args = {
		.devices_ptr = (uintptr_t)infos,
		.capacity = MAX_DEVICES,
		.entry_size = sizeof(infos[0]),
	};
	uint32_t i;

	test_process = getpid();
	use_one_processor();
	vm.lane = vm_lane();
	vm.fd = vm_open();
	expect_eq(vm_ioctl(vm.fd, AMDSVM_IOC_GET_DEVICES, &args), 0);
	expect(args.num_devices >= 1 && args.num_devices <= MAX_DEVICES);
	vm.devices = args.num_devices;
	vm.device_mask = (1ULL << args.num_devices) - 1;
	for (i = 0; i < args.num_devices; i++) {
		expect(infos[i].index < args.num_devices);
		vm.gpu[infos[i].index] = infos[i].gpu_id;
	}
}

char *vm_witness;

#define WITNESS_PAGES (VM_WITNESS_SIZE / PAGE)
#define WITNESS_SEED 7

static struct {
	int log;
	unsigned int count;
	struct amdsvm_range_info ranges[8];
	struct amdsvm_page_info pages[WITNESS_PAGES];
} before;

void vm_witness_setup(void)
{
	struct amdsvm_ioctl_residency_args sums;

	vm_setup();
	vm_witness = vm_anon(VM_WITNESS_SIZE);
	vm_fill(vm_witness, VM_WITNESS_SIZE, WITNESS_SEED);
	expect_eq(set(vm_witness, 8 * PAGE, { ATTR(GRANULARITY), 4 }), 0);
	expect_eq(set(vm_witness + 24 * PAGE, 8 * PAGE, { ATTR(NO_ACCESS), vm.gpu[1] },
		      { ATTR(PREFERRED_LOC), vm.gpu[0] }), 0);
	if (vm.lane != LANE_MIRROR)
		expect_prefetch(vm_witness + 16 * PAGE, 16 * PAGE, vm.gpu[0], 0, .moved = 16);
	before.count = vm_list(NULL, 0, before.ranges, 8);
	expect_eq(before.count, 2);
	expect_eq(vm_residency_on(vm.fd, vm_witness, VM_WITNESS_SIZE, before.pages, &sums), 0);

	before.log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	expect(before.log >= 0 && lseek(before.log, 0, SEEK_END) >= 0);
}

void vm_expect_witness(const char *file, int line)
{
	struct amdsvm_page_info pages[WITNESS_PAGES];
	struct amdsvm_ioctl_residency_args sums;
	struct amdsvm_range_info ranges[8];
	unsigned int count = vm_list(NULL, 0, ranges, 8);
	size_t i;

	if (count != before.count)
		vm_fail(file, line, "there are %u ranges, there were %u (R8)", count, before.count);
	for (i = 0; i < count; i++)
		if (memcmp(&ranges[i], &before.ranges[i], sizeof(ranges[i])))
			vm_fail(file, line, "range %zu is not what it was (R8)", i);
	expect_eq(vm_residency_on(vm.fd, vm_witness, VM_WITNESS_SIZE, pages, &sums), 0);
	for (i = 0; i < WITNESS_PAGES; i++)
		if (memcmp(&pages[i], &before.pages[i], sizeof(pages[i])))
			vm_fail(file, line, "page %zu is not where it was (R8)", i);
}

void vm_witness_teardown(void)
{
	char line[2048];
	ssize_t length;

	expect_witness();
	expect_bytes(vm_witness, VM_WITNESS_SIZE, WITNESS_SEED);
	while ((length = read(before.log, line, sizeof(line) - 1)) > 0) {
		line[length] = 0;
		if (strstr(line, "svm") || strstr(line, "WARNING") || strstr(line, "BUG"))
			vm_fail(HERE, "the kernel log says: %s", line);
	}
}

static void setup_without_device(void)
{
	test_process = getpid();
}

/*
 * TCG runs 20 to 50 times slower than a processor, and Check's own 4 s are made
 * for processors. CK_DEFAULT_TIMEOUT still wins.
 */
#define TEST_SECONDS 90

TCase *vm_case_with(Suite *suite, const char *name, void (*setup)(void), void (*teardown)(void))
{
	TCase *tcase = tcase_create(name);

	if (!getenv("CK_DEFAULT_TIMEOUT"))
		tcase_set_timeout(tcase, TEST_SECONDS);
	tcase_add_checked_fixture(tcase, setup, teardown);
	suite_add_tcase(suite, tcase);
	return tcase;
}

TCase *vm_case_without_device(Suite *suite, const char *name)
{
	return vm_case_with(suite, name, setup_without_device, NULL);
}

TCase *vm_case(Suite *suite, const char *name)
{
	return vm_case_with(suite, name, vm_setup, NULL);
}

/* R3: all tests before this one are gone, and so must be their pages. */
START_TEST(device_pages_of_ended_processes_are_free)
{
	expect_within(10, vm_used_pages() == 0);
}
END_TEST

/*
 * Programs that tests exec, told by the first argument: "hold" lives until its
 * standard input ends; "residency FD ADDRESS" uses a file that it inherited and
 * exits with the errno.
 */
static int helper_program(char **argv)
{
	char byte;

	if (!strcmp(argv[1], "hold")) {
		expect(write(STDOUT_FILENO, "x", 1) == 1);
		while (read(STDIN_FILENO, &byte, 1) > 0)
			;
		return 0;
	}
	if (!strcmp(argv[1], "residency") && argv[2] && argv[3]) {
		struct amdsvm_ioctl_residency_args args;

		return -vm_residency_on(atoi(argv[2]), (void *)strtoull(argv[3], NULL, 0), PAGE,
					NULL, &args);
	}
	fprintf(stderr, "usage: %s\n", argv[0]);
	return 2;
}

int vm_main(int argc, char **argv, suite_function function)
{
	SRunner *runner;
	Suite *suite;
	int failed;

	if (argc > 1)
		return helper_program(argv);
	/* Tests are forked: what is still in a buffer would be written twice. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	suite = function();
	tcase_add_test(vm_case(suite, "end"), device_pages_of_ended_processes_are_free);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 100 ? 100 : failed;
}

bool vm_fork(struct peer *peer)
{
	int ends[2];

	expect(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
	fflush(NULL);
	peer->pid = fork();
	expect(peer->pid >= 0);
	close(ends[peer->pid ? 1 : 0]);
	peer->fd = ends[peer->pid ? 0 : 1];
	return peer->pid == 0;
}

void vm_tell(struct peer *peer)
{
	if (write(peer->fd, "x", 1) != 1)
		vm_fail(HERE, "the other process is gone");
}

void vm_await(struct peer *peer)
{
	char byte;

	if (read(peer->fd, &byte, 1) != 1)
		vm_fail(HERE, "the other process is gone");
}

bool vm_ended(struct peer *peer)
{
	siginfo_t info = { 0 };

	expect(!waitid(P_PID, peer->pid, &info, WEXITED | WNOHANG | WNOWAIT));
	return info.si_pid == peer->pid;
}

void vm_join(const char *file, int line, struct peer *peer)
{
	int status = 0;

	if (waitpid(peer->pid, &status, 0) != peer->pid)
		vm_fail(file, line, "waitpid: errno %d", errno);
	close(peer->fd);
	if (status)
		vm_fail(file, line, "the child failed, status 0x%x", status);
}

void vm_done(void)
{
	_exit(0);
}

int vm_write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t size;

	if (fd < 0)
		return -errno;
	size = write(fd, text, strlen(text));
	size = size < 0 ? -errno : 0;
	close(fd);
	return size;
}

void vm_parameter(const char *name, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/module/amdsvm/parameters/%s", name);
	expect_eq(vm_write_file(path, value), 0);
}

void vm_setup_no_eviction(void)
{
	vm_setup();
	vm_parameter("oversubscription", "0");
}

void vm_teardown_no_eviction(void)
{
	vm_parameter("oversubscription", "1");
}

long vm_read_number(const char *path)
{
	FILE *file = fopen(path, "re");
	long value = -1;

	if (file) {
		if (fscanf(file, "%ld", &value) != 1)
			value = -1;
		fclose(file);
	}
	return value;
}
