/* SPDX-License-Identifier: MIT */
/*
 * libamdsvm: shared virtual memory of processes and devices through /dev/amdsvm.
 *
 * A thin layer over the calls of <amdsvm/amdsvm_ioctl.h>, which has the meaning
 * of every attribute, flag and count. What the library adds: lists of any
 * length, residency of ranges of any size, contexts for other processes, building
 * packets and reading events. Queues and packets are in <amdsvm/amdsvm_queue.h>,
 * events in <amdsvm/amdsvm_event.h>; both come with this header.
 *
 * Conventions
 *
 * - Addresses and sizes are bytes, page aligned; a range is [start, start +
 *   size), its end not included. Counts of pages are in pages of the system.
 * - Functions return 0, or a negative errno. Nothing is printed. Outputs are
 *   written on success only, unless the function says otherwise.
 * - The library has no global state. All functions may be called by several
 *   threads at once, also with the same context; only amdsvm_close() must be
 *   the last call with its context.
 * - A context acts on the process that opened its file. After fork() the
 *   child's copy still stands for the parent: the child opens its own.
 * - Every function that uses a context can return, beside its own errors:
 *     -EOPNOTSUPP  the running driver is older and does not know the call
 *     -EFAULT      an argument is not readable or writable
 *     -EPERM       the file belongs to another process and the caller has no
 *                  right to it: reading needs the same user or CAP_SYS_PTRACE,
 *                  acting needs CAP_SYS_NICE besides, and queues need both
 *     -ESRCH       that process is gone
 *   Calls interrupted by a signal are restarted; amdsvm_prefetch() and
 *   amdsvm_evict() are not, because they have counts to report.
 * - The structures are those of <amdsvm/amdsvm_ioctl.h>. Should one grow, the
 *   functions that fill it get a new symbol version, and programs linked before
 *   keep the one they know.
 */
#ifndef AMDSVM_H_INCLUDED
#define AMDSVM_H_INCLUDED

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <amdsvm/amdsvm_ioctl.h>

#ifdef __cplusplus
extern "C" {
#endif

/** AMDSVM_DEVICE_PATH - the file of the driver. */
#define AMDSVM_DEVICE_PATH "/dev/amdsvm"

/** struct amdsvm_context - an open /dev/amdsvm; opaque. */
struct amdsvm_context;

/* ---- contexts ---------------------------------------------------------- */

/**
 * amdsvm_open() - open /dev/amdsvm for the calling process.
 * @ctx: the new context; free it with amdsvm_close().
 *
 * The file is opened close-on-exec. Calls GET_VERSION.
 *
 * Return: 0, or
 *   -ENOENT  there is no /dev/amdsvm: the module is not loaded
 *   -ENODEV  the module was just removed, or the file is something else
 *   -EACCES  the permissions of /dev/amdsvm do not allow it
 *   -EPERM   the program is a 32-bit one
 *   -EPROTO  the driver's interface has another major version
 *   -ENOMEM  no memory
 *   and the errors of open(2).
 */
int amdsvm_open(struct amdsvm_context **ctx);

/**
 * amdsvm_open_fd() - make a context of an open file of /dev/amdsvm.
 * @fd: file descriptor, for instance from pidfd_getfd(2) or SCM_RIGHTS.
 * @ctx: the new context. It owns @fd on success; on an error the caller still
 *       does.
 *
 * The context acts on the process that opened the file, whoever that was.
 * Calls GET_VERSION.
 *
 * Return: 0, or
 *   -EBADF   @fd is not an open file
 *   -ENODEV  @fd is not a file of /dev/amdsvm
 *   -EPROTO  the driver's interface has another major version
 *   -ENOMEM  no memory
 */
int amdsvm_open_fd(int fd, struct amdsvm_context **ctx);

/**
 * amdsvm_open_pid() - make a context that acts on another process.
 * @pid: process that has /dev/amdsvm open, in the caller's pid namespace.
 * @ctx: the new context; free it with amdsvm_close().
 *
 * Takes a copy of a file of that process by pidfd_getfd(2), which asks for the
 * right to trace it. Files that another process opened (inherited over fork(),
 * received over a socket) are passed over: they act on their opener.
 *
 * Return: 0, or
 *   -ESRCH   no such process, or it ended meanwhile
 *   -ENODEV  the process has not opened /dev/amdsvm itself
 *   -EPERM   the caller may not trace the process, or the driver refuses
 *   -ENOENT  there is no /dev/amdsvm: the module is not loaded
 *   -EPROTO  the driver's interface has another major version
 *   -ENOMEM  no memory
 *   and the errors of pidfd_open(2) and pidfd_getfd(2).
 */
int amdsvm_open_pid(pid_t pid, struct amdsvm_context **ctx);

/**
 * amdsvm_close() - close the file and free the context.
 * @ctx: may be NULL.
 *
 * With the last file of a process its attributes and device mappings go; its
 * memory stays where it is.
 */
void amdsvm_close(struct amdsvm_context *ctx);

/**
 * amdsvm_fd() - the file descriptor of a context, for poll(2) or own ioctls.
 * @ctx: context; it keeps owning the descriptor.
 *
 * Return: the descriptor.
 */
int amdsvm_fd(const struct amdsvm_context *ctx);

/* ---- versions, capabilities, devices ----------------------------------- */

/**
 * amdsvm_library_version() - the version of this library, as "0.1.0".
 *
 * Return: a constant string.
 */
const char *amdsvm_library_version(void);

/**
 * amdsvm_get_version() - the version of the driver's interface.
 * @ctx: context.
 * @major: AMDSVM_IOCTL_MAJOR_VERSION of the driver; may be NULL.
 * @minor: AMDSVM_IOCTL_MINOR_VERSION of the driver; may be NULL.
 *
 * As read by GET_VERSION when the context was opened.
 *
 * Return: 0.
 */
int amdsvm_get_version(struct amdsvm_context *ctx, uint32_t *major, uint32_t *minor);

/**
 * amdsvm_get_caps() - what the driver can do on this machine.
 * @ctx: context.
 * @caps: to be filled.
 *
 * Calls GET_CAPS.
 *
 * Return: 0, or an error of every call.
 */
int amdsvm_get_caps(struct amdsvm_context *ctx, struct amdsvm_ioctl_get_caps_args *caps);

/**
 * amdsvm_get_devices() - describe all devices.
 * @ctx: context.
 * @devices: array of @count devices, to be freed with amdsvm_free_devices();
 *           NULL when there are none.
 * @count: number of devices.
 *
 * Calls GET_DEVICES, again when a device arrives in between.
 *
 * Return: 0, -ENOMEM, or an error of every call.
 */
int amdsvm_get_devices(struct amdsvm_context *ctx, struct amdsvm_device_info **devices,
		       size_t *count);

/**
 * amdsvm_free_devices() - free what amdsvm_get_devices() returned.
 * @devices: may be NULL.
 */
void amdsvm_free_devices(struct amdsvm_device_info *devices);

/* ---- attributes of ranges ---------------------------------------------- */

/**
 * amdsvm_set_attr() - set attributes of a range.
 * @ctx: context.
 * @start: first byte.
 * @size: bytes.
 * @attrs: attributes, applied in order.
 * @nattr: number of attributes, at most AMDSVM_IOCTL_SVM_MAX_ATTRS.
 *
 * Calls SVM with SET_ATTR. With an attribute PREFETCH_LOC the memory moves
 * before the call returns; amdsvm_prefetch() tells what moved.
 *
 * Return: 0, or
 *   -EINVAL      the range is unaligned, empty, wraps or ends above 48 bits;
 *                an attribute, flag or device is unknown; too many attributes
 *   -EFAULT      a part of the range is not mapped, or is device I/O memory
 *   -EOPNOTSUPP  hugetlb memory, or no device memory to prefetch to
 *   -ENOMEM      no memory, or more ranges than the module's max_ranges; memory
 *                can also run out after the attributes were set, and they stay
 *   -ENOSPC      attributes set, but nothing moved for want of device memory
 *   -EBUSY       attributes set, but nothing that could move did
 *   or an error of every call.
 */
int amdsvm_set_attr(struct amdsvm_context *ctx, uint64_t start, uint64_t size,
		    const struct amdsvm_ioctl_svm_attribute *attrs, size_t nattr);

/**
 * amdsvm_get_attr() - get the attributes that all memory of a range shares.
 * @ctx: context.
 * @start: first byte.
 * @size: bytes.
 * @attrs: in: types to ask for, for ACCESS with a gpu_id as value; out: values,
 *         and for ACCESS the answer as type: ACCESS, ACCESS_IN_PLACE or
 *         NO_ACCESS. The latter two are answers only.
 * @nattr: number of attributes, at most AMDSVM_IOCTL_SVM_MAX_ATTRS.
 *
 * Calls SVM with GET_ATTR.
 *
 * Return: 0, or
 *   -EINVAL      as for amdsvm_set_attr(); ACCESS_IN_PLACE or NO_ACCESS was
 *                asked for
 *   -EFAULT      a part of the range is not mapped, or is device I/O memory
 *   -EOPNOTSUPP  hugetlb memory
 *   -ENOMEM      no memory
 *   or an error of every call.
 */
int amdsvm_get_attr(struct amdsvm_context *ctx, uint64_t start, uint64_t size,
		    struct amdsvm_ioctl_svm_attribute *attrs, size_t nattr);

/**
 * amdsvm_unset_range() - give a range the default attributes.
 * @ctx: context.
 * @start: first byte.
 * @size: bytes.
 *
 * Moves nothing; memory that is not mapped is no error. Calls UNSET_RANGE.
 *
 * Return: 0, -EINVAL (bad range), -ENOMEM (as for amdsvm_set_attr(), also after
 * the attributes are gone), or an error of every call.
 */
int amdsvm_unset_range(struct amdsvm_context *ctx, uint64_t start, uint64_t size);

/**
 * amdsvm_range_fn - called for each range of amdsvm_for_each_range().
 * @range: valid during the call.
 * @data: as given to amdsvm_for_each_range().
 *
 * Return: 0 to go on; anything else ends the walk and is its result.
 */
typedef int amdsvm_range_fn(const struct amdsvm_range_info *range, void *data);

/**
 * amdsvm_for_each_range() - walk the ranges whose attributes are not the defaults.
 * @ctx: context.
 * @start: first byte of the window.
 * @size: bytes of the window; 0 means up to the end of the address space.
 * @fn: called in ascending order; the first and last range are clipped to the
 *      window. It may call any function of the library.
 * @data: for @fn.
 *
 * Calls LIST_RANGES as often as needed. Ranges that change meanwhile may be
 * seen before or after the change.
 *
 * Return: 0, what @fn returned, -EINVAL (bad window), -ENOMEM, or an error of
 * every call.
 */
int amdsvm_for_each_range(struct amdsvm_context *ctx, uint64_t start, uint64_t size,
			  amdsvm_range_fn *fn, void *data);

/**
 * amdsvm_list_ranges() - amdsvm_for_each_range() into an array.
 * @ctx: context.
 * @start: first byte of the window.
 * @size: bytes of the window; 0 means up to the end of the address space.
 * @ranges: array of @count ranges, to be freed with amdsvm_free_ranges(); NULL
 *          when there are none.
 * @count: number of ranges.
 *
 * Return: 0, or an error of amdsvm_for_each_range().
 */
int amdsvm_list_ranges(struct amdsvm_context *ctx, uint64_t start, uint64_t size,
		       struct amdsvm_range_info **ranges, size_t *count);

/**
 * amdsvm_free_ranges() - free what amdsvm_list_ranges() returned.
 * @ranges: may be NULL.
 */
void amdsvm_free_ranges(struct amdsvm_range_info *ranges);

/* ---- where memory is, and moving it ------------------------------------ */

/** struct amdsvm_residency_sums - pages of a range by place. */
struct amdsvm_residency_sums {
	uint64_t pages_system;	/* in system memory */
	uint64_t pages_device;	/* in memory of any device */
	uint64_t pages_absent;	/* no page: never touched, swapped out, or moving */
	uint64_t pages_mapped;	/* mapped by at least one device */
};

/**
 * amdsvm_residency() - where the pages of a range are.
 * @ctx: context.
 * @start: first byte.
 * @size: bytes; any size.
 * @pages: array of @size / page size entries, or NULL for the sums only. Its
 *         contents are undefined after an error.
 * @sums: may be NULL.
 *
 * Touches nothing. Calls RESIDENCY for each GiB, so a larger range is not one
 * moment.
 *
 * Return: 0, -EINVAL (bad range), -ENOMEM, or an error of every call.
 */
int amdsvm_residency(struct amdsvm_context *ctx, uint64_t start, uint64_t size,
		     struct amdsvm_page_info *pages, struct amdsvm_residency_sums *sums);

/** struct amdsvm_prefetch_result - what became of the pages of a prefetch. */
struct amdsvm_prefetch_result {
	uint64_t pages_moved;	/* copied to the location */
	uint64_t pages_cleared;	/* never touched before; cleared at the location */
	uint64_t pages_already;	/* were there already */
	uint64_t pages_no_space;/* stayed for want of memory at the location */
	uint64_t pages_busy;	/* stayed because in use: pinned, locked, moving */
	uint64_t pages_unmovable;/* cannot move: shared or file memory, no page */
};

/**
 * amdsvm_prefetch() - move a range to a location, now.
 * @ctx: context.
 * @start: first byte.
 * @size: bytes.
 * @location: gpu_id of a device, or AMDSVM_IOCTL_SVM_LOCATION_SYSMEM.
 * @result: may be NULL; written also with -ENOSPC, -EBUSY, -ENOMEM and -EINTR.
 *
 * Attributes stay as they are. Calls PREFETCH, which returns when the memory
 * has moved; some of it staying behind is no error but a count.
 *
 * Return: 0, or
 *   -EINVAL      the range is unaligned, empty, wraps or ends above 48 bits, or
 *                there is no such device
 *   -EFAULT      a part of the range is not mapped, or is device I/O memory
 *   -EOPNOTSUPP  hugetlb memory, no device memory on this kernel, or an older
 *                driver
 *   -ENOSPC      nothing moved for want of memory on the device
 *   -EBUSY       nothing that could move did
 *   -ENOMEM      no memory
 *   -EINTR       a signal; call again for the rest
 *   or an error of every call.
 */
int amdsvm_prefetch(struct amdsvm_context *ctx, uint64_t start, uint64_t size,
		    uint32_t location, struct amdsvm_prefetch_result *result);

/**
 * amdsvm_evict() - bring the pages of a device home, whoever owns them.
 * @ctx: context.
 * @gpu_id: device, or 0 for all.
 * @pages_moved: pages brought home; may be NULL.
 * @pages_left: pages that could not move now; may be NULL.
 *
 * Needs CAP_SYS_ADMIN. Calls EVICT. The counts are written also with -ENOMEM
 * and -EINTR.
 *
 * Return: 0, or
 *   -EPERM   no CAP_SYS_ADMIN
 *   -EINVAL  no such device
 *   -ENOMEM  system memory ran out before all pages were home
 *   -EINTR   a signal; call again for the rest
 *   or an error of every call.
 */
int amdsvm_evict(struct amdsvm_context *ctx, uint32_t gpu_id,
		 uint64_t *pages_moved, uint64_t *pages_left);

/* ---- the process ------------------------------------------------------- */

/**
 * amdsvm_get_counters() - what happened in the process since it opened the file.
 * @ctx: context.
 * @counters: to be filled.
 *
 * Calls GET_COUNTERS.
 *
 * Return: 0, -ENOMEM, or an error of every call.
 */
int amdsvm_get_counters(struct amdsvm_context *ctx,
			struct amdsvm_ioctl_get_counters_args *counters);

/**
 * amdsvm_get_device_counters() - what a device did in the process.
 * @ctx: context.
 * @gpu_id: device.
 * @counters: to be filled.
 *
 * Since the process opened the file. Calls GET_DEVICE_COUNTERS.
 *
 * Return: 0, -EINVAL (no such device), -ENOMEM, or an error of every call.
 */
int amdsvm_get_device_counters(struct amdsvm_context *ctx, uint32_t gpu_id,
			       struct amdsvm_ioctl_get_device_counters_args *counters);

/**
 * amdsvm_set_xnack_mode() - choose whether device faults are served (XNACK).
 * @ctx: context.
 * @enabled: 0 or 1.
 *
 * 1 at first: what a device finds unmapped is brought when it is used. With 0 a
 * device has what attributes give it, and that is kept mapped. Calls
 * SET_XNACK_MODE.
 *
 * Return: 0, or
 *   -EPERM   a device cannot work in that mode (none of this release)
 *   -EBUSY   the process has queues
 *   -EINVAL  neither 0 nor 1
 *   -ENOMEM  no memory; the mode may be set all the same
 *   or an error of every call.
 */
int amdsvm_set_xnack_mode(struct amdsvm_context *ctx, int enabled);

/**
 * amdsvm_get_xnack_mode() - ask whether device faults are served (XNACK).
 * @ctx: context.
 * @enabled: 0 or 1.
 *
 * Calls SET_XNACK_MODE with a negative value, which changes nothing.
 *
 * Return: 0, or an error of every call.
 */
int amdsvm_get_xnack_mode(struct amdsvm_context *ctx, int *enabled);

#ifdef __cplusplus
}
#endif

#include <amdsvm/amdsvm_event.h>
#include <amdsvm/amdsvm_queue.h>

#endif /* AMDSVM_H_INCLUDED */
