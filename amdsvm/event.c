// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * What happens, told to whoever listens: to trace events, and as lines of text
 * to event descriptors (listen.c).
 *
 * Called from anywhere, also under the block lock in a notifier: nothing here
 * sleeps or allocates. Without a listener and with tracing off an event costs
 * the reading of one number and a branch that is patched out.
 *
 * Locks: those of listen.c, which are innermost.
 */
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "device.h"
#include "event.h"
#include "listen.h"
#include "process.h"
#include "space.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

static u64 device_bit(const struct svm_device *device)
{
	return device ? BIT_ULL(device->index) : 0;
}

static __printf(4, 5)
void tell(unsigned int event, struct svm_process *process, u64 devices,
	  const char *format, ...)
{
	char rest[AMDSVM_SMI_EVENT_MSG_SIZE];
	struct svm_news news = {
		.event = event,
		.process = process,
		.devices = devices,
		.rest = rest,
	};
	va_list arguments;

	news.timed = event != AMDSVM_SMI_EVENT_VMFAULT &&
		     event != AMDSVM_SMI_EVENT_PROCESS_START &&
		     event != AMDSVM_SMI_EVENT_PROCESS_END;
	va_start(arguments, format);
	vscnprintf(rest, sizeof(rest), format, arguments);
	va_end(arguments);
	svm_tell(&news);
}

/*
 * The opener's command, or "?" when it is gone. Its own to choose, so nothing in
 * it may look like the end of a line.
 */
static void command_of(const struct svm_process *process,
		       char name[TASK_COMM_LEN])
{
	struct task_struct *task;
	char *c;

	strscpy(name, "?", TASK_COMM_LEN);
	rcu_read_lock();
	task = pid_task(process->opener, PIDTYPE_TGID);
	if (task)
		strscpy(name, task->comm, TASK_COMM_LEN);
	rcu_read_unlock();
	for (c = name; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
}

/**
 * svm_event_migrate_start() - memory is about to move
 * @move: what, where and why
 *
 * Context: any but NMI; does not sleep. @move->process is alive.
 */
void svm_event_migrate_start(const struct svm_move_event *move)
{
	trace_svm_migrate_start(move);
	if (svm_nobody_listens())
		return;
	tell(AMDSVM_SMI_EVENT_MIGRATE_START, move->process,
	     device_bit(move->from) | device_bit(move->to),
	     "@%lx(%lx) %x->%x %x:%x %d", move->start >> PAGE_SHIFT,
	     (move->end - move->start) >> PAGE_SHIFT,
	     svm_trace_gpu_id(move->from), svm_trace_gpu_id(move->to),
	     move->prefetch_loc, move->preferred_loc, move->trigger);
}

/**
 * svm_event_migrate_end() - what was to move has moved, or not
 * @move: as svm_event_migrate_start() was told
 * @error: 0 when anything moved or nothing ever could, else why nothing did
 *
 * Context: any but NMI; does not sleep. @move->process is alive.
 */
void svm_event_migrate_end(const struct svm_move_event *move, int error)
{
	trace_svm_migrate_end(move, error);
	if (svm_nobody_listens())
		return;
	tell(AMDSVM_SMI_EVENT_MIGRATE_END, move->process,
	     device_bit(move->from) | device_bit(move->to),
	     "@%lx(%lx) %x->%x %d %d", move->start >> PAGE_SHIFT,
	     (move->end - move->start) >> PAGE_SHIFT,
	     svm_trace_gpu_id(move->from), svm_trace_gpu_id(move->to),
	     move->trigger, error);
}

/**
 * svm_event_fault_start() - a device fault is about to be served
 * @space: whose
 * @addr: byte address of the access
 * @write: the device wants to write
 *
 * Context: any but NMI; does not sleep.
 */
void svm_event_fault_start(struct svm_space *space, unsigned long addr,
			   bool write)
{
	trace_svm_fault(space, addr, write);
	if (svm_nobody_listens())
		return;
	tell(AMDSVM_SMI_EVENT_PAGE_FAULT_START, space->process,
	     device_bit(space->device), "@%lx(%x) %c", addr >> PAGE_SHIFT,
	     space->device->gpu_id, write ? 'W' : 'R');
}

/**
 * svm_event_fault_end() - a device fault was served
 * @space: whose
 * @addr: byte address of the access
 * @write: the device wants to write
 * @migrated: memory moved for it
 *
 * Context: any but NMI; does not sleep.
 */
void svm_event_fault_end(struct svm_space *space, unsigned long addr,
			 bool write, bool migrated)
{
	trace_svm_fault_end(space, addr, write, migrated);
	if (svm_nobody_listens())
		return;
	tell(AMDSVM_SMI_EVENT_PAGE_FAULT_END, space->process,
	     device_bit(space->device), "@%lx(%x) %c", addr >> PAGE_SHIFT,
	     space->device->gpu_id, migrated ? 'M' : 'U');
}

/**
 * svm_event_bad_access() - a device used memory that it may not use
 * @space: whose
 * @addr: byte address of the access
 * @error: as in the job's result
 *
 * Context: any but NMI; does not sleep.
 */
void svm_event_bad_access(struct svm_space *space, unsigned long addr,
			  int error)
{
	char name[TASK_COMM_LEN];

	trace_svm_bad_access(space, addr, error);
	if (svm_nobody_listens())
		return;
	command_of(space->process, name);
	tell(AMDSVM_SMI_EVENT_VMFAULT, space->process,
	     device_bit(space->device), ":%s", name);
}

/**
 * svm_event_eviction() - queues stop because memory of theirs changes
 * @space: whose
 *
 * Context: any but NMI; does not sleep.
 */
void svm_event_eviction(struct svm_space *space)
{
	trace_svm_queue_eviction(space);
	if (svm_nobody_listens())
		return;
	tell(AMDSVM_SMI_EVENT_QUEUE_EVICTION, space->process,
	     device_bit(space->device), "%x %d", space->device->gpu_id,
	     AMDSVM_QUEUE_EVICTION_TRIGGER_SVM);
}

/**
 * svm_event_restore() - queues go on, their memory is mapped again
 * @space: whose
 * @again: not yet: it has to be tried again
 *
 * Context: any but NMI; does not sleep.
 */
void svm_event_restore(struct svm_space *space, bool again)
{
	trace_svm_queue_restore(space, again);
	if (svm_nobody_listens())
		return;
	tell(AMDSVM_SMI_EVENT_QUEUE_RESTORE, space->process,
	     device_bit(space->device), "%x %c", space->device->gpu_id,
	     again ? 'R' : '0');
}

/**
 * svm_event_unmap() - a device lost its mapping of memory
 * @space: whose
 * @start: first byte
 * @end: byte after the last
 * @trigger: enum AMDSVM_SVM_UNMAP_TRIGGERS
 *
 * Context: any but NMI; does not sleep.
 */
void svm_event_unmap(struct svm_space *space, unsigned long start,
		     unsigned long end, unsigned int trigger)
{
	trace_svm_invalidate(space, start, end, trigger);
	if (svm_nobody_listens())
		return;
	tell(AMDSVM_SMI_EVENT_UNMAP_FROM_GPU, space->process,
	     device_bit(space->device), "@%lx(%lx) %x %d", start >> PAGE_SHIFT,
	     (end - start) >> PAGE_SHIFT, space->device->gpu_id, trigger);
}

/**
 * svm_event_process() - a process begins or ends to use the driver
 * @process: the process
 * @start: it begins
 *
 * Context: any but NMI; does not sleep.
 */
void svm_event_process(struct svm_process *process, bool start)
{
	char name[TASK_COMM_LEN];

	if (svm_nobody_listens())
		return;
	command_of(process, name);
	tell(start ? AMDSVM_SMI_EVENT_PROCESS_START :
		     AMDSVM_SMI_EVENT_PROCESS_END,
	     process, U64_MAX, " %s", name);
}
