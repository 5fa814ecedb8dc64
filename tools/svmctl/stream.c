// SPDX-License-Identifier: MIT
/*
 * Commands that go on until somebody has enough.
 *
 * The signals are blocked between looking whether one came and waiting, and at
 * no other time: a write to a reader that is slow has to be interrupted too.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stream.h"
#include "units.h"

#define DAY_MS 86400000

static volatile sig_atomic_t over;

static void end_stream(int signal)
{
	(void)signal;
	over = 1;
}

void stream_begin(void)
{
	/* No SA_RESTART: whatever waits is to come back. */
	const struct sigaction end = { .sa_handler = end_stream };
	const struct sigaction ignore = { .sa_handler = SIG_IGN };

	sigaction(SIGINT, &end, NULL);
	sigaction(SIGTERM, &end, NULL);
	/* EPIPE says the same, and can be looked at. */
	sigaction(SIGPIPE, &ignore, NULL);
}

int stream_poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
	const struct timespec timeout = {
		.tv_sec = timeout_ms / 1000,
		.tv_nsec = timeout_ms % 1000 * 1000000L,
	};
	sigset_t signals, before;
	int ret = -1;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, &before);
	/* Other signals, of a terminal that stops and goes on, end nothing. */
	while (!over && ret < 0) {
		ret = ppoll(fds, n, timeout_ms < 0 ? NULL : &timeout, &before);
		if (ret < 0 && errno != EINTR)
			break;
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	return over ? -1 : ret;
}

bool stream_flush(void)
{
	bool ended = fflush(stdout) && (errno == EPIPE || errno == EINTR);

	if (!ended && !over)
		return !ferror(stdout);

	/* What is left in the buffer has no reader, and is nobody's failure. */
	if (ended && !freopen("/dev/null", "w", stdout))
		_Exit(0);
	return false;
}

bool parse_seconds(const char *text, int *milliseconds)
{
	double seconds;
	char *end;

	/* strtod() knows signs, exponents, hexadecimal and nan. */
	if (strspn(text, "0123456789.") != strlen(text))
		return false;
	seconds = strtod(text, &end);
	if (end == text || *end || seconds < 0.001 || seconds > DAY_MS / 1000)
		return false;
	*milliseconds = seconds * 1000 + 0.5;
	return true;
}

bool parse_count(const char *text, uint64_t *count)
{
	const char *end;

	return parse_number(text, &end, count) && !*end && *count;
}
