// SPDX-License-Identifier: MIT
/*
 * Whole commands with the fake device: exit status, JSON, and sentences that say
 * what to do.
 */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fake.h"
#include "test.h"

START_TEST(wrong_command_lines)
{
	static const char *const wrong[] = {
		"", "nothing", "devices more", "devices --nothing", "doctor more", "evict",
		"evict system", "evict 0 1", "query", "query --pid", "query --pid 0",
		"query --pid x", "query --pid 1 0x1001+1", "query --pid 1 --pages",
		"query --pid 1 0x1000 0x2000", "prefetch --pid 1 0x1000",
		"prefetch 0x1000 system", "prefetch --pid 1 0x1000 all",
		"prefetch --pid 1 0x1000 gpu", "demo a b", "help nothing", "stat 0", "stat 1 0",
		"stat 1 2 3", "stat x", "stat --output nothing", "stat --output +", "stat --pid 0",
		"events", "events --all --pid 1", "events --all nothing", "events --all migr",
		"events --all --gpu system", "events --all --gpu all", "events --all --count 0",
		"run-packets", "run-packets a b", "run-packets --gpu system -",
	};
	struct outcome *outcome = run_svmctl("", wrong[_i]);

	ck_assert_msg(outcome->status == 2, "'%s': %d", wrong[_i], outcome->status);
	ck_assert_str_eq(outcome->out, "");
	ck_assert_msg(strstr(outcome->err, "--help"), "%s", outcome->err);
}
END_TEST

START_TEST(help_goes_to_stdout)
{
	static const char *const asked[] = {
		"--help", "help", "help query", "query --help", "devices -h", "--version",
		"stat --help", "events --help", "run-packets --help",
	};
	struct outcome *outcome = run_svmctl("FAKE_OPEN_ERROR=2", asked[_i]);

	ck_assert_int_eq(outcome->status, 0);
	ck_assert_str_ne(outcome->out, "");
	ck_assert_str_eq(outcome->err, "");
}
END_TEST

/* ENOENT, EACCES: what to do is in the sentence, and it is one line. */
START_TEST(without_the_device)
{
	static const struct {
		const char *environment, *advice;
	} cases[] = {
		{ "FAKE_OPEN_ERROR=2", "modprobe amdsvm" },
		{ "FAKE_OPEN_ERROR=13", "run as root" },
		{ "FAKE_OPEN_ERROR=19", "modprobe amdsvm" },
	};
	struct outcome *outcome = run_svmctl(cases[_i].environment, "devices --json");

	ck_assert_int_eq(outcome->status, 1);
	ck_assert_str_eq(outcome->out, "");
	ck_assert_msg(strstr(outcome->err, cases[_i].advice), "%s", outcome->err);
	ck_assert_ptr_eq(strchr(outcome->err, '\n'), outcome->err + strlen(outcome->err) - 1);
}
END_TEST

START_TEST(devices_in_json)
{
	struct json_object *document, *device;

	document = json_of(run_svmctl("FAKE_DEVICES=3", "devices --json"));
	ck_assert_uint_eq(json_object_array_length(json_member(document, "devices")), 3);
	device = element(json_member(document, "devices"), 2);
	ck_assert_str_eq(string(device, "gpu_id"), "0x1002");
	ck_assert_str_eq(string(device, "memory"), "private");
	ck_assert_int_eq(number(device, "vram_bytes"), 256 << 20);
	json_object_put(document);
}
END_TEST

START_TEST(devices_as_a_table)
{
	struct outcome *outcome = run_svmctl("", "devices");

	ck_assert_int_eq(outcome->status, 0);
	ck_assert_ptr_nonnull(strstr(outcome->out, "GPU_ID"));
	ck_assert_ptr_nonnull(strstr(outcome->out, "0x1001"));
	ck_assert_ptr_nonnull(strstr(outcome->out, "256M"));
}
END_TEST

/* The module is not loaded here, so the doctor cannot be content. */
START_TEST(doctor_in_json)
{
	struct outcome *outcome = run_svmctl("FAKE_KIND=none", "doctor --json");
	struct json_object *document = json_of(outcome), *checks, *check;
	const char *advice = NULL;
	size_t i;

	checks = json_member(document, "checks");
	for (i = 0; i < json_object_array_length(checks); i++) {
		check = element(checks, i);
		if (strcmp(string(check, "name"), "memory"))
			continue;
		ck_assert_str_eq(string(check, "status"), "warn");
		advice = string(check, "advice");
	}
	ck_assert_ptr_nonnull(advice);
	ck_assert_ptr_nonnull(strstr(advice, "memmap=1G$0x140000000"));
	ck_assert_int_eq(outcome->status,
			 !json_object_get_boolean(json_member(document, "usable")));
	json_object_put(document);
}
END_TEST

START_TEST(evict)
{
	struct json_object *document;
	struct outcome *outcome;

	document = json_of(run_svmctl("", "evict --json all"));
	ck_assert_int_eq(number(document, "pages_left"), 0);
	json_object_put(document);

	ck_assert_int_eq(run_svmctl("", "evict 0x1001")->status, 0);
	outcome = run_svmctl("", "evict 5");
	ck_assert_int_eq(outcome->status, 1);
	ck_assert_ptr_nonnull(strstr(outcome->err, "svmctl devices"));
}
END_TEST

START_TEST(query_all_ranges)
{
	struct json_object *document, *ranges;
	char command[64];

	be_a_target();
	snprintf(command, sizeof(command), "query --json --pid %d", getpid());
	document = json_of(run_svmctl("FAKE_RANGES=100", command));
	ck_assert_int_eq(number(document, "pid"), getpid());
	ranges = json_member(document, "ranges");
	ck_assert_uint_eq(json_object_array_length(ranges), 100);
	ck_assert_str_eq(string(element(ranges, 1), "start"), "0x700000002000");
	ck_assert_str_eq(string(json_member(element(ranges, 1), "attributes"), "preferred"),
			 "undefined");
	json_object_put(document);
}
END_TEST

/* A window shows the memory between the ranges, too. */
START_TEST(query_a_window)
{
	struct json_object *document, *ranges, *attributes;
	char command[96];
	size_t i;

	be_a_target();
	snprintf(command, sizeof(command),
		 "query --json --pid %d 0x6ffffffff000-0x700000004000", getpid());
	document = json_of(run_svmctl("FAKE_RANGES=2", command));
	ranges = json_member(document, "ranges");
	/* Gap, range, gap, range, gap. */
	ck_assert_uint_eq(json_object_array_length(ranges), 5);
	for (i = 0; i < 5; i++) {
		ck_assert_int_eq(number(element(ranges, i), "size"), 4096);
		ck_assert_int_eq(json_object_object_get_ex(element(ranges, i), "attributes",
							   &attributes), i % 2);
	}
	json_object_put(document);
}
END_TEST

START_TEST(query_single_pages)
{
	struct json_object *document, *pages;
	char command[96];
	char *memory;

	be_a_target();
	memory = mmap(NULL, 2 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		      -1, 0);
	madvise(memory, 2 * 4096, MADV_NOHUGEPAGE);
	memory[0] = 1;
	snprintf(command, sizeof(command), "query --json --pid %d --pages %p+8K", getpid(),
		 (void *)memory);
	document = json_of(run_svmctl("", command));
	pages = json_member(document, "pages");
	ck_assert_uint_eq(json_object_array_length(pages), 2);
	ck_assert_str_eq(string(element(pages, 0), "cpu"), "present");
	ck_assert_str_eq(string(element(pages, 1), "cpu"), "none");
	json_object_put(document);

	ck_assert_int_eq(run_svmctl("", command)->status, 0);
}
END_TEST

START_TEST(query_of_nobody)
{
	struct outcome *outcome;
	char command[64];

	/* A process that exists and has no such file. */
	snprintf(command, sizeof(command), "query --pid %d", getpid());
	outcome = run_svmctl("", command);
	ck_assert_int_eq(outcome->status, 1);
	ck_assert_ptr_nonnull(strstr(outcome->err, "has not opened /dev/amdsvm"));

	outcome = run_svmctl("", "query --pid 2147483647");
	ck_assert_int_eq(outcome->status, 1);
	ck_assert_ptr_nonnull(strstr(outcome->err, "no process 2147483647"));
}
END_TEST

START_TEST(prefetch_errors)
{
	static const struct {
		const char *error, *advice;
	} cases[] = {
		{ "FAKE_KIND=none", "svmctl doctor" },
		{ "FAKE_BUSY=1000", "try again" },
	};
	struct outcome *outcome;
	char command[96];

	be_a_target();
	snprintf(command, sizeof(command), "prefetch --pid %d 0x10000+4K 0", getpid());
	outcome = run_svmctl(cases[_i].error, command);
	ck_assert_int_eq(outcome->status, 1);
	ck_assert_msg(strstr(outcome->err, cases[_i].advice), "%s", outcome->err);
}
END_TEST

START_TEST(prefetch_without_rights)
{
	struct outcome *outcome;
	char command[96];

	be_a_target();
	snprintf(command, sizeof(command), "prefetch --pid %d 0x10000+4K system", getpid());
	outcome = run_svmctl("FAKE_CALL_ERROR=1", command);
	ck_assert_int_eq(outcome->status, 1);
	ck_assert_msg(strstr(outcome->err, "CAP_SYS_PTRACE"), "%s", outcome->err);
}
END_TEST

START_TEST(prefetch_counts)
{
	struct json_object *document;
	char command[96];

	be_a_target();
	snprintf(command, sizeof(command), "prefetch --json --pid %d 0x10000+16K 0x1001",
		 getpid());
	document = json_of(run_svmctl("FAKE_BUSY=1", command));
	ck_assert_str_eq(string(document, "location"), "0x1001");
	ck_assert_int_eq(number(document, "pages_moved"), 3);
	ck_assert_int_eq(number(document, "pages_busy"), 1);
	json_object_put(document);
}
END_TEST

TCase *command_case(void)
{
	TCase *tc = tcase_create("command");

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, wrong_command_lines, 0, 38);
	tcase_add_loop_test(tc, help_goes_to_stdout, 0, 9);
	tcase_add_loop_test(tc, without_the_device, 0, 3);
	tcase_add_test(tc, devices_in_json);
	tcase_add_test(tc, devices_as_a_table);
	tcase_add_test(tc, doctor_in_json);
	tcase_add_test(tc, evict);
	tcase_add_test(tc, query_all_ranges);
	tcase_add_test(tc, query_a_window);
	tcase_add_test(tc, query_single_pages);
	tcase_add_test(tc, query_of_nobody);
	tcase_add_loop_test(tc, prefetch_errors, 0, 2);
	tcase_add_test(tc, prefetch_without_rights);
	tcase_add_test(tc, prefetch_counts);
	return tc;
}
