// SPDX-License-Identifier: MIT
/*
 * libamdsvm against the real driver: each function once, with what it must have
 * done read back by ioctl or from memory. Its own logic has unit tests.
 */
#include <amdsvm/amdsvm.h>

#include "vmtest.h"

#define SIZE (64 * PAGE)

static struct amdsvm_context *ctx;
static char *memory;
static uint64_t start;

static void setup(void)
{
	vm_setup();
	expect_eq(amdsvm_open(&ctx), 0);
	memory = vm_anon_small(SIZE);
	start = (uintptr_t)memory;
	vm_fill(memory, SIZE, 1);
}

static void teardown(void)
{
	amdsvm_close(ctx);
}

START_TEST(versions_and_capabilities)
{
	struct amdsvm_ioctl_get_caps_args caps;
	uint32_t major, minor;

	expect_eq(amdsvm_get_version(ctx, &major, &minor), 0);
	expect_eq(major, AMDSVM_IOCTL_MAJOR_VERSION);
	expect_eq(minor, AMDSVM_IOCTL_MINOR_VERSION);
	expect_eq(amdsvm_get_caps(ctx, &caps), 0);
	expect_eq(caps.num_devices, vm.devices);
	expect(amdsvm_library_version()[0]);
	expect(amdsvm_fd(ctx) >= 0);
}
END_TEST

START_TEST(devices)
{
	struct amdsvm_device_info *infos;
	size_t count, i;

	expect_eq(amdsvm_get_devices(ctx, &infos, &count), 0);
	expect_eq(count, vm.devices);
	for (i = 0; i < count; i++)
		expect_eq(infos[i].gpu_id, vm.gpu[infos[i].index]);
	amdsvm_free_devices(infos);
}
END_TEST

START_TEST(attributes)
{
	struct amdsvm_ioctl_svm_attribute in[] = { { ATTR(GRANULARITY), 3 },
						   { ATTR(NO_ACCESS), vm.gpu[1] } };
	struct amdsvm_ioctl_svm_attribute out[] = { { ATTR(GRANULARITY), 0 },
						    { ATTR(ACCESS), vm.gpu[1] } };

	expect_eq(amdsvm_set_attr(ctx, start, SIZE, in, 2), 0);
	expect_eq(get(memory, SIZE, ATTR(GRANULARITY)), 3);
	expect_eq(amdsvm_get_attr(ctx, start, SIZE, out, 2), 0);
	expect_eq(out[0].value, 3);
	expect_eq(out[1].type, ATTR(NO_ACCESS));
	expect_eq(amdsvm_unset_range(ctx, start, SIZE), 0);
	expect_eq(vm_range_count(), 0);
	expect_eq(amdsvm_set_attr(ctx, start + 1, SIZE, in, 2), -EINVAL);
	expect_eq(amdsvm_set_attr(ctx, start - PAGE, SIZE, in, 2), -EFAULT);
	in[1].value = 0;
	expect_eq(amdsvm_set_attr(ctx, start, SIZE, in, 2), -EINVAL);
	expect_eq(vm_range_count(), 0);
}
END_TEST

/* More than one call's worth: the library goes on by itself. */
#define MANY 1500

static int count_range(const struct amdsvm_range_info *range, void *data)
{
	unsigned int *seen = data;

	expect_eq(range->size, PAGE);
	return ++*seen == MANY / 2 ? 77 : 0;
}

START_TEST(lists_of_any_length)
{
	char *area = vm_anon(2 * MANY * PAGE);
	struct amdsvm_range_info *ranges;
	unsigned int seen = 0;
	size_t count, i;

	for (i = 0; i < MANY; i++)
		expect_eq(set(area + 2 * i * PAGE, PAGE, { ATTR(GRANULARITY), 1 }), 0);
	expect_eq(amdsvm_list_ranges(ctx, 0, 0, &ranges, &count), 0);
	expect_eq(count, MANY);
	for (i = 0; i < MANY; i++)
		expect_eq(ranges[i].start, (uintptr_t)area + 2 * i * PAGE);
	amdsvm_free_ranges(ranges);
	expect_eq(amdsvm_for_each_range(ctx, 0, 0, count_range, &seen), 77);
	expect_eq(seen, MANY / 2);
}
END_TEST

/* More than the GiB that one call takes. */
START_TEST(residency_of_any_size)
{
	const uint64_t size = (5ULL << 30) / 2;
	char *area = vm_anon(size);
	struct amdsvm_residency_sums sums;
	struct amdsvm_page_info *pages = calloc(SIZE / PAGE, sizeof(*pages));

	*(volatile char *)area = 1;
	*(volatile char *)(area + size - PAGE) = 1;
	expect(!madvise(area, size, MADV_NOHUGEPAGE));
	expect_eq(amdsvm_residency(ctx, (uintptr_t)area, size, NULL, &sums), 0);
	expect(sums.pages_system >= 2);
	expect_eq(sums.pages_system + sums.pages_absent, size / PAGE);
	expect_eq(amdsvm_residency(ctx, start, SIZE, pages, NULL), 0);
	expect(pages[SIZE / PAGE - 1].flags & AMDSVM_PAGE_PRESENT);
	free(pages);
}
END_TEST

START_TEST(prefetch_and_evict)
{
	struct amdsvm_prefetch_result result;
	uint64_t moved, left;

	needs_device_memory();
	expect_within(10, vm_used_pages() == 0);
	expect_eq(amdsvm_prefetch(ctx, start, SIZE, vm.gpu[0], &result), 0);
	expect_eq(result.pages_moved, SIZE / PAGE);
	expect_location(memory, SIZE, vm.gpu[0]);
	expect_eq(amdsvm_evict(ctx, vm.gpu[0], &moved, &left), 0);
	expect_eq(moved, SIZE / PAGE);
	expect_eq(left, 0);
	expect_location(memory, SIZE, SYSMEM);
	expect_bytes(memory, SIZE, 1);
}
END_TEST

START_TEST(prefetch_without_device_memory)
{
	only_in_lanes(LANE_MIRROR, "the lane has device memory");
	expect_eq(amdsvm_prefetch(ctx, start, SIZE, vm.gpu[0], NULL), -EOPNOTSUPP);
	expect_bytes(memory, SIZE, 1);
}
END_TEST

START_TEST(counters_and_xnack)
{
	struct amdsvm_ioctl_get_counters_args counters;
	struct amdsvm_ioctl_svm_attribute attr = { ATTR(GRANULARITY), 3 };
	int enabled = -5;

	expect_eq(amdsvm_set_attr(ctx, start, SIZE, &attr, 1), 0);
	expect_eq(amdsvm_get_counters(ctx, &counters), 0);
	expect_eq(counters.ranges, 1);
	expect_eq(amdsvm_get_xnack_mode(ctx, &enabled), 0);
	expect_eq(enabled, 1);
	expect_eq(amdsvm_set_xnack_mode(ctx, 1), 0);
	expect_eq(amdsvm_set_xnack_mode(ctx, 0), 0);
	expect_eq(amdsvm_get_xnack_mode(ctx, &enabled), 0);
	expect_eq(enabled, 0);
}
END_TEST

START_TEST(another_process)
{
	struct amdsvm_context *other;
	struct amdsvm_residency_sums sums;
	struct peer peer;

	if (vm_fork(&peer)) {
		close(vm.fd);
		amdsvm_close(ctx);
		vm.fd = vm_open();
		expect_eq(set(memory, SIZE, { ATTR(GRANULARITY), 6 }), 0);
		vm_tell(&peer);
		vm_await(&peer);
		expect_eq(vm_range_count(), 0);
		expect_location(memory, SIZE, vm.lane == LANE_MIRROR ? SYSMEM : vm.gpu[1]);
		expect_bytes(memory, SIZE, 1);
		vm_done();
	}
	vm_await(&peer);
	expect_eq(amdsvm_open_pid(peer.pid, &other), 0);
	expect_eq(amdsvm_residency(other, start, SIZE, NULL, &sums), 0);
	expect_eq(sums.pages_system, SIZE / PAGE);
	expect_eq(amdsvm_unset_range(other, start, SIZE), 0);
	if (vm.lane != LANE_MIRROR)
		expect_eq(amdsvm_prefetch(other, start, SIZE, vm.gpu[1], NULL), 0);
	vm_tell(&peer);
	expect_joined(&peer);
	expect_eq(amdsvm_unset_range(other, start, SIZE), -ESRCH);
	amdsvm_close(other);
	expect_eq(amdsvm_open_pid(peer.pid, &other), -ESRCH);
	expect_eq(amdsvm_open_pid(1, &other), -ENODEV);
}
END_TEST

START_TEST(files_that_are_something_else)
{
	struct amdsvm_context *other;
	int pipes[2], fd = vm_open();

	expect(!pipe(pipes));
	expect_eq(amdsvm_open_fd(pipes[0], &other), -ENODEV);
	expect_eq(amdsvm_open_fd(9999, &other), -EBADF);
	expect_eq(amdsvm_open_fd(fd, &other), 0);
	amdsvm_close(other);
	amdsvm_close(NULL);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("library");
	TCase *t = vm_case_with(s, "library", setup, teardown);

	tcase_add_test(t, versions_and_capabilities);
	tcase_add_test(t, devices);
	tcase_add_test(t, attributes);
	tcase_add_test(t, lists_of_any_length);
	tcase_add_test(t, residency_of_any_size);
	tcase_add_test(t, prefetch_and_evict);
	tcase_add_test(t, prefetch_without_device_memory);
	tcase_add_test(t, counters_and_xnack);
	tcase_add_test(t, another_process);
	tcase_add_test(t, files_that_are_something_else);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
