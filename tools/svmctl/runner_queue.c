// SPDX-License-Identifier: MIT
/*
 * Packets of scripts: appended, submitted, waited for, and found again by the line
 * that they came from.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "output.h"
#include "runner.h"
#include "script_words.h"
#include "svmctl.h"

/* ---- appending ---------------------------------------------------------- */

/* Both kinds: 32-bit words go through 64-bit operands in the script. */
static int append_write(struct runner *runner, const struct script_statement *s, bool wide)
{
	const uint64_t dst = runner_value(runner, &s->operands[0]);
	uint32_t words[2 * SCRIPT_MAX_WORDS];
	size_t n = 0, i;
	uint64_t value;

	for (i = 1; i < s->count; i++) {
		value = runner_value(runner, &s->operands[i]);
		words[n++] = value;
		if (wide)
			words[n++] = value >> 32;
	}
	return amdsvm_packets_write(runner->packets, dst, words, n);
}

static int append(struct runner *runner, const struct script_statement *s)
{
	struct amdsvm_packets *packets = runner->packets;
	uint64_t v[5] = {0};
	size_t i;

	for (i = 0; i < s->count && i < 5; i++)
		v[i] = runner_value(runner, &s->operands[i]);

	switch (s->op) {
	case SCRIPT_NOP:
		return amdsvm_packets_nop(packets, v[0]);
	case SCRIPT_COPY:
		return amdsvm_packets_copy(packets, v[1], v[0], v[2]);
	case SCRIPT_WRITE:
		return append_write(runner, s, false);
	case SCRIPT_WRITE64:
		return append_write(runner, s, true);
	case SCRIPT_FILL:
		return amdsvm_packets_fill(packets, v[0], v[1], v[2]);
	case SCRIPT_FENCE:
		return amdsvm_packets_fence(packets, v[0], v[1]);
	case SCRIPT_TRAP:
		return amdsvm_packets_trap(packets, v[0]);
	case SCRIPT_TIMESTAMP:
		return amdsvm_packets_timestamp(packets, v[0]);
	case SCRIPT_ATOMIC:
		return amdsvm_packets_atomic(packets, s->keyword, v[0], v[1], v[2]);
	case SCRIPT_TOUCH:
		return amdsvm_packets_touch(packets, s->keyword, v[0], v[1], v[2]);
	case SCRIPT_GATHER:
		return amdsvm_packets_gather(packets, v[0], v[1], v[2], v[3]);
	case SCRIPT_SCATTER:
		return amdsvm_packets_scatter(packets, v[0], v[1], v[2], v[3]);
	case SCRIPT_CHASE:
		return amdsvm_packets_chase(packets, v[0], v[1], v[2], v[3], v[4]);
	case SCRIPT_TRIAD:
		return amdsvm_packets_triad(packets, v[0], v[1], v[2], v[3], v[4]);
	case SCRIPT_REDUCE:
		return amdsvm_packets_reduce(packets, v[2], v[0], v[1]);
	default:
		return -EINVAL;
	}
}

int runner_packet(struct runner *runner, const struct script_statement *statement)
{
	size_t offset = amdsvm_packets_bytes(runner->packets);
	int ret = append(runner, statement);

	if (ret == -ENOSPC && offset) {
		ret = runner_submit(runner);
		if (ret)
			return ret;
		offset = 0;
		ret = append(runner, statement);
	}
	if (ret == -EINVAL)
		return runner_failed(runner, statement,
				     "a number does not fit into the packet: svmctl(8) has the limits");
	if (ret == -ENOSPC)
		return runner_failed(runner, statement,
				     "it makes more packets than one submission takes: do it in parts");
	if (ret)
		return runner_failed(runner, statement, "%s", strerror(-ret));

	runner->marks = script_grow(runner->marks, runner->nmarks, sizeof(*runner->marks));
	runner->marks[runner->nmarks++] = (struct runner_mark){ offset, statement };
	return SVMCTL_OK;
}

/* ---- waiting ------------------------------------------------------------ */

/* The statement whose packet it is: the last one that begins at or before it. */
static const struct script_statement *statement_at(const struct runner_job *job, size_t offset)
{
	size_t i = job->nmarks;

	while (--i && job->marks[i].offset > offset)
		;
	return job->marks[i].statement;
}

static int job_failed(struct runner *runner, const struct runner_job *job,
		      const struct amdsvm_result *result)
{
	const struct script_statement *s = statement_at(job, result->packet_offset);
	char place[RUNNER_PLACE_TEXT];

	runner_place(runner, result->address, place);
	switch (result->status) {
	case -EBADMSG:
		return runner_failed(runner, s, "the device finds the packet malformed (EBADMSG): an address is not aligned, a count is 0, or it ends above 48 bits; svmctl(8) has the rules");
	case -EFAULT:
		return runner_failed(runner, s, "there is no memory at %s, or none that devices can share (EFAULT)",
				     place);
	case -EACCES:
		return runner_failed(runner, s, "the device may not use the memory at %s so (EACCES)",
				     place);
	case -EOPNOTSUPP:
		return runner_failed(runner, s, "the device has no atomics on the memory at %s (EOPNOTSUPP): move it to the device first",
				     place);
	default:
		return runner_failed(runner, s, "the device stopped: %s (%s)",
				     strerror(-result->status), error_name(-result->status));
	}
}

static void job_json(struct runner *runner, const struct runner_job *job,
		     const struct amdsvm_result *result)
{
	struct json_object *object = runner_result(runner, job->marks[0].statement);

	if (!object)
		return;
	json_set_string(object, "status", "%s",
			result->status ? error_name(-result->status) : "OK");
	json_set_u64(object, "packets", result->packets);
	json_set_u64(object, "packet_offset", result->packet_offset);
	if (result->status && result->address)
		json_set_string(object, "address", "0x%jx", (uintmax_t)result->address);
	json_set_u64(object, "traps", result->traps);
	json_set_u64(object, "last_trap", result->last_trap);
}

static int wait_job(struct runner *runner, const struct runner_job *job)
{
	struct amdsvm_result result = {0};
	int ret = amdsvm_wait(job->fd, -1, &result);

	if (ret)
		return runner_failed(runner, job->marks[0].statement, "cannot wait: %s",
				     strerror(-ret));
	job_json(runner, job, &result);
	runner->jobs_done++;
	runner->packets_done += result.packets;
	runner->traps += result.traps;
	return result.status ? job_failed(runner, job, &result) : SVMCTL_OK;
}

static void forget_jobs(struct runner *runner)
{
	size_t i;

	for (i = 0; i < runner->njobs; i++) {
		close(runner->jobs[i].fd);
		free(runner->jobs[i].marks);
	}
	free(runner->jobs);
	runner->jobs = NULL;
	runner->njobs = 0;
}

static int wait_jobs(struct runner *runner)
{
	int ret = SVMCTL_OK;
	size_t i;

	for (i = 0; i < runner->njobs && !ret; i++)
		ret = wait_job(runner, &runner->jobs[i]);
	forget_jobs(runner);
	return ret;
}

int runner_wait(struct runner *runner)
{
	int ret = runner_submit(runner);

	return ret ? ret : wait_jobs(runner);
}

/* ---- submitting --------------------------------------------------------- */

/* A queue that has stopped says -EIO; the job that stopped it says why. */
static int submit_failed(struct runner *runner, int err)
{
	const struct script_statement *first = runner->marks[0].statement;

	if (err == -EIO && wait_jobs(runner))
		return SVMCTL_FAILED;
	return runner_failed(runner, first, "cannot submit: %s", strerror(-err));
}

int runner_submit(struct runner *runner)
{
	struct runner_job *job;
	int fd, ret;

	if (!runner->nmarks)
		return SVMCTL_OK;

	do {
		ret = amdsvm_submit(runner->ctx, runner->queue,
				    amdsvm_packets_data(runner->packets),
				    amdsvm_packets_bytes(runner->packets), &fd);
		/* The queue is full. */
		if (ret == -EAGAIN && runner->njobs && wait_jobs(runner))
			return SVMCTL_FAILED;
	} while (ret == -EAGAIN);
	if (ret)
		return submit_failed(runner, ret);

	runner->jobs = script_grow(runner->jobs, runner->njobs, sizeof(*runner->jobs));
	job = &runner->jobs[runner->njobs++];
	*job = (struct runner_job){ fd, runner->marks, runner->nmarks };
	runner->marks = NULL;
	runner->nmarks = 0;
	amdsvm_packets_reset(runner->packets);
	return SVMCTL_OK;
}

void runner_cancel(struct runner *runner)
{
	forget_jobs(runner);
	free(runner->marks);
	runner->marks = NULL;
	runner->nmarks = 0;
}
