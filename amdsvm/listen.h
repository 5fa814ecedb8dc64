/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Event descriptors: who wants to hear what, and what was not read yet.
 */
#ifndef SVM_LISTEN_H
#define SVM_LISTEN_H

#include <linux/atomic.h>
#include <linux/types.h>

struct svm_process;

/**
 * struct svm_news - an event on its way to whoever wants to hear it
 * @event: enum amdsvm_smi_event
 * @process: whom it concerns, NULL: nobody that is known
 * @devices: mask of the devices it concerns
 * @timed: the line begins with the time, and the pid has a minus sign
 * @rest: of the line, behind the pid; without the end of line
 */
struct svm_news {
	unsigned int event;
	struct svm_process *process;
	u64 devices;
	bool timed;
	const char *rest;
};

extern atomic_t svm_nr_listeners;

/* Not worth making a line for? A listener that comes just now may miss it. */
static inline bool svm_nobody_listens(void)
{
	return !atomic_read(&svm_nr_listeners);
}

void svm_tell(const struct svm_news *news);

#endif /* SVM_LISTEN_H */
