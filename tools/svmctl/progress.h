/* SPDX-License-Identifier: MIT */
/*
 * A progress bar on stderr, for terminals only.
 */
#ifndef SVMCTL_PROGRESS_H
#define SVMCTL_PROGRESS_H

#include <stdint.h>

/* progress_show() - draw the bar; nothing without a terminal. */
void progress_show(const char *what, uint64_t done, uint64_t total);

/* progress_clear() - give the line back. */
void progress_clear(void);

#endif /* SVMCTL_PROGRESS_H */
