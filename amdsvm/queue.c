// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Queues: what state they are in, who has them, how they end.
 *
 *	IDLE --submit--> READY --take--> RUNNING --no more jobs--> IDLE
 *	                   ^                | yield -----------> READY
 *	                   +---replay--- STALLED <--stall--+
 *	any --error, destroy--> STOPPED
 *
 * The calls that users make are in queuecall.c, what the fault service does with queues
 * that stalled is in stalled.c.
 *
 * Locks: queue_lock of the device, a spinlock, for states and lists. Lanes take
 * it, so nothing is waited for under it. Jobs are completed without it.
 */
#include <linux/mm.h>
#include <linux/slab.h>

#include "event.h"
#include "fault.h"
#include "job.h"
#include "pagetable.h"
#include "process.h"
#include "queue.h"
#include "restore.h"
#include "server.h"
#include "space.h"

/**
 * svm_device_queues_init() - a new device
 * @device: the device
 */
void svm_device_queues_init(struct svm_device *device)
{
	spin_lock_init(&device->queue_lock);
	INIT_LIST_HEAD(&device->ready);
	init_waitqueue_head(&device->ready_wait);
}

static void queue_free(struct kref *ref)
{
	struct svm_queue *queue = container_of(ref, struct svm_queue, refs);
	struct svm_process *process = queue->space->process;

	kfree(queue);
	svm_process_put(process);
}

/**
 * svm_queue_put() - drop a reference
 * @queue: the queue
 *
 * Context: any.
 */
void svm_queue_put(struct svm_queue *queue)
{
	kref_put(&queue->refs, queue_free);
}

/**
 * svm_queue_ready() - lanes may take it
 * @queue: in no list
 *
 * Context: queue_lock of the device held.
 */
void svm_queue_ready(struct svm_queue *queue)
{
	struct svm_device *device = queue->space->device;

	queue->state = SVM_QUEUE_READY;
	list_add_tail(&queue->link, &device->ready);
	wake_up(&device->ready_wait);
}

/**
 * svm_queue_stop_locked() - take a queue out of the game
 * @queue: in any state
 * @jobs: its jobs are added, for svm_queue_end_jobs()
 *
 * Context: queue_lock of the device held.
 */
void svm_queue_stop_locked(struct svm_queue *queue, struct list_head *jobs)
{
	if (queue->state == SVM_QUEUE_READY || queue->state == SVM_QUEUE_STALLED)
		list_del_init(&queue->link);
	if (queue->state == SVM_QUEUE_STALLED)
		svm_fault_drop(queue->space, queue->fault_addr,
			       queue->fault_access);
	queue->state = SVM_QUEUE_STOPPED;
	queue->nr_jobs = 0;
	queue->ending |= !list_empty(&queue->jobs);
	list_splice_tail_init(&queue->jobs, jobs);
	wake_up_all(&queue->wait);
}

static void end_job(struct svm_process *process, struct svm_job *job,
		    const struct amdsvm_result *result)
{
	atomic_long_sub(job->words, &process->pending_words);
	svm_job_complete(job, result);
	svm_job_put(job);
}

/**
 * svm_queue_end_jobs() - tell those who wait for the jobs of a stopped queue
 * @queue: the queue; the caller has a reference
 * @jobs: from svm_queue_stop_locked(), which may have had none
 * @first: what the first job gets, NULL: as the others, -ECANCELED
 *
 * Context: may sleep.
 */
void svm_queue_end_jobs(struct svm_queue *queue, struct list_head *jobs,
			const struct amdsvm_result *first)
{
	const struct amdsvm_result cancelled = { .status = -ECANCELED };
	struct svm_device *device = queue->space->device;
	struct svm_job *job, *next;

	if (list_empty(jobs))
		return;
	list_for_each_entry_safe(job, next, jobs, link) {
		list_del_init(&job->link);
		end_job(queue->space->process, job, first ? first : &cancelled);
		first = NULL;
	}
	spin_lock(&device->queue_lock);
	queue->ending = false;
	wake_up_all(&queue->wait);
	spin_unlock(&device->queue_lock);
}

/**
 * svm_queue_result() - what whoever waits for the job under way is told
 * @queue: stopped, or the caller's
 * @status: 0 or negative errno
 *
 * Return: the result, without an address.
 */
struct amdsvm_result svm_queue_result(const struct svm_queue *queue, int status)
{
	const struct svm_exec *exec = &queue->exec;

	return (struct amdsvm_result){
		.status = status,
		.packet_offset = exec->offset * sizeof(u32),
		.packets = exec->packets,
		.traps = exec->traps,
		.last_trap = exec->last_trap,
	};
}

/**
 * svm_queue_create() - a new queue
 * @space: what it will see
 *
 * Return: the queue with one reference, not known to anybody;
 * ERR_PTR(-ENOMEM); ERR_PTR(-ENOSPC): there are AMDSVM_MAX_QUEUES;
 * ERR_PTR(-ESRCH): the process is going.
 */
struct svm_queue *svm_queue_create(struct svm_space *space)
{
	struct svm_device *device = space->device;
	struct svm_queue *queue = kzalloc(sizeof(*queue), GFP_KERNEL_ACCOUNT);
	int ret = 0;

	if (!queue)
		return ERR_PTR(-ENOMEM);
	kref_init(&queue->refs);
	queue->space = space;
	init_waitqueue_head(&queue->wait);
	INIT_LIST_HEAD(&queue->link);
	INIT_LIST_HEAD(&queue->jobs);

	spin_lock(&device->queue_lock);
	if (READ_ONCE(space->dead))
		ret = -ESRCH;
	else if (space->nr_queues == AMDSVM_MAX_QUEUES)
		ret = -ENOSPC;
	if (!ret) {
		space->nr_queues++;
		list_add_tail(&queue->all, &space->queues);
	}
	spin_unlock(&device->queue_lock);
	if (ret) {
		kfree(queue);
		return ERR_PTR(ret);
	}
	svm_process_get(space->process);
	return queue;
}

/* No lane has it, and whoever stopped it has told all who wait. */
static bool at_rest(struct svm_queue *queue)
{
	struct svm_device *device = queue->space->device;
	bool rest;

	spin_lock(&device->queue_lock);
	rest = queue->state != SVM_QUEUE_RUNNING && !queue->ending;
	spin_unlock(&device->queue_lock);
	return rest;
}

/**
 * svm_queue_destroy() - end a queue
 * @queue: the queue, no longer known to users; its first reference goes
 *
 * All jobs have their result when it returns.
 *
 * Context: may sleep, for one access of a lane at most.
 */
void svm_queue_destroy(struct svm_queue *queue)
{
	struct svm_space *space = queue->space;
	struct svm_device *device = space->device;
	LIST_HEAD(jobs);

	spin_lock(&device->queue_lock);
	list_del_init(&queue->all);
	space->nr_queues--;
	queue->stopping = true;
	if (queue->state != SVM_QUEUE_RUNNING)
		svm_queue_stop_locked(queue, &jobs);
	spin_unlock(&device->queue_lock);

	svm_queue_end_jobs(queue, &jobs, NULL);
	wait_event(queue->wait, at_rest(queue));
	svm_queue_put(queue);
}

/**
 * svm_queue_add() - append a job
 * @queue: the queue
 * @job: the job; the queue takes a reference of its own
 *
 * Return: 0; -EIO: the queue is stopped; -EAGAIN: it is full, or the process
 * has AMDSVM_MAX_PENDING_BYTES.
 */
int svm_queue_add(struct svm_queue *queue, struct svm_job *job)
{
	const long limit = AMDSVM_MAX_PENDING_BYTES / sizeof(u32);
	struct svm_process *process = queue->space->process;
	struct svm_device *device = queue->space->device;
	int ret = 0;

	if (atomic_long_add_return(job->words, &process->pending_words) > limit) {
		atomic_long_sub(job->words, &process->pending_words);
		return -EAGAIN;
	}
	spin_lock(&device->queue_lock);
	if (queue->state == SVM_QUEUE_STOPPED || queue->stopping) {
		ret = -EIO;
	} else if (queue->nr_jobs == AMDSVM_MAX_JOBS) {
		ret = -EAGAIN;
	} else {
		kref_get(&job->refs);
		list_add_tail(&job->link, &queue->jobs);
		queue->nr_jobs++;
		if (queue->state == SVM_QUEUE_IDLE)
			svm_queue_ready(queue);
	}
	spin_unlock(&device->queue_lock);
	if (ret)
		atomic_long_sub(job->words, &process->pending_words);
	else
		svm_restore_resume(process);
	return ret;
}

/**
 * svm_queues_busy() - has any queue of a process something to do
 * @process: the process
 *
 * Context: any.
 * Return: true when one has.
 */
bool svm_queues_busy(struct svm_process *process)
{
	struct svm_queue *queue;
	bool busy = false;
	unsigned int i;

	for (i = 0; i < svm_device_count() && !busy; i++) {
		struct svm_space *space = process->spaces[i];
		struct svm_device *device = space->device;

		spin_lock(&device->queue_lock);
		list_for_each_entry(queue, &space->queues, all)
			busy |= queue->nr_jobs;
		spin_unlock(&device->queue_lock);
	}
	return busy;
}

/* ---- for devices -------------------------------------------------------- */

/**
 * svm_queue_take() - the next queue for a lane
 * @device: the lane's
 *
 * Return: a queue with at least one job and a reference, which no other lane
 * gets until it is given back by svm_queue_yield(), svm_queue_stall() or
 * svm_queue_stop(); or NULL.
 */
struct svm_queue *svm_queue_take(struct svm_device *device)
{
	struct svm_queue *queue;

	spin_lock(&device->queue_lock);
	queue = list_first_entry_or_null(&device->ready, struct svm_queue, link);
	if (queue) {
		list_del_init(&queue->link);
		queue->state = SVM_QUEUE_RUNNING;
		kref_get(&queue->refs);
	}
	spin_unlock(&device->queue_lock);
	return queue;
}

/**
 * svm_queue_job() - what to execute
 * @queue: taken by the caller
 *
 * Return: the oldest job, which stays until svm_queue_job_done(); NULL: none.
 */
struct svm_job *svm_queue_job(struct svm_queue *queue)
{
	struct svm_device *device = queue->space->device;
	struct svm_job *job;

	spin_lock(&device->queue_lock);
	job = list_first_entry_or_null(&queue->jobs, struct svm_job, link);
	spin_unlock(&device->queue_lock);
	return job;
}

/**
 * svm_queue_job_done() - the oldest job is complete
 * @queue: taken by the caller
 * @status: 0, or -ECANCELED when nobody waits for it
 *
 * Context: may sleep.
 */
void svm_queue_job_done(struct svm_queue *queue, int status)
{
	struct svm_device *device = queue->space->device;
	struct amdsvm_result result = svm_queue_result(queue, status);
	struct svm_job *job;

	spin_lock(&device->queue_lock);
	job = list_first_entry(&queue->jobs, struct svm_job, link);
	list_del_init(&job->link);
	queue->nr_jobs--;
	spin_unlock(&device->queue_lock);

	svm_space_count(queue->space, SVM_SPACE_PACKETS, queue->exec.packets);
	memset(&queue->exec, 0, sizeof(queue->exec));
	end_job(queue->space->process, job, &result);
}

/**
 * svm_queue_yield() - the lane lets go
 * @queue: taken by the caller, who has no reference any more
 *
 * Context: may sleep.
 */
void svm_queue_yield(struct svm_queue *queue)
{
	struct svm_device *device = queue->space->device;
	LIST_HEAD(jobs);

	spin_lock(&device->queue_lock);
	if (queue->stopping) {
		svm_queue_stop_locked(queue, &jobs);
	} else if (queue->nr_jobs) {
		svm_queue_ready(queue);
	} else {
		queue->state = SVM_QUEUE_IDLE;
		wake_up_all(&queue->wait);
	}
	spin_unlock(&device->queue_lock);
	svm_queue_end_jobs(queue, &jobs, NULL);
	svm_queue_put(queue);
}

/**
 * svm_queue_stop() - the oldest job cannot go on
 * @queue: taken by the caller, who has no reference any more
 * @status: negative errno, for whoever waits for the job
 * @addr: of the access that is to blame, 0: none is
 *
 * Context: may sleep.
 */
void svm_queue_stop(struct svm_queue *queue, int status, unsigned long addr)
{
	struct svm_device *device = queue->space->device;
	struct amdsvm_result result = svm_queue_result(queue, status);
	LIST_HEAD(jobs);

	result.address = addr;

	spin_lock(&device->queue_lock);
	svm_queue_stop_locked(queue, &jobs);
	spin_unlock(&device->queue_lock);
	svm_space_count(queue->space, SVM_SPACE_PACKETS, queue->exec.packets);
	svm_queue_end_jobs(queue, &jobs, &result);
	svm_queue_put(queue);
}

/**
 * svm_queue_stall() - an access found no usable entry
 * @queue: taken by the caller, who has no reference any more
 * @addr: of the access, bytes
 * @access: enum svm_access
 *
 * Context: may sleep.
 */
void svm_queue_stall(struct svm_queue *queue, unsigned long addr,
		     unsigned int access)
{
	struct svm_space *space = queue->space;
	struct svm_device *device = space->device;
	LIST_HEAD(jobs);

	spin_lock(&device->queue_lock);
	if (queue->stopping) {
		svm_queue_stop_locked(queue, &jobs);
	} else {
		queue->state = SVM_QUEUE_STALLED;
		queue->stall = ++space->stalls;
		queue->fault_addr = addr;
		queue->fault_access = access;
		list_add_tail(&queue->link, &space->stalled);
		/* In the ring before anybody learns of the stall. */
		svm_fault_record(space, addr, access);
		svm_servers_call(space);
	}
	spin_unlock(&device->queue_lock);

	svm_queue_end_jobs(queue, &jobs, NULL);
	svm_queue_put(queue);
}
