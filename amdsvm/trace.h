/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Trace events, for perf, bpftrace and /sys/kernel/tracing.
 *
 * Addresses and sizes are bytes, devices are gpu_ids and 0 is system memory.
 * The pid is of the process that opened /dev/amdsvm, 0 when nobody knows.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM amdsvm

#if !defined(SVM_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define SVM_TRACE_H

#include <linux/pid.h>
#include <linux/tracepoint.h>

#include "device.h"
#include "event.h"
#include "process.h"
#include "space.h"

#ifndef SVM_TRACE_HELPERS
#define SVM_TRACE_HELPERS
static inline pid_t svm_trace_pid(const struct svm_process *process)
{
	return process ? pid_nr(process->opener) : 0;
}

static inline u32 svm_trace_gpu_id(const struct svm_device *device)
{
	return device ? device->gpu_id : 0;
}
#endif

TRACE_DEFINE_ENUM(AMDSVM_MIGRATE_TRIGGER_PREFETCH);
TRACE_DEFINE_ENUM(AMDSVM_MIGRATE_TRIGGER_PAGEFAULT_GPU);
TRACE_DEFINE_ENUM(AMDSVM_MIGRATE_TRIGGER_PAGEFAULT_CPU);
TRACE_DEFINE_ENUM(AMDSVM_MIGRATE_TRIGGER_TTM_EVICTION);
TRACE_DEFINE_ENUM(AMDSVM_SVM_UNMAP_TRIGGER_MMU_NOTIFY);
TRACE_DEFINE_ENUM(AMDSVM_SVM_UNMAP_TRIGGER_MMU_NOTIFY_MIGRATE);
TRACE_DEFINE_ENUM(AMDSVM_SVM_UNMAP_TRIGGER_UNMAP_FROM_CPU);

#define svm_show_migrate_trigger(trigger)				\
	__print_symbolic(trigger,					\
		{ AMDSVM_MIGRATE_TRIGGER_PREFETCH, "prefetch" },	\
		{ AMDSVM_MIGRATE_TRIGGER_PAGEFAULT_GPU, "device fault" }, \
		{ AMDSVM_MIGRATE_TRIGGER_PAGEFAULT_CPU, "cpu fault" },	\
		{ AMDSVM_MIGRATE_TRIGGER_TTM_EVICTION, "eviction" })

#define svm_show_unmap_trigger(trigger)					\
	__print_symbolic(trigger,					\
		{ AMDSVM_SVM_UNMAP_TRIGGER_MMU_NOTIFY, "change" },	\
		{ AMDSVM_SVM_UNMAP_TRIGGER_MMU_NOTIFY_MIGRATE, "migration" }, \
		{ AMDSVM_SVM_UNMAP_TRIGGER_UNMAP_FROM_CPU, "unmap" })

TRACE_EVENT(svm_migrate_start,
	    TP_PROTO(const struct svm_move_event *move),
	    TP_ARGS(move),
	    TP_STRUCT__entry(__field(pid_t, pid)
			     __field(u32, from)
			     __field(u32, to)
			     __field(u32, prefetch_loc)
			     __field(u64, start)
			     __field(u64, size)
			     __field(u32, preferred_loc)
			     __field(u32, trigger)),
	    TP_fast_assign(__entry->pid = svm_trace_pid(move->process);
			   __entry->from = svm_trace_gpu_id(move->from);
			   __entry->to = svm_trace_gpu_id(move->to);
			   __entry->prefetch_loc = move->prefetch_loc;
			   __entry->start = move->start;
			   __entry->size = move->end - move->start;
			   __entry->preferred_loc = move->preferred_loc;
			   __entry->trigger = move->trigger;),
	    TP_printk("pid=%d start=0x%llx size=0x%llx from=0x%x to=0x%x prefetch=0x%x preferred=0x%x trigger=%s",
		      __entry->pid, __entry->start, __entry->size, __entry->from,
		      __entry->to, __entry->prefetch_loc, __entry->preferred_loc,
		      svm_show_migrate_trigger(__entry->trigger)));

TRACE_EVENT(svm_migrate_end,
	    TP_PROTO(const struct svm_move_event *move, int error),
	    TP_ARGS(move, error),
	    TP_STRUCT__entry(__field(pid_t, pid)
			     __field(u32, from)
			     __field(u32, to)
			     __field(u32, trigger)
			     __field(u64, start)
			     __field(u64, size)
			     __field(int, error)),
	    TP_fast_assign(__entry->pid = svm_trace_pid(move->process);
			   __entry->from = svm_trace_gpu_id(move->from);
			   __entry->to = svm_trace_gpu_id(move->to);
			   __entry->trigger = move->trigger;
			   __entry->start = move->start;
			   __entry->size = move->end - move->start;
			   __entry->error = error;),
	    TP_printk("pid=%d start=0x%llx size=0x%llx from=0x%x to=0x%x trigger=%s error=%d",
		      __entry->pid, __entry->start, __entry->size, __entry->from,
		      __entry->to, svm_show_migrate_trigger(__entry->trigger),
		      __entry->error));

TRACE_EVENT(svm_fault,
	    TP_PROTO(const struct svm_space *space, unsigned long addr, bool write),
	    TP_ARGS(space, addr, write),
	    TP_STRUCT__entry(__field(pid_t, pid)
			     __field(u32, gpu_id)
			     __field(u64, addr)
			     __field(bool, write)),
	    TP_fast_assign(__entry->pid = svm_trace_pid(space->process);
			   __entry->gpu_id = space->device->gpu_id;
			   __entry->addr = addr;
			   __entry->write = write;),
	    TP_printk("pid=%d gpu_id=0x%x addr=0x%llx access=%s", __entry->pid,
		      __entry->gpu_id, __entry->addr,
		      __entry->write ? "write" : "read"));

TRACE_EVENT(svm_fault_end,
	    TP_PROTO(const struct svm_space *space, unsigned long addr, bool write,
		     bool migrated),
	    TP_ARGS(space, addr, write, migrated),
	    TP_STRUCT__entry(__field(pid_t, pid)
			     __field(u32, gpu_id)
			     __field(u64, addr)
			     __field(bool, write)
			     __field(bool, migrated)),
	    TP_fast_assign(__entry->pid = svm_trace_pid(space->process);
			   __entry->gpu_id = space->device->gpu_id;
			   __entry->addr = addr;
			   __entry->write = write;
			   __entry->migrated = migrated;),
	    TP_printk("pid=%d gpu_id=0x%x addr=0x%llx access=%s migrated=%d",
		      __entry->pid, __entry->gpu_id, __entry->addr,
		      __entry->write ? "write" : "read", __entry->migrated));

TRACE_EVENT(svm_thrash,
	    TP_PROTO(const struct svm_space *space, unsigned long start,
		     unsigned long end, unsigned int ms),
	    TP_ARGS(space, start, end, ms),
	    TP_STRUCT__entry(__field(pid_t, pid)
			     __field(u32, gpu_id)
			     __field(u64, start)
			     __field(u64, size)
			     __field(unsigned int, ms)),
	    TP_fast_assign(__entry->pid = svm_trace_pid(space->process);
			   __entry->gpu_id = space->device->gpu_id;
			   __entry->start = start;
			   __entry->size = end - start;
			   __entry->ms = ms;),
	    TP_printk("pid=%d gpu_id=0x%x start=0x%llx size=0x%llx in_place_ms=%u",
		      __entry->pid, __entry->gpu_id, __entry->start,
		      __entry->size, __entry->ms));

TRACE_EVENT(svm_bad_access,
	    TP_PROTO(const struct svm_space *space, unsigned long addr, int error),
	    TP_ARGS(space, addr, error),
	    TP_STRUCT__entry(__field(pid_t, pid)
			     __field(u32, gpu_id)
			     __field(u64, addr)
			     __field(int, error)),
	    TP_fast_assign(__entry->pid = svm_trace_pid(space->process);
			   __entry->gpu_id = space->device->gpu_id;
			   __entry->addr = addr;
			   __entry->error = error;),
	    TP_printk("pid=%d gpu_id=0x%x addr=0x%llx error=%d", __entry->pid,
		      __entry->gpu_id, __entry->addr, __entry->error));

TRACE_EVENT(svm_invalidate,
	    TP_PROTO(const struct svm_space *space, unsigned long start,
		     unsigned long end, unsigned int trigger),
	    TP_ARGS(space, start, end, trigger),
	    TP_STRUCT__entry(__field(pid_t, pid)
			     __field(u32, gpu_id)
			     __field(u64, start)
			     __field(u64, size)
			     __field(u32, trigger)),
	    TP_fast_assign(__entry->pid = svm_trace_pid(space->process);
			   __entry->gpu_id = space->device->gpu_id;
			   __entry->start = start;
			   __entry->size = end - start;
			   __entry->trigger = trigger;),
	    TP_printk("pid=%d gpu_id=0x%x start=0x%llx size=0x%llx trigger=%s",
		      __entry->pid, __entry->gpu_id, __entry->start, __entry->size,
		      svm_show_unmap_trigger(__entry->trigger)));

TRACE_EVENT(svm_queue_eviction,
	    TP_PROTO(const struct svm_space *space),
	    TP_ARGS(space),
	    TP_STRUCT__entry(__field(pid_t, pid)
			     __field(u32, gpu_id)),
	    TP_fast_assign(__entry->pid = svm_trace_pid(space->process);
			   __entry->gpu_id = space->device->gpu_id;),
	    TP_printk("pid=%d gpu_id=0x%x", __entry->pid, __entry->gpu_id));

TRACE_EVENT(svm_queue_restore,
	    TP_PROTO(const struct svm_space *space, bool again),
	    TP_ARGS(space, again),
	    TP_STRUCT__entry(__field(pid_t, pid)
			     __field(u32, gpu_id)
			     __field(bool, again)),
	    TP_fast_assign(__entry->pid = svm_trace_pid(space->process);
			   __entry->gpu_id = space->device->gpu_id;
			   __entry->again = again;),
	    TP_printk("pid=%d gpu_id=0x%x again=%d", __entry->pid, __entry->gpu_id,
		      __entry->again));

TRACE_EVENT(svm_evict,
	    TP_PROTO(const struct svm_device *device, unsigned long moved,
		     unsigned long left, int error),
	    TP_ARGS(device, moved, left, error),
	    TP_STRUCT__entry(__field(u32, gpu_id)
			     __field(int, error)
			     __field(u64, moved)
			     __field(u64, left)),
	    TP_fast_assign(__entry->gpu_id = device->gpu_id;
			   __entry->error = error;
			   __entry->moved = moved;
			   __entry->left = left;),
	    TP_printk("gpu_id=0x%x moved=%llu left=%llu error=%d",
		      __entry->gpu_id, __entry->moved, __entry->left,
		      __entry->error));

#endif /* SVM_TRACE_H */

/* The rest is read by event.c only; Kbuild gives it -I for this directory. */
#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
