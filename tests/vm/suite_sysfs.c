// SPDX-License-Identifier: MIT
/*
 * What can be seen from outside: counters as files in /sys/class/misc/amdsvm, who
 * may read them and how long they are there, and trace events.
 */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "vmevents.h"

#define NOBODY 65534
#define PROCESSES_DIR "/sys/class/misc/amdsvm/processes"
#define TRACING "/sys/kernel/tracing"

/* In the order of amdsvm_ioctl_get_device_counters_args. */
static const char *const counters[] = {
	"faults", "duplicates", "services", "overflows", "bad_accesses", "pages_in", "pages_out",
	"migrations", "pages_mapped", "pages_unmapped", "invalidations", "map_retries",
	"tlb_flushes", "evictions", "restores", "packets", "tables", "leaves",
	"thrash_pins", "clears_saved",
};
#define COUNTERS (sizeof(counters) / sizeof(counters[0]))

static const char *path_of(int pid, uint32_t gpu, const char *counter)
{
	static char path[128];

	if (counter)
		snprintf(path, sizeof(path), PROCESSES_DIR "/%d/%08x/%s", pid, gpu, counter);
	else
		snprintf(path, sizeof(path), PROCESSES_DIR "/%d", pid);
	return path;
}

static bool is_shown(int pid)
{
	return !access(path_of(pid, 0, NULL), F_OK);
}

static void expect_files(const char *file, int line, uint32_t gpu)
{
	struct amdsvm_ioctl_get_device_counters_args args = { .gpu_id = gpu };
	const uint64_t *values = &args.faults;
	size_t i;

	expect_eq(vm_ioctl(vm.fd, AMDSVM_IOC_GET_DEVICE_COUNTERS, &args), 0);
	for (i = 0; i < COUNTERS; i++)
		if (vm_read_number(path_of(getpid(), gpu, counters[i])) != (long)values[i])
			vm_fail(file, line, "%s is %ld, the call says %llu", counters[i],
				vm_read_number(path_of(getpid(), gpu, counters[i])),
				(unsigned long long)values[i]);
}
#define expect_files(gpu) expect_files(HERE, gpu)

static long counter(uint32_t gpu, const char *name)
{
	return vm_read_number(path_of(getpid(), gpu, name));
}

START_TEST(files_say_what_the_call_says)
{
	char *memory = vm_anon_small(2 * BLOCK);
	uint32_t i;

	for (i = 0; i < vm.devices; i++)
		expect_files(vm.gpu[i]);
	expect_eq(set(memory, 2 * BLOCK, { ATTR(ACCESS_IN_PLACE), vm.gpu[0] }), 0);
	vm_fill(memory, BLOCK + 3 * PAGE, 1);
	expect_files(vm.gpu[0]);
	needs_device_memory();
	expect_prefetch(memory, BLOCK + 5 * PAGE, vm.gpu[0], 0, .moved = 515, .cleared = 2);
	expect_eq(counter(vm.gpu[0], "pages_in"), 517);
	expect_eq(counter(vm.gpu[0], "migrations"), 2);
	expect_prefetch(memory, 10 * PAGE, vm.gpu[1], 0, .moved = 10);
	expect_eq(counter(vm.gpu[0], "pages_out"), 10);
	expect_eq(counter(vm.gpu[1], "pages_in"), 10);
	expect_prefetch(memory, 15 * PAGE, SYSMEM, 0, .moved = 15);
	expect_eq(counter(vm.gpu[0], "pages_out"), 15);
	expect_eq(counter(vm.gpu[1], "pages_out"), 10);
	/* What is there already is not counted. */
	expect_prefetch(memory + BLOCK, PAGE, vm.gpu[0], 0, .already = 1);
	expect_eq(counter(vm.gpu[0], "migrations"), 2);
	for (i = 0; i < vm.devices; i++)
		expect_files(vm.gpu[i]);
}
END_TEST

START_TEST(pages_that_come_home_by_faults_are_counted)
{
	char *memory = vm_anon_small(BLOCK);

	only_in_lanes(LANE_PRIVATE, "only private memory comes home by faults");
	vm_fill(memory, BLOCK, 1);
	expect_prefetch(memory, BLOCK / 2, vm.gpu[0], 0, .moved = 256);
	expect_prefetch(memory + BLOCK / 2, BLOCK / 2, vm.gpu[1], 0, .moved = 256);
	/* One window, from two devices. */
	(void)*(volatile char *)memory;
	expect_eq(counter(vm.gpu[0], "pages_out"), 256);
	expect_eq(counter(vm.gpu[1], "pages_out"), 256);
	expect_bytes(memory, BLOCK, 1);
}
END_TEST

START_TEST(files_are_the_openers)
{
	struct stat status;
	struct peer peer;

	if (vm_fork(&peer)) {
		close(vm.fd);
		expect(!setresuid(NOBODY, NOBODY, NOBODY));
		/* Root's. */
		expect(open(path_of(getppid(), vm.gpu[0], "faults"), O_RDONLY) == -1 &&
		       errno == EACCES);
		vm.fd = vm_open();
		expect(counter(vm.gpu[0], "faults") == 0);
		vm_tell(&peer);
		vm_await(&peer);
		vm_done();
	}
	vm_await(&peer);
	expect(!stat(path_of(peer.pid, vm.gpu[1], "pages_in"), &status));
	expect_eq(status.st_mode, S_IFREG | 0400);
	expect_eq(status.st_uid, NOBODY);
	/* Root may read what is not its own, and write nothing. */
	expect_eq(vm_read_number(path_of(peer.pid, vm.gpu[1], "pages_in")), 0);
	expect(vm_write_file(path_of(peer.pid, vm.gpu[1], "pages_in"), "1") < 0);
	vm_tell(&peer);
	expect_joined(&peer);
}
END_TEST

START_TEST(files_go_with_the_last_close)
{
	int second = vm_open(), file, round;
	char byte;

	expect(is_shown(getpid()));
	close(vm.fd);
	expect(is_shown(getpid()));
	file = open(path_of(getpid(), vm.gpu[0], "faults"), O_RDONLY | O_CLOEXEC);
	expect(file >= 0);
	close(second);
	expect(!is_shown(getpid()));
	/* Open still, but of nothing. */
	expect(read(file, &byte, 1) == -1 && errno == ENODEV);
	for (round = 0; round < 20; round++) {
		vm.fd = vm_open();
		expect(is_shown(getpid()));
		close(vm.fd);
		expect(!is_shown(getpid()));
	}
	vm.fd = vm_open();
}
END_TEST

START_TEST(files_go_with_the_process)
{
	struct peer peer;

	if (vm_fork(&peer)) {
		vm_open();
		vm_tell(&peer);
		vm_await(&peer);
		vm_done();
	}
	vm_await(&peer);
	expect(is_shown(peer.pid));
	vm_tell(&peer);
	expect_joined(&peer);
	expect_within(10, !is_shown(peer.pid));
	expect(is_shown(getpid()));
}
END_TEST

static volatile bool stop;

static void *read_files(void *unused)
{
	while (!stop) {
		counter(vm.gpu[0], "tables");
		counter(vm.gpu[1], "leaves");
	}
	return unused;
}

/* Readers all the time that the files come and go. */
START_TEST(reading_meets_going)
{
	pthread_t threads[2];
	int rounds = vm_rounds(300), i;

	vm_use_all_processors();
	for (i = 0; i < 2; i++)
		expect(!pthread_create(&threads[i], NULL, read_files, NULL));
	for (i = 0; i < rounds; i++) {
		close(vm.fd);
		vm.fd = vm_open();
	}
	stop = true;
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	expect_files(vm.gpu[0]);
}
END_TEST

static int names_of(int pid)
{
	DIR *dir = opendir(PROCESSES_DIR);
	struct dirent *entry;
	int count = 0;

	while (dir && (entry = readdir(dir)))
		count += atoi(entry->d_name) == pid;
	closedir(dir);
	return count;
}

/* A second address space of a pid, while the first one is held by another. */
static int program_that_opens_again(void)
{
	int fd = open("/dev/amdsvm", O_RDWR | O_CLOEXEC);

	return fd < 0 || names_of(getpid()) != 2;
}

static int hold(void *unused)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	pause();
	return unused != NULL;
}

START_TEST(two_of_one_pid_have_two_names)
{
	static char stack[65536];
	struct peer peer;
	int status;

	if (vm_fork(&peer)) {
		close(vm.fd);
		vm.fd = vm_open();
		expect(is_shown(getpid()));
		/* It shares the memory, and has the file. */
		expect(clone(hold, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL) > 0);
		execl("/proc/self/exe", "suite_sysfs", "again", NULL);
		_exit(2);
	}
	expect(waitpid(peer.pid, &status, 0) == peer.pid);
	expect_eq(status, 0);
	expect_within(10, names_of(peer.pid) == 0);
}
END_TEST

START_TEST(version_is_told)
{
	struct amdsvm_ioctl_get_caps_args caps = { 0 };
	char version[64] = "";
	FILE *file = fopen("/sys/class/misc/amdsvm/version", "re");

	expect(file && fscanf(file, "%63s", version) == 1);
	fclose(file);
	expect_eq(vm_ioctl(vm.fd, AMDSVM_IOC_GET_CAPS, &caps), 0);
	expect(!strcmp(version, caps.driver_version));
}
END_TEST

static bool trace_has(const char *wanted)
{
	FILE *file = fopen(TRACING "/trace", "re");
	char line[512];
	bool found = false;

	expect(file);
	while (!found && fgets(line, sizeof(line), file))
		found = strstr(line, wanted);
	fclose(file);
	return found;
}

static void trace_setup(void)
{
	vm_setup();
	if (access(TRACING "/trace", F_OK))
		expect(!mount("tracefs", TRACING, "tracefs", 0, NULL));
	expect_eq(vm_write_file(TRACING "/trace", "\n"), 0);
	expect_eq(vm_write_file(TRACING "/events/amdsvm/enable", "1"), 0);
}

static void trace_teardown(void)
{
	vm_write_file(TRACING "/events/amdsvm/enable", "0");
	vm_write_file(TRACING "/trace", "\n");
}

START_TEST(moves_are_traced)
{
	struct amdsvm_ioctl_evict_args args;
	char *page = touched_page(), wanted[256];

	needs_device_memory();
	move_page(page, vm.gpu[0]);
	snprintf(wanted, sizeof(wanted),
		 "svm_migrate_start: pid=%d start=0x%lx size=0x1000 from=0x0 to=0x%x prefetch=0xffffffff preferred=0xffffffff trigger=prefetch\n",
		 getpid(), (unsigned long)page, vm.gpu[0]);
	expect(trace_has(wanted));
	snprintf(wanted, sizeof(wanted),
		 "svm_migrate_end: pid=%d start=0x%lx size=0x1000 from=0x0 to=0x%x trigger=prefetch error=0\n",
		 getpid(), (unsigned long)page, vm.gpu[0]);
	expect(trace_has(wanted));
	expect_eq(vm_evict_on(vm.fd, vm.gpu[0], &args), 0);
	snprintf(wanted, sizeof(wanted), "svm_evict: gpu_id=0x%x moved=%llu left=%llu error=0\n",
		 vm.gpu[0], (unsigned long long)args.pages_moved, (unsigned long long)args.pages_left);
	expect(trace_has(wanted));
}
END_TEST

START_TEST(cpu_faults_are_traced)
{
	char *page = touched_page(), wanted[256];

	only_in_lanes(LANE_PRIVATE, "only private memory comes home by faults");
	move_page(page, vm.gpu[1]);
	(void)*(volatile char *)page;
	snprintf(wanted, sizeof(wanted),
		 "svm_migrate_end: pid=%d start=0x%lx size=0x1000 from=0x%x to=0x0 trigger=cpu fault error=0\n",
		 getpid(), (unsigned long)page, vm.gpu[1]);
	expect(trace_has(wanted));
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("sysfs");
	TCase *t = vm_case(s, "files");

	tcase_add_test(t, files_say_what_the_call_says);
	tcase_add_test(t, pages_that_come_home_by_faults_are_counted);
	tcase_add_test(t, files_are_the_openers);
	tcase_add_test(t, files_go_with_the_last_close);
	tcase_add_test(t, files_go_with_the_process);
	tcase_add_test(t, reading_meets_going);
	tcase_add_test(t, two_of_one_pid_have_two_names);
	tcase_add_test(t, version_is_told);
	t = vm_case_with(s, "trace", trace_setup, trace_teardown);
	tcase_add_test(t, moves_are_traced);
	tcase_add_test(t, cpu_faults_are_traced);
	return s;
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "again"))
		return program_that_opens_again();
	return vm_main(argc, argv, suite);
}
