/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Those who serve the faults of a space.
 */
#ifndef SVM_SERVER_H
#define SVM_SERVER_H

#include <linux/list.h>
#include <linux/types.h>
#include <linux/workqueue.h>

struct svm_space;

/* One for each queue that a space can have: no block waits for another's service. */
#define SVM_MAX_SERVERS AMDSVM_MAX_QUEUES

enum svm_server_state {
	SVM_SERVER_IDLE,	/* does nothing until it is called */
	SVM_SERVER_CALLED,	/* will look for a block to serve */
	SVM_SERVER_SERVING	/* nobody else serves its block */
};

/**
 * struct svm_server - one of those who serve the faults of a space
 * @work: what it does when it is called; the process has a reference for it
 * @space: whose faults
 * @state: with what follows under queue_lock of the device
 * @link: in the list of those that serve a block
 * @block: the block, address >> SVM_BLOCK_SHIFT
 */
struct svm_server {
	struct work_struct work;
	struct svm_space *space;
	enum svm_server_state state;
	struct list_head link;
	unsigned long block;
};

void svm_servers_init(struct svm_space *space);
void svm_servers_call(struct svm_space *space);
void svm_servers_cancel(struct svm_space *space);

#endif /* SVM_SERVER_H */
