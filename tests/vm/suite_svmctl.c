// SPDX-License-Identifier: MIT
/*
 * The installed svmctl against the real driver: what it prints about a process
 * is what the driver and the kernel say there, and what it does is seen in that
 * process. The process is the test itself; svmctl is another one. Its parsers
 * and its sentences have unit tests.
 */

#include "vmsvmctl.h"

#define NPAGES 32
#define SIZE (NPAGES * PAGE)

static char *memory;

static void setup(void)
{
	vm_setup();
	memory = vm_anon_small(SIZE);
	vm_fill(memory, SIZE, 1);
}

/* ---- devices, doctor ---------------------------------------------------- */

START_TEST(devices)
{
	struct json_object *array, *device;
	struct amdsvm_device_info info;
	char gpu_id[16];
	uint32_t i;

	if (vm.lane != LANE_MIRROR)
		expect_prefetch(memory, SIZE, vm.gpu[1], 0, .moved = NPAGES);
	svmctl(0, "devices --json");
	array = member(document(), "devices");
	expect_eq(json_object_array_length(array), vm.devices);
	for (i = 0; i < vm.devices; i++) {
		device = element(array, i);
		info = vm_device(location(device, "gpu_id"));
		expect_eq(number(device, "index"), info.index);
		expect(!strcmp(string(device, "name"), info.name));
		expect(!strcmp(string(device, "memory"), memory_name()));
		expect_eq(number(device, "vram_bytes"), info.vram_bytes);
		expect_eq(number(device, "vram_used_bytes"), info.vram_used_bytes);
		expect_eq(number(device, "pages_in"), info.pages_in);
		expect_eq(number(device, "pages_out"), info.pages_out);
	}

	svmctl(0, "devices");
	for (i = 0; i < vm.devices; i++) {
		snprintf(gpu_id, sizeof(gpu_id), "0x%x", vm.gpu[i]);
		expect_text(outcome.out, gpu_id);
	}
}
END_TEST

/* What is warned of can be mended, and these lines are never left out. */
static void check_doctor_lines(struct json_object *checks)
{
	static const char *const names[] = {
		"kernel", "options", "installed", "dkms", "lockdown", "module", "file", "version",
		"devices", "cgroup", "taint",
	};
	struct json_object *check;
	size_t i, found = 0;

	for (i = 0; i < json_object_array_length(checks); i++) {
		check = element(checks, i);
		if (!strcmp(string(check, "status"), "warn"))
			expect(string(check, "advice")[0]);
		if (found < sizeof(names) / sizeof(names[0]) &&
		    !strcmp(string(check, "name"), names[found]))
			found++;
		/* The guest's module was loaded from a file of the test. */
		if (!strcmp(string(check, "name"), "module"))
			expect_text(string(check, "text"), "loaded");
	}
	if (found < sizeof(names) / sizeof(names[0]))
		vm_fail(HERE, "doctor has no line '%s'", names[found]);
}

START_TEST(doctor)
{
	bool memory_checked = false;
	struct json_object *checks, *check;
	size_t i;

	svmctl(0, "doctor --json");
	expect(json_object_get_boolean(member(document(), "usable")));
	checks = member(document(), "checks");
	for (i = 0; i < json_object_array_length(checks); i++) {
		check = element(checks, i);
		expect(strcmp(string(check, "status"), "fail"));
		if (strcmp(string(check, "name"), "memory"))
			continue;
		memory_checked = true;
		if (vm.lane == LANE_MIRROR) {
			expect(!strcmp(string(check, "status"), "warn"));
			expect(string(check, "advice")[0]);
		} else {
			expect(!strcmp(string(check, "status"), "ok"));
			expect_text(string(check, "text"), memory_name());
		}
	}
	expect(memory_checked);
	check_doctor_lines(checks);
	/* Who is not root learns less, and no more can be wrong. */
	vm_svmctl(HERE, NOBODY, 0, "doctor --json");
	check_doctor_lines(member(document(), "checks"));

	svmctl(0, "doctor");
	expect_text(outcome.out, "The driver is usable.");
	if (vm.lane == LANE_MIRROR)
		expect_text(outcome.out, "->");
}
END_TEST

/* ---- query -------------------------------------------------------------- */

/* Attributes on pages 4 to 7 and 16 to 23; what was there stays with defaults. */
static void set_two_ranges(void)
{
	expect_eq(set(memory + 4 * PAGE, 4 * PAGE, { ATTR(GRANULARITY), 2 },
		      { ATTR(PREFERRED_LOC), SYSMEM }, { ATTR(SET_FLAGS), FLAG(GPU_RO) }), 0);
	expect_eq(set(memory + 16 * PAGE, 8 * PAGE, { ATTR(ACCESS), vm.gpu[0] },
		      { ATTR(PREFERRED_LOC), vm.gpu[1] }), 0);
	if (vm.lane != LANE_MIRROR)
		expect_prefetch(memory + 16 * PAGE, 4 * PAGE, vm.gpu[0], 0, .moved = 4);
}

static void expect_sums(struct json_object *range)
{
	struct amdsvm_ioctl_residency_args sums =
		vm_sums((void *)address(range, "start"), number(range, "size"));

	expect_eq(number(range, "pages_system"), sums.pages_system);
	expect_eq(number(range, "pages_device"), sums.pages_device);
	expect_eq(number(range, "pages_absent"), sums.pages_absent);
	expect_eq(number(range, "pages_mapped"), sums.pages_mapped);
}

static void expect_range(struct json_object *range, const struct amdsvm_range_info *info)
{
	struct json_object *attributes = member(range, "attributes");

	expect_eq(address(range, "start"), info->start);
	expect_eq(number(range, "size"), info->size);
	expect_eq(location(attributes, "preferred"), info->preferred_loc);
	expect_eq(location(attributes, "prefetch"), info->prefetch_loc);
	expect_eq(mask(attributes, "access"), info->access);
	expect_eq(mask(attributes, "access_in_place"), info->access_in_place);
	expect_eq(number(attributes, "flags"), info->flags);
	expect_eq(number(attributes, "granularity"), info->granularity);
	expect_sums(range);
}

START_TEST(query_all_ranges)
{
	struct amdsvm_range_info infos[8];
	struct json_object *ranges;
	unsigned int count, i;

	svmctl(0, "query --pid %d", getpid());
	expect_text(outcome.out, "no ranges");
	set_two_ranges();
	count = vm_list(NULL, 0, infos, 8);
	expect_eq(count, vm_range_count());
	svmctl(0, "query --json --pid %d", getpid());
	expect_eq(number(document(), "pid"), getpid());
	ranges = member(document(), "ranges");
	expect_eq(json_object_array_length(ranges), count);
	for (i = 0; i < count; i++)
		expect_range(element(ranges, i), &infos[i]);

	svmctl(0, "query --pid %d", getpid());
	for (i = 0; i < count; i++) {
		char text[64];

		snprintf(text, sizeof(text), "0x%llx-0x%llx", infos[i].start,
			 infos[i].start + infos[i].size);
		expect_text(outcome.out, text);
	}
}
END_TEST

/* The window begins inside the first range and shows what lies between. */
START_TEST(query_a_window)
{
	static const struct {
		unsigned int first, pages;
		bool attributes;
	} wanted[] = {
		{ 6, 2, true }, { 8, 8, false }, { 16, 8, true }, { 24, 8, false },
	};
	struct json_object *ranges, *range, *attributes;
	unsigned int i;

	expect(!madvise(memory + 30 * PAGE, 2 * PAGE, MADV_DONTNEED));
	set_two_ranges();
	svmctl(0, "query --json --pid %d %p-%p", getpid(), (void *)(memory + 6 * PAGE),
	       (void *)(memory + SIZE));
	ranges = member(document(), "ranges");
	expect_eq(json_object_array_length(ranges), 4);
	for (i = 0; i < 4; i++) {
		range = element(ranges, i);
		expect_eq(address(range, "start"), (uintptr_t)memory + wanted[i].first * PAGE);
		expect_eq(number(range, "size"), wanted[i].pages * PAGE);
		expect_eq(json_object_object_get_ex(range, "attributes", &attributes),
			  wanted[i].attributes);
		expect_sums(range);
	}
	expect_eq(number(element(ranges, 2), "pages_device"), vm.lane == LANE_MIRROR ? 0 : 4);
	expect_eq(number(element(ranges, 3), "pages_absent"), 2);
}
END_TEST

static void expect_page(struct json_object *page, unsigned int i, const char *cpu,
			uint32_t where, uint64_t mapped)
{
	const char *at = memory + i * PAGE;
	bool present = !strcmp(cpu, "present");
	uint64_t entry;

	vm_pagemap(at, 1, &entry);
	expect_eq(address(page, "address"), (uintptr_t)at);
	if (strcmp(string(page, "cpu"), cpu))
		vm_fail(HERE, "page %u is '%s', not '%s'", i, string(page, "cpu"), cpu);
	expect_eq(entry >> 63, present);
	expect_eq(number(page, "frame"), present ? entry & PAGEMAP_FRAME : 0);
	/* We are root: 0 is what others would see. */
	expect(!present || number(page, "frame"));
	expect_eq(location(page, "location"), where);
	if (mask(page, "mapped_by") != mapped)
		vm_fail(HERE, "page %u is mapped by 0x%llx, not 0x%llx", i,
			(unsigned long long)mask(page, "mapped_by"), (unsigned long long)mapped);
	expect_eq(json_object_get_boolean(member(page, "write")),
		  !!(vm_page_flags(at) & AMDSVM_PAGE_WRITE));
}

/*
 * Pages 0 to 7 on device 1, which maps what is prefetched to it; 8 to 15 at home
 * and mapped by device 0; the last none.
 */
START_TEST(query_single_pages)
{
	bool device = vm.lane != LANE_MIRROR;
	struct json_object *pages;
	unsigned int i;

	expect(!madvise(memory + 31 * PAGE, PAGE, MADV_DONTNEED));
	expect_eq(set(memory + 8 * PAGE, 8 * PAGE, { ATTR(ACCESS_IN_PLACE), vm.gpu[0] }), 0);
	expect_mapped(memory + 8 * PAGE, 8 * PAGE, 1);
	if (device)
		expect_prefetch(memory, 8 * PAGE, vm.gpu[1], 0, .moved = 8);
	expect_mapped(memory + 8 * PAGE, 8 * PAGE, 1);
	svmctl(0, "query --json --pid %d --pages %p+%d", getpid(), (void *)memory, (int)SIZE);
	pages = member(document(), "pages");
	expect_eq(json_object_array_length(pages), NPAGES);
	for (i = 0; i < NPAGES; i++) {
		if (i < 8 && device)
			expect_page(element(pages, i), i,
				    vm.lane == LANE_PRIVATE ? "device" : "present", vm.gpu[1], 2);
		else if (i == 31)
			expect_page(element(pages, i), i, "none", ABSENT, 0);
		else
			expect_page(element(pages, i), i, "present", SYSMEM, i >= 8 && i < 16);
	}
	/* It looked, and nothing moved. */
	expect_location(memory, 8 * PAGE, device ? vm.gpu[1] : SYSMEM);
	expect_bytes(memory, 31 * PAGE, 1);
}
END_TEST

/* ---- prefetch, evict ---------------------------------------------------- */

static void expect_moved(unsigned int moved, unsigned int already)
{
	expect_eq(number(document(), "pages_moved"), moved);
	expect_eq(number(document(), "pages_already"), already);
	expect_eq(number(document(), "pages_busy"), 0);
}

START_TEST(prefetch_there_and_home)
{
	needs_device_memory();
	svmctl(0, "prefetch --json --pid %d %p+64K 0", getpid(), (void *)memory);
	expect_moved(16, 0);
	expect_location(memory, 16 * PAGE, vm.gpu[0]);
	expect_location(memory + 16 * PAGE, SIZE - 16 * PAGE, SYSMEM);

	svmctl(0, "prefetch --pid %d %p+%d 0x%x", getpid(), (void *)memory, (int)SIZE, vm.gpu[1]);
	expect_text(outcome.out, "moved");
	expect_location(memory, SIZE, vm.gpu[1]);
	expect_eq(vm_counters().pages_peer, 16);

	svmctl(0, "prefetch --json --pid %d %p+%d system", getpid(), (void *)memory, (int)SIZE);
	expect_moved(NPAGES, 0);
	expect_location(memory, SIZE, SYSMEM);
	svmctl(0, "prefetch --json --pid %d %p+%d system", getpid(), (void *)memory, (int)SIZE);
	expect_moved(0, NPAGES);
	expect_bytes(memory, SIZE, 1);
}
END_TEST

START_TEST(prefetch_without_device_memory)
{
	only_in_lanes(LANE_MIRROR, "the lane has device memory");
	svmctl(1, "prefetch --pid %d %p+%d 0", getpid(), (void *)memory, (int)SIZE);
	expect_text(outcome.err, "svmctl doctor");
	expect_location(memory, SIZE, SYSMEM);
	svmctl(0, "prefetch --pid %d %p+%d system", getpid(), (void *)memory, (int)SIZE);
	expect_bytes(memory, SIZE, 1);
}
END_TEST

START_TEST(prefetch_to_no_device)
{
	svmctl(1, "prefetch --pid %d %p+%d 63", getpid(), (void *)memory, (int)SIZE);
	expect_text(outcome.err, "svmctl devices");
	expect_location(memory, SIZE, SYSMEM);
}
END_TEST

START_TEST(evict)
{
	bool device = vm.lane != LANE_MIRROR;

	expect_within(10, vm_used_pages() == 0);
	if (device) {
		expect_prefetch(memory, 16 * PAGE, vm.gpu[0], 0, .moved = 16);
		expect_prefetch(memory + 16 * PAGE, 16 * PAGE, vm.gpu[1], 0, .moved = 16);
		svmctl(0, "evict --json 1");
		expect_eq(number(document(), "pages_moved"), 16);
		expect_location(memory, 16 * PAGE, vm.gpu[0]);
		expect_location(memory + 16 * PAGE, 16 * PAGE, SYSMEM);
	}
	svmctl(0, "evict --json all");
	expect_eq(number(document(), "pages_moved"), device ? 16 : 0);
	expect_eq(number(document(), "pages_left"), 0);
	expect_location(memory, SIZE, SYSMEM);
	expect_bytes(memory, SIZE, 1);
}
END_TEST

/* ---- who and whom ------------------------------------------------------- */

START_TEST(others_may_not_look)
{
	/* Anybody may ask what concerns no process. */
	vm_svmctl(HERE, NOBODY, 0, "devices");
	vm_svmctl(HERE, NOBODY, 1, "query --pid %d", getpid());
	expect_text(outcome.err, "no right");
	expect(!outcome.out[0]);
	vm_svmctl(HERE, NOBODY, 1, "prefetch --pid %d %p+4K 0", getpid(), (void *)memory);
	expect_text(outcome.err, "no right");
	vm_svmctl(HERE, NOBODY, 1, "evict all");
	expect_text(outcome.err, "CAP_SYS_ADMIN");
	expect_location(memory, SIZE, SYSMEM);
}
END_TEST

START_TEST(processes_without_the_device)
{
	struct peer peer;

	svmctl(1, "query --pid 1");
	expect_text(outcome.err, "has not opened /dev/amdsvm");
	if (vm_fork(&peer))
		vm_done();
	expect_joined(&peer);
	svmctl(1, "query --pid %d", peer.pid);
	expect_text(outcome.err, "there is no process");
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("svmctl");
	TCase *t = vm_case_with(s, "svmctl", setup, NULL);

	tcase_add_test(t, devices);
	tcase_add_test(t, doctor);
	tcase_add_test(t, query_all_ranges);
	tcase_add_test(t, query_a_window);
	tcase_add_test(t, query_single_pages);
	tcase_add_test(t, prefetch_there_and_home);
	tcase_add_test(t, prefetch_without_device_memory);
	tcase_add_test(t, prefetch_to_no_device);
	tcase_add_test(t, evict);
	tcase_add_test(t, others_may_not_look);
	tcase_add_test(t, processes_without_the_device);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
