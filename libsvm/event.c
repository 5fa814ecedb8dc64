// SPDX-License-Identifier: MIT
/*
 * Events: opening a stream of them, and taking their lines apart. The lines are
 * text that others write, so every number is checked for its type.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "private.h"

static int choose(int fd, uint64_t mask)
{
	ssize_t written;

	do {
		written = write(fd, &mask, sizeof(mask));
	} while (written < 0 && errno == EINTR);

	if (written < 0)
		return -errno;
	return written == sizeof(mask) ? 0 : -EIO;
}

AMDSVM_EXPORT int amdsvm_events_open(struct amdsvm_context *ctx, uint32_t gpu_id,
				     uint64_t mask, int *fd)
{
	struct amdsvm_ioctl_smi_events_args args = { .gpuid = gpu_id };
	int ret = amdsvm_ioctl(ctx, AMDSVM_IOC_SMI_EVENTS, &args);
	int new = args.anon_fd;

	if (ret)
		return ret;

	/* KFD's descriptor is inherited by programs; nobody wants that. */
	ret = fcntl(new, F_SETFD, FD_CLOEXEC) ? -errno : choose(new, mask);
	if (ret) {
		close(new);
		return ret;
	}

	*fd = new;
	return 0;
}

/*
 * A line being read. What does not go on as expected makes it bad, and from then
 * on nothing moves, so only the end has to look.
 */
struct cursor {
	const char *at;
	bool bad;
};

static bool at_end(const struct cursor *cursor)
{
	return !*cursor->at || *cursor->at == '\n';
}

static void expect(struct cursor *cursor, const char *text)
{
	size_t length = strlen(text);

	if (cursor->bad || strncmp(cursor->at, text, length))
		cursor->bad = true;
	else
		cursor->at += length;
}

static unsigned int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return UINT_MAX;
}

static uint64_t number(struct cursor *cursor, unsigned int base, uint64_t max)
{
	uint64_t value = 0;
	unsigned int next = digit(*cursor->at);

	if (next >= base)
		cursor->bad = true;

	for (; !cursor->bad && next < base; next = digit(*++cursor->at)) {
		if (value > (max - next) / base)
			cursor->bad = true;
		else
			value = value * base + next;
	}
	return cursor->bad ? 0 : value;
}

static uint32_t hex32(struct cursor *cursor)
{
	return number(cursor, 16, UINT32_MAX);
}

static uint32_t decimal(struct cursor *cursor)
{
	return number(cursor, 10, INT32_MAX);
}

static int32_t signed_decimal(struct cursor *cursor)
{
	bool negative = !cursor->bad && *cursor->at == '-';

	if (negative)
		cursor->at++;
	return negative ? -(int32_t)decimal(cursor) : (int32_t)decimal(cursor);
}

/* Lines count pages, of the size that the system has. */
static uint64_t pages(struct cursor *cursor)
{
	uint64_t page_size = sysconf(_SC_PAGESIZE);

	return number(cursor, 16, UINT64_MAX / page_size) * page_size;
}

static char letter(struct cursor *cursor, const char *allowed)
{
	if (cursor->bad || at_end(cursor) || !strchr(allowed, *cursor->at)) {
		cursor->bad = true;
		return 0;
	}
	return *cursor->at++;
}

/* The rest of the line: a command may have anything in its name. */
static void command(struct cursor *cursor, struct amdsvm_event *event)
{
	size_t length = 0;

	for (; !cursor->bad && !at_end(cursor); cursor->at++)
		if (length < sizeof(event->command) - 1)
			event->command[length++] = *cursor->at;
}

/* "ns -pid ", which most lines begin with. */
static void parse_origin(struct cursor *cursor, struct amdsvm_event *event)
{
	event->time_ns = number(cursor, 10, INT64_MAX);
	expect(cursor, " -");
	event->pid = decimal(cursor);
	expect(cursor, " ");
}

/* "@address(size) " */
static void parse_span(struct cursor *cursor, struct amdsvm_event *event)
{
	expect(cursor, "@");
	event->start = pages(cursor);
	expect(cursor, "(");
	event->size = pages(cursor);
	expect(cursor, ") ");
}

static void parse_migrate(struct cursor *cursor, struct amdsvm_event *event)
{
	parse_origin(cursor, event);
	parse_span(cursor, event);
	event->from = hex32(cursor);
	expect(cursor, "->");
	event->to = hex32(cursor);
	expect(cursor, " ");
	if (event->kind == AMDSVM_SMI_EVENT_MIGRATE_START) {
		event->prefetch_loc = hex32(cursor);
		expect(cursor, ":");
		event->preferred_loc = hex32(cursor);
		expect(cursor, " ");
		event->trigger = decimal(cursor);
	} else {
		event->trigger = decimal(cursor);
		expect(cursor, " ");
		event->error = signed_decimal(cursor);
	}
}

static void parse_page_fault(struct cursor *cursor, struct amdsvm_event *event)
{
	parse_origin(cursor, event);
	expect(cursor, "@");
	event->start = pages(cursor);
	event->size = sysconf(_SC_PAGESIZE);
	expect(cursor, "(");
	event->gpu_id = hex32(cursor);
	expect(cursor, ") ");
	if (event->kind == AMDSVM_SMI_EVENT_PAGE_FAULT_START)
		event->access = letter(cursor, "RW");
	else
		event->outcome = letter(cursor, "MU");
}

static void parse_queue(struct cursor *cursor, struct amdsvm_event *event)
{
	parse_origin(cursor, event);
	event->gpu_id = hex32(cursor);
	expect(cursor, " ");
	if (event->kind == AMDSVM_SMI_EVENT_QUEUE_EVICTION)
		event->trigger = decimal(cursor);
	else
		event->outcome = letter(cursor, "0R");
}

static void parse_unmap(struct cursor *cursor, struct amdsvm_event *event)
{
	parse_origin(cursor, event);
	parse_span(cursor, event);
	event->gpu_id = hex32(cursor);
	expect(cursor, " ");
	event->trigger = decimal(cursor);
}

static int parse_fields(struct cursor *cursor, struct amdsvm_event *event)
{
	switch (event->kind) {
	case AMDSVM_SMI_EVENT_VMFAULT:
	case AMDSVM_SMI_EVENT_PROCESS_START:
	case AMDSVM_SMI_EVENT_PROCESS_END:
		event->pid = number(cursor, 16, INT32_MAX);
		expect(cursor, event->kind == AMDSVM_SMI_EVENT_VMFAULT ? ":" : " ");
		command(cursor, event);
		return 0;
	case AMDSVM_SMI_EVENT_MIGRATE_START:
	case AMDSVM_SMI_EVENT_MIGRATE_END:
		parse_migrate(cursor, event);
		return 0;
	case AMDSVM_SMI_EVENT_PAGE_FAULT_START:
	case AMDSVM_SMI_EVENT_PAGE_FAULT_END:
		parse_page_fault(cursor, event);
		return 0;
	case AMDSVM_SMI_EVENT_QUEUE_EVICTION:
	case AMDSVM_SMI_EVENT_QUEUE_RESTORE:
		parse_queue(cursor, event);
		return 0;
	case AMDSVM_SMI_EVENT_UNMAP_FROM_GPU:
		parse_unmap(cursor, event);
		return 0;
	case AMDSVM_SMI_EVENT_DROPPED:
		event->time_ns = number(cursor, 10, INT64_MAX);
		expect(cursor, " ");
		event->dropped = number(cursor, 10, UINT64_MAX);
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

AMDSVM_EXPORT int amdsvm_event_parse(const char *line, struct amdsvm_event *event)
{
	struct cursor cursor = { .at = line };
	struct amdsvm_event parsed = {0};
	int ret;

	parsed.kind = hex32(&cursor);
	expect(&cursor, " ");
	if (cursor.bad)
		return -EBADMSG;

	ret = parse_fields(&cursor, &parsed);
	if (ret)
		return ret;
	if (cursor.bad || (!at_end(&cursor) && *cursor.at != ' '))
		return -EBADMSG;

	*event = parsed;
	return 0;
}
