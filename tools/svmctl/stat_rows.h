/* SPDX-License-Identifier: MIT */
/*
 * Where svmctl stat (stat.c) takes its counters from (stat_rows.c).
 */
#ifndef SVMCTL_STAT_ROWS_H
#define SVMCTL_STAT_ROWS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "counters.h"

/* Directories of processes, in them of devices, in them a file for each counter. */
#define STAT_DIRECTORY "/sys/class/misc/amdsvm/processes"

/* One process and device. */
struct stat_row {
	pid_t pid;
	uint64_t id;	/* not 0: tells processes of one pid apart */
	uint32_t gpu_id;
	uint64_t values[NCOUNTERS];
};

struct stat_rows {
	struct stat_row *rows;
	size_t count;
	size_t room;
	size_t hidden;	/* processes of others, which the caller may not look at */
};

/*
 * stat_of_directory() - the counters of all processes, in the order of pid, id
 * and gpu_id. Those that end meanwhile are left out.
 * @path: STAT_DIRECTORY, or a test's.
 * @rows: to be freed with stat_free().
 *
 * Return: 0 or a negative errno; -ENOENT: the driver is not there.
 */
int stat_of_directory(const char *path, struct stat_rows *rows);

/*
 * stat_of_process() - the counters of one process.
 * @ctx: its context.
 *
 * Return: 0 or a negative errno.
 */
int stat_of_process(struct amdsvm_context *ctx, pid_t pid, struct stat_rows *rows);

/*
 * stat_between() - what happened in the processes and devices of @now since
 * @before; all of it in those that had not begun.
 * @since: to be freed with stat_free(); so it may be after an error.
 *
 * Return: 0 or -ENOMEM.
 */
int stat_between(const struct stat_rows *before, const struct stat_rows *now,
		 struct stat_rows *since);

/* stat_free() - free what the others made; it is empty then. */
void stat_free(struct stat_rows *rows);

#endif /* SVMCTL_STAT_ROWS_H */
