// SPDX-License-Identifier: MIT
/*
 * svmctl demo on the real driver: what it says that has moved did so.
 */
#include <fcntl.h>

#include "vmsvmctl.h"

#define DEMO_FILE "/tmp/suite_svmctl_demo"
#define DEMO_BYTES ((64UL << 20) + 100)
#define DEMO_PAGES (DEMO_BYTES / PAGE + 1)

static void make_demo_file(void)
{
	int fd = open(DEMO_FILE, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	void *file;

	expect(fd >= 0 && !ftruncate(fd, DEMO_BYTES));
	file = mmap(NULL, DEMO_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	expect(file != MAP_FAILED);
	vm_fill(file, DEMO_BYTES, 7);
	munmap(file, DEMO_BYTES);
	close(fd);
}

static void expect_step(struct json_object *steps, size_t i, uint32_t where, uint64_t in,
			uint64_t out, uint64_t peer)
{
	struct json_object *step = element(steps, i), *page = member(step, "watched_page");
	bool present = where == SYSMEM || vm.lane == LANE_COHERENT;
	uint32_t device;

	expect_eq(number(step, "counted_in"), in);
	expect_eq(number(step, "counted_out"), out);
	expect_eq(number(step, "counted_peer"), peer);
	expect_eq(number(step, "pages_system"), where == SYSMEM ? DEMO_PAGES : 0);
	for (device = 0; device < vm.devices; device++)
		expect_eq(json_object_get_uint64(element(member(step, "pages_device"), device)),
			  where == vm.gpu[device] ? DEMO_PAGES : 0);
	expect_eq(json_object_get_boolean(member(page, "present")), present);
	expect_eq(json_object_get_boolean(member(page, "swap")), !present);
	expect_eq(!!number(page, "frame"), present);
}

static void expect_steps(struct json_object *steps)
{
	bool coherent = vm.lane == LANE_COHERENT;

	expect_eq(json_object_array_length(steps), coherent ? 5 : 4);
	expect_step(steps, 0, SYSMEM, 0, 0, 0);
	expect_step(steps, 1, vm.gpu[0], DEMO_PAGES, 0, 0);
	expect_step(steps, 2, vm.gpu[1], 0, 0, DEMO_PAGES);
	if (coherent)
		expect_step(steps, 3, vm.gpu[1], 0, 0, 0);
	expect_step(steps, coherent ? 4 : 3, SYSMEM, 0, DEMO_PAGES, 0);
}

static uint64_t pages_in(void)
{
	uint64_t sum = 0;
	uint32_t i;

	for (i = 0; i < vm.devices; i++)
		sum += vm_device(vm.gpu[i]).pages_in;
	return sum;
}

START_TEST(demo)
{
	uint64_t before = pages_in();

	needs_device_memory();
	/* As it would run: on whatever processor there is. */
	vm_use_all_processors();
	make_demo_file();
	svmctl(0, "demo --json " DEMO_FILE);
	unlink(DEMO_FILE);
	expect_eq(number(document(), "bytes"), DEMO_BYTES);
	expect_eq(number(document(), "pages"), DEMO_PAGES);
	expect(!strcmp(string(document(), "memory"), memory_name()));
	expect(json_object_get_boolean(member(document(), "same_bytes")));
	expect_steps(member(document(), "steps"));
	/* The devices' own counters, which the demo does not read. */
	expect_eq(pages_in() - before, 2 * DEMO_PAGES);
}
END_TEST

START_TEST(demo_without_device_memory)
{
	only_in_lanes(LANE_MIRROR, "the lane has device memory");
	svmctl(1, "demo " DEMO_FILE);
	expect_text(outcome.err, "there is no device memory to move to");
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("svmctl_demo");
	TCase *t = vm_case(s, "svmctl_demo");

	tcase_add_test(t, demo);
	tcase_add_test(t, demo_without_device_memory);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
