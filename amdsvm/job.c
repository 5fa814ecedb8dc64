// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Jobs: packets submitted together, and the descriptor that tells of their end.
 *
 * An anonymous inode of our own and no sync_file: jobs wait for page faults, and
 * a dma_fence must not (Documentation/driver-api/dma-buf.rst).
 *
 * A job knows neither queue nor process, so the descriptor may outlive both.
 */
#include <linux/anon_inodes.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "job.h"

/**
 * svm_job_create() - copy packets of the caller
 * @packets: user memory
 * @bytes: length, a multiple of 4
 *
 * Return: the job with one reference, or ERR_PTR(-ENOMEM), ERR_PTR(-EFAULT).
 */
struct svm_job *svm_job_create(const void __user *packets, u32 bytes)
{
	struct svm_job *job = kzalloc(sizeof(*job), GFP_KERNEL_ACCOUNT);

	if (!job)
		return ERR_PTR(-ENOMEM);
	kref_init(&job->refs);
	INIT_LIST_HEAD(&job->link);
	init_waitqueue_head(&job->wait);
	job->words = bytes / sizeof(u32);
	job->packets = kvmalloc(bytes, GFP_KERNEL_ACCOUNT);
	if (!job->packets) {
		svm_job_put(job);
		return ERR_PTR(-ENOMEM);
	}
	if (copy_from_user(job->packets, packets, bytes)) {
		svm_job_put(job);
		return ERR_PTR(-EFAULT);
	}
	return job;
}

static void job_free(struct kref *ref)
{
	struct svm_job *job = container_of(ref, struct svm_job, refs);

	kvfree(job->packets);
	kfree(job);
}

/**
 * svm_job_put() - drop a reference
 * @job: the job
 *
 * Context: may sleep.
 */
void svm_job_put(struct svm_job *job)
{
	kref_put(&job->refs, job_free);
}

/**
 * svm_job_complete() - there is a result
 * @job: the job, not complete so far; nobody executes it any more
 * @result: the result
 *
 * Packets go now: descriptors may be kept for ever.
 *
 * Context: may sleep.
 */
void svm_job_complete(struct svm_job *job, const struct amdsvm_result *result)
{
	kvfree(job->packets);
	job->packets = NULL;
	job->result = *result;
	/* Readers look at the result after they saw this. */
	smp_store_release(&job->done, true);
	wake_up_all(&job->wait);
}

static bool job_done(const struct svm_job *job)
{
	return smp_load_acquire(&job->done); /* pairs with svm_job_complete() */
}

static ssize_t completion_read(struct file *file, char __user *user,
			       size_t size, loff_t *pos)
{
	struct svm_job *job = file->private_data;
	int ret;

	if (size < sizeof(job->result))
		return -EINVAL;
	if (!job_done(job)) {
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		ret = wait_event_interruptible(job->wait, job_done(job));
		if (ret)
			return ret;
	}
	if (copy_to_user(user, &job->result, sizeof(job->result)))
		return -EFAULT;
	return sizeof(job->result);
}

static __poll_t completion_poll(struct file *file, poll_table *table)
{
	struct svm_job *job = file->private_data;

	poll_wait(file, &job->wait, table);
	return job_done(job) ? EPOLLIN | EPOLLRDNORM : 0;
}

/* Lanes look for the mark at each access; a job not begun is passed over. */
static int completion_release(struct inode *inode, struct file *file)
{
	struct svm_job *job = file->private_data;

	WRITE_ONCE(job->cancelled, true);
	svm_job_put(job);
	return 0;
}

static const struct file_operations completion_fops = {
	.owner = THIS_MODULE,
	.read = completion_read,
	.poll = completion_poll,
	.release = completion_release,
	.llseek = noop_llseek,
};

/**
 * svm_job_file() - the completion descriptor's file
 * @job: the job; the file takes a reference of its own
 *
 * Return: the file, or an ERR_PTR of anon_inode_getfile().
 */
struct file *svm_job_file(struct svm_job *job)
{
	struct file *file = anon_inode_getfile("[amdsvm-completion]",
					       &completion_fops, job, O_RDWR);

	if (!IS_ERR(file))
		kref_get(&job->refs);
	return file;
}
