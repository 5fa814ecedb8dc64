/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Packets of queues, decoded. The words and their rules are in amdsvm_packets.h.
 */
#ifndef SVM_PACKET_H
#define SVM_PACKET_H

#include <linux/bits.h>
#include <linux/types.h>

#include "amdsvm_packets.h"

/* Nothing that a device reads or writes reaches this address. */
#define SVM_PACKET_ADDRESS_LIMIT BIT_ULL(48)

/*
 * struct svm_packet - one packet that obeys the rules
 * @op: AMDSVM_PACKET_*
 * @sub: TOUCH: AMDSVM_TOUCH_*
 * @words: length of the packet with its header
 * @atomic: ATOMIC: AMDSVM_ATOMIC_*
 * @next_offset: CHASE: of the pointer in a node
 * @value_offset: CHASE: of the value in a node
 * @dst: what is written: the destination; ATOMIC and TOUCH: the (first) operand;
 *	CHASE and REDUCE: the result; TRIAD: a
 * @src: what is read: the source; CHASE: the first node, may be 0; TRIAD: b
 * @src2: TRIAD: c
 * @index: GATHER, SCATTER: the array of indices
 * @count: COPY_LINEAR, CONST_FILL: bytes; WRITE_LINEAR: words; CHASE: most nodes;
 *	else elements. Never 0 where the packet has one
 * @stride: TOUCH: bytes from one word to the next, may be 0
 * @value: FENCE, CONST_FILL: the word; ATOMIC: the operand; TRIAD: the scalar;
 *	TRAP: the context
 * @compare: ATOMIC: CMPSWAP's value to compare with
 * @data: WRITE_LINEAR: the words to write, in the buffer that was decoded
 *
 * Every span that @dst, @src, @src2 and @index begin is aligned and below
 * SVM_PACKET_ADDRESS_LIMIT. What is found in memory, GATHER's and SCATTER's
 * indices and CHASE's pointers, leads anywhere.
 */
struct svm_packet {
	u32 op;
	u32 sub;
	u32 words;
	u32 atomic;
	u32 next_offset;
	u32 value_offset;
	u64 dst;
	u64 src;
	u64 src2;
	u64 index;
	u64 count;
	u64 stride;
	u64 value;
	u64 compare;
	const u32 *data;
};

int svm_packet_decode(const u32 *words, u32 n, struct svm_packet *packet);

/* Bytes of the operand of an ATOMIC. */
static inline u32 svm_packet_atomic_size(const struct svm_packet *packet)
{
	/* SDMA's codes of 64-bit operations are those of 32 bits with this bit. */
	return packet->atomic & 0x20 ? sizeof(u64) : sizeof(u32);
}

#endif /* SVM_PACKET_H */
