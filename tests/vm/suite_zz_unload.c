// SPDX-License-Identifier: MIT
/*
 * Loading and removing the module: what the parameters do; refused while a file
 * is open or a page lives on a device anywhere, possible soon after the last of
 * both is gone. Each test leaves the module loaded, with the parameters it had.
 * Last by name: other suites need it.
 */
#include <limits.h>
#include <signal.h>

#include "vmmodule.h"
#include "vmtest.h"

/* Not EBUSY: that is a module that is on its way in or out, or has no exit. */
static bool refused(void)
{
	return vm_module_unload() == -EWOULDBLOCK;
}

#define expect_unloads() \
	do { \
		expect_within(10, vm_module_unload() == 0); \
		expect(!vm_module_loaded()); \
		expect(access("/dev/amdsvm", F_OK) < 0); \
		expect_eq(vm_module_load(vm_module_parameters), 0); \
	} while (0)

START_TEST(an_open_file_keeps_the_module)
{
	int status;

	expect(refused());
	/* The program that people use says no as well, and is there to say it. */
	status = system("rmmod amdsvm >/dev/null 2>&1");
	expect(WIFEXITED(status) && WEXITSTATUS(status) && WEXITSTATUS(status) < 126);
	expect(vm_module_loaded());
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

/* In the middle of copies that are slow and fail; their engine is the last to go. */
START_TEST(an_owner_killed_in_mid_copy_lets_the_module_go)
{
	struct amdsvm_ioctl_prefetch_args args;
	struct peer peer;
	char *memory;
	int i;

	needs_device_memory();
	vm_parameter("copy_delay_us", "2000");
	vm_parameter("copy_fail_every", "2");
	close(vm.fd);
	if (vm_fork(&peer)) {
		vm.fd = vm_open();
		memory = _i ? vm_anon(4 * BLOCK) : vm_anon_small(4 * BLOCK);
		vm_fill(memory, 4 * BLOCK, 1);
		expect_prefetch(memory, 4 * BLOCK, vm.gpu[0], 0, .moved = 4 * 512);
		vm_tell(&peer);
		for (i = 1;; i++)
			vm_prefetch_on(vm.fd, memory, 4 * BLOCK, vm.gpu[i % 2], &args);
	}
	vm_await(&peer);
	expect(refused());
	usleep(5000);
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
	long before, after, least = LONG_MAX;
	int i;

	close(vm.fd);
	for (i = 0; i < 5; i++) {
		char line[128];
		FILE *file;

		expect_within(10, vm_module_unload() == 0);
		for (after = 0; after < 2; after++) {
			long kib = 0;

			file = fopen("/proc/meminfo", "re");
			expect(file);
			while (fgets(line, sizeof(line), file))
				if (sscanf(line, "MemFree: %ld kB", &kib) == 1)
					break;
			fclose(file);
			if (after) {
				if (before - kib < least)
					least = before - kib;
			} else {
				before = kib;
				expect_eq(vm_module_load(vm_module_parameters), 0);
			}
		}
	}
	/*
	 * Descriptions of the pages, not the pages: 64 bytes for 4096. Others may take
	 * memory at the same time, but not each time.
	 */
	expect(least < 32 << 10);
}
END_TEST

static struct amdsvm_ioctl_get_caps_args caps(void)
{
	struct amdsvm_ioctl_get_caps_args args = { 0 };

	expect_eq(vm_ioctl(vm.fd, AMDSVM_IOC_GET_CAPS, &args), 0);
	return args;
}

static const unsigned int device_counts[] = { 1, 3, 16 };

START_TEST(num_devices_is_the_number_of_devices)
{
	unsigned int i, count = device_counts[_i];
	char arguments[32], *memory;

	snprintf(arguments, sizeof(arguments), "num_devices=%u", count);
	expect_eq(vm_module_reload(arguments), 0);
	expect_eq(vm.devices, count);
	expect_eq(caps().num_devices, count);
	expect_eq(caps().memory_reason, vm.lane == LANE_MIRROR ? AMDSVM_REASON_NO_KERNEL_SUPPORT :
								 AMDSVM_REASON_NONE);
	memory = vm_anon_small(16 * PAGE);
	vm_fill(memory, 16 * PAGE, 1);
	for (i = 0; i < count; i++) {
		/* An id that two devices had would show in where the pages are. */
		expect(vm.gpu[i]);
		expect_eq(vm_device(vm.gpu[i]).index, i);
		expect_eq(set(memory, 16 * PAGE, { ATTR(ACCESS_IN_PLACE), vm.gpu[i] }), 0);
		if (vm.lane == LANE_MIRROR)
			continue;
		expect(vm_device(vm.gpu[i]).vram_bytes > 0);
		expect_prefetch(memory, 16 * PAGE, vm.gpu[i], 0, .moved = 16);
		expect_location(memory, 16 * PAGE, vm.gpu[i]);
	}
	if (vm.lane == LANE_MIRROR)
		expect_mapped(memory, 16 * PAGE, vm.device_mask);
	else
		/* Coherent pages would stay, and keep the module. */
		expect_prefetch(memory, 16 * PAGE, SYSMEM, 0, .moved = 16);
	expect_bytes(memory, 16 * PAGE, 1);
}
END_TEST

START_TEST(parameters_out_of_range_are_einval)
{
	static const char *const wrong[] = {
		"num_devices=0", "num_devices=17", "num_devices=4294967295", "vram_mb=1048577",
	};
	char all[VM_MODULE_PARAMETERS_SIZE + 128];
	unsigned int i;

	close(vm.fd);
	vm.fd = -1;
	expect_within(10, vm_module_unload() == 0);
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		snprintf(all, sizeof(all), "%s%s", vm_module_parameters, wrong[i]);
		expect_eq(vm_module_load(all), -EINVAL);
		expect(!vm_module_loaded());
		expect(access("/dev/amdsvm", F_OK) < 0);
	}
}
END_TEST

START_TEST(vram_mb_is_the_memory_of_a_device)
{
	unsigned int i;

	only_in_lanes(LANE_PRIVATE, "the size is that of the range, or there is none");
	/* Odd on purpose: rounded down to 2. */
	expect_eq(vm_module_reload(_i ? "vram_mb=65" : "vram_mb=64"), 0);
	expect_eq(vm.devices, 2);
	expect_eq(caps().memory_kind, AMDSVM_MEMORY_PRIVATE);
	for (i = 0; i < vm.devices; i++)
		expect_eq(vm_device(vm.gpu[i]).vram_bytes, 64 << 20);
}
END_TEST

static const struct {
	const char *arguments;
	uint32_t reason;
} memoryless[] = {
	{ "coherent_base=0 coherent_size=0 vram_mb=0", AMDSVM_REASON_DISABLED },
	/* Less than the 2 MiB that it is rounded to. */
	{ "coherent_base=0 coherent_size=0 vram_mb=1", AMDSVM_REASON_DISABLED },
	/* Ordinary RAM: the guest has more than 512 MiB of it. */
	{ "coherent_base=0x10000000 coherent_size=0x8000000", AMDSVM_REASON_RANGE_NOT_RESERVED },
	{ "coherent_base=0x10001000 coherent_size=0x8000000", AMDSVM_REASON_RANGE_INVALID },
	{ "coherent_base=0x10100000 coherent_size=0x8000000", AMDSVM_REASON_RANGE_INVALID },
	/* Not 2 MiB for each device. */
	{ "coherent_base=0x10000000 coherent_size=0x3fffff", AMDSVM_REASON_RANGE_INVALID },
	{ "coherent_base=0x10000000 coherent_size=0", AMDSVM_REASON_RANGE_INVALID },
};

/* A driver whose memory cannot be had loads, says why, and maps what the system has. */
START_TEST(without_memory_the_driver_loads_and_says_why)
{
	char *memory = vm_anon_small(16 * PAGE);
	struct amdsvm_ioctl_prefetch_args args;
	unsigned int i;

	vm_fill(memory, 16 * PAGE, 1);
	expect_eq(vm_module_reload(memoryless[_i].arguments), 0);
	expect_eq(caps().memory_kind, AMDSVM_MEMORY_NONE);
	expect_eq(caps().memory_reason, memoryless[_i].reason);
	expect_eq(caps().features & AMDSVM_CAP_MIGRATE, 0);
	for (i = 0; i < vm.devices; i++) {
		expect_eq(vm_device(vm.gpu[i]).memory_kind, AMDSVM_MEMORY_NONE);
		expect_eq(vm_device(vm.gpu[i]).vram_bytes, 0);
		expect_eq(vm_prefetch_on(vm.fd, memory, 16 * PAGE, vm.gpu[i], &args), -EOPNOTSUPP);
		expect_eq(set(memory, 16 * PAGE, { ATTR(PREFETCH_LOC), vm.gpu[i] }), -EOPNOTSUPP);
	}
	expect_eq(vm_range_count(), 0);
	expect_prefetch(memory, 16 * PAGE, SYSMEM, 0, .already = 16);
	expect_eq(set(memory, 16 * PAGE, { ATTR(ACCESS_IN_PLACE), vm.gpu[0] }), 0);
	expect_mapped(memory, 16 * PAGE, 1);
	expect_location(memory, 16 * PAGE, SYSMEM);
	expect_bytes(memory, 16 * PAGE, 1);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("zz_unload");
	TCase *t = vm_case_with(s, "unload", vm_module_setup, vm_module_restore);

	/* In the process of the suite: it comes after a test that failed, too. */
	tcase_add_unchecked_fixture(t, vm_module_remember, vm_module_restore);
	tcase_add_test(t, an_open_file_keeps_the_module);
	tcase_add_test(t, a_file_of_a_dead_process_keeps_the_module);
	tcase_add_loop_test(t, pages_without_a_file_keep_the_module, 0, 2);
	tcase_add_loop_test(t, pages_of_a_forked_child_keep_the_module, 0, 2);
	tcase_add_loop_test(t, eviction_lets_the_module_go, 0, 2);
	tcase_add_test(t, a_killed_owner_lets_the_module_go);
	tcase_add_loop_test(t, an_owner_killed_in_mid_copy_lets_the_module_go, 0, 2);
	tcase_add_test(t, policy_and_mappings_do_not_outlive_the_file);
	tcase_add_test(t, loading_costs_little);
	t = vm_case_with(s, "parameters", vm_module_setup, vm_module_restore);
	tcase_add_unchecked_fixture(t, vm_module_remember, vm_module_restore);
	tcase_add_loop_test(t, num_devices_is_the_number_of_devices, 0,
			    sizeof(device_counts) / sizeof(device_counts[0]));
	tcase_add_test(t, parameters_out_of_range_are_einval);
	tcase_add_loop_test(t, vram_mb_is_the_memory_of_a_device, 0, 2);
	tcase_add_loop_test(t, without_memory_the_driver_loads_and_says_why, 0,
			    sizeof(memoryless) / sizeof(memoryless[0]));
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
