// SPDX-License-Identifier: MIT
/*
 * Events: the stream, and the lines of KFD's format. The lines are written here
 * with the format strings of the interface.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "interrupt.h"
#include "test.h"

#define MASK (AMDSVM_SMI_EVENT_MASK_FROM_INDEX(AMDSVM_SMI_EVENT_MIGRATE_START) | \
	      AMDSVM_SMI_EVENT_MASK_FROM_INDEX(AMDSVM_SMI_EVENT_ALL_PROCESS))

START_TEST(open_chooses_events)
{
	struct amdsvm_context *ctx = open_fake();
	uint64_t mask = 0;
	int fd = -1;
	char text[4];

	interrupt_write = (struct interrupt){ .calls = 2, .error = EINTR };
	ck_assert_int_eq(amdsvm_events_open(ctx, fake_gpu_id(1), MASK, &fd), 0);
	ck_assert_uint_eq(interrupt_write.seen, 3);
	ck_assert_uint_eq(fake.request, AMDSVM_IOC_SMI_EVENTS);
	ck_assert_uint_eq(arguments(struct amdsvm_ioctl_smi_events_args)->gpuid, fake_gpu_id(1));
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(read(fake.events_end, &mask, sizeof(mask)), sizeof(mask));
	ck_assert_uint_eq(mask, MASK);
	ck_assert_int_eq(write(fake.events_end, "5 1\n", 4), 4);
	ck_assert_int_eq(read(fd, text, sizeof(text)), 4);
	close(fd);
	amdsvm_close(ctx);
}
END_TEST

START_TEST(open_errors_leave_nothing_open)
{
	static const int errors[][2] = {
		{ EINVAL, -EINVAL }, { ENOMEM, -ENOMEM }, { EMFILE, -EMFILE },
		{ EPERM, -EPERM }, { ENOTTY, -EOPNOTSUPP },
	};
	struct amdsvm_context *ctx = open_fake();
	int fd = 77, before, after;
	size_t i;

	for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		fake.call_error = errors[i][0];
		ck_assert_int_eq(amdsvm_events_open(ctx, fake_gpu_id(0), MASK, &fd), errors[i][1]);
	}
	fake.call_error = 0;
	ck_assert_int_eq(amdsvm_events_open(ctx, 1, MASK, &fd), -EINVAL);

	/* The first descriptor that the fake makes is the one handed out. */
	before = dup(0);
	close(before);
	fake.unwritable_events = 1;
	ck_assert_int_eq(amdsvm_events_open(ctx, fake_gpu_id(0), MASK, &fd), -ENOSPC);
	after = dup(0);
	ck_assert_int_eq(after, before);
	close(after);
	fake.unwritable_events = 0;
	interrupt_write.limit = 4;
	ck_assert_int_eq(amdsvm_events_open(ctx, fake_gpu_id(0), MASK, &fd), -EIO);
	after = dup(0);
	ck_assert_int_eq(after, before);
	ck_assert_int_eq(fd, 77);
	amdsvm_close(ctx);
}
END_TEST

static const struct {
	const char *line;
	struct amdsvm_event expected;
} lines[] = {
	{ "1 1a2:a name: with  blanks", { .kind = AMDSVM_SMI_EVENT_VMFAULT, .pid = 0x1a2,
	  .command = "a name: with  b" } },
	{ "1 0:", { .kind = AMDSVM_SMI_EVENT_VMFAULT } },
	{ "5 123456789012345 -4321 @7f0000001(200) 0->1001 1000:ffffffff 1",
	  { .kind = AMDSVM_SMI_EVENT_MIGRATE_START, .time_ns = 123456789012345, .pid = 4321,
	    .start = 0x7f0000001000, .size = 2 << 20, .to = 0x1001, .prefetch_loc = 0x1000,
	    .preferred_loc = 0xffffffff, .trigger = AMDSVM_MIGRATE_TRIGGER_PAGEFAULT_GPU } },
	{ "6 9223372036854775807 -1 @fffffffffffff(1) 1001->0 2 -12",
	  { .kind = AMDSVM_SMI_EVENT_MIGRATE_END, .time_ns = INT64_MAX, .pid = 1,
	    .start = 0xfffffffffffff000, .size = PAGE, .from = 0x1001,
	    .trigger = AMDSVM_MIGRATE_TRIGGER_PAGEFAULT_CPU, .error = -12 } },
	{ "6 1 -2 @3(4) 5->6 3 0",
	  { .kind = AMDSVM_SMI_EVENT_MIGRATE_END, .time_ns = 1, .pid = 2, .start = 3 * PAGE,
	    .size = 4 * PAGE, .from = 5, .to = 6, .trigger = 3 } },
	{ "7 1 -2 @a(1000) W",
	  { .kind = AMDSVM_SMI_EVENT_PAGE_FAULT_START, .time_ns = 1, .pid = 2,
	    .start = 10 * PAGE, .size = PAGE, .gpu_id = 0x1000, .access = 'W' } },
	{ "7 1 -2 @a(1000) R",
	  { .kind = AMDSVM_SMI_EVENT_PAGE_FAULT_START, .time_ns = 1, .pid = 2,
	    .start = 10 * PAGE, .size = PAGE, .gpu_id = 0x1000, .access = 'R' } },
	{ "8 1 -2147483647 @a(1000) M",
	  { .kind = AMDSVM_SMI_EVENT_PAGE_FAULT_END, .time_ns = 1, .pid = INT32_MAX,
	    .start = 10 * PAGE, .size = PAGE, .gpu_id = 0x1000, .outcome = 'M' } },
	{ "8 1 -2 @a(1000) U",
	  { .kind = AMDSVM_SMI_EVENT_PAGE_FAULT_END, .time_ns = 1, .pid = 2,
	    .start = 10 * PAGE, .size = PAGE, .gpu_id = 0x1000, .outcome = 'U' } },
	{ "9 1 -2 1001 0",
	  { .kind = AMDSVM_SMI_EVENT_QUEUE_EVICTION, .time_ns = 1, .pid = 2, .gpu_id = 0x1001,
	    .trigger = AMDSVM_QUEUE_EVICTION_TRIGGER_SVM } },
	{ "a 1 -2 1001 0",
	  { .kind = AMDSVM_SMI_EVENT_QUEUE_RESTORE, .time_ns = 1, .pid = 2, .gpu_id = 0x1001,
	    .outcome = '0' } },
	{ "a 1 -2 1001 R",
	  { .kind = AMDSVM_SMI_EVENT_QUEUE_RESTORE, .time_ns = 1, .pid = 2, .gpu_id = 0x1001,
	    .outcome = 'R' } },
	{ "b 1 -2 @a(b) ffffffff 2",
	  { .kind = AMDSVM_SMI_EVENT_UNMAP_FROM_GPU, .time_ns = 1, .pid = 2, .start = 10 * PAGE,
	    .size = 11 * PAGE, .gpu_id = 0xffffffff,
	    .trigger = AMDSVM_SVM_UNMAP_TRIGGER_UNMAP_FROM_CPU } },
	{ "c 7fffffff kworker/0:1", { .kind = AMDSVM_SMI_EVENT_PROCESS_START, .pid = INT32_MAX,
	  .command = "kworker/0:1" } },
	{ "d 3 x", { .kind = AMDSVM_SMI_EVENT_PROCESS_END, .pid = 3, .command = "x" } },
	{ "30 77 18446744073709551615",
	  { .kind = AMDSVM_SMI_EVENT_DROPPED, .time_ns = 77, .dropped = UINT64_MAX } },
};

#define LINES (sizeof(lines) / sizeof(lines[0]))

static void compare(const struct amdsvm_event *event, const struct amdsvm_event *expected)
{
	ck_assert_uint_eq(event->kind, expected->kind);
	ck_assert_int_eq(event->pid, expected->pid);
	ck_assert_uint_eq(event->time_ns, expected->time_ns);
	ck_assert_uint_eq(event->start, expected->start);
	ck_assert_uint_eq(event->size, expected->size);
	ck_assert_uint_eq(event->from, expected->from);
	ck_assert_uint_eq(event->to, expected->to);
	ck_assert_uint_eq(event->prefetch_loc, expected->prefetch_loc);
	ck_assert_uint_eq(event->preferred_loc, expected->preferred_loc);
	ck_assert_uint_eq(event->trigger, expected->trigger);
	ck_assert_uint_eq(event->gpu_id, expected->gpu_id);
	ck_assert_int_eq(event->error, expected->error);
	ck_assert_int_eq(event->access, expected->access);
	ck_assert_int_eq(event->outcome, expected->outcome);
	ck_assert_str_eq(event->command, expected->command);
	ck_assert_uint_eq(event->dropped, expected->dropped);
}

/* In memory of its own size, so that sanitizers see the end. */
static int parse(const char *text, struct amdsvm_event *event)
{
	char *copy = strdup(text);
	int ret = amdsvm_event_parse(copy, event);

	free(copy);
	return ret;
}

START_TEST(lines_become_events)
{
	const struct amdsvm_event *expected = &lines[_i].expected;
	struct amdsvm_event event;
	char line[128];

	memset(&event, 0xa5, sizeof(event));
	ck_assert_int_eq(parse(lines[_i].line, &event), 0);
	compare(&event, expected);

	/* Within a buffer of lines. */
	snprintf(line, sizeof(line), "%s\n5 garbage\n", lines[_i].line);
	memset(&event, 0xa5, sizeof(event));
	ck_assert_int_eq(parse(line, &event), 0);
	compare(&event, expected);

	/* A field more, of another driver: a command may look like one. */
	if (expected->command[0] || !strcmp(lines[_i].line, "1 0:"))
		return;
	snprintf(line, sizeof(line), "%s 12 more\n", lines[_i].line);
	ck_assert_int_eq(parse(line, &event), 0);
	compare(&event, expected);
}
END_TEST

/* A line that is cut is none: each prefix, but one that ends within the last field. */
START_TEST(cut_lines_are_none)
{
	struct amdsvm_event event = { .kind = 77 };
	size_t length = strlen(lines[_i].line), i;
	char line[128];

	if (lines[_i].expected.command[0])
		length = strcspn(lines[_i].line, ":") < 4 ? 2 : 3;
	else if (length > 4)
		length = strrchr(lines[_i].line, ' ') - lines[_i].line + 1;
	for (i = 0; i < length; i++) {
		snprintf(line, sizeof(line), "%.*s", (int)i, lines[_i].line);
		ck_assert_msg(parse(line, &event) == -EBADMSG, "'%s' is accepted", line);
	}
	ck_assert_uint_eq(event.kind, 77);
}
END_TEST

START_TEST(what_is_no_line)
{
	static const char *const bad[] = {
		"", "\n", " ", "x", "5", "5 ", "-5 1", "0x5 1", "A 1 -2 1001 0",
		" 9 1 -2 1001 0", "9  1 -2 1001 0", "9 1 2 1001 0", "9 1 -2 1001 -1",
		"9 1 -2 1001 0x", "9 1 -2 1001\n0", "9 9223372036854775808 -2 1001 0",
		"9 1 -2147483648 1001 0", "9 1 -2 100000000 0", "9 1 -2 1001 2147483648",
		"9 1 --2 1001 0", "9 +1 -2 1001 0",
		"7 1 -2 @a(1000) X", "7 1 -2 @a(1000) M", "8 1 -2 @a(1000) W",
		"7 1 -2 @a(1000) RW", "7 1 -2 @a(1000) ", "7 1 -2 @10000000000000(1000) R",
		"7 1 -2 a(1000) R", "7 1 -2 @a 1000 R", "a 1 -2 1001 1",
		"6 1 -2 @3(4) 5-6 3 0", "6 1 -2 @3(4) 5->6 3", "6 1 -2 @3(4) 5->6 3 - 1",
		"5 1 -2 @3(4) 5->6 7 8 1", "5 1 -2 @3(10000000000000) 5->6 7:8 1",
		"1 80000000:x", "1 1 x", "c 1:x", "30 1", "30 1 18446744073709551616",
		"100000000 1",
	};
	struct amdsvm_event event = { .kind = 77 };
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(parse(bad[i], &event) == -EBADMSG, "'%s' is accepted", bad[i]);
	ck_assert_uint_eq(event.kind, 77);
}
END_TEST

START_TEST(unknown_kinds_are_passed_over)
{
	static const char *const unknown[] = { "0 1", "2 3:4", "3 1 reset", "4 1 reset", "e 1",
					       "2f 1", "31 ", "ffffffff 1" };
	struct amdsvm_event event = { .kind = 77 };
	size_t i;

	for (i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		ck_assert_int_eq(parse(unknown[i], &event), -EOPNOTSUPP);
	ck_assert_uint_eq(event.kind, 77);
}
END_TEST

/* Good lines with bytes changed: whatever is said, nothing is read beyond. */
START_TEST(any_text_is_safe)
{
	static const char letters[] = "0123456789abcdefRWMU @()->:-\n\t\xff";
	struct amdsvm_event event;
	unsigned int i, changes;
	char line[128];

	srand(1);
	for (i = 0; i < 200000; i++) {
		snprintf(line, sizeof(line), "%s", lines[i % LINES].line);
		for (changes = rand() % 4; changes; changes--)
			line[rand() % (strlen(lines[i % LINES].line))] =
				letters[rand() % sizeof(letters)];
		if (!parse(line, &event))
			ck_assert_ptr_nonnull(memchr(event.command, 0, sizeof(event.command)));
	}
}
END_TEST

TCase *event_case(void)
{
	TCase *tc = tcase_create("event");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, open_chooses_events);
	tcase_add_test(tc, open_errors_leave_nothing_open);
	tcase_add_loop_test(tc, lines_become_events, 0, LINES);
	tcase_add_loop_test(tc, cut_lines_are_none, 0, LINES);
	tcase_add_test(tc, what_is_no_line);
	tcase_add_test(tc, unknown_kinds_are_passed_over);
	tcase_add_test(tc, any_text_is_safe);
	return tc;
}
