// SPDX-License-Identifier: MIT
/*
 * Each allocation of each call fails once. /proc/thread-self/fail-nth says which:
 * the Nth of this thread from now on, in the driver, in core mm or below. Whatever
 * fails, bytes are intact, the error is one that the header names, and the same
 * call works afterwards. Memory of 2 MiB pages is suite_failnth_large's.
 *
 * What is injected is one failure at a time: how two in a row are survived is the
 * subject of suite_pressure.
 */
#include <fcntl.h>

#include "vminject.h"

#define PAGES 16
#define SIZE (PAGES * PAGE)
#define TOUCHED (SIZE / 2)

static char *memory;
static uint64_t seed;

static void setup(void)
{
	vm_setup();
	vm_inject_setup();
	memory = vm_anon_small(SIZE);
}

static void setup_without_file(void)
{
	vm_setup();
	close(vm.fd);
	vm_inject_setup();
}

static void expect_intact(void)
{
	expect_bytes(memory, TOUCHED, seed);
	expect_zero(memory + TOUCHED, SIZE - TOUCHED);
}

static void sweep(void (*prepare)(void), int (*run)(void), void (*failed)(int result),
		  void (*reached)(void))
{
	struct vm_operation operation = { prepare, run, failed, reached, expect_intact };

	vm_sweep(&operation);
}

/* ---- moving ---------------------------------------------------------------- */

/* Half of it has bytes, half was never touched; no attributes. */
static void at_home(void)
{
	expect_eq(vm_unset_on(vm.fd, memory, SIZE), 0);
	expect(!madvise(memory, SIZE, MADV_DONTNEED));
	vm_fill(memory, TOUCHED, ++seed);
}

static void on_first_device(void)
{
	at_home();
	expect_prefetch(memory, SIZE, vm.gpu[0], 0, .moved = TOUCHED / PAGE,
			.cleared = (SIZE - TOUCHED) / PAGE);
}

static int go_to(uint32_t location)
{
	struct amdsvm_ioctl_prefetch_args args;
	int result = vm_prefetch_on(vm.fd, memory, SIZE, location, &args);

	/* The library's caller reads these: each page is counted once. */
	if (!result)
		expect_eq(args.pages_moved + args.pages_cleared + args.pages_already +
				  args.pages_no_space + args.pages_busy + args.pages_unmovable,
			  PAGES);
	return result;
}

static int go_to_first(void) { return go_to(vm.gpu[0]); }
static int go_to_second(void) { return go_to(vm.gpu[1]); }
static int go_home(void) { return go_to(SYSMEM); }
static void is_on_first(void) { expect_location(memory, SIZE, vm.gpu[0]); }
static void is_on_second(void) { expect_location(memory, SIZE, vm.gpu[1]); }
static void is_home(void) { expect_location(memory, SIZE, SYSMEM); }

START_TEST(memory_moves_to_a_device)
{
	needs_injection();
	sweep(at_home, go_to_first, NULL, is_on_first);
}
END_TEST

/* The memory behind the device's pages is taken in the same call. */
static void at_home_without_backing(void)
{
	at_home();
	expect_within(10, (vm_write_file("/proc/sys/vm/drop_caches", "2"),
			   vm_device(vm.gpu[0]).vram_backed_bytes == 0));
}

START_TEST(memory_moves_to_a_device_without_backing)
{
	needs_injection();
	only_in_lanes(LANE_PRIVATE, "only private memory is backed by system memory");
	sweep(at_home_without_backing, go_to_first, NULL, is_on_first);
}
END_TEST

START_TEST(memory_moves_to_another_device)
{
	needs_injection();
	sweep(on_first_device, go_to_second, NULL, is_on_second);
}
END_TEST

START_TEST(memory_moves_home)
{
	needs_injection();
	sweep(on_first_device, go_home, NULL, is_home);
}
END_TEST

static int evict(void)
{
	struct amdsvm_ioctl_evict_args args;

	return vm_evict_on(vm.fd, vm.gpu[0], &args);
}

static void is_not_on_first(void)
{
	expect_eq(vm_sums(memory, SIZE).pages_device, 0);
}

START_TEST(memory_is_evicted)
{
	needs_injection();
	sweep(on_first_device, evict, NULL, is_not_on_first);
}
END_TEST

/* The CPU gets its page in the end: the kernel repeats a fault that found no memory. */
static int touch(void)
{
	size_t i;

	for (i = 0; i < PAGES; i++)
		(void)*(volatile char *)(memory + i * PAGE);
	return 0;
}

START_TEST(the_cpu_touches_device_memory)
{
	needs_injection();
	only_in_lanes(LANE_PRIVATE, "the CPU does not fault on memory of this lane");
	sweep(on_first_device, touch, NULL, is_home);
}
END_TEST

/* ---- attributes ------------------------------------------------------------ */

#define MIDDLE (memory + 4 * PAGE)
#define MIDDLE_SIZE (8 * PAGE)

static void one_range(void)
{
	at_home();
	expect_eq(set(memory, SIZE, { ATTR(GRANULARITY), 5 }), 0);
}

static int split(void)
{
	return set(MIDDLE, MIDDLE_SIZE, { ATTR(GRANULARITY), 3 });
}

/* All or nothing (R8). */
static void is_split_or_not(int result)
{
	expect_eq(vm_range_count(), result ? 1 : 3);
	expect_eq(get(MIDDLE, MIDDLE_SIZE, ATTR(GRANULARITY)), result ? 5 : 3);
	expect_eq(get(memory, 4 * PAGE, ATTR(GRANULARITY)), 5);
	expect_eq(get(memory + 12 * PAGE, 4 * PAGE, ATTR(GRANULARITY)), 5);
}

static void is_split(void) { is_split_or_not(0); }

START_TEST(attributes_are_set)
{
	needs_injection();
	sweep(one_range, split, is_split_or_not, is_split);
}
END_TEST

static int punch(void)
{
	return vm_unset_on(vm.fd, MIDDLE, MIDDLE_SIZE);
}

/* Unsetting stays when it is the mapping after it that finds no memory. */
static void is_punched_or_not(int result)
{
	unsigned int count = vm_range_count();

	expect(count == 2 || (result && count == 1));
	expect_eq(get(memory, 4 * PAGE, ATTR(GRANULARITY)), 5);
	expect_eq(get(memory + 12 * PAGE, 4 * PAGE, ATTR(GRANULARITY)), 5);
}

static void is_punched(void) { is_punched_or_not(0); }

START_TEST(attributes_are_unset)
{
	needs_injection();
	sweep(one_range, punch, is_punched_or_not, is_punched);
}
END_TEST

static int set_all(void)
{
	return set(memory, SIZE, { ATTR(PREFERRED_LOC), vm.gpu[0] }, { ATTR(PREFETCH_LOC), vm.gpu[0] },
		   { ATTR(ACCESS), vm.gpu[0] }, { ATTR(ACCESS_IN_PLACE), vm.gpu[1] });
}

static void is_set_or_not(int result)
{
	uint32_t location = get(memory, SIZE, ATTR(PREFERRED_LOC));

	expect(location == vm.gpu[0] || (result && location == UNDEFINED));
	expect_eq(vm_range_count(), location == vm.gpu[0]);
}

static void is_set(void)
{
	is_set_or_not(0);
	is_on_first();
	expect_mapped(memory, SIZE, vm.device_mask);
}

START_TEST(attributes_move_and_map)
{
	needs_injection();
	sweep(at_home, set_all, is_set_or_not, is_set);
}
END_TEST

/* ---- asking ---------------------------------------------------------------- */

static int ask(void)
{
	struct amdsvm_device_info infos[MAX_DEVICES];
	struct amdsvm_ioctl_get_devices_args devices = {
		.devices_ptr = (uintptr_t)infos,
		.capacity = MAX_DEVICES,
		.entry_size = sizeof(infos[0]),
	};
	struct amdsvm_ioctl_get_counters_args counters;
	struct amdsvm_ioctl_residency_args sums;
	struct amdsvm_page_info pages[PAGES];
	struct amdsvm_range_info ranges[4];
	uint32_t count;
	uint64_t next;
	int result;

	result = vm_ioctl(vm.fd, AMDSVM_IOC_GET_DEVICES, &devices);
	if (!result)
		result = vm_counters_on(vm.fd, &counters);
	if (!result)
		result = vm_list_on(vm.fd, 0, 0, ranges, 4, &count, &next);
	if (!result)
		result = vm_residency_on(vm.fd, memory, SIZE, pages, &sums);
	return result;
}

static void is_one_range(void) { expect_eq(vm_range_count(), 1); }

START_TEST(questions_are_answered)
{
	needs_injection();
	sweep(one_range, ask, NULL, is_one_range);
}
END_TEST

/* A new address space each time: only its first open makes the driver's objects. */
static bool open_in_child(unsigned int nth)
{
	struct peer peer;
	bool injected;
	char answer;
	int fd;

	if (vm_fork(&peer)) {
		vm_inject(nth);
		fd = open("/dev/amdsvm", O_RDWR | O_CLOEXEC);
		fd = fd < 0 ? -errno : fd;
		injected = vm_injected();
		if (fd < 0 && (!injected || fd != -ENOMEM))
			vm_fail(HERE, "open with allocation %u failing: %d", nth, fd);
		if (fd >= 0)
			close(fd);
		vm.fd = vm_open();
		one_range();
		expect(write(peer.fd, injected ? "y" : "n", 1) == 1);
		vm_done();
	}
	expect(read(peer.fd, &answer, 1) == 1);
	expect_joined(&peer);
	return answer == 'y';
}

START_TEST(the_device_is_opened)
{
	unsigned int nth = 1;

	needs_injection();
	memory = vm_anon_small(SIZE);
	while (open_in_child(nth))
		expect(++nth < MOST_ALLOCATIONS);
	printf("# %s: %u allocations\n", tcase_name(), nth - 1);
	expect(nth > 1);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("failnth");
	TCase *t = vm_case_with(s, "moving", setup, NULL);

	tcase_add_test(t, memory_moves_to_a_device);
	tcase_add_test(t, memory_moves_to_a_device_without_backing);
	tcase_add_test(t, memory_moves_to_another_device);
	tcase_add_test(t, memory_moves_home);
	tcase_add_test(t, memory_is_evicted);
	tcase_add_test(t, the_cpu_touches_device_memory);
	t = vm_case_with(s, "attributes", setup, NULL);
	tcase_add_test(t, attributes_are_set);
	tcase_add_test(t, attributes_are_unset);
	tcase_add_test(t, attributes_move_and_map);
	t = vm_case_with(s, "calls", setup, NULL);
	tcase_add_test(t, questions_are_answered);
	t = vm_case_with(s, "open", setup_without_file, NULL);
	tcase_add_test(t, the_device_is_opened);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
