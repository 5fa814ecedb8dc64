/* SPDX-License-Identifier: MIT */
/*
 * What all commands of svmctl share: the command table's entry, the exit codes,
 * and the sentences for what goes wrong.
 */
#ifndef SVMCTL_H
#define SVMCTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <amdsvm/amdsvm.h>

enum svmctl_exit {
	SVMCTL_OK = 0,
	SVMCTL_FAILED = 1,
	SVMCTL_USAGE = 2,
};

struct location;

/* Every command has these three and nothing else that main() knows of. */
struct command {
	const char *name;
	const char *arguments;	/* for the synopsis */
	const char *summary;	/* one line of help */
	const char *help;	/* options and arguments, a line each; may be NULL */
	int (*run)(const struct command *cmd, int argc, char **argv);
};

extern const struct command cmd_devices, cmd_doctor, cmd_query, cmd_stat, cmd_events,
	cmd_prefetch, cmd_evict, cmd_run_packets, cmd_demo;

/* ---- svmctl.c ---- */

/* print_command_help() - the help of one command, to stdout; SVMCTL_OK. */
int print_command_help(const struct command *cmd);

/* ---- error.c ---- */

/* failed() - one sentence to stderr that says what to do next; SVMCTL_FAILED. */
__attribute__((format(printf, 1, 2)))
int failed(const char *fmt, ...);

/* misused() - the same for a wrong command line, with a hint at --help; SVMCTL_USAGE. */
__attribute__((format(printf, 2, 3)))
int misused(const struct command *cmd, const char *fmt, ...);

/* bad_option() - misused() for what getopt_long() returned '?' or ':' for. */
int bad_option(const struct command *cmd, int result, char **argv);

/* error_name() - "EFAULT" and the like, for programs; @err is positive. */
const char *error_name(int err);

/* parse_pid() - a process id above 0; false if @text is none. */
bool parse_pid(const char *text, pid_t *pid);

/* ---- driver.c ---- */

/*
 * open_sentence() - what keeps /dev/amdsvm from being opened, and what to do.
 * @err: negative errno of amdsvm_open().
 */
void open_sentence(int err, char *sentence, size_t size);

/* open_driver() - amdsvm_open(), with a sentence when it fails. */
int open_driver(struct amdsvm_context **ctx);

/* open_process() - amdsvm_open_pid(), with a sentence when it fails. */
int open_process(pid_t pid, struct amdsvm_context **ctx);

/* call_failed() - the sentence for an error of a library call on a process. */
int call_failed(const char *what, pid_t pid, int err);

/*
 * resolve_device() - the gpu_id of a location, 0 for system memory and for all
 * devices, with a sentence when there is no such device.
 * @text: the location as it was given.
 */
int resolve_device(struct amdsvm_context *ctx, const char *text,
		   const struct location *location, uint32_t *gpu_id);

/* ---- memory.c ---- */

/* memory_kind_name() - "none", "private" or "coherent". */
const char *memory_kind_name(uint32_t kind);

/* memory_reason_text() - why devices have no memory. */
const char *memory_reason_text(uint32_t reason);

/* memory_reason_advice() - what to do about it. */
const char *memory_reason_advice(uint32_t reason);

#endif /* SVMCTL_H */
