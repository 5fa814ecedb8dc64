/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR MIT */
/*
 * amdsvm: the interface of /dev/amdsvm.
 *
 * The first part has the numbers, layouts and meanings that <linux/kfd_ioctl.h>
 * gives to the same calls of /dev/kfd: a program moves over by replacing the
 * prefixes (AMDKFD_ and KFD_ by AMDSVM_, kfd_ by amdsvm_) and the device path.
 * The second part, numbers from 0x80, is amdsvm's own.
 *
 * All addresses and sizes are bytes, page aligned, and a range is
 * [start, start + size). Structures grow at the end: a shorter one is zero
 * extended, a longer one is accepted while its unknown tail is zero (-E2BIG
 * otherwise). Fields named "pad" or "reserved" must be zero (-EINVAL).
 *
 * Errors that every call can return: -ENOTTY (unknown call), -EFAULT (the
 * argument cannot be read or written), -ENOMEM. Calls on ranges can also return -EINVAL
 * (unaligned, empty, wrapping or above 48 bits), -EPERM (the file was opened by
 * another process and the caller has no right to it), -ESRCH (that process is
 * gone), -EINTR (a fatal signal is pending).
 */
#ifndef AMDSVM_IOCTL_H_INCLUDED
#define AMDSVM_IOCTL_H_INCLUDED

#include <linux/types.h>
#include <linux/ioctl.h>

#define AMDSVM_IOCTL_MAJOR_VERSION 1
#define AMDSVM_IOCTL_MINOR_VERSION 11

struct amdsvm_ioctl_get_version_args {
	__u32 major_version;	/* from driver */
	__u32 minor_version;	/* from driver */
};

/* The host may access the memory (default; reported, changes nothing here). */
#define AMDSVM_IOCTL_SVM_FLAG_HOST_ACCESS	0x00000001
/* Coherent access between host and device (default). */
#define AMDSVM_IOCTL_SVM_FLAG_COHERENT		0x00000002
/* Keep the memory inside one group of linked devices. */
#define AMDSVM_IOCTL_SVM_FLAG_HIVE_LOCAL	0x00000004
/* Devices may read only. */
#define AMDSVM_IOCTL_SVM_FLAG_GPU_RO		0x00000008
/* Devices may execute. */
#define AMDSVM_IOCTL_SVM_FLAG_GPU_EXEC		0x00000010
/* Devices mostly read, seldom write. */
#define AMDSVM_IOCTL_SVM_FLAG_GPU_READ_MOSTLY	0x00000020
/* Keep device mappings valid as if XNACK were off. */
#define AMDSVM_IOCTL_SVM_FLAG_GPU_ALWAYS_MAPPED	0x00000040
/* Fine-grained coherence between all devices, with device-scope atomics. */
#define AMDSVM_IOCTL_SVM_FLAG_EXT_COHERENT	0x00000080

enum amdsvm_ioctl_svm_op {
	AMDSVM_IOCTL_SVM_OP_SET_ATTR,
	AMDSVM_IOCTL_SVM_OP_GET_ATTR
};

/* Locations beside the gpu_id of a device. */
enum amdsvm_ioctl_svm_location {
	AMDSVM_IOCTL_SVM_LOCATION_SYSMEM = 0,
	AMDSVM_IOCTL_SVM_LOCATION_UNDEFINED = 0xffffffff
};

/*
 * PREFERRED_LOC	gpu_id, SYSMEM or UNDEFINED
 * PREFETCH_LOC		gpu_id or SYSMEM; setting it moves the memory now
 * ACCESS, ACCESS_IN_PLACE, NO_ACCESS
 *			gpu_id; how that device may use the memory. GET_ATTR takes
 *			ACCESS with a gpu_id and rewrites the type to the answer.
 * SET_FLAGS, CLR_FLAGS	mask of AMDSVM_IOCTL_SVM_FLAG_*
 * GRANULARITY		log2 of the pages that migrate together, 9 at most has effect
 */
enum amdsvm_ioctl_svm_attr_type {
	AMDSVM_IOCTL_SVM_ATTR_PREFERRED_LOC,
	AMDSVM_IOCTL_SVM_ATTR_PREFETCH_LOC,
	AMDSVM_IOCTL_SVM_ATTR_ACCESS,
	AMDSVM_IOCTL_SVM_ATTR_ACCESS_IN_PLACE,
	AMDSVM_IOCTL_SVM_ATTR_NO_ACCESS,
	AMDSVM_IOCTL_SVM_ATTR_SET_FLAGS,
	AMDSVM_IOCTL_SVM_ATTR_CLR_FLAGS,
	AMDSVM_IOCTL_SVM_ATTR_GRANULARITY
};

struct amdsvm_ioctl_svm_attribute {
	__u32 type;
	__u32 value;
};

/*
 * SVM: set or get attributes of [start_addr, start_addr + size).
 *
 * The size field of the ioctl number must cover the attributes: use
 * AMDSVM_IOC_SVM + ((nattr * sizeof(struct amdsvm_ioctl_svm_attribute))
 * << _IOC_SIZESHIFT), at most AMDSVM_IOCTL_SVM_MAX_ATTRS of them.
 *
 * SET_ATTR applies the attributes in order; an error found before the first
 * change leaves everything as it was. An error of the migration step of
 * PREFETCH_LOC leaves the attributes set: -ENOSPC (nothing moved for want of
 * device memory), -EBUSY (nothing that could move did), -EOPNOTSUPP (no device
 * memory on this kernel; here nothing was changed). Some memory moved, or there
 * before, is 0.
 *
 * GET_ATTR returns the intersection over all memory of the range; memory
 * without attributes counts with the defaults.
 *
 * Errors: -EINVAL (nattr larger than the size of the call; unknown operation,
 * attribute, flag or device; unaligned or empty range, or one above 48 bits),
 * -EFAULT (part of the range is not mapped, or is device I/O memory),
 * -EOPNOTSUPP (hugetlb memory), -ENOMEM (also when the process would have more
 * ranges, at the end or on the way there, than the module's max_ranges).
 */
struct amdsvm_ioctl_svm_args {
	__u64 start_addr;
	__u64 size;
	__u32 op;
	__u32 nattr;
	struct amdsvm_ioctl_svm_attribute attrs[];
};

#define AMDSVM_IOCTL_SVM_MAX_ATTRS 2044

/*
 * xnack_enabled: in: 1 or 0 to set, negative to ask; out: the mode.
 * With 1 (the start) devices fault on what they do not have mapped, and all of
 * the address space is theirs by default. With 0 they have what was given to
 * them by attributes, and that is kept mapped.
 * -EPERM: a device of this process cannot work in that mode (none of this release).
 * -EBUSY: the process has queues. -ENOMEM: the mode may be set all the same.
 */
struct amdsvm_ioctl_set_xnack_mode_args {
	__s32 xnack_enabled;
};

/*
 * Events: lines of text, read from the descriptor that SMI_EVENTS returns. Write
 * a 64-bit mask of AMDSVM_SMI_EVENT_MASK_FROM_INDEX() bits to it to choose which
 * ones; none are chosen at first. read() never blocks: -EAGAIN when there is
 * nothing, poll() tells. It gives whole lines: -EINVAL when the buffer has no room
 * for one (AMDSVM_SMI_EVENT_MSG_SIZE always has). A reader that is too slow loses
 * events, and finds a line of AMDSVM_SMI_EVENT_DROPPED with their number where
 * they are missing. Writing a mask with ALL_PROCESS needs CAP_SYS_ADMIN (-EPERM).
 *
 * A line is the number of the event in hexadecimal, a space, and (addresses and
 * sizes in pages, hexadecimal; ns is the boot time clock; pid as the reader's
 * namespace has it):
 *
 * VMFAULT		"%x:%s"			pid:command
 * MIGRATE_START	"%lld -%d @%lx(%lx) %x->%x %x:%x %d"
 *			ns -pid @address(size) from->to prefetch:preferred trigger
 * MIGRATE_END		"%lld -%d @%lx(%lx) %x->%x %d %d"
 *			ns -pid @address(size) from->to trigger error; a
 *			process may have begun other moves since the start
 * PAGE_FAULT_START	"%lld -%d @%lx(%x) %c"	ns -pid @address(gpu_id) R or W
 * PAGE_FAULT_END	"%lld -%d @%lx(%x) %c"	the same, M migrated or U not
 * QUEUE_EVICTION	"%lld -%d %x %d"	ns -pid gpu_id trigger
 * QUEUE_RESTORE	"%lld -%d %x %c"	ns -pid gpu_id, 0 or R (tried again)
 * UNMAP_FROM_GPU	"%lld -%d @%lx(%lx) %x %d"
 *			ns -pid @address(size) gpu_id trigger
 * PROCESS_START/END	"%x %s"			pid command
 * DROPPED		"%lld %lu"		ns, lines that are missing here
 */
enum amdsvm_smi_event {
	AMDSVM_SMI_EVENT_NONE = 0,
	AMDSVM_SMI_EVENT_VMFAULT = 1,
	AMDSVM_SMI_EVENT_THERMAL_THROTTLE = 2,
	AMDSVM_SMI_EVENT_GPU_PRE_RESET = 3,
	AMDSVM_SMI_EVENT_GPU_POST_RESET = 4,
	AMDSVM_SMI_EVENT_MIGRATE_START = 5,
	AMDSVM_SMI_EVENT_MIGRATE_END = 6,
	AMDSVM_SMI_EVENT_PAGE_FAULT_START = 7,
	AMDSVM_SMI_EVENT_PAGE_FAULT_END = 8,
	AMDSVM_SMI_EVENT_QUEUE_EVICTION = 9,
	AMDSVM_SMI_EVENT_QUEUE_RESTORE = 10,
	AMDSVM_SMI_EVENT_UNMAP_FROM_GPU = 11,
	AMDSVM_SMI_EVENT_PROCESS_START = 12,
	AMDSVM_SMI_EVENT_PROCESS_END = 13,
	AMDSVM_SMI_EVENT_DROPPED = 48,	/* amdsvm's own; always chosen */

	/* In the mask: events of all processes, for CAP_SYS_ADMIN. */
	AMDSVM_SMI_EVENT_ALL_PROCESS = 64
};

#define AMDSVM_SMI_EVENT_MASK_FROM_INDEX(i) (1ULL << ((i) - 1))
#define AMDSVM_SMI_EVENT_MSG_SIZE 96

enum AMDSVM_MIGRATE_TRIGGERS {
	AMDSVM_MIGRATE_TRIGGER_PREFETCH,
	AMDSVM_MIGRATE_TRIGGER_PAGEFAULT_GPU,
	AMDSVM_MIGRATE_TRIGGER_PAGEFAULT_CPU,
	AMDSVM_MIGRATE_TRIGGER_TTM_EVICTION
};

enum AMDSVM_QUEUE_EVICTION_TRIGGERS {
	AMDSVM_QUEUE_EVICTION_TRIGGER_SVM,
	AMDSVM_QUEUE_EVICTION_TRIGGER_USERPTR,
	AMDSVM_QUEUE_EVICTION_TRIGGER_TTM,
	AMDSVM_QUEUE_EVICTION_TRIGGER_SUSPEND,
	AMDSVM_QUEUE_EVICTION_CRIU_CHECKPOINT,
	AMDSVM_QUEUE_EVICTION_CRIU_RESTORE
};

enum AMDSVM_SVM_UNMAP_TRIGGERS {
	AMDSVM_SVM_UNMAP_TRIGGER_MMU_NOTIFY,
	AMDSVM_SVM_UNMAP_TRIGGER_MMU_NOTIFY_MIGRATE,
	AMDSVM_SVM_UNMAP_TRIGGER_UNMAP_FROM_CPU
};

/*
 * SMI_EVENTS: a descriptor to read events of one device from. It is of the process
 * object that the file stands for: one that closed its last file and opened again is
 * another. -EINVAL: no such device. -EMFILE: the process has too many.
 */
struct amdsvm_ioctl_smi_events_args {
	__u32 gpuid;	/* to driver */
	__u32 anon_fd;	/* from driver */
};

#define AMDSVM_IOCTL_BASE 'K'
#define AMDSVM_IO(nr)		_IO(AMDSVM_IOCTL_BASE, nr)
#define AMDSVM_IOR(nr, type)	_IOR(AMDSVM_IOCTL_BASE, nr, type)
#define AMDSVM_IOW(nr, type)	_IOW(AMDSVM_IOCTL_BASE, nr, type)
#define AMDSVM_IOWR(nr, type)	_IOWR(AMDSVM_IOCTL_BASE, nr, type)

#define AMDSVM_IOC_GET_VERSION \
	AMDSVM_IOR(0x01, struct amdsvm_ioctl_get_version_args)
#define AMDSVM_IOC_SMI_EVENTS \
	AMDSVM_IOWR(0x1F, struct amdsvm_ioctl_smi_events_args)
#define AMDSVM_IOC_SVM \
	AMDSVM_IOWR(0x20, struct amdsvm_ioctl_svm_args)
#define AMDSVM_IOC_SET_XNACK_MODE \
	AMDSVM_IOWR(0x21, struct amdsvm_ioctl_set_xnack_mode_args)

/* ---- amdsvm's own calls ------------------------------------------------ */

/* Memory that devices have. */
enum amdsvm_memory_kind {
	AMDSVM_MEMORY_NONE,	/* none: devices map system memory only */
	AMDSVM_MEMORY_PRIVATE,	/* a CPU access brings the page home */
	AMDSVM_MEMORY_COHERENT	/* the CPU reads and writes it in place */
};

/* Why devices have no memory (amdsvm_ioctl_get_caps_args.memory_reason). */
enum amdsvm_memory_reason {
	AMDSVM_REASON_NONE,		/* they have */
	AMDSVM_REASON_NO_KERNEL_SUPPORT,/* no private memory here (see README), no range given */
	AMDSVM_REASON_RANGE_INVALID,	/* coherent_base/coherent_size: misaligned or too small */
	AMDSVM_REASON_RANGE_NOT_RESERVED,/* the range given is ordinary system RAM */
	AMDSVM_REASON_RANGE_BUSY,	/* the range given is in use */
	AMDSVM_REASON_NO_RESOURCES,	/* no address space or no memory to describe it */
	AMDSVM_REASON_DISABLED		/* vram_mb=0 */
};

/* amdsvm_ioctl_get_caps_args.features */
#define AMDSVM_CAP_MIGRATE		(1ULL << 0)	/* memory can move to devices */
#define AMDSVM_CAP_DEVICE_PRIVATE	(1ULL << 1)
#define AMDSVM_CAP_DEVICE_COHERENT	(1ULL << 2)
#define AMDSVM_CAP_XNACK_OFF		(1ULL << 3)	/* SET_XNACK_MODE can set 0 */
#define AMDSVM_CAP_KERNEL_PRIVATE	(1ULL << 4)	/* the kernel knows private memory */
#define AMDSVM_CAP_QUEUES		(1ULL << 5)	/* devices execute packets */
#define AMDSVM_CAP_ATOMIC_EXCLUSIVE	(1ULL << 6)	/* device atomics on system memory */

struct amdsvm_ioctl_get_caps_args {
	__u64 features;		/* out: AMDSVM_CAP_* */
	__u32 num_devices;	/* out */
	__u32 memory_kind;	/* out: enum amdsvm_memory_kind */
	__u32 memory_reason;	/* out: enum amdsvm_memory_reason */
	__u32 reserved;
	char driver_version[32];/* out: null terminated */
};

struct amdsvm_device_info {
	__u32 gpu_id;		/* stable, never 0 */
	__u32 index;		/* bit of this device in masks of devices */
	__u32 memory_kind;	/* enum amdsvm_memory_kind */
	__u32 reserved;
	__u64 vram_bytes;
	__u64 vram_used_bytes;	/* pages that live on the device now */
	__u64 vram_backed_bytes;/* backed by real memory; private devices only */
	__u64 pages_in;		/* pages moved to this device since load, all processes */
	__u64 pages_out;	/* pages moved from this device since load, all processes */
	char name[32];		/* null terminated */
};

/*
 * GET_DEVICES: describe the devices.
 * capacity 0 asks for the number only.
 */
struct amdsvm_ioctl_get_devices_args {
	__u64 devices_ptr;	/* to an array of capacity entries */
	__u32 capacity;		/* in */
	__u32 entry_size;	/* in: sizeof(struct amdsvm_device_info) */
	__u32 num_devices;	/* out: devices there are; may exceed capacity */
	__u32 reserved;
};

struct amdsvm_range_info {
	__u64 start;
	__u64 size;
	__u32 preferred_loc;
	__u32 prefetch_loc;
	__u32 flags;
	__u32 granularity;
	__u64 access;		/* mask of devices by index */
	__u64 access_in_place;	/* mask of devices by index */
};

/*
 * LIST_RANGES: ranges whose attributes differ from the defaults and that
 * overlap [start, start + size), in ascending order; size 0 means up to the end
 * of the address space. The first and last are clipped to the window. Entries
 * are entry_size bytes apart in the array, -EINVAL when that is less than the
 * structure of the first release (GET_DEVICES and RESIDENCY as well).
 */
struct amdsvm_ioctl_list_ranges_args {
	__u64 start;		/* in */
	__u64 size;		/* in */
	__u64 ranges_ptr;	/* to an array of capacity entries */
	__u32 capacity;		/* in: at least 1 */
	__u32 entry_size;	/* in: sizeof(struct amdsvm_range_info) */
	__u32 num_ranges;	/* out: entries written */
	__u32 reserved;
	__u64 next;		/* out: address to go on from, 0 when there are no more */
};

#define AMDSVM_PAGE_PRESENT	(1U << 0)	/* the process has a page here */
#define AMDSVM_PAGE_DEVICE	(1U << 1)	/* it is in memory of device gpu_id */
#define AMDSVM_PAGE_WRITE	(1U << 2)	/* the process may write without a fault */

struct amdsvm_page_info {
	__u32 flags;		/* AMDSVM_PAGE_* */
	__u32 gpu_id;		/* 0: system memory or no page */
	__u64 mapped_devices;	/* mask of devices whose page table maps it now */
};

/*
 * RESIDENCY: where each page of [start, start + size) is at this moment.
 * Touches nothing. Pages swapped out count as not present. A page that is
 * moving right now may be reported as not present.
 */
struct amdsvm_ioctl_residency_args {
	__u64 start;		/* in */
	__u64 size;		/* in: at most 1 GiB a call */
	__u64 pages_ptr;	/* to size / page size entries, or 0 for the sums only */
	__u32 entry_size;	/* in: sizeof(struct amdsvm_page_info); 0 with pages_ptr 0 */
	__u32 reserved;
	__u64 pages_system;	/* out */
	__u64 pages_device;	/* out: all devices */
	__u64 pages_absent;	/* out */
	__u64 pages_mapped;	/* out: mapped by at least one device */
};

/*
 * UNSET_RANGE: attributes of [start, start + size) back to the defaults. Moves
 * nothing. Memory that is not mapped is no error. -ENOMEM as with SET_ATTR.
 */
struct amdsvm_ioctl_unset_range_args {
	__u64 start;
	__u64 size;
};

/*
 * EVICT: bring the pages of a device home, by physical page, whoever owns
 * them. Needs CAP_SYS_ADMIN (-EPERM). Pages that cannot move now (pinned or
 * locked) are tried a bounded number of times and counted in pages_left.
 * Errors: -EINVAL (unknown gpu_id), -ENOMEM (system memory ran out before all
 * were home; the counts are written).
 */
struct amdsvm_ioctl_evict_args {
	__u32 gpu_id;		/* in: 0 for all devices */
	__u32 reserved;
	__u64 pages_moved;	/* out */
	__u64 pages_left;	/* out */
};

/*
 * PREFETCH: move [start, start + size) to a location and report what happened,
 * without changing attributes; otherwise as SET_ATTR with PREFETCH_LOC. The
 * counts are written also with -ENOSPC, -EBUSY, -ENOMEM and -EINTR.
 */
struct amdsvm_ioctl_prefetch_args {
	__u64 start;		/* in */
	__u64 size;		/* in */
	__u32 location;		/* in: gpu_id or AMDSVM_IOCTL_SVM_LOCATION_SYSMEM */
	__u32 reserved;
	__u64 pages_moved;	/* out: copied there */
	__u64 pages_cleared;	/* out: never touched before; cleared there */
	__u64 pages_already;	/* out: were there already */
	__u64 pages_no_space;	/* out: stayed for want of memory at the location */
	__u64 pages_busy;	/* out: stayed, in use all the time (pinned, locked, moving) */
	__u64 pages_unmovable;	/* out: shared, file or mergeable memory, no page, no read access */
};

/* GET_COUNTERS: what happened in this process since it opened /dev/amdsvm. */
struct amdsvm_ioctl_get_counters_args {
	__u64 pages_in;		/* system memory to device, copied */
	__u64 pages_cleared;	/* cleared on a device: had never been touched */
	__u64 pages_out;	/* device to system memory, evictions not included */
	__u64 pages_peer;	/* device to device */
	__u64 pages_failed;	/* chosen to move and did not */
	__u64 cpu_faults;	/* CPU accesses that brought pages home */
	__u64 pages_mapped;	/* entries written to device page tables */
	__u64 invalidations;	/* calls that cleared device page table entries */
	__u64 map_retries;	/* mirror attempts repeated because memory changed meanwhile */
	__u64 ranges;		/* now: intervals whose attributes differ from the defaults */
	__u64 blocks;		/* now: 2 MiB blocks that the driver watches */
};

/*
 * QUEUE_CREATE: a queue of packets (amdsvm_packets.h) for a device. It sees the
 * address space of the process and nothing else. Packets of one queue execute
 * in order, queues of one device at the same time.
 * Errors: -EINVAL (no such device, flags), -ENOSPC (the process has
 * AMDSVM_MAX_QUEUES on this device), -ENOMEM.
 */
#define AMDSVM_MAX_QUEUES 64

struct amdsvm_ioctl_queue_create_args {
	__u32 gpu_id;		/* in */
	__u32 flags;		/* in: 0 */
	__u32 queue_id;		/* out: never 0 */
	__u32 reserved;
};

/*
 * QUEUE_DESTROY: stop a queue. What it still had to do ends with -ECANCELED.
 * Errors: -ENOENT (no such queue).
 */
struct amdsvm_ioctl_queue_destroy_args {
	__u32 queue_id;		/* in */
	__u32 reserved;
};

/*
 * QUEUE_SUBMIT: append packets to a queue. They are copied before the call
 * returns. completion_fd is a new descriptor (close on exec): poll() says
 * POLLIN when all packets were executed or the queue stopped, read() waits for
 * that and returns one struct amdsvm_result, once or more often. Closing it
 * before cancels what was not executed yet.
 *
 * A packet that is malformed, or that uses memory it may not use, stops the
 * queue: its job gets the error, all behind it -ECANCELED, and QUEUE_SUBMIT
 * -EIO until the queue is destroyed. Packets before it have been executed.
 *
 * Errors: -ENOENT (no such queue), -EINVAL (flags, no packets, not a multiple
 * of 4 bytes, more than AMDSVM_MAX_SUBMIT_BYTES), -EAGAIN (AMDSVM_MAX_JOBS of the
 * queue are not completed, or AMDSVM_MAX_PENDING_BYTES of the process), -EIO,
 * -ENOMEM, -EMFILE.
 */
#define AMDSVM_MAX_SUBMIT_BYTES (1U << 20)
#define AMDSVM_MAX_JOBS 256
#define AMDSVM_MAX_PENDING_BYTES (64U << 20)

struct amdsvm_ioctl_queue_submit_args {
	__u32 queue_id;		/* in */
	__u32 flags;		/* in: 0 */
	__u64 packets_ptr;	/* in */
	__u32 packets_bytes;	/* in */
	__s32 completion_fd;	/* out */
};

/* What read() of a completion descriptor returns. */
struct amdsvm_result {
	/*
	 * 0; -EBADMSG (malformed packet), -EFAULT (no memory at address, or it
	 * cannot be shared), -EACCES (there is, but this device may not use it
	 * so), -EOPNOTSUPP (atomic on memory where this device has none),
	 * -ENOMEM, -EHWPOISON, -ECANCELED (queue destroyed or stopped before)
	 */
	__s32 status;
	__u32 packet_offset;	/* bytes: of the packet not completed; all of them: the end */
	__u64 address;		/* with -EFAULT, -EACCES and so on: of the access */
	__u64 packets;		/* executed */
	__u32 traps;		/* TRAP packets executed */
	__u32 last_trap;	/* context of the last one */
};

/* GET_DEVICE_COUNTERS: what a device did in this process since it opened /dev/amdsvm. */
struct amdsvm_ioctl_get_device_counters_args {
	__u32 gpu_id;		/* in */
	__u32 reserved;
	__u64 faults;		/* fault records: accesses that found no usable entry */
	__u64 duplicates;	/* of these: asked for what another had asked for */
	__u64 services;		/* blocks of 2 MiB looked after because of faults */
	__u64 overflows;	/* faults that found the ring full, and were raised again */
	__u64 bad_accesses;	/* faults that stopped a queue */
	__u64 pages_in;		/* migrated to the device */
	__u64 pages_out;	/* migrated from the device */
	__u64 migrations;	/* blocks of which pages were migrated to the device */
	__u64 pages_mapped;	/* page table entries written */
	__u64 pages_unmapped;	/* page table entries removed */
	__u64 invalidations;	/* changes of memory that removed entries */
	__u64 map_retries;	/* mirror attempts repeated because memory changed meanwhile */
	__u64 tlb_flushes;
	__u64 evictions;	/* XNACK off: times that memory was lost and given back */
	__u64 restores;		/* XNACK off: blocks mapped again */
	__u64 packets;		/* executed */
	__u64 tables;		/* now: page table pages */
	__u64 leaves;		/* now: entries of 2 MiB */
	__u64 thrash_pins;	/* times that memory which went back and forth was left in place */
	__u64 clears_saved;	/* pages that nobody had touched, and that the device had clear */
};

#define AMDSVM_IOC_GET_CAPS \
	AMDSVM_IOWR(0x80, struct amdsvm_ioctl_get_caps_args)
#define AMDSVM_IOC_GET_DEVICES \
	AMDSVM_IOWR(0x81, struct amdsvm_ioctl_get_devices_args)
#define AMDSVM_IOC_LIST_RANGES \
	AMDSVM_IOWR(0x82, struct amdsvm_ioctl_list_ranges_args)
#define AMDSVM_IOC_RESIDENCY \
	AMDSVM_IOWR(0x83, struct amdsvm_ioctl_residency_args)
#define AMDSVM_IOC_UNSET_RANGE \
	AMDSVM_IOWR(0x84, struct amdsvm_ioctl_unset_range_args)
#define AMDSVM_IOC_EVICT \
	AMDSVM_IOWR(0x85, struct amdsvm_ioctl_evict_args)
#define AMDSVM_IOC_PREFETCH \
	AMDSVM_IOWR(0x86, struct amdsvm_ioctl_prefetch_args)
#define AMDSVM_IOC_GET_COUNTERS \
	AMDSVM_IOWR(0x87, struct amdsvm_ioctl_get_counters_args)
#define AMDSVM_IOC_QUEUE_CREATE \
	AMDSVM_IOWR(0x88, struct amdsvm_ioctl_queue_create_args)
#define AMDSVM_IOC_QUEUE_DESTROY \
	AMDSVM_IOWR(0x89, struct amdsvm_ioctl_queue_destroy_args)
#define AMDSVM_IOC_QUEUE_SUBMIT \
	AMDSVM_IOWR(0x8a, struct amdsvm_ioctl_queue_submit_args)
#define AMDSVM_IOC_GET_DEVICE_COUNTERS \
	AMDSVM_IOWR(0x8b, struct amdsvm_ioctl_get_device_counters_args)

#endif /* AMDSVM_IOCTL_H_INCLUDED */
