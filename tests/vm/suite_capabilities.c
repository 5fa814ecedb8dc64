// SPDX-License-Identifier: MIT
/*
 * What the driver says of itself and its devices. This suite ties the lane that
 * the harness booted to what GET_CAPS offers: elsewhere a test is skipped by
 * lane only, so a driver that offers too little fails here, not nowhere.
 */
#include "vmtest.h"

static struct amdsvm_ioctl_get_caps_args caps(void)
{
	struct amdsvm_ioctl_get_caps_args args = { 0 };

	expect_eq(vm_ioctl(vm.fd, AMDSVM_IOC_GET_CAPS, &args), 0);
	return args;
}

START_TEST(version_is_that_of_the_header)
{
	struct amdsvm_ioctl_get_version_args args = { 0 };

	expect_eq(vm_ioctl(vm.fd, AMDSVM_IOC_GET_VERSION, &args), 0);
	expect_eq(args.major_version, AMDSVM_IOCTL_MAJOR_VERSION);
	expect_eq(args.minor_version, AMDSVM_IOCTL_MINOR_VERSION);
}
END_TEST

START_TEST(memory_kind_is_that_of_the_lane)
{
	uint64_t memory = AMDSVM_CAP_MIGRATE | AMDSVM_CAP_DEVICE_PRIVATE | AMDSVM_CAP_DEVICE_COHERENT;
	struct amdsvm_ioctl_get_caps_args args = caps();

	switch (vm.lane) {
	case LANE_PRIVATE:
		expect_eq(args.memory_kind, AMDSVM_MEMORY_PRIVATE);
		expect_eq(args.features & memory, AMDSVM_CAP_MIGRATE | AMDSVM_CAP_DEVICE_PRIVATE);
		break;
	case LANE_COHERENT:
		expect_eq(args.memory_kind, AMDSVM_MEMORY_COHERENT);
		expect_eq(args.features & memory, AMDSVM_CAP_MIGRATE | AMDSVM_CAP_DEVICE_COHERENT);
		break;
	case LANE_MIRROR:
		expect_eq(args.memory_kind, AMDSVM_MEMORY_NONE);
		expect_eq(args.features & memory, 0);
		break;
	}
}
END_TEST

START_TEST(missing_memory_has_a_reason)
{
	struct amdsvm_ioctl_get_caps_args args = caps();

	if (vm.lane != LANE_MIRROR)
		expect_eq(args.memory_reason, AMDSVM_REASON_NONE);
	else if (vm_kernel_is("6.1") || vm_kernel_is("6.12"))
		expect_eq(args.memory_reason, AMDSVM_REASON_NO_KERNEL_SUPPORT);
	else
		expect(args.memory_reason != AMDSVM_REASON_NONE);
}
END_TEST

/* Debian switched CONFIG_DEVICE_PRIVATE on after 6.12. */
START_TEST(kernel_support_is_that_of_the_kernel)
{
	bool old = vm_kernel_is("6.1") || vm_kernel_is("6.12");

	expect_eq(!!(caps().features & AMDSVM_CAP_KERNEL_PRIVATE), !old);
}
END_TEST

START_TEST(devices_execute_with_and_without_faults)
{
	expect(caps().features & AMDSVM_CAP_QUEUES);
	expect(caps().features & AMDSVM_CAP_XNACK_OFF);
}
END_TEST

/* make_device_exclusive() needs CONFIG_DEVICE_PRIVATE and is of 6.15. */
START_TEST(exclusive_atomics_are_those_of_the_kernel)
{
	bool old = vm_kernel_is("6.1") || vm_kernel_is("6.12");

	expect_eq(!!(caps().features & AMDSVM_CAP_ATOMIC_EXCLUSIVE), !old);
}
END_TEST

START_TEST(caps_are_complete)
{
	struct amdsvm_ioctl_get_caps_args args = caps();

	expect_eq(args.num_devices, vm.devices);
	expect_eq(args.reserved, 0);
	expect(args.driver_version[0]);
	expect(memchr(args.driver_version, 0, sizeof(args.driver_version)));
}
END_TEST

START_TEST(devices_are_described)
{
	uint32_t i, j;

	for (i = 0; i < vm.devices; i++) {
		struct amdsvm_device_info info = vm_device(vm.gpu[i]);

		expect(info.gpu_id != 0 && info.gpu_id != UNDEFINED);
		expect_eq(info.index, i);
		expect_eq(info.memory_kind, caps().memory_kind);
		expect_eq(info.reserved, 0);
		expect(info.name[0] && memchr(info.name, 0, sizeof(info.name)));
		if (vm.lane == LANE_MIRROR) {
			expect_eq(info.vram_bytes, 0);
		} else {
			expect(info.vram_bytes >= 64 << 20);
			expect_eq(info.vram_bytes % BLOCK, 0);
		}
		expect(info.vram_used_bytes <= info.vram_bytes);
		for (j = 0; j < i; j++)
			expect(vm.gpu[i] != vm.gpu[j]);
	}
}
END_TEST

START_TEST(there_are_two_devices)
{
	/* The default; lanes do not change it, and peer tests need two. */
	expect_eq(vm.devices, 2);
}
END_TEST

START_TEST(device_list_has_capacity)
{
	struct amdsvm_device_info infos[MAX_DEVICES];
	struct amdsvm_ioctl_get_devices_args args = { .entry_size = sizeof(infos[0]) };

	/* 0 asks for the number only. */
	expect_eq(vm_ioctl(vm.fd, AMDSVM_IOC_GET_DEVICES, &args), 0);
	expect_eq(args.num_devices, vm.devices);

	/* Too small: as many as fit, and the number of all. */
	memset(infos, 0xee, sizeof(infos));
	args = (struct amdsvm_ioctl_get_devices_args){
		.devices_ptr = (uintptr_t)infos,
		.capacity = 1,
		.entry_size = sizeof(infos[0]),
	};
	expect_eq(vm_ioctl(vm.fd, AMDSVM_IOC_GET_DEVICES, &args), 0);
	expect_eq(args.num_devices, vm.devices);
	expect_eq(infos[0].gpu_id, vm.gpu[infos[0].index]);
	expect_eq(infos[1].gpu_id, 0xeeeeeeee);

	/* Too large: what is behind the last is not written. */
	memset(infos, 0xee, sizeof(infos));
	args.capacity = MAX_DEVICES;
	expect_eq(vm_ioctl(vm.fd, AMDSVM_IOC_GET_DEVICES, &args), 0);
	expect_eq(infos[vm.devices].gpu_id, 0xeeeeeeee);
}
END_TEST

/* A newer program's entries are longer: what this driver does not know is zero. */
START_TEST(device_list_has_longer_entries)
{
	struct {
		struct amdsvm_device_info info;
		uint64_t unknown;
	} infos[MAX_DEVICES];
	struct amdsvm_ioctl_get_devices_args args = {
		.devices_ptr = (uintptr_t)infos,
		.capacity = MAX_DEVICES,
		.entry_size = sizeof(infos[0]),
	};
	uint32_t i;

	memset(infos, 0xee, sizeof(infos));
	expect_eq(vm_ioctl(vm.fd, AMDSVM_IOC_GET_DEVICES, &args), 0);
	for (i = 0; i < vm.devices; i++) {
		expect_eq(infos[i].info.gpu_id, vm.gpu[infos[i].info.index]);
		expect_eq(infos[i].unknown, 0);
	}
	expect_eq(infos[vm.devices].info.gpu_id, 0xeeeeeeee);
	/* The first release's are the shortest that any program has. */
	args.entry_size = sizeof(infos[0].info) - 8;
	expect_eq(vm_ioctl(vm.fd, AMDSVM_IOC_GET_DEVICES, &args), -EINVAL);
}
END_TEST

START_TEST(used_bytes_follow_the_pages)
{
	const size_t size = 2 * BLOCK;
	struct amdsvm_device_info before, after;
	char *memory = vm_anon(size);

	needs_device_memory();
	expect_within(10, vm_used_pages() == 0);
	before = vm_device(vm.gpu[1]);
	vm_fill(memory, size, 1);
	expect_prefetch(memory, size, vm.gpu[1], 0, .moved = size / PAGE);
	after = vm_device(vm.gpu[1]);
	expect_eq(after.vram_used_bytes - before.vram_used_bytes, size);
	expect_eq(after.pages_in - before.pages_in, size / PAGE);
	expect_eq(vm_device(vm.gpu[0]).vram_used_bytes, 0);

	expect_prefetch(memory, size, SYSMEM, 0, .moved = size / PAGE);
	expect_within(10, vm_device(vm.gpu[1]).vram_used_bytes == 0);
	expect_eq(vm_device(vm.gpu[1]).pages_out - before.pages_out, size / PAGE);
	expect_bytes(memory, size, 1);
}
END_TEST

/* VRAM is backed on first use, kept while it may be used again, given back when the kernel asks. */
START_TEST(backing_is_kept_and_given_back)
{
	const size_t size = 4 * BLOCK;
	struct amdsvm_device_info info;
	char *memory = vm_anon(size);

	only_in_lanes(LANE_PRIVATE, "only private memory is backed by system memory");
	expect_within(10, vm_used_pages() == 0);
	vm_fill(memory, size, 2);
	expect_prefetch(memory, size, vm.gpu[0], 0, .moved = size / PAGE);
	info = vm_device(vm.gpu[0]);
	expect(info.vram_backed_bytes >= size && info.vram_backed_bytes <= info.vram_bytes);

	/* What is in use is never given back. */
	expect_eq(vm_write_file("/proc/sys/vm/drop_caches", "2"), 0);
	expect_location(memory, size, vm.gpu[0]);
	expect(vm_device(vm.gpu[0]).vram_backed_bytes >= size);
	expect_bytes(memory, size, 2);

	expect_within(10, vm_used_pages() == 0);
	expect(vm_device(vm.gpu[0]).vram_backed_bytes >= size);
	expect_within(10, (vm_write_file("/proc/sys/vm/drop_caches", "2"),
			   vm_device(vm.gpu[0]).vram_backed_bytes == 0));
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("capabilities");
	TCase *t = vm_case(s, "driver");

	tcase_add_test(t, version_is_that_of_the_header);
	tcase_add_test(t, memory_kind_is_that_of_the_lane);
	tcase_add_test(t, missing_memory_has_a_reason);
	tcase_add_test(t, kernel_support_is_that_of_the_kernel);
	tcase_add_test(t, devices_execute_with_and_without_faults);
	tcase_add_test(t, exclusive_atomics_are_those_of_the_kernel);
	tcase_add_test(t, caps_are_complete);
	t = vm_case(s, "devices");
	tcase_add_test(t, devices_are_described);
	tcase_add_test(t, there_are_two_devices);
	tcase_add_test(t, device_list_has_capacity);
	tcase_add_test(t, device_list_has_longer_entries);
	tcase_add_test(t, used_bytes_follow_the_pages);
	tcase_add_test(t, backing_is_kept_and_given_back);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
