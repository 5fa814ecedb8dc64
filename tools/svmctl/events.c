// SPDX-License-Identifier: MIT
/*
 * svmctl events: what happens to memory and queues, as it happens. A stream is of
 * one device; what concerns several devices comes from each of theirs, and is
 * printed once. What all of them have told is put in the order of time before it
 * is printed.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "event_text.h"
#include "location.h"
#include "stream.h"
#include "svmctl.h"

#define MAX_STREAMS 64

/* All that a stream keeps for its reader. */
#define STREAM_BYTES 16384

/* After the process has ended: what is told of its end takes a moment. */
#define LAST_WORDS_MS 3000

/* An event that was read. What has no time is of that of the one before. */
struct heard {
	uint64_t time_ns;
	size_t number;
	struct amdsvm_event event;
};

struct listener {
	struct heard *heard;
	size_t count_heard;
	size_t room;
	uint64_t times[MAX_STREAMS];	/* of the last event of each */
	struct pollfd fds[MAX_STREAMS + 1];	/* the last one: of the process */
	uint32_t gpu_ids[MAX_STREAMS];
	size_t count;
	uint64_t mask;
	pid_t pid;		/* 0: all processes */
	bool ended;		/* the process has: what is left to read is all */
	bool json;
	uint64_t left;		/* events to print; 0: no limit */
	bool enough;		/* the limit was reached */
};

/* ---- one line ----------------------------------------------------------- */

static bool is_of_process(uint32_t kind)
{
	return kind == AMDSVM_SMI_EVENT_PROCESS_START || kind == AMDSVM_SMI_EVENT_PROCESS_END;
}

/* The first stream has processes, and that of the destination has migrations. */
static bool is_repeated(const struct listener *listener, size_t stream,
			const struct amdsvm_event *event)
{
	size_t i;

	if (is_of_process(event->kind))
		return stream > 0;
	if (!event->from || event->to == listener->gpu_ids[stream])
		return false;
	for (i = 0; i < listener->count; i++)
		if (listener->gpu_ids[i] == event->to)
			return true;
	return false;
}

static int hear(struct listener *listener, size_t stream, const struct amdsvm_event *event)
{
	size_t room = listener->room ? 2 * listener->room : 64;
	struct heard *grown;

	if (listener->count_heard == listener->room) {
		grown = reallocarray(listener->heard, room, sizeof(*grown));
		if (!grown)
			return failed("no memory left for events");
		listener->heard = grown;
		listener->room = room;
	}
	if (event->time_ns)
		listener->times[stream] = event->time_ns;
	listener->heard[listener->count_heard] = (struct heard){
		.time_ns = listener->times[stream],
		.number = listener->count_heard,
		.event = *event,
	};
	listener->count_heard++;
	return SVMCTL_OK;
}

static int take_line(struct listener *listener, size_t stream, const char *line)
{
	struct amdsvm_event event;
	int ret = amdsvm_event_parse(line, &event);

	/* A kind that this library does not know yet. */
	if (ret == -EOPNOTSUPP)
		return SVMCTL_OK;
	if (ret)
		return failed("the driver told what is no event: '%s'; install the driver and svmctl of the same release",
			      line);

	/* Each stream is told, one after the other: that of the first is the one printed. */
	if (event.kind == AMDSVM_SMI_EVENT_PROCESS_END && event.pid == listener->pid && !stream)
		listener->ended = true;
	if (event.kind != AMDSVM_SMI_EVENT_DROPPED &&
	    (!(listener->mask & event_bit(event.kind)) || is_repeated(listener, stream, &event)))
		return SVMCTL_OK;

	return hear(listener, stream, &event);
}

static int compare_heard(const void *left, const void *right)
{
	const struct heard *a = left, *b = right;

	if (a->time_ns != b->time_ns)
		return a->time_ns < b->time_ns ? -1 : 1;
	return a->number < b->number ? -1 : 1;
}

/* Those that were heard, until there are enough. */
static void print_heard(struct listener *listener)
{
	const struct amdsvm_event *event;
	size_t i;

	if (listener->count_heard)
		qsort(listener->heard, listener->count_heard, sizeof(*listener->heard),
		      compare_heard);
	for (i = 0; i < listener->count_heard && !listener->enough; i++) {
		event = &listener->heard[i].event;
		if (listener->json)
			event_print_json(event);
		else
			event_print(event);
		if (event->kind != AMDSVM_SMI_EVENT_DROPPED && listener->left)
			listener->enough = !--listener->left;
	}
	listener->count_heard = 0;
}

/* ---- streams ------------------------------------------------------------ */

/* What there is. The stream that has ended is not looked at again. */
static int take_lines(struct listener *listener, size_t stream)
{
	struct pollfd *fd = &listener->fds[stream];
	char text[STREAM_BYTES + 1], *line, *rest;
	ssize_t got = read(fd->fd, text, sizeof(text) - 1);
	int ret = SVMCTL_OK;

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return SVMCTL_OK;
	if (got < 0)
		return failed("cannot read events: %m");
	if (!got) {
		close(fd->fd);
		fd->fd = -1;
		return SVMCTL_OK;
	}

	text[got] = '\0';
	for (line = strtok_r(text, "\n", &rest); line && !ret; line = strtok_r(NULL, "\n", &rest))
		ret = take_line(listener, stream, line);
	return ret;
}

static bool has_streams(const struct listener *listener)
{
	size_t i;

	for (i = 0; i < listener->count; i++)
		if (listener->fds[i].fd >= 0)
			return true;
	return false;
}

static int listen_on(struct listener *listener)
{
	struct pollfd *process = &listener->fds[listener->count];
	bool last_words = false;
	size_t i;
	int ret;

	while (has_streams(listener) && !listener->enough) {
		ret = stream_poll(listener->fds, listener->count + 1,
				  listener->ended ? 0 : last_words ? LAST_WORDS_MS : -1);
		if (ret <= 0)
			return SVMCTL_OK;
		for (i = 0, ret = SVMCTL_OK; i < listener->count && !ret; i++)
			if (listener->fds[i].revents)
				ret = take_lines(listener, i);
		print_heard(listener);
		if (ret)
			return ret;
		if (process->revents) {
			last_words = true;
			process->fd = -1;
		}
		if (!stream_flush())
			return SVMCTL_OK;
	}
	return SVMCTL_OK;
}

static int open_failed(const struct listener *listener, int err)
{
	if (err == -EPERM && !listener->pid)
		return failed("events of all processes take CAP_SYS_ADMIN: run as root, or give --pid PID");
	if (err == -EMFILE)
		return failed("there are too many streams of events of this process: end another 'svmctl events'");
	return call_failed("events", listener->pid, err);
}

static int open_stream(struct listener *listener, struct amdsvm_context *ctx, uint32_t gpu_id)
{
	uint64_t mask = listener->mask;
	int fd, ret;

	/* Its end is the end of what there is to hear. */
	if (listener->pid)
		mask |= event_bit(AMDSVM_SMI_EVENT_PROCESS_END);
	else
		mask |= event_bit(AMDSVM_SMI_EVENT_ALL_PROCESS);
	ret = amdsvm_events_open(ctx, gpu_id, mask, &fd);
	if (ret)
		return open_failed(listener, ret);

	listener->gpu_ids[listener->count] = gpu_id;
	listener->fds[listener->count++] = (struct pollfd){ .fd = fd, .events = POLLIN };
	return SVMCTL_OK;
}

/* @gpu_id 0: of all devices. */
static int open_streams(struct listener *listener, struct amdsvm_context *ctx, uint32_t gpu_id)
{
	struct amdsvm_device_info *devices;
	size_t count, i;
	int ret;

	if (gpu_id) {
		ret = open_stream(listener, ctx, gpu_id);
	} else {
		ret = amdsvm_get_devices(ctx, &devices, &count);
		if (ret)
			return call_failed("events", listener->pid, ret);
		for (i = 0; i < count && i < MAX_STREAMS && !ret; i++)
			ret = open_stream(listener, ctx, devices[i].gpu_id);
		amdsvm_free_devices(devices);
	}

	listener->fds[listener->count] = (struct pollfd){
		.fd = listener->pid ? syscall(SYS_pidfd_open, listener->pid, 0) : -1,
		.events = POLLIN,
	};
	return ret;
}

static int events(struct listener *listener, const char *gpu, const struct location *location)
{
	struct amdsvm_context *ctx;
	uint32_t gpu_id;
	int ret;

	ret = listener->pid ? open_process(listener->pid, &ctx) : open_driver(&ctx);
	if (ret)
		return ret;
	ret = resolve_device(ctx, gpu, location, &gpu_id);
	if (!ret)
		ret = open_streams(listener, ctx, gpu_id);
	/* Or the process would never seem to end: its file would be ours. */
	amdsvm_close(ctx);
	if (ret)
		return ret;

	stream_begin();
	/* It says as well that from now on nothing is missed. */
	if (!listener->json)
		event_print_header();
	ret = stream_flush() ? listen_on(listener) : SVMCTL_OK;
	free(listener->heard);
	return ret;
}

/* ---- the command line --------------------------------------------------- */

static int choose_events(const struct command *cmd, int argc, char **argv, uint64_t *mask)
{
	uint64_t more;
	int i;

	*mask = argc ? 0 : event_all();
	for (i = 0; i < argc; i++) {
		more = event_mask(argv[i]);
		if (!more)
			return misused(cmd, "there is no event '%s'", argv[i]);
		*mask |= more;
	}
	return SVMCTL_OK;
}

static int run(const struct command *cmd, int argc, char **argv)
{
	static const struct option options[] = {
		{ "pid", required_argument, NULL, 'p' },
		{ "all", no_argument, NULL, 'a' },
		{ "gpu", required_argument, NULL, 'g' },
		{ "count", required_argument, NULL, 'n' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct location location = { .kind = LOCATION_ALL };
	const char *gpu = NULL, *why = NULL;
	struct listener listener = {0};
	bool all = false;
	int c, ret;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":p:ag:n:jh", options, NULL)) != -1) {
		switch (c) {
		case 'p':
			if (!parse_pid(optarg, &listener.pid))
				return misused(cmd, "'%s' is no process id", optarg);
			break;
		case 'a':
			all = true;
			break;
		case 'g':
			gpu = optarg;
			why = parse_device(gpu, &location);
			break;
		case 'n':
			if (!parse_count(optarg, &listener.left))
				return misused(cmd, "'%s' is no number of events", optarg);
			break;
		case 'j':
			listener.json = true;
			break;
		case 'h':
			return print_command_help(cmd);
		default:
			return bad_option(cmd, c, argv);
		}
	}
	if (all == !!listener.pid)
		return misused(cmd, "whose events: --pid PID, or --all for those of every process (that takes CAP_SYS_ADMIN)");
	if (why)
		return misused(cmd, "device '%s' %s", gpu, why);
	ret = choose_events(cmd, argc - optind, argv + optind, &listener.mask);
	return ret ? ret : events(&listener, gpu, &location);
}

const struct command cmd_events = {
	.name = "events",
	.arguments = "--pid PID|--all [--gpu DEVICE] [--count N] [--json] [EVENT...]",
	.summary = "print what happens to memory and queues, as it happens",
	.help = "  -p, --pid PID     the process; it must have /dev/amdsvm open\n"
		"  -a, --all         all processes; needs CAP_SYS_ADMIN\n"
		"  -g, --gpu DEVICE  of one device: its index, or its gpu_id (0x...)\n"
		"  -n, --count N     end after so many events\n"
		"  -j, --json        print JSON, a line an event\n"
		"  EVENT             vmfault migrate-start migrate-end page-fault-start\n"
		"                    page-fault-end queue-eviction queue-restore unmap-from-gpu\n"
		"                    process-start process-end; or what several begin with:\n"
		"                    migrate page-fault queue process. Without EVENT: all.\n"
		"\n"
		"SECONDS is the boot time clock. Ends with the process, on SIGINT and SIGTERM,\n"
		"and when nobody reads any more. What is lost, because the reader is too slow, is\n"
		"counted in a line 'dropped'.\n",
	.run = run,
};
