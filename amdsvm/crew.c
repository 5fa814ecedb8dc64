// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Crews: a call that does one thing for many blocks has helpers, which do it for
 * different blocks at once, each with work space of its own.
 *
 * The caller waits while helpers are at it. It would only be in their way: core flushes
 * TLBs page by page where it takes pages of RAM away (migrate_vma_collect_pmd()), by an
 * interrupt to each processor that runs in the address space. A worker does not, and the
 * processor of a caller who sleeps does not either.
 *
 * Nothing depends on a helper: when none comes, the caller does all itself. They stop when
 * one of the crew has an error, and when the caller is killed. Who is killed does not even
 * wait for the block that each is in: the crew is freed by the last one, and the end of
 * the process waits for those that are still in it (svm_process.helpers).
 *
 * Locks: svm_crew.lock, with nothing inside. None is held in an item.
 */
#include <linux/cpumask.h>
#include <linux/cpuset.h>
#include <linux/memcontrol.h>
#include <linux/nodemask.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "crew.h"
#include "process.h"
#include "scratch.h"

/* How long the caller waits for one to come before it begins itself, jiffies. */
#define HELPER_PATIENCE (HZ / 50)

/* struct helper - one that was called; frees itself */
struct helper {
	struct work_struct work;
	struct svm_crew *crew;
	struct svm_scratch scratch;
};

/**
 * svm_crew_init() - before svm_crew_run()
 * @crew: at the start of memory from kmalloc(); has one reference, the caller's
 * @process: whose memory, its mm held by mmget
 *
 * The functions are the caller's to set; step sleeps, and several call it at once.
 */
void svm_crew_init(struct svm_crew *crew, struct svm_process *process)
{
	kref_init(&crew->refs);
	spin_lock_init(&crew->lock);
	init_waitqueue_head(&crew->left);
	crew->process = process;
	crew->helped = false;
	crew->begun = false;
	crew->over = false;
	crew->inside = 0;
	crew->error = 0;
}

static void crew_free(struct kref *ref)
{
	kfree(container_of(ref, struct svm_crew, refs));
}

/**
 * svm_crew_put() - drop a reference
 * @crew: the crew; helpers may have it for longer
 *
 * Context: any.
 */
void svm_crew_put(struct svm_crew *crew)
{
	kref_put(&crew->refs, crew_free);
}

static void stop(struct svm_crew *crew, int error)
{
	spin_lock(&crew->lock);
	WRITE_ONCE(crew->over, true);
	if (!crew->error)
		crew->error = error;
	spin_unlock(&crew->lock);
}

/* Until there is no item left, or somebody stops the crew. */
static void take_part(struct svm_crew *crew, struct svm_scratch *scratch)
{
	int ret;

	while (!READ_ONCE(crew->over)) {
		ret = crew->step(crew, scratch);
		/* Of the caller only: workers have no signals. */
		if (!ret && fatal_signal_pending(current))
			ret = -EINTR;
		if (ret)
			stop(crew, min(ret, 0));
		cond_resched();
	}
	spin_lock(&crew->lock);
	crew->finish(crew, scratch);
	spin_unlock(&crew->lock);
}

/* As long as it is not over the caller is there, and keeps the mm alive. */
static bool enter(struct svm_crew *crew)
{
	struct svm_process *process = crew->process;
	bool entered;

	spin_lock(&crew->lock);
	entered = !crew->over;
	if (entered) {
		crew->begun = true;
		wake_up(&crew->left);
		crew->inside++;
		atomic_inc(&process->helpers);
		mmget(process->mm);
	}
	spin_unlock(&crew->lock);
	return entered;
}

static void leave(struct svm_crew *crew)
{
	struct svm_process *process = crew->process;

	spin_lock(&crew->lock);
	if (!--crew->inside)
		wake_up(&crew->left);
	spin_unlock(&crew->lock);
	if (atomic_dec_and_test(&process->helpers))
		wake_up(&process->helpers_gone);
	mmput_async(process->mm);
}

/* Memory is charged to the process whose memory it is. */
static void helper_work(struct work_struct *work)
{
	struct helper *helper = container_of(work, struct helper, work);
	struct svm_crew *crew = helper->crew;
	struct svm_process *process = crew->process;
	struct mem_cgroup *memcg, *old;

	if (enter(crew)) {
		memcg = get_mem_cgroup_from_mm(process->mm);
		old = set_active_memcg(memcg);
		take_part(crew, &helper->scratch);
		set_active_memcg(old);
		mem_cgroup_put(memcg);
		leave(crew);
	}
	svm_crew_put(crew);
	svm_process_put(process);
	svm_pair_free(helper->scratch.pair);
	kvfree(helper);
}

/*
 * What was said of the caller holds for no worker: on which NUMA nodes its memory
 * is to be, that others go before it, or that it goes before them.
 */
static bool stays_alone(void)
{
#ifdef CONFIG_NUMA
	if (current->mempolicy)
		return true;
#endif
	return current->policy != SCHED_NORMAL || task_nice(current) > 0 ||
	       !nodes_subset(node_states[N_MEMORY], cpuset_current_mems_allowed);
}

/* How many may be at work for one call; not more than there are processors. */
static unsigned int crew_limit(void)
{
	unsigned int limit = min_t(unsigned int, num_online_cpus(),
				   SVM_MAX_WORKERS);

	return clamp(READ_ONCE(svm_migrate_workers), 1U, limit);
}

/* No more than there are processors that the caller may use; 0: it does all itself. */
static unsigned int helpers_for(unsigned long items)
{
	unsigned long crew = min_t(unsigned long, crew_limit(), items);

	crew = min_t(unsigned long, crew, cpumask_weight(current->cpus_ptr));
	return crew > 1 && !stays_alone() ? crew : 0;
}

/* False: there is no memory for one. */
static bool call_helper(struct svm_crew *crew, const struct svm_scratch *scratch)
{
	struct helper *helper = kvmalloc(sizeof(*helper),
					 GFP_KERNEL_ACCOUNT | __GFP_NOWARN);

	if (!helper)
		return false;
	INIT_WORK(&helper->work, helper_work);
	helper->crew = crew;
	svm_scratch_init_like(&helper->scratch, scratch);
	kref_get(&crew->refs);
	svm_process_queue_helper(crew->process, &helper->work);
	return true;
}

/* Whoever is inside leaves when it is over. */
static bool is_done(struct svm_crew *crew)
{
	bool done;

	spin_lock(&crew->lock);
	done = crew->over && !crew->inside;
	spin_unlock(&crew->lock);
	return done;
}

/* Also when the caller is killed. */
static bool helpers_begin(struct svm_crew *crew)
{
	return crew->helped &&
	       wait_event_killable_timeout(crew->left, READ_ONCE(crew->begun),
					   HELPER_PATIENCE);
}

/**
 * svm_crew_run() - do all items
 * @crew: the crew
 * @items: how many there are at most; more helpers than that are not called
 * @scratch: the caller's work space; helpers have the like
 *
 * Context: no lock held; sleeps.
 * Return: 0 when all is done, and nobody is at it any more; the first error of
 * @step, with some items done; -EINTR on a fatal signal, with helpers perhaps
 * still at it.
 */
int svm_crew_run(struct svm_crew *crew, unsigned long items,
		 struct svm_scratch *scratch)
{
	unsigned int helpers = helpers_for(items), called = 0;

	/* They look at it. */
	crew->helped = helpers;
	while (called < helpers && call_helper(crew, scratch))
		called++;
	if (!called)
		crew->helped = false;
	if (!helpers_begin(crew))
		take_part(crew, scratch);
	if (wait_event_killable(crew->left, is_done(crew)))
		stop(crew, -EINTR);
	return READ_ONCE(crew->error);
}
