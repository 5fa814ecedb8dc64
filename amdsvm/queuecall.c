// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The calls on queues: QUEUE_CREATE, QUEUE_DESTROY, QUEUE_SUBMIT.
 *
 * Users know a queue by a number of the process. The table has its own lock;
 * whoever takes a queue out of it destroys it.
 */
#include <linux/capability.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "calls.h"
#include "job.h"
#include "process.h"
#include "queue.h"
#include "space.h"

/**
 * svm_queues_init() - a new process has no queues
 * @process: the process
 */
void svm_queues_init(struct svm_process *process)
{
	xa_init_flags(&process->queues, XA_FLAGS_ALLOC1 | XA_FLAGS_ACCOUNT);
}

/**
 * svm_queues_destroy() - end all queues
 * @process: the process; queues may still be made meanwhile if it is alive
 *
 * Context: may sleep.
 */
void svm_queues_destroy(struct svm_process *process)
{
	struct svm_queue *queue;
	unsigned long id;

	xa_for_each(&process->queues, id, queue) {
		queue = xa_erase(&process->queues, id);
		if (queue)
			svm_queue_destroy(queue);
	}
}

/* With a reference, or NULL. */
static struct svm_queue *queue_get(struct svm_process *process, u32 id)
{
	struct svm_queue *queue;

	xa_lock(&process->queues);
	queue = xa_load(&process->queues, id);
	if (queue)
		kref_get(&queue->refs);
	xa_unlock(&process->queues);
	return queue;
}

/*
 * The mode that queues were made for must not change under them, and nobody
 * makes queues of a process that lets all go: both are seen under files_lock.
 */
static int queue_publish(struct svm_process *process, struct svm_queue *queue)
{
	int ret = -ESRCH;

	mutex_lock(&process->files_lock);
	if (process->files && !READ_ONCE(queue->space->dead))
		ret = xa_alloc(&process->queues, &queue->id, queue,
			       xa_limit_31b, GFP_KERNEL_ACCOUNT);
	mutex_unlock(&process->files_lock);
	return ret;
}

int svm_call_queue_create(struct svm_call *call, void *arg)
{
	struct amdsvm_ioctl_queue_create_args *args = arg;
	struct svm_process *process = call->process;
	struct svm_queue *queue;
	int index, ret;

	if (args->flags || args->reserved)
		return -EINVAL;
	index = svm_device_index(args->gpu_id);
	if (index < 0)
		return index;

	queue = svm_queue_create(process->spaces[index]);
	if (IS_ERR(queue))
		return PTR_ERR(queue);
	/* As soon as it is in the table another thread may destroy it. */
	kref_get(&queue->refs);
	ret = queue_publish(process, queue);
	if (ret)
		svm_queue_destroy(queue);
	else
		args->queue_id = queue->id;
	svm_queue_put(queue);
	return ret;
}

int svm_call_queue_destroy(struct svm_call *call, void *arg)
{
	struct amdsvm_ioctl_queue_destroy_args *args = arg;
	struct svm_queue *queue;

	if (args->reserved)
		return -EINVAL;
	queue = xa_erase(&call->process->queues, args->queue_id);
	if (!queue)
		return -ENOENT;
	svm_queue_destroy(queue);
	return 0;
}

/* The descriptor exists before the job runs and is known after it was taken. */
static int submit(struct svm_queue *queue, struct svm_job *job)
{
	int fd = get_unused_fd_flags(O_CLOEXEC);
	struct file *file;
	int ret;

	if (fd < 0)
		return fd;
	file = svm_job_file(job);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	ret = svm_queue_add(queue, job);
	if (ret) {
		put_unused_fd(fd);
		fput(file);
		return ret;
	}
	fd_install(fd, file);
	return fd;
}

int svm_call_queue_submit(struct svm_call *call, void *arg)
{
	struct amdsvm_ioctl_queue_submit_args *args = arg;
	struct svm_queue *queue;
	struct svm_job *job;
	int ret;

	if (args->flags || !args->packets_bytes ||
	    args->packets_bytes % sizeof(u32) ||
	    args->packets_bytes > AMDSVM_MAX_SUBMIT_BYTES)
		return -EINVAL;
	queue = queue_get(call->process, args->queue_id);
	if (!queue)
		return -ENOENT;

	job = svm_job_create(u64_to_user_ptr(args->packets_ptr),
			     args->packets_bytes);
	ret = PTR_ERR_OR_ZERO(job);
	if (!ret) {
		ret = submit(queue, job);
		svm_job_put(job);
	}
	svm_queue_put(queue);
	if (ret < 0)
		return ret;
	args->completion_fd = ret;
	return 0;
}
