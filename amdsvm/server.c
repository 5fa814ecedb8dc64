// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Servers: who serves the faults of a space, and when.
 *
 * A space has several servers, work items all of them. One takes a block that
 * some queue stalled in and that nobody else serves, with all faults there are in
 * it, serves them (serve.c), lets the queues go on that stalled in that block
 * before it began, and takes the next block. So blocks are served at the same time,
 * who stalled in one waits for no other, and what many lanes ask of one block is
 * one service.
 *
 * There are as many as queues, so that a block never waits for the service of another,
 * however long that sleeps. They are called one by one while there is a block that
 * nobody serves, each when the one before has taken its block, so that a burst of faults
 * in one block calls nobody in vain. The first server is called before all others and,
 * when it is idle, whoever else is on the way; the others have a workqueue of their own:
 * nothing waits for one that does not come, as the first looks until nothing is left.
 *
 * Locks: queue_lock of the device and inside of it fault_lock, spinlocks; none
 * is held while faults are served.
 */
#include <linux/delay.h>
#include <linux/memcontrol.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include "evict.h"
#include "fault.h"
#include "process.h"
#include "queue.h"
#include "serve.h"
#include "server.h"
#include "space.h"

/* One for each queue that a process can have. */
#define BATCH_SIZE AMDSVM_MAX_QUEUES

/* How long to wait when memory is out. */
#define NO_MEMORY_WAIT_MS 10

/* After so many blocks a server begins again, so that nothing waits for it for long. */
#define MAX_BLOCKS 16

/**
 * struct batch - the faults of a block, and work space for their service
 * @service: work space
 * @fault: the faults
 * @n: their number
 */
struct batch {
	struct svm_service service;
	struct svm_fault fault[BATCH_SIZE];
	unsigned int n;
};

static bool is_served(const struct svm_space *space, unsigned long block)
{
	const struct svm_server *server;

	list_for_each_entry(server, &space->serving, link)
		if (server->block == block)
			return true;
	return false;
}

/* The block, not served by anybody, that a queue has stalled in for longest. */
static bool find_block(const struct svm_space *space, unsigned long *block)
{
	const struct svm_queue *queue;

	list_for_each_entry(queue, &space->stalled, link) {
		*block = queue->fault_addr >> SVM_BLOCK_SHIFT;
		if (!is_served(space, *block))
			return true;
	}
	return false;
}

/* Who could be called now, NULL: nobody. */
static struct svm_server *next_server(struct svm_space *space)
{
	struct svm_server *servers = space->servers, *idle = NULL;
	unsigned int i;

	if (servers->state == SVM_SERVER_IDLE)
		return servers;
	for (i = 0; i < SVM_MAX_SERVERS; i++) {
		/* Who comes calls the next. */
		if (servers[i].state == SVM_SERVER_CALLED)
			return NULL;
		if (!idle && servers[i].state == SVM_SERVER_IDLE)
			idle = &servers[i];
	}
	return idle;
}

static bool is_helper(const struct svm_server *server)
{
	return server != server->space->servers;
}

static void queue_server(struct svm_server *server)
{
	struct svm_process *process = server->space->process;

	if (is_helper(server))
		svm_process_queue_helper(process, &server->work);
	else
		svm_process_queue(process, &server->work);
}

/**
 * svm_servers_call() - there is a fault to serve, perhaps
 * @space: whose
 *
 * Context: queue_lock of the device held.
 */
void svm_servers_call(struct svm_space *space)
{
	struct svm_server *server = next_server(space);
	unsigned long block;

	if (!server || !find_block(space, &block))
		return;
	server->state = SVM_SERVER_CALLED;
	queue_server(server);
}

/* False: there is nothing to do, and the server is idle. */
static bool take_block(struct svm_server *server, struct batch *batch)
{
	struct svm_space *space = server->space;
	struct svm_device *device = space->device;
	bool taken;

	spin_lock(&device->queue_lock);
	taken = !READ_ONCE(space->dead) && find_block(space, &server->block);
	if (taken) {
		server->state = SVM_SERVER_SERVING;
		list_add(&server->link, &space->serving);
		batch->service.stalls = space->stalls;
		batch->n = svm_fault_take(space, server->block, batch->fault,
					  BATCH_SIZE);
		/* None: the ring was full. */
		if (!batch->n)
			batch->n = svm_queue_faults(space, server->block,
						    batch->fault);
	} else {
		server->state = SVM_SERVER_IDLE;
	}
	svm_servers_call(space);
	spin_unlock(&device->queue_lock);
	return taken;
}

/* Who stalled in the block before it was taken tries again. */
static void release_block(struct svm_server *server, u64 stalls)
{
	struct svm_device *device = server->space->device;

	spin_lock(&device->queue_lock);
	svm_queue_replay(server->space, server->block, stalls);
	list_del_init(&server->link);
	server->state = SVM_SERVER_CALLED;
	spin_unlock(&device->queue_lock);
}

/*
 * Others first: a helper may have to wait for its turn, and then nobody would look for
 * who stalled in the block that it served last. Who is idle is called, and the first
 * server before all others.
 */
static void rest(struct svm_server *server)
{
	struct svm_device *device = server->space->device;

	spin_lock(&device->queue_lock);
	server->state = SVM_SERVER_IDLE;
	svm_servers_call(server->space);
	spin_unlock(&device->queue_lock);
}

static void set_idle(struct svm_server *server)
{
	struct svm_device *device = server->space->device;

	spin_lock(&device->queue_lock);
	server->state = SVM_SERVER_IDLE;
	spin_unlock(&device->queue_lock);
}

static int compare_faults(const void *a, const void *b)
{
	const struct svm_fault *x = a, *y = b;
	unsigned long page_x = x->addr & PAGE_MASK;
	unsigned long page_y = y->addr & PAGE_MASK;

	if (page_x != page_y)
		return page_x < page_y ? -1 : 1;
	/* The one that asks for more first: it answers the others. */
	return (int)y->access - (int)x->access;
}

static bool same_question(const struct svm_fault *first,
			  const struct svm_fault *fault)
{
	return !((first->addr ^ fault->addr) & PAGE_MASK) &&
	       (first->access & fault->access) == fault->access;
}

/* Sort, and drop what another asks for or what the page table answers now. */
static unsigned int distinct(struct svm_space *space, struct svm_fault *fault,
			     unsigned int n)
{
	unsigned int i, kept = 0;

	sort(fault, n, sizeof(*fault), compare_faults, NULL);
	for (i = 0; i < n; i++)
		if (!(kept && same_question(&fault[kept - 1], &fault[i])) &&
		    !svm_fault_answered(space, fault[i].addr, fault[i].access))
			fault[kept++] = fault[i];
	svm_space_count(space, SVM_SPACE_DUPLICATES, n - kept);
	return kept;
}

static struct batch *batch_alloc(void)
{
	struct batch *batch = kvmalloc(sizeof(*batch),
				       GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	struct svm_scratch *scratch;

	if (!batch)
		return NULL;
	scratch = &batch->service.scratch;
	svm_scratch_init(scratch);
	scratch->trigger = AMDSVM_MIGRATE_TRIGGER_PAGEFAULT_GPU;
	scratch->evict_before = ULONG_MAX;
	scratch->ahead = SVM_AHEAD_UNKNOWN;
	scratch->residency = msecs_to_jiffies(READ_ONCE(svm_min_residency_ms));
	return batch;
}

/* Return: the server is to come again. */
static bool serve_blocks(struct svm_server *server, struct batch *batch)
{
	struct svm_space *space = server->space;
	unsigned int i, n;

	for (i = 0; i < MAX_BLOCKS; i++) {
		if (!take_block(server, batch))
			return false;
		n = distinct(space, batch->fault, batch->n);
		if (n)
			svm_serve_block(space, batch->fault, n,
					&batch->service);
		release_block(server, batch->service.stalls);
		cond_resched();
	}
	return true;
}

/* Memory is charged to the process that is served. Return: to come again. */
static bool serve(struct svm_server *server)
{
	struct mm_struct *mm = server->space->process->mm;
	struct mem_cgroup *memcg = get_mem_cgroup_from_mm(mm);
	struct mem_cgroup *old = set_active_memcg(memcg);
	struct batch *batch = batch_alloc();
	bool again = true;

	if (batch)
		again = serve_blocks(server, batch);
	else
		msleep(NO_MEMORY_WAIT_MS);
	kvfree(batch);
	set_active_memcg(old);
	mem_cgroup_put(memcg);
	return again;
}

static void server_work(struct work_struct *work)
{
	struct svm_server *server = container_of(work, struct svm_server, work);
	struct svm_process *process = server->space->process;

	if (mmget_not_zero(process->mm)) {
		bool again = serve(server);

		mmput_async(process->mm);
		if (again)
			rest(server);
	} else {
		/* Who stalls from here on calls it again. */
		set_idle(server);
		svm_queue_fail_all(server->space, -ECANCELED);
	}
	svm_process_put(process);
}

/**
 * svm_servers_init() - a new space
 * @space: the space
 */
void svm_servers_init(struct svm_space *space)
{
	unsigned int i;

	INIT_LIST_HEAD(&space->serving);
	for (i = 0; i < SVM_MAX_SERVERS; i++) {
		INIT_WORK(&space->servers[i].work, server_work);
		INIT_LIST_HEAD(&space->servers[i].link);
		space->servers[i].space = space;
	}
}

/**
 * svm_servers_cancel() - wait until nobody serves a space
 * @space: the space, without queues
 *
 * Context: sleeps, for the block that each is in.
 */
void svm_servers_cancel(struct svm_space *space)
{
	unsigned int i;

	for (i = 0; i < SVM_MAX_SERVERS; i++) {
		if (cancel_work_sync(&space->servers[i].work))
			svm_process_put(space->process);
		set_idle(&space->servers[i]);
	}
}
