/* SPDX-License-Identifier: MIT */
/*
 * Commands that go on until somebody has enough: they end well on SIGINT and
 * SIGTERM, and when nobody reads them any more.
 */
#ifndef SVMCTL_STREAM_H
#define SVMCTL_STREAM_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

/* stream_begin() - from now on signals end the stream and not the program. */
void stream_begin(void);

/*
 * stream_poll() - wait for descriptors or for time to pass.
 * @fds: may be NULL when @n is 0.
 * @timeout_ms: negative: for ever.
 *
 * Return: as poll(2), 0 after a time-out; negative when the stream is to end: a
 * signal came.
 */
int stream_poll(struct pollfd *fds, nfds_t n, int timeout_ms);

/*
 * stream_flush() - what was printed goes out now, however it is buffered.
 *
 * Return: false when the stream is to end: a signal came, or nobody reads. Other
 * errors stay with stdout, where main() finds them.
 */
bool stream_flush(void);

/* parse_seconds() - above 0, at most a day, as "2" or "0.5"; in milliseconds. */
bool parse_seconds(const char *text, int *milliseconds);

/* parse_count() - decimal, above 0. */
bool parse_count(const char *text, uint64_t *count);

#endif /* SVMCTL_STREAM_H */
