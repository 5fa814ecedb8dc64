/* SPDX-License-Identifier: MIT */
/*
 * Executing a script of svmctl run-packets: run_packets.c goes through the
 * statements, runner_queue.c has the packets, runner_memory.c the buffers. What
 * fails says so in one sentence, with the line, and ends the script.
 */
#ifndef SVMCTL_RUNNER_H
#define SVMCTL_RUNNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <amdsvm/amdsvm.h>
#include <json-c/json.h>

#include "script.h"

/* Where the packets of a statement begin. */
struct runner_mark {
	size_t offset;
	const struct script_statement *statement;
};

/* What was submitted together and is not known to be done. */
struct runner_job {
	int fd;
	struct runner_mark *marks;
	size_t nmarks;
};

struct runner {
	const struct script *script;
	const char *name;		/* of the script, for sentences */
	struct amdsvm_context *ctx;
	uint32_t gpu_id;
	uint32_t queue;
	char **memory;			/* of each buffer of the script */
	struct amdsvm_packets *packets;	/* not submitted yet */
	struct runner_mark *marks;
	size_t nmarks;
	struct runner_job *jobs;
	size_t njobs;
	struct json_object *results;	/* NULL: text to stdout */
	/* Of jobs that are done. */
	uint64_t jobs_done;
	uint64_t packets_done;
	uint64_t traps;
	char error[512];		/* the sentence, once something failed */
};

/* runner_failed() - what went wrong in a statement; SVMCTL_FAILED. */
__attribute__((format(printf, 3, 4)))
int runner_failed(struct runner *runner, const struct script_statement *statement,
		  const char *format, ...);

/* runner_result() - a member of "results" for a statement, or NULL without JSON. */
struct json_object *runner_result(struct runner *runner,
				  const struct script_statement *statement);

/* ---- runner_memory.c ---- */

/* runner_get_memory() - make and fill all buffers; the sentence is said. */
int runner_get_memory(struct runner *runner);
void runner_put_memory(struct runner *runner);

/* runner_value() - the number that an operand is: with a buffer, an address. */
uint64_t runner_value(const struct runner *runner, const struct script_operand *operand);

/* runner_place() - an address as NAME+OFFSET too, if it is in a buffer. */
#define RUNNER_PLACE_TEXT 160
char *runner_place(const struct runner *runner, uint64_t address, char *text);

int runner_attr(struct runner *runner, const struct script_statement *statement);
int runner_expect(struct runner *runner, const struct script_statement *statement);
int runner_dump(struct runner *runner, const struct script_statement *statement);
int runner_sha256(struct runner *runner, const struct script_statement *statement);

/* ---- runner_queue.c ---- */

/* runner_packet() - append the packet of a statement; submits when there is no room. */
int runner_packet(struct runner *runner, const struct script_statement *statement);

/* runner_submit() - submit what was appended, if anything was. */
int runner_submit(struct runner *runner);

/* runner_wait() - submit, and wait for all jobs; the first one that failed tells. */
int runner_wait(struct runner *runner);

/* runner_cancel() - forget what is not done. */
void runner_cancel(struct runner *runner);

#endif /* SVMCTL_RUNNER_H */
