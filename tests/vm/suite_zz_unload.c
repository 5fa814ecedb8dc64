// SPDX-License-Identifier: MIT
/*
 * Removing the module: refused while a file is open or a page lives on a device
 * anywhere, possible soon after the last of both is gone. Each test leaves the
 * module loaded, with the parameters it had. Last by name: other suites need it.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "vmtest.h"

#define MODULE_FILE "/lib/amdsvm/amdsvm.ko"
#define PARAMETERS "/sys/module/amdsvm/parameters"

static char parameters[2048];

static int unload(void)
{
	return syscall(SYS_delete_module, "amdsvm", O_NONBLOCK) ? -errno : 0;
}

static bool refused(void)
{
	int result = unload();

	/* Core says EWOULDBLOCK for a module in use, EBUSY for one that cannot go. */
	return result == -EWOULDBLOCK || result == -EBUSY;
}

static int load(const char *arguments)
{
	int result, fd = open(MODULE_FILE, O_RDONLY | O_CLOEXEC);

	expect(fd >= 0);
	result = syscall(SYS_finit_module, fd, arguments, 0) ? -errno : 0;
	close(fd);
	if (!result)
		chmod("/dev/amdsvm", 0666);
	return result;
}

/* What the harness loaded the module with, as the kernel tells it. */
static void remember_parameters(void)
{
	DIR *directory = opendir(PARAMETERS);
	struct dirent *entry;

	while (directory && (entry = readdir(directory))) {
		char path[512], value[128] = "";
		FILE *file;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), PARAMETERS "/%s", entry->d_name);
		file = fopen(path, "re");
		if (file && fgets(value, sizeof(value), file) && value[0] != '\n') {
			value[strcspn(value, "\n")] = 0;
			snprintf(parameters + strlen(parameters), sizeof(parameters) - strlen(parameters),
				 "%s=%s ", entry->d_name, value);
		}
		if (file)
			fclose(file);
	}
	if (directory)
		closedir(directory);
}

static void setup(void)
{
	vm_setup();
	remember_parameters();
	expect_within(10, vm_used_pages() == 0);
}

/* After a test that unloads and fails half way, the next suite still has a driver. */
static void teardown(void)
{
	if (access("/sys/module/amdsvm", F_OK))
		expect_eq(load(parameters), 0);
}

#define expect_unloads() \
	do { \
		expect_within(10, unload() == 0); \
		expect(access("/sys/module/amdsvm", F_OK) < 0); \
		expect(access("/dev/amdsvm", F_OK) < 0); \
		expect_eq(load(parameters), 0); \
	} while (0)

START_TEST(an_open_file_keeps_the_module)
{
	expect(refused());
	close(vm.fd);
	expect_unloads();
	vm_setup();
	expect_eq(get(vm_anon(PAGE), PAGE, ATTR(GRANULARITY)), DEFAULT_GRANULARITY);
}
END_TEST

START_TEST(a_file_of_a_dead_process_keeps_the_module)
{
	struct peer peer;

	/* The child's copy of the file is the last one; its opener is this process. */
	if (vm_fork(&peer)) {
		vm_await(&peer);
		vm_done();
	}
	close(vm.fd);
	expect(refused());
	vm_tell(&peer);
	expect_joined(&peer);
	expect_unloads();
}
END_TEST

START_TEST(pages_without_a_file_keep_the_module)
{
	char *memory = _i ? vm_anon(BLOCK) : vm_anon_small(BLOCK);

	needs_device_memory();
	vm_fill(memory, BLOCK, 1);
	expect_prefetch(memory, BLOCK, vm.gpu[1], 0, .moved = 512);
	close(vm.fd);
	usleep(100000);
	expect(refused());
	vm.fd = vm_open();
	expect_location(memory, BLOCK, vm.gpu[1]);
	/* One page is enough to keep it. */
	expect_prefetch(memory, BLOCK - PAGE, SYSMEM, 0, .moved = 511);
	close(vm.fd);
	expect(refused());
	expect_bytes(memory, BLOCK, 1);
	expect(!munmap(memory, BLOCK));
	expect_unloads();
}
END_TEST

START_TEST(pages_of_a_forked_child_keep_the_module)
{
	char *memory = _i ? vm_anon(BLOCK) : vm_anon_small(BLOCK);
	struct peer peer;

	needs_device_memory();
	vm_fill(memory, BLOCK, 1);
	expect_prefetch(memory, BLOCK, vm.gpu[0], 0, .moved = 512);
	if (vm_fork(&peer)) {
		close(vm.fd);
		vm_tell(&peer);
		vm_await(&peer);
		expect_bytes(memory, BLOCK, 1);
		vm_done();
	}
	vm_await(&peer);
	expect(!munmap(memory, BLOCK));
	close(vm.fd);
	expect(refused());
	vm_tell(&peer);
	expect_joined(&peer);
	expect_unloads();
}
END_TEST

START_TEST(eviction_lets_the_module_go)
{
	char *memory = _i ? vm_anon(BLOCK) : vm_anon_small(BLOCK);
	struct amdsvm_ioctl_evict_args args;

	needs_device_memory();
	vm_fill(memory, BLOCK, 1);
	expect_prefetch(memory, BLOCK, vm.gpu[0], 0, .moved = 512);
	expect_eq(vm_evict_on(vm.fd, 0, &args), 0);
	expect_eq(args.pages_left, 0);
	close(vm.fd);
	expect_unloads();
	/* The process that had them lives on, with the bytes. */
	expect_bytes(memory, BLOCK, 1);
	vm_setup();
	expect_prefetch(memory, BLOCK, vm.gpu[0], 0, .moved = 512);
	expect_bytes(memory, BLOCK, 1);
}
END_TEST

START_TEST(a_killed_owner_lets_the_module_go)
{
	struct peer peer;
	char *memory;

	close(vm.fd);
	if (vm_fork(&peer)) {
		vm.fd = vm_open();
		memory = vm_anon(BLOCK);
		vm_fill(memory, BLOCK, 1);
		expect_eq(set(memory, BLOCK, { ATTR(ACCESS_IN_PLACE), vm.gpu[1] }), 0);
		if (vm.lane != LANE_MIRROR)
			expect_prefetch(memory, BLOCK, vm.gpu[0], 0, .moved = 512);
		vm_tell(&peer);
		vm_await(&peer);
	}
	vm_await(&peer);
	expect(refused());
	expect(!kill(peer.pid, SIGKILL));
	expect(waitpid(peer.pid, NULL, 0) == peer.pid);
	expect_unloads();
}
END_TEST

/* Mappings and policy end with the file: nothing of them needs the module after. */
START_TEST(policy_and_mappings_do_not_outlive_the_file)
{
	char *memory = vm_anon(4 * BLOCK);

	vm_fill(memory, 4 * BLOCK, 1);
	expect_eq(set(memory, 4 * BLOCK, { ATTR(ACCESS_IN_PLACE), vm.gpu[0] },
		      { ATTR(GRANULARITY), 2 }), 0);
	expect_mapped(memory, 4 * BLOCK, 1);
	close(vm.fd);
	expect_unloads();
	/* This process lived through it: its memory has no trace of the driver. */
	expect_bytes(memory, 4 * BLOCK, 1);
	expect(!munmap(memory, 4 * BLOCK));
	vm_setup();
	expect_eq(vm_range_count(), 0);
}
END_TEST

START_TEST(loading_costs_little)
{
	long before, after;
	int i;

	close(vm.fd);
	for (i = 0; i < 5; i++) {
		char line[128];
		FILE *file;

		expect_within(10, unload() == 0);
		for (after = 0; after < 2; after++) {
			long kib = 0;

			file = fopen("/proc/meminfo", "re");
			expect(file);
			while (fgets(line, sizeof(line), file))
				if (sscanf(line, "MemFree: %ld kB", &kib) == 1)
					break;
			fclose(file);
			if (after) {
				/* Descriptions of the pages, not the pages: 64 bytes for 4096. */
				expect(before - kib < 32 << 10);
			} else {
				before = kib;
				expect_eq(load(parameters), 0);
			}
		}
	}
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("zz_unload");
	TCase *t = vm_case_with(s, "unload", setup, teardown);

	tcase_add_test(t, an_open_file_keeps_the_module);
	tcase_add_test(t, a_file_of_a_dead_process_keeps_the_module);
	tcase_add_loop_test(t, pages_without_a_file_keep_the_module, 0, 2);
	tcase_add_loop_test(t, pages_of_a_forked_child_keep_the_module, 0, 2);
	tcase_add_loop_test(t, eviction_lets_the_module_go, 0, 2);
	tcase_add_test(t, a_killed_owner_lets_the_module_go);
	tcase_add_test(t, policy_and_mappings_do_not_outlive_the_file);
	tcase_add_test(t, loading_costs_little);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
