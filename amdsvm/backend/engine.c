// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The copy engine of vdev: a thread that fills runs while whoever asked does something
 * else. It is no lane: it runs no packet, translates nothing, allocates nothing and waits
 * for no fault, so that a migration may wait for it with folios locked.
 *
 * A job is taken in pieces, in order. Whoever waits for it takes pieces too: it waits for
 * no more than the one that the engine has in hand, never for the engine's turn on a
 * processor before it began one, nor for other jobs.
 *
 * A job belongs to its owner; the lock says who else knows of it. It is in the list while
 * it has pieces that nobody has taken, and is @job of the engine while that works on one.
 * When it is neither, nobody but its owner looks at it.
 *
 * The lock is taken under everything, and nothing is taken under it.
 */
#include <linux/atomic.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "../compat/compat.h"
#include "../device.h"
#include "engine.h"
#include "vdev.h"

/* Pages of a piece: about 10 microseconds. */
#define PIECE_PAGES 32UL

#define MAX_DELAY_US 10000U

/**
 * struct vdev_engine - the copy engine of a device
 * @task: its thread
 * @lock: protects @jobs and @job, and what the backend has in jobs
 * @jobs: with pieces to take, oldest first
 * @job: what the thread has a piece of, or NULL
 * @work: the thread waits here for jobs
 * @done: owners wait here for the thread
 * @submitted: jobs so far, to make some of them fail
 */
struct vdev_engine {
	struct task_struct *task;
	spinlock_t lock; /* innermost */
	struct list_head jobs;
	struct svm_copy_job *job;
	wait_queue_head_t work;
	wait_queue_head_t done;
	atomic_t submitted;
};

/* struct piece - some pages of a job, across runs */
struct piece {
	unsigned int run;
	unsigned long page;
	unsigned long pages;
};

/* Return: false when nothing is left to take. */
static bool take_piece(struct vdev_engine *engine, struct svm_copy_job *job,
		       struct piece *piece)
{
	lockdep_assert_held(&engine->lock);

	*piece = (struct piece) { .run = job->run, .page = job->page };
	while (job->run < job->nr_runs && piece->pages < PIECE_PAGES) {
		unsigned long left = job->runs[job->run].pages - job->page;
		unsigned long n = min(left, PIECE_PAGES - piece->pages);

		piece->pages += n;
		job->page += n;
		if (n == left) {
			job->run++;
			job->page = 0;
		}
	}
	if (job->run == job->nr_runs)
		list_del_init(&job->link);
	return piece->pages;
}

static void advance(struct svm_mem *place, unsigned long pages)
{
	if (place->device)
		place->offset += (u64)pages << PAGE_SHIFT;
	else
		place->page = nth_page(place->page, pages);
}

static void fill_piece(const struct svm_copy_job *job, struct piece piece)
{
	unsigned int delay = min(READ_ONCE(svm_copy_delay_us), MAX_DELAY_US);

	/* Tests: whoever does not wait for the copy is early now. */
	if (delay)
		fsleep(delay);
	/* Tests: what fails leaves the destination as it was. */
	if (job->error)
		return;
	while (piece.pages) {
		struct svm_copy run = job->runs[piece.run++];

		advance(&run.dst, piece.page);
		if (!run.clear)
			advance(&run.src, piece.page);
		run.pages = min(run.pages - piece.page, piece.pages);
		svm_vdev_copy(&run);
		piece.pages -= run.pages;
		piece.page = 0;
	}
}

/* Return: false when there was nothing to do. */
static bool engine_step(struct vdev_engine *engine)
{
	struct svm_copy_job *job;
	struct piece piece;

	spin_lock(&engine->lock);
	job = list_first_entry_or_null(&engine->jobs, struct svm_copy_job, link);
	if (job)
		take_piece(engine, job, &piece);
	engine->job = job;
	spin_unlock(&engine->lock);
	if (!job)
		return false;

	fill_piece(job, piece);

	spin_lock(&engine->lock);
	engine->job = NULL;
	spin_unlock(&engine->lock);
	/* The job may be gone. */
	if (wq_has_sleeper(&engine->done))
		wake_up_all(&engine->done);
	return true;
}

static int engine_main(void *data)
{
	struct vdev_engine *engine = data;

	while (!kthread_should_stop()) {
		if (engine_step(engine))
			cond_resched();
		else
			wait_event_idle(engine->work,
					!list_empty_careful(&engine->jobs) ||
					kthread_should_stop());
	}
	return 0;
}

static bool is_to_fail(struct vdev_engine *engine)
{
	unsigned int every = READ_ONCE(svm_copy_fail_every);

	return every &&
	       !((unsigned int)atomic_inc_return(&engine->submitted) % every);
}

/**
 * svm_engine_refuses() - tests: is a copy that is made at once to fail
 * @engine: the engine
 *
 * Not beside jobs: what the engine fails to copy has to be copied at once.
 */
bool svm_engine_refuses(struct vdev_engine *engine)
{
	return !READ_ONCE(svm_copy_engine) && is_to_fail(engine);
}

/**
 * svm_engine_submit() - begin a job, as svm_device_ops.copy_start
 * @engine: the engine
 * @job: the job
 *
 * Context: any that may schedule; does not wait.
 * Return: false: not begun. On one processor it would be no earlier than its owner's.
 */
bool svm_engine_submit(struct vdev_engine *engine, struct svm_copy_job *job)
{
	if (num_online_cpus() < 2 || !READ_ONCE(svm_copy_engine))
		return false;
	job->run = 0;
	job->page = 0;
	job->error = is_to_fail(engine) ? -EIO : 0;

	spin_lock(&engine->lock);
	list_add_tail(&job->link, &engine->jobs);
	spin_unlock(&engine->lock);
	wake_up(&engine->work);
	return true;
}

static bool has_in_hand(struct vdev_engine *engine,
			const struct svm_copy_job *job)
{
	bool ret;

	spin_lock(&engine->lock);
	ret = engine->job == job;
	spin_unlock(&engine->lock);
	return ret;
}

/**
 * svm_engine_wait() - finish a job, as svm_device_ops.copy_wait
 * @engine: the engine
 * @job: a job that was begun
 *
 * Context: sleeps, until the engine has filled one piece at most.
 * Return: 0 or a negative errno.
 */
int svm_engine_wait(struct vdev_engine *engine, struct svm_copy_job *job)
{
	struct piece piece;
	bool more;

	do {
		spin_lock(&engine->lock);
		more = take_piece(engine, job, &piece);
		spin_unlock(&engine->lock);
		if (more)
			fill_piece(job, piece);
	} while (more);
	wait_event(engine->done, !has_in_hand(engine, job));
	return job->error;
}

/**
 * svm_engine_start() - give a device its copy engine
 * @device: the device, registered
 *
 * Return: the engine, to be given to svm_engine_stop(), or ERR_PTR(-ENOMEM).
 */
struct vdev_engine *svm_engine_start(struct svm_device *device)
{
	struct vdev_engine *engine = kzalloc(sizeof(*engine), GFP_KERNEL);
	struct task_struct *task;

	if (!engine)
		return ERR_PTR(-ENOMEM);
	spin_lock_init(&engine->lock);
	INIT_LIST_HEAD(&engine->jobs);
	init_waitqueue_head(&engine->work);
	init_waitqueue_head(&engine->done);
	task = kthread_create(engine_main, engine, "amdsvm/%u:copy",
			      device->index);
	if (IS_ERR(task)) {
		kfree(engine);
		return ERR_CAST(task);
	}
	engine->task = task;
	wake_up_process(task);
	return engine;
}

/**
 * svm_engine_stop() - end a copy engine
 * @engine: from svm_engine_start()
 *
 * Context: module unload: no page is in device memory, so nothing migrates. Sleeps.
 */
void svm_engine_stop(struct vdev_engine *engine)
{
	kthread_stop(engine->task);
	WARN_ON_ONCE(!list_empty(&engine->jobs));
	kfree(engine);
}
