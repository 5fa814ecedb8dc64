/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Jobs: packets submitted together, and the descriptor that tells of their end.
 */
#ifndef SVM_JOB_H
#define SVM_JOB_H

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/types.h>
#include <linux/wait.h>

#include "amdsvm_ioctl.h"

struct file;

/**
 * struct svm_job - one QUEUE_SUBMIT
 * @refs: the queue's until it is complete, the descriptor's
 * @link: in the queue, under its lock
 * @packets: copied from the user; written by nobody; NULL when @done
 * @words: length of @packets
 * @cancelled: nobody waits for it any more
 * @done: @result is valid
 * @result: what read() returns
 * @wait: readers and pollers
 */
struct svm_job {
	struct kref refs;
	struct list_head link;
	u32 *packets;
	u32 words;
	bool cancelled;
	bool done;
	struct amdsvm_result result;
	wait_queue_head_t wait;
};

struct svm_job *svm_job_create(const void __user *packets, u32 bytes);
void svm_job_put(struct svm_job *job);
struct file *svm_job_file(struct svm_job *job);
void svm_job_complete(struct svm_job *job, const struct amdsvm_result *result);

static inline bool svm_job_cancelled(const struct svm_job *job)
{
	return READ_ONCE(job->cancelled);
}

#endif /* SVM_JOB_H */
