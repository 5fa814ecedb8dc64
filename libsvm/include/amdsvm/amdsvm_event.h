/* SPDX-License-Identifier: MIT */
/*
 * libamdsvm: events of devices. Included by <amdsvm/amdsvm.h>, which has the
 * conventions. The lines of text are those that <amdsvm/amdsvm_ioctl.h>
 * describes, and those of KFD.
 */
#ifndef AMDSVM_EVENT_H_INCLUDED
#define AMDSVM_EVENT_H_INCLUDED

#include <stdint.h>

#include <amdsvm/amdsvm_ioctl.h>

#ifdef __cplusplus
extern "C" {
#endif

struct amdsvm_context;

/**
 * amdsvm_events_open() - a descriptor to read events of a device from.
 * @ctx: context.
 * @gpu_id: device.
 * @mask: AMDSVM_SMI_EVENT_MASK_FROM_INDEX() of each kind wanted; with that of
 *        AMDSVM_SMI_EVENT_ALL_PROCESS those of all processes, for CAP_SYS_ADMIN.
 * @fd: descriptor, close-on-exec, for poll(2), read(2) and close(2). read() gives
 *      whole lines, each at most AMDSVM_SMI_EVENT_MSG_SIZE bytes, which is the
 *      least room to give it. It never blocks: -EAGAIN when there is nothing.
 *
 * Calls SMI_EVENTS. Another mask is chosen by writing it, 8 bytes, to @fd.
 *
 * Return: 0, or
 *   -EINVAL  no such device
 *   -EPERM   the events of all processes are not the caller's to see
 *   -EMFILE  the process has too many files open, or streams of events
 *   -ENFILE  the system has
 *   -ENOMEM  no memory
 *   or an error of every call.
 */
int amdsvm_events_open(struct amdsvm_context *ctx, uint32_t gpu_id, uint64_t mask, int *fd);

/**
 * struct amdsvm_event - one event; a field that its kind does not have is 0.
 *
 * Locations are the gpu_id of a device, AMDSVM_IOCTL_SVM_LOCATION_SYSMEM or
 * AMDSVM_IOCTL_SVM_LOCATION_UNDEFINED.
 */
struct amdsvm_event {
	uint32_t kind;		/* enum amdsvm_smi_event */
	int32_t pid;		/* as the reader's namespace has it; 0: not in it */
	uint64_t time_ns;	/* boot time clock; VMFAULT and PROCESS_* have none */
	uint64_t start;		/* bytes: the first one concerned */
	uint64_t size;		/* bytes; PAGE_FAULT_*: one page */
	uint32_t from;		/* MIGRATE_*: location */
	uint32_t to;		/* MIGRATE_*: location */
	uint32_t prefetch_loc;	/* MIGRATE_START: location */
	uint32_t preferred_loc;	/* MIGRATE_START: location */
	uint32_t trigger;	/* MIGRATE_*: enum AMDSVM_MIGRATE_TRIGGERS;
				 * QUEUE_EVICTION: enum AMDSVM_QUEUE_EVICTION_TRIGGERS;
				 * UNMAP_FROM_GPU: enum AMDSVM_SVM_UNMAP_TRIGGERS
				 */
	uint32_t gpu_id;	/* PAGE_FAULT_*, QUEUE_*, UNMAP_FROM_GPU: device */
	int32_t error;		/* MIGRATE_END: 0 or a negative errno */
	char access;		/* PAGE_FAULT_START: 'R' or 'W' */
	char outcome;		/* PAGE_FAULT_END: 'M' migrated or 'U' not;
				 * QUEUE_RESTORE: '0', or 'R' tried again
				 */
	char command[16];	/* VMFAULT, PROCESS_*: of the process, null terminated */
	uint64_t dropped;	/* DROPPED: lines that are missing here */
};

/**
 * amdsvm_event_parse() - take one line apart.
 * @line: the line; it ends at a null byte or a '\n', whichever is first.
 * @event: the event.
 *
 * Pages become bytes. What follows the last field after a space is passed over:
 * later drivers may say more.
 *
 * Return: 0, or
 *   -EBADMSG     this is no line of an event, or not a whole one
 *   -EOPNOTSUPP  a kind that the library does not know: pass it over
 */
int amdsvm_event_parse(const char *line, struct amdsvm_event *event);

#ifdef __cplusplus
}
#endif

#endif /* AMDSVM_EVENT_H_INCLUDED */
