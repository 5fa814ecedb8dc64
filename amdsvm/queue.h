/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Queues of packets: what a device executes for a process.
 */
#ifndef SVM_QUEUE_H
#define SVM_QUEUE_H

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/types.h>
#include <linux/wait.h>

#include "amdsvm_packets.h"
#include "packet.h"

struct svm_device;
struct svm_fault;
struct svm_job;
struct svm_process;
struct svm_space;

enum svm_queue_state {
	SVM_QUEUE_IDLE,		/* no job */
	SVM_QUEUE_READY,	/* on the list of its device */
	SVM_QUEUE_RUNNING,	/* a lane has it */
	SVM_QUEUE_STALLED,	/* waits for a replay, on the list of its space */
	SVM_QUEUE_STOPPED	/* after an error or when destroyed */
};

/* How a device uses memory; what a fault asks for. */
enum svm_access {
	SVM_ACCESS_READ		= 0,
	SVM_ACCESS_WRITE	= 1 << 0,
	SVM_ACCESS_EXEC		= 1 << 1,
	SVM_ACCESS_ATOMIC	= 1 << 2	/* comes with WRITE */
};

/**
 * struct svm_exec - how far a queue is in its first job
 * @packet: decoded, when @decoded
 * @decoded: @packet is valid
 * @offset: of @packet in the job, words
 * @begun: CHASE: @node is valid
 * @done: how much of the packet is done, in its own units
 * @node: CHASE: the next node
 * @last: CHASE: the one before
 * @nodes: CHASE: visited
 * @sum: CHASE, REDUCE: so far
 * @packets: executed
 * @traps: of these TRAP
 * @last_trap: context of the last one
 */
struct svm_exec {
	struct svm_packet packet;
	bool decoded;
	bool begun;
	u32 offset;
	u64 done;
	u64 node;
	u64 last;
	u64 nodes;
	u64 sum;
	u64 packets;
	u32 traps;
	u32 last_trap;
};

/**
 * struct svm_queue - packets of one process for one device, in order
 * @refs: table of the process, lane, users
 * @space: what it sees; the queue holds its process
 * @id: name for users
 * @wait: those who wait until no lane has the queue and all its jobs ended
 * @all: in the list of the space
 * @state: with all that follows down to @exec under queue_lock of the device
 * @stopping: the lane shall let go
 * @ending: stopped, but not all that wait for jobs were told
 * @link: in the list that @state says
 * @jobs: not completed, oldest first
 * @nr_jobs: their number
 * @stall: number of the last stall
 * @fault_addr: what it stalled at, bytes
 * @fault_access: enum svm_access
 * @exec: the lane's while RUNNING, nobody's else
 */
struct svm_queue {
	struct kref refs;
	struct svm_space *space;
	u32 id;
	wait_queue_head_t wait;
	struct list_head all;

	enum svm_queue_state state;
	bool stopping;
	bool ending;
	struct list_head link;
	struct list_head jobs;
	unsigned int nr_jobs;
	u64 stall;
	unsigned long fault_addr;
	unsigned int fault_access;

	struct svm_exec exec;
};

/* For devices. */
struct svm_queue *svm_queue_take(struct svm_device *device);
struct svm_job *svm_queue_job(struct svm_queue *queue);
void svm_queue_job_done(struct svm_queue *queue, int status);
void svm_queue_yield(struct svm_queue *queue);
void svm_queue_stop(struct svm_queue *queue, int status, unsigned long addr);
void svm_queue_stall(struct svm_queue *queue, unsigned long addr,
		     unsigned int access);

/* For the fault service. */
void svm_queue_replay(struct svm_space *space, unsigned long block, u64 stalls);
unsigned int svm_queue_faults(struct svm_space *space, unsigned long block,
			      struct svm_fault *fault);
void svm_queue_fail(struct svm_space *space, const struct svm_fault *fault,
		    u64 stalls, int status);
void svm_queue_fail_all(struct svm_space *space, int status);

/* Between queue.c and stalled.c. */
void svm_queue_ready(struct svm_queue *queue);
void svm_queue_stop_locked(struct svm_queue *queue, struct list_head *jobs);
void svm_queue_end_jobs(struct svm_queue *queue, struct list_head *jobs,
			const struct amdsvm_result *first);
struct amdsvm_result svm_queue_result(const struct svm_queue *queue, int status);

/* For the calls. */
struct svm_queue *svm_queue_create(struct svm_space *space);
void svm_queue_destroy(struct svm_queue *queue);
void svm_queue_put(struct svm_queue *queue);
int svm_queue_add(struct svm_queue *queue, struct svm_job *job);
bool svm_queues_busy(struct svm_process *process);

void svm_queues_init(struct svm_process *process);
void svm_queues_destroy(struct svm_process *process);

void svm_device_queues_init(struct svm_device *device);

#endif /* SVM_QUEUE_H */
