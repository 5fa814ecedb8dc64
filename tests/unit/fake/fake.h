/* SPDX-License-Identifier: MIT */
/*
 * A fake /dev/amdsvm for programs that are linked with it: tests of the library
 * and of svmctl run without the driver, under the sanitizers.
 *
 * fake_calls.c takes the place of open(), stat(), pread() and ioctl() of the C
 * library;
 * fake_device.c answers the calls, fake_queue.c those of queues and events: it
 * executes nothing, a test says what came of it. The model: memory is where it was moved to,
 * and with private devices a CPU access brings it home, by page protection and
 * SIGSEGV. Attributes are taken, listed as they came and never merged.
 */
#ifndef FAKE_H
#define FAKE_H

#include <stddef.h>
#include <stdint.h>

#include <amdsvm/amdsvm_ioctl.h>

#define FAKE_MAX_DEVICES 64
#define FAKE_MAX_RANGES 1024
#define FAKE_ARGS_SIZE 16384

struct fake {
	/* Set by a test before the call. */
	int open_error;		/* errno of open(); 0: it works */
	unsigned int interrupts;/* so many ioctls return -1 with interrupt_errno */
	int interrupt_errno;
	int call_error;		/* errno of every later ioctl; 0: they work */
	unsigned long error_request;	/* only for this ioctl; 0: for all */
	uint32_t major_version;
	uint32_t minor_version;
	uint64_t features;
	uint32_t memory_kind;
	uint32_t memory_reason;
	uint32_t num_devices;
	uint64_t vram_bytes;	/* of each device */
	uint32_t busy_pages;	/* the next PREFETCH calls leave so many behind */
	int lose_page;		/* PREFETCH leaves one page behind and says nothing */
	int corrupt_byte;	/* PREFETCH changes one byte */
	unsigned int pagemap_lie;	/* so many reads of pagemap on, one is wrong; 0: none */
	uint64_t miscount_in;	/* so many pages GET_COUNTERS leaves out */
	uint64_t miscount_out;
	uint64_t miscount_peer;
	int pending;		/* QUEUE_SUBMIT completes nothing: see completion_end */
	struct amdsvm_result result;	/* of what QUEUE_SUBMIT completes */
	int unwritable_events;	/* the descriptor of SMI_EVENTS takes no mask */
	struct amdsvm_ioctl_get_device_counters_args device_counters;
	const char *events;	/* file of lines, which SMI_EVENTS tells and ends then */

	/* Seen by the fake. */
	int completion_end;	/* of the last submission: a result written here arrives */
	int events_end;		/* of SMI_EVENTS: the mask can be read, events be written */
	unsigned char packets[AMDSVM_MAX_SUBMIT_BYTES];	/* of the last submission */
	unsigned int calls;	/* ioctls, interrupted ones included */
	int open_flags;
	unsigned long request;	/* of the last ioctl */
	unsigned char args[FAKE_ARGS_SIZE];	/* as they came in */

	struct amdsvm_range_info ranges[FAKE_MAX_RANGES];
	size_t num_ranges;
	struct amdsvm_ioctl_get_counters_args counters;
	int32_t xnack;
};

/*
 * The state. Initial values come from the environment, for programs that are
 * run as a whole: FAKE_OPEN_ERROR (errno), FAKE_KIND (none, private, coherent),
 * FAKE_DEVICES, FAKE_RANGES, FAKE_VRAM_MB, FAKE_BUSY, FAKE_LOSE, FAKE_CORRUPT,
 * FAKE_PAGEMAP, FAKE_MISCOUNT (in, out, peer), FAKE_CALL_ERROR (errno), FAKE_STATUS (errno) and
 * FAKE_OFFSET of what is submitted, FAKE_ADDRESS with it, FAKE_FAULTS, FAKE_EVENTS
 * (file). The machine and the user come from FAKE_ROOT and what else fake_root.h
 * names.
 */
extern struct fake fake;

/* fake_gpu_id() - the gpu_id of a device. */
uint32_t fake_gpu_id(unsigned int index);

/* fake_add_ranges() - @count ranges of a page each, with a page between them. */
#define FAKE_RANGES_START 0x700000000000ULL
void fake_add_ranges(size_t count);

/* fake_call() - what the driver does; 0 or a positive errno. */
int fake_call(unsigned long request, void *args);

#endif /* FAKE_H */
