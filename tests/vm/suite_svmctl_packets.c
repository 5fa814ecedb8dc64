// SPDX-License-Identifier: MIT
/*
 * svmctl run-packets on the real driver: every packet executes, and what fails has
 * a line. What scripts are taken and refused has unit tests.
 */
#include "vmqueue.h"
#include "vmsvmctl.h"

#define SCRIPT "/tmp/suite_svmctl_packets"

static void write_script(const char *text)
{
	FILE *file = fopen(SCRIPT, "w");

	expect(file);
	fputs(text, file);
	expect(!fclose(file));
}

/* A list of three nodes is the only thing that needs addresses as values. */
static const char every_packet[] =
	"buffer in 64K sequence\n"
	"buffer index 4K sequence32\n"
	"buffer out 64K\n"
	"buffer sums 4K\n"
	"buffer list 4K\n"
	"nop\n"
	"nop 5\n"
	"copy in out 64K\n"
	"wait\n"
	"sha256 in\n"
	"sha256 out\n"
	"fill out 0x01020304 1K\n"
	"write out+1K 1 2 3\n"
	"write64 out+2K 0x123456789a out\n"
	"expect out+1020 u32 0x01020304\n"
	"expect out+1K u64 0x200000001\n"
	"expect out+2K u64 0x123456789a\n"
	"expect out+2056 u64 out\n"
	"gather out in+80 index 100\n"
	"expect out+0 u64 10\n"
	"expect out+792 u64 109\n"
	"scatter out+8K in+800 index 100\n"
	"expect out+8984 u64 199\n"
	"triad out in in+8 1000 3\n"
	"expect out+7992 u64 3999\n"
	"reduce in 8192 sums\n"
	"write64 list list+64 5\n"
	"write64 list+64 list+128 6\n"
	"write64 list+128 0 7\n"
	"chase list 0 8 100 sums+64\n"
	"expect sums u64 33550336\n"
	"expect sums+64 u64 3\n"
	"expect sums+72 u64 18\n"
	"expect sums+80 u64 list+128\n"
	"expect sums+88 u64 0\n"
	"touch read in 16 4K\n"
	"touch write out 16 4K\n"
	"timestamp sums+8\n"
	"trap 77\n"
	"submit\n"
	"fence sums+16 0xfeed\n"
	"expect sums+16 u32 0xfeed\n"
	"dump sums+16 4\n";

static struct json_object *result(const char *statement, unsigned int which)
{
	struct json_object *results = member(document(), "results"), *object;
	size_t i;

	for (i = 0; i < json_object_array_length(results); i++) {
		object = element(results, i);
		if (!strcmp(string(object, "statement"), statement) && !which--)
			return object;
	}
	vm_fail(HERE, "no result of %s", statement);
}

START_TEST(every_packet_executes)
{
	uint32_t i;

	write_script(every_packet);
	for (i = 0; i < vm.devices; i++) {
		svmctl(0, "run-packets --json --gpu 0x%x " SCRIPT, vm.gpu[i]);
		expect_eq(location(document(), "gpu_id"), vm.gpu[i]);
		expect(json_object_get_boolean(member(document(), "ok")));
		expect_eq(number(document(), "packets"), 19);
		expect_eq(number(document(), "traps"), 1);
		expect(!strcmp(string(result("sha256", 0), "sha256"),
			       string(result("sha256", 1), "sha256")));
		expect(!strcmp(string(result("dump", 0), "bytes"), "edfe0000"));
	}
	svmctl(0, "run-packets " SCRIPT);
	expect_text(outcome.out, "19 packets");
	unlink(SCRIPT);
}
END_TEST

START_TEST(atomics_execute)
{
	only_in_lanes(LANES_WITH_MEMORY, "no atomics on system memory in this lane");
	write_script("buffer a 4K\n"
		     "write64 a 5\n"
		     "atomic add64 a 10\n"
		     "atomic cmpswap64 a 77 15\n"
		     "atomic cmpswap64 a 78 15\n"
		     "atomic or32 a+4 6\n"
		     "atomic and32 a+4 3\n"
		     "expect a u64 0x20000004d\n"
		     "atomic swap64 a 1\n"
		     "expect a u64 1\n");
	svmctl(0, "run-packets " SCRIPT);
	unlink(SCRIPT);
}
END_TEST

/* The attributes are those of the device, so it sees what they allow. */
START_TEST(attributes_hold)
{
	struct json_object *job;

	write_script("buffer a 8K\n"
		     "attr a no-access=0 granularity=2\n"
		     "fill a 1 4\n"
		     "fill a+4K 1 8\n");
	svmctl(1, "run-packets --json " SCRIPT);
	expect_text(outcome.err, SCRIPT ":3: fill: the device may not use the memory at a+0x0");
	job = result("fill", 0);
	expect(!strcmp(string(job, "status"), "EACCES"));
	expect_eq(number(job, "packets"), 0);
	svmctl(0, "run-packets --gpu 1 " SCRIPT);
	unlink(SCRIPT);
}
END_TEST

START_TEST(scripts_that_fail)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "buffer a 4K\nfill a 1 4\nfill 0x1000 1 4\n",
		  SCRIPT ":3: fill: there is no memory at 0x1000" },
		{ "buffer a 4K\nfill a+1 1 4\n", SCRIPT ":2: fill: the device finds the packet malformed" },
		{ "buffer a 4K\nfill a 1 4\nexpect a u32 2\n", SCRIPT ":3: expect: at a+0x0" },
		/* The queue has stopped when the second one comes. */
		{ "fill 0x1000 1 4\nsubmit\nnop\n", SCRIPT ":1: fill: there is no memory" },
		{ "nop\nnothing\n", SCRIPT ":2: there is no 'nothing'" },
	};

	write_script(cases[_i].text);
	svmctl(1, "run-packets " SCRIPT);
	expect_text(outcome.err, cases[_i].why);
	unlink(SCRIPT);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("svmctl_packets");
	TCase *t = vm_case(s, "svmctl_packets");

	tcase_add_test(t, every_packet_executes);
	tcase_add_test(t, atomics_execute);
	tcase_add_test(t, attributes_hold);
	tcase_add_loop_test(t, scripts_that_fail, 0, 5);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
