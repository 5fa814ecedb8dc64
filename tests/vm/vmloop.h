/* SPDX-License-Identifier: MIT */
/*
 * Devices that keep using memory while a test changes it: the same packets again
 * and again, so that a change meets an access that is under way.
 */
#ifndef AMDSVM_TESTS_VMLOOP_H
#define AMDSVM_TESTS_VMLOOP_H

#include "vmqueue.h"

/* Jobs of a loop that are submitted at a time. */
#define VM_LOOP_JOBS 2

struct vm_loop {
	uint32_t queue_id;
	uint32_t *packets;
	uint32_t bytes;
	uint32_t repeats;	/* of the body in one job */
	int fds[VM_LOOP_JOBS];	/* oldest first, -1: none */
	uint64_t jobs;		/* completed, all of them without an error */
};

/* A queue of its own on the device; repeats 0: as many as a job can have. */
void vm_loop_start(struct vm_loop *loop, uint32_t gpu_id, const struct vm_packets *body,
		   uint32_t repeats);
/* Looks after it; often enough, or the device runs out of work. */
void vm_loop_feed(struct vm_loop *loop);
/* Lets it finish what was submitted; how often the body was executed in all. */
uint64_t vm_loop_finish(struct vm_loop *loop);
/* Stops it wherever it is. */
void vm_loop_stop(struct vm_loop *loop);

/* ---- how much, how slow ---------------------------------------------------- */

/*
 * All rounds on the stock kernel with private memory, a tenth on the debug kernel
 * and elsewhere: other memory differs little in what rounds are for.
 */
uint32_t vm_loop_rounds(uint32_t rounds);

/*
 * Microseconds that lanes wait between translation and access. What is waited
 * for must be longer than the rest of the call that changes memory after its
 * notifier, or an access that comes too late is over before anybody looks.
 */
void vm_access_delay(uint32_t microseconds);

/*
 * The test on the first processor, lanes on the others. A lane that is held up is
 * busy, and whoever has to share its processor waits for a tick of the clock.
 */
void vm_keep_off_lanes(void);

/* Undoes both. For unchecked fixtures: a failed test leaves them to the next. */
void vm_loop_teardown(void);

/* SET_XNACK_MODE: 0 or a negative errno. */
int vm_set_xnack(int mode);

/* Memory that devices use where it is, which is the system's. */
void *vm_anon_in_place(size_t size);

#endif
