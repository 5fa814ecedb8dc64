/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR MIT */
/*
 * amdsvm: packets that queues execute (AMDSVM_IOC_QUEUE_SUBMIT).
 *
 * A packet is a row of little-endian 32-bit words. The first is the header: the
 * operation in bits 7:0, the sub-operation in bits 15:8, the rest as said for
 * each packet; bits and words that are not named must be zero. Where SDMA, the
 * copy engine of AMD GPUs, has the operation, number and layout are SDMA's
 * (gfx9); the others have numbers from 0xc0.
 *
 * Addresses are bytes in the address space of the process, below 2^48; 64-bit
 * fields are two words, the low one first. What is read or written must not
 * pass 2^48. A packet that breaks a rule is malformed (-EBADMSG).
 */
#ifndef AMDSVM_PACKETS_H_INCLUDED
#define AMDSVM_PACKETS_H_INCLUDED

#include <linux/types.h>

#define AMDSVM_PACKET_HEADER(op, sub) ((__u32)(op) | (__u32)(sub) << 8)

/*
 * NOP: 1 + n words, n in bits 29:16 of the header; the n words behind the
 * header are not looked at.
 */
#define AMDSVM_PACKET_NOP		0

/*
 * COPY_LINEAR: 7 words. Copies bytes upwards, front to back; overlapping
 * areas get what that gives.
 *	1	bytes - 1 in bits 21:0
 *	2	0
 *	3-4	source
 *	5-6	destination
 */
#define AMDSVM_PACKET_COPY_LINEAR	1
#define AMDSVM_COPY_MAX_BYTES		(1U << 22)

/*
 * WRITE_LINEAR: 4 + n words.
 *	1-2	destination, a multiple of 4
 *	3	n - 1 in bits 19:0
 *	4-	the n words to write
 */
#define AMDSVM_PACKET_WRITE_LINEAR	2

/*
 * FENCE: 4 words. Writes one word after everything before it is done.
 *	1-2	address, a multiple of 4
 *	3	the word
 */
#define AMDSVM_PACKET_FENCE		5

/*
 * TRAP: 2 words. Counted in struct amdsvm_result.
 *	1	context in bits 27:0
 */
#define AMDSVM_PACKET_TRAP		6

/*
 * ATOMIC: 8 words. One atomic operation, with respect to CPUs and devices.
 *	0	operation in bits 31:25, AMDSVM_ATOMIC_*
 *	1-2	address, a multiple of the operand's size
 *	3-4	operand
 *	5-6	CMPSWAP: the value to compare with; else 0
 * The high words of operand and value are 0 with operands of 32 bits.
 *	7	0
 */
#define AMDSVM_PACKET_ATOMIC		10
#define AMDSVM_ATOMIC_SWAP_32		0x07
#define AMDSVM_ATOMIC_CMPSWAP_32	0x08
#define AMDSVM_ATOMIC_ADD_32		0x0f
#define AMDSVM_ATOMIC_AND_32		0x15
#define AMDSVM_ATOMIC_OR_32		0x16
#define AMDSVM_ATOMIC_SWAP_64		0x27
#define AMDSVM_ATOMIC_CMPSWAP_64	0x28
#define AMDSVM_ATOMIC_ADD_64		0x2f
#define AMDSVM_ATOMIC_AND_64		0x35
#define AMDSVM_ATOMIC_OR_64		0x36

/*
 * CONST_FILL: 5 words. Fills with the word.
 *	0	2 in bits 31:30: in units of words
 *	1-2	destination, a multiple of 4
 *	3	the word
 *	4	bytes - 1 in bits 21:0, bytes a multiple of 4
 */
#define AMDSVM_PACKET_CONST_FILL	11
#define AMDSVM_FILL_MAX_BYTES		(1U << 22)

/*
 * TIMESTAMP: 3 words, sub-operation 2. Writes the monotonic clock, nanoseconds.
 *	1-2	address of 8 bytes, a multiple of 8
 */
#define AMDSVM_PACKET_TIMESTAMP		13
#define AMDSVM_TIMESTAMP_GET_GLOBAL	2

/* ---- amdsvm's own ------------------------------------------------------- */

/*
 * TOUCH: 8 words. Uses the 32-bit words at address, address + stride, ... count
 * times. Sub-operation 0 reads them; 1 writes them with what they hold (an
 * atomic or with 0); 2 looks whether the device may execute them.
 *	1	0
 *	2-3	address, a multiple of 4
 *	4-5	count, at least 1
 *	6-7	stride in bytes, a multiple of 4
 */
#define AMDSVM_PACKET_TOUCH		0xc0
#define AMDSVM_TOUCH_READ		0
#define AMDSVM_TOUCH_WRITE		1
#define AMDSVM_TOUCH_EXEC		2

/*
 * GATHER: 10 words. destination[i] = source[index[i]] for i below count, elements
 * of 64 bits, indices of 32.
 *	1	0
 *	2-3	destination, a multiple of 8
 *	4-5	source, a multiple of 8
 *	6-7	indices, a multiple of 4
 *	8-9	count, at least 1
 * SCATTER: the same words; destination[index[i]] = source[i].
 */
#define AMDSVM_PACKET_GATHER		0xc1
#define AMDSVM_PACKET_SCATTER		0xc2

/*
 * CHASE: 10 words. Walks a linked list: from node to the 64-bit pointer at
 * next_offset, until it is null or max nodes were visited, adding up the 64-bit
 * values at value_offset. Then writes a struct amdsvm_chase_result. A pointer
 * that is no multiple of 8 or not below 2^48 is -EFAULT.
 *	1	next_offset in bits 15:0, value_offset in bits 31:16: bytes,
 *		multiples of 8
 *	2-3	first node, a multiple of 8; may be null
 *	4-5	max, at least 1
 *	6-7	address of the result, a multiple of 8
 *	8-9	0
 */
#define AMDSVM_PACKET_CHASE		0xc3

struct amdsvm_chase_result {
	__u64 nodes;	/* visited */
	__u64 sum;	/* of their values, modulo 2^64 */
	__u64 last;	/* the last one visited, 0 when there was none */
	__u64 next;	/* what its pointer to the next held: 0 unless max was reached */
};

/*
 * TRIAD: 12 words. a[i] = b[i] + scalar * c[i] for i below count, 64-bit integers
 * modulo 2^64.
 *	1	0
 *	2-3	a, 4-5 b, 6-7 c: multiples of 8
 *	8-9	count, at least 1
 *	10-11	scalar
 */
#define AMDSVM_PACKET_TRIAD		0xc4

/*
 * REDUCE: 8 words. Writes the sum of count 64-bit integers, modulo 2^64.
 *	1	0
 *	2-3	source, a multiple of 8
 *	4-5	count, at least 1
 *	6-7	address of the sum, a multiple of 8
 */
#define AMDSVM_PACKET_REDUCE		0xc5

#endif /* AMDSVM_PACKETS_H_INCLUDED */
