// SPDX-License-Identifier: MIT
/*
 * A progress bar on stderr, for terminals only. It has no colours, so NO_COLOR
 * has nothing to switch off.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "progress.h"

#define BAR_WIDTH 40

/* A dumb terminal cannot go back to the start of its line. */
static bool has_terminal(void)
{
	const char *term = getenv("TERM");

	return isatty(STDERR_FILENO) && term && strcmp(term, "dumb");
}

void progress_show(const char *what, uint64_t done, uint64_t total)
{
	static const char bar[] = "########################################";
	int filled, percent;

	if (!total || !has_terminal())
		return;

	filled = done * BAR_WIDTH / total;
	percent = done * 100 / total;
	fprintf(stderr, "\r%-24s [%-*.*s] %3d%%", what, BAR_WIDTH, filled, bar, percent);
	fflush(stderr);
}

void progress_clear(void)
{
	if (!has_terminal())
		return;

	fprintf(stderr, "\r%*s\r", 24 + BAR_WIDTH + 10, "");
	fflush(stderr);
}
