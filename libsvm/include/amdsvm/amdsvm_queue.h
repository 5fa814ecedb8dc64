/* SPDX-License-Identifier: MIT */
/*
 * libamdsvm: queues of devices, and the packets that they execute. Included by
 * <amdsvm/amdsvm.h>, which has the conventions. What each packet does, and its
 * rules, is in <amdsvm/amdsvm_packets.h>.
 *
 *	amdsvm_queue_create(ctx, gpu_id, &queue);
 *	amdsvm_packets_new(&packets);
 *	amdsvm_packets_fill(packets, (uintptr_t)memory, 42, size);
 *	amdsvm_submit(ctx, queue, amdsvm_packets_data(packets),
 *		      amdsvm_packets_bytes(packets), &fd);
 *	amdsvm_wait(fd, -1, &result);
 *	close(fd);
 */
#ifndef AMDSVM_QUEUE_H_INCLUDED
#define AMDSVM_QUEUE_H_INCLUDED

#include <stddef.h>
#include <stdint.h>

#include <amdsvm/amdsvm_ioctl.h>
#include <amdsvm/amdsvm_packets.h>

#ifdef __cplusplus
extern "C" {
#endif

struct amdsvm_context;

/* ---- queues ------------------------------------------------------------ */

/**
 * amdsvm_queue_create() - make a queue of packets for a device.
 * @ctx: context.
 * @gpu_id: device.
 * @queue: the new queue, never 0; destroy it with amdsvm_queue_destroy().
 *
 * Packets of one queue execute in order, queues of one device at the same time.
 * The device uses the memory of the process with the pointers of the process.
 * Calls QUEUE_CREATE.
 *
 * Return: 0, or
 *   -EINVAL  no such device
 *   -ENOSPC  the process has AMDSVM_MAX_QUEUES on this device
 *   -ENOMEM  no memory
 *   or an error of every call.
 */
int amdsvm_queue_create(struct amdsvm_context *ctx, uint32_t gpu_id, uint32_t *queue);

/**
 * amdsvm_queue_destroy() - stop a queue and free it.
 * @ctx: context.
 * @queue: as given by amdsvm_queue_create().
 *
 * What it still had to do ends with the status -ECANCELED. Calls QUEUE_DESTROY.
 *
 * Return: 0, -ENOENT (no such queue), or an error of every call.
 */
int amdsvm_queue_destroy(struct amdsvm_context *ctx, uint32_t queue);

/**
 * amdsvm_submit() - append packets to a queue.
 * @ctx: context.
 * @queue: queue.
 * @packets: the packets; they are copied, and may be changed when this returns.
 * @bytes: their length: a multiple of 4, at most AMDSVM_MAX_SUBMIT_BYTES.
 * @fd: completion descriptor, close-on-exec, to be given to amdsvm_wait() and in
 *      the end to close(2). poll(2) says POLLIN when the packets were executed
 *      or the queue stopped. There is no other call to cancel: closing it before
 *      cancels what was not executed yet.
 *
 * Whether the packets are good is found when they are executed, and is in the
 * result. A bad one stops the queue: from then on this is -EIO, until the queue
 * is destroyed. Calls QUEUE_SUBMIT, which does not wait for packets.
 *
 * Return: 0, or
 *   -ENOENT  no such queue
 *   -EINVAL  no packets, not a multiple of 4 bytes, or too many
 *   -EAGAIN  AMDSVM_MAX_JOBS of the queue are not completed, or it would be more
 *            than AMDSVM_MAX_PENDING_BYTES of the process; wait for one
 *   -EIO     the queue has stopped
 *   -EMFILE  the process has too many files open
 *   -ENFILE  the system has
 *   -ENOMEM  no memory
 *   or an error of every call.
 */
int amdsvm_submit(struct amdsvm_context *ctx, uint32_t queue, const void *packets,
		  size_t bytes, int *fd);

/**
 * amdsvm_wait() - wait until packets were executed, or will never be.
 * @fd: completion descriptor of amdsvm_submit(). It stays open and keeps its
 *      result: several may wait, one after the other or at once.
 * @timeout_ms: milliseconds; 0 looks and does not wait, negative waits forever.
 * @result: what became of the packets; may be NULL. Check @result->status: 0
 *          here says that it is over, not that it went well.
 *
 * Signals do not end it and do not make it longer.
 *
 * Return: 0, or
 *   -ETIMEDOUT  not over yet
 *   -EBADF      @fd is not an open file
 *   -EIO        @fd does not give results: it is some other file
 *   and the errors of poll(2) and read(2).
 */
int amdsvm_wait(int fd, int timeout_ms, struct amdsvm_result *result);

/* ---- packets ----------------------------------------------------------- */

/**
 * struct amdsvm_packets - packets in a row, growing; opaque.
 *
 * One thread at a time may use it. The functions that append return 0, or
 *   -ENOSPC  no room: there would be more than a submission takes,
 *            AMDSVM_MAX_SUBMIT_BYTES; submit, amdsvm_packets_reset(), try again
 *   -ENOMEM  no memory
 *   -EINVAL  a value that does not fit into its field, as the function says
 * and with an error nothing was appended. The other rules of a packet, and
 * whether the memory may be used, are for the device to check: a packet that
 * breaks a rule ends with the status -EBADMSG.
 */
struct amdsvm_packets;

/**
 * amdsvm_packets_new() - no packets yet.
 * @packets: to be freed with amdsvm_packets_free().
 *
 * Return: 0 or -ENOMEM.
 */
int amdsvm_packets_new(struct amdsvm_packets **packets);

/**
 * amdsvm_packets_free() - free packets.
 * @packets: may be NULL.
 */
void amdsvm_packets_free(struct amdsvm_packets *packets);

/**
 * amdsvm_packets_reset() - forget all packets, and keep the memory for the next.
 * @packets: packets.
 */
void amdsvm_packets_reset(struct amdsvm_packets *packets);

/**
 * amdsvm_packets_data() - the packets, for amdsvm_submit().
 * @packets: packets.
 *
 * Return: their first word, valid until the next call that appends; NULL when
 * nothing ever was.
 */
const void *amdsvm_packets_data(const struct amdsvm_packets *packets);

/**
 * amdsvm_packets_bytes() - the length of the packets, for amdsvm_submit().
 * @packets: packets.
 *
 * Return: bytes, a multiple of 4, at most AMDSVM_MAX_SUBMIT_BYTES.
 */
size_t amdsvm_packets_bytes(const struct amdsvm_packets *packets);

/**
 * amdsvm_packets_nop() - nothing.
 * @packets: append here.
 * @words: words behind the header, all 0: at most 16383.
 *
 * Return: 0, -EINVAL (more words), -ENOSPC, -ENOMEM.
 */
int amdsvm_packets_nop(struct amdsvm_packets *packets, uint32_t words);

/**
 * amdsvm_packets_copy() - copy memory.
 * @packets: append here.
 * @dst: destination.
 * @src: source.
 * @bytes: any number but 0: one packet for each AMDSVM_COPY_MAX_BYTES.
 *
 * Front to back, also when the areas overlap.
 *
 * Return: 0, -EINVAL (no bytes, or so many that they wrap), -ENOSPC, -ENOMEM.
 */
int amdsvm_packets_copy(struct amdsvm_packets *packets, uint64_t dst, uint64_t src,
			uint64_t bytes);

/**
 * amdsvm_packets_write() - write words that the packet carries.
 * @packets: append here.
 * @dst: destination, a multiple of 4.
 * @data: the words; copied into the packet.
 * @count: words, at least 1; a submission takes 262140.
 *
 * Return: 0, -EINVAL (no words), -ENOSPC, -ENOMEM.
 */
int amdsvm_packets_write(struct amdsvm_packets *packets, uint64_t dst, const uint32_t *data,
			 size_t count);

/**
 * amdsvm_packets_fill() - fill memory with a word.
 * @packets: append here.
 * @dst: destination, a multiple of 4.
 * @value: the word.
 * @bytes: a multiple of 4, not 0: one packet for each AMDSVM_FILL_MAX_BYTES.
 *
 * Return: 0, -EINVAL (no bytes, not a multiple of 4, or so many that they wrap),
 * -ENOSPC, -ENOMEM.
 */
int amdsvm_packets_fill(struct amdsvm_packets *packets, uint64_t dst, uint32_t value,
			uint64_t bytes);

/**
 * amdsvm_packets_fence() - write a word when everything before is done.
 * @packets: append here.
 * @address: a multiple of 4.
 * @value: the word.
 *
 * Return: 0, -ENOSPC, -ENOMEM.
 */
int amdsvm_packets_fence(struct amdsvm_packets *packets, uint64_t address, uint32_t value);

/**
 * amdsvm_packets_trap() - be counted in struct amdsvm_result.
 * @packets: append here.
 * @context: returned as last_trap: 28 bits.
 *
 * Return: 0, -EINVAL (more bits), -ENOSPC, -ENOMEM.
 */
int amdsvm_packets_trap(struct amdsvm_packets *packets, uint32_t context);

/**
 * amdsvm_packets_timestamp() - write the monotonic clock in nanoseconds.
 * @packets: append here.
 * @address: of 8 bytes, a multiple of 8.
 *
 * Return: 0, -ENOSPC, -ENOMEM.
 */
int amdsvm_packets_timestamp(struct amdsvm_packets *packets, uint64_t address);

/**
 * amdsvm_packets_atomic() - one atomic operation.
 * @packets: append here.
 * @operation: AMDSVM_ATOMIC_*.
 * @address: a multiple of the size of the operand: 4 or 8 bytes.
 * @operand: what to add, to store and so on.
 * @compare: for CMPSWAP, the value to compare with; else 0.
 *
 * Return: 0, -EINVAL (more than 7 bits of @operation), -ENOSPC, -ENOMEM.
 */
int amdsvm_packets_atomic(struct amdsvm_packets *packets, uint32_t operation, uint64_t address,
			  uint64_t operand, uint64_t compare);

/**
 * amdsvm_packets_touch() - use words in memory, and change none.
 * @packets: append here.
 * @access: AMDSVM_TOUCH_READ, AMDSVM_TOUCH_WRITE or AMDSVM_TOUCH_EXEC.
 * @address: of the first word, a multiple of 4.
 * @count: words, at least 1.
 * @stride: bytes from one to the next, a multiple of 4.
 *
 * Return: 0, -EINVAL (more than 8 bits of @access), -ENOSPC, -ENOMEM.
 */
int amdsvm_packets_touch(struct amdsvm_packets *packets, uint32_t access, uint64_t address,
			 uint64_t count, uint64_t stride);

/**
 * amdsvm_packets_gather() - destination[i] = source[index[i]].
 * @packets: append here.
 * @dst: @count elements of 64 bits, a multiple of 8.
 * @src: elements of 64 bits, a multiple of 8.
 * @indices: @count indices of 32 bits, a multiple of 4.
 * @count: at least 1.
 *
 * Return: 0, -ENOSPC, -ENOMEM.
 */
int amdsvm_packets_gather(struct amdsvm_packets *packets, uint64_t dst, uint64_t src,
			  uint64_t indices, uint64_t count);

/**
 * amdsvm_packets_scatter() - destination[index[i]] = source[i].
 * @packets: append here.
 * @dst: elements of 64 bits, a multiple of 8.
 * @src: @count elements of 64 bits, a multiple of 8.
 * @indices: @count indices of 32 bits, a multiple of 4.
 * @count: at least 1.
 *
 * Return: 0, -ENOSPC, -ENOMEM.
 */
int amdsvm_packets_scatter(struct amdsvm_packets *packets, uint64_t dst, uint64_t src,
			   uint64_t indices, uint64_t count);

/**
 * amdsvm_packets_chase() - walk a linked list and add its values up.
 * @packets: append here.
 * @first: first node, a multiple of 8; may be 0.
 * @next_offset: bytes from a node to its 64-bit pointer to the next.
 * @value_offset: bytes from a node to its 64-bit value. Both offsets: multiples
 *                of 8 below 65536.
 * @max: stop after so many nodes; at least 1.
 * @result: address of a struct amdsvm_chase_result, a multiple of 8.
 *
 * Return: 0, -EINVAL (offsets above), -ENOSPC, -ENOMEM.
 */
int amdsvm_packets_chase(struct amdsvm_packets *packets, uint64_t first, uint32_t next_offset,
			 uint32_t value_offset, uint64_t max, uint64_t result);

/**
 * amdsvm_packets_triad() - a[i] = b[i] + scalar * c[i].
 * @packets: append here.
 * @a: @count integers of 64 bits, a multiple of 8.
 * @b: the same.
 * @c: the same.
 * @count: at least 1.
 * @scalar: what @c is multiplied with, modulo 2^64.
 *
 * Return: 0, -ENOSPC, -ENOMEM.
 */
int amdsvm_packets_triad(struct amdsvm_packets *packets, uint64_t a, uint64_t b, uint64_t c,
			 uint64_t count, uint64_t scalar);

/**
 * amdsvm_packets_reduce() - the sum of 64-bit integers, modulo 2^64.
 * @packets: append here.
 * @result: address of the sum, a multiple of 8.
 * @src: @count integers, a multiple of 8.
 * @count: at least 1.
 *
 * Return: 0, -ENOSPC, -ENOMEM.
 */
int amdsvm_packets_reduce(struct amdsvm_packets *packets, uint64_t result, uint64_t src,
			  uint64_t count);

#ifdef __cplusplus
}
#endif

#endif /* AMDSVM_QUEUE_H_INCLUDED */
