// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Decoding and validation of packets: the one place where the rules of
 * amdsvm_packets.h are checked. What passed can be executed without a thought
 * of overflow; only what packets find in memory is checked by who finds it.
 *
 * No locks, no services of the kernel; also compiled for the unit tests.
 */
#include <linux/errno.h>
#include <linux/types.h>

#include "packet.h"

#define HEADER_OP		0x000000ffu
#define HEADER_SUB		0x0000ff00u
#define HEADER_NOP_COUNT	0x3fff0000u
#define HEADER_ATOMIC		0xfe000000u
#define HEADER_FILL_SIZE	0xc0000000u

/* CONST_FILL knows one size of units. */
#define FILL_SIZE_WORDS		2u

#define COUNT_BITS_COPY		0x003fffffu
#define COUNT_BITS_FILL		0x003fffffu
#define COUNT_BITS_WRITE	0x000fffffu
#define CONTEXT_BITS_TRAP	0x0fffffffu

static u64 pair(const u32 *words)
{
	return words[0] | (u64)words[1] << 32;
}

/* @count elements from @address on, @count not 0; both sizes are powers of 2. */
static bool span_ok(u64 address, u64 count, u64 size, u64 align)
{
	return !(address & (align - 1)) && address < SVM_PACKET_ADDRESS_LIMIT &&
	       count <= (SVM_PACKET_ADDRESS_LIMIT - address) / size;
}

static bool array_ok(u64 address, u64 count)
{
	return span_ok(address, count, sizeof(u64), sizeof(u64));
}

/*
 * The length of the packet with this header if it is one: an operation that
 * there is, no other bits than it has. 0: malformed. WRITE_LINEAR says its length
 * in a later word; this is the part that it always has.
 */
static u32 fixed_words(u32 header)
{
	u32 allowed = HEADER_OP;
	u32 words;

	switch (header & HEADER_OP) {
	case AMDSVM_PACKET_NOP:
		allowed |= HEADER_NOP_COUNT;
		words = 1 + ((header & HEADER_NOP_COUNT) >> 16);
		break;
	case AMDSVM_PACKET_COPY_LINEAR:
		words = 7;
		break;
	case AMDSVM_PACKET_WRITE_LINEAR:
		words = 4;
		break;
	case AMDSVM_PACKET_FENCE:
		words = 4;
		break;
	case AMDSVM_PACKET_TRAP:
		words = 2;
		break;
	case AMDSVM_PACKET_ATOMIC:
		allowed |= HEADER_ATOMIC;
		words = 8;
		break;
	case AMDSVM_PACKET_CONST_FILL:
		allowed |= HEADER_FILL_SIZE;
		words = 5;
		break;
	case AMDSVM_PACKET_TIMESTAMP:
		allowed |= HEADER_SUB;
		words = 3;
		break;
	case AMDSVM_PACKET_TOUCH:
		allowed |= HEADER_SUB;
		words = 8;
		break;
	case AMDSVM_PACKET_GATHER:
	case AMDSVM_PACKET_SCATTER:
	case AMDSVM_PACKET_CHASE:
		words = 10;
		break;
	case AMDSVM_PACKET_TRIAD:
		words = 12;
		break;
	case AMDSVM_PACKET_REDUCE:
		words = 8;
		break;
	default:
		return 0;
	}
	return header & ~allowed ? 0 : words;
}

static bool decode_copy(const u32 *words, struct svm_packet *packet)
{
	if (words[1] & ~COUNT_BITS_COPY || words[2])
		return false;
	packet->count = (u64)words[1] + 1;
	packet->src = pair(words + 3);
	packet->dst = pair(words + 5);
	return span_ok(packet->src, packet->count, 1, 1) &&
	       span_ok(packet->dst, packet->count, 1, 1);
}

static bool decode_write(const u32 *words, u32 n, struct svm_packet *packet)
{
	if (words[3] & ~COUNT_BITS_WRITE)
		return false;
	packet->dst = pair(words + 1);
	packet->count = (u64)words[3] + 1;
	packet->data = words + 4;
	packet->words = 4 + packet->count;
	return packet->words <= n &&
	       span_ok(packet->dst, packet->count, sizeof(u32), sizeof(u32));
}

static bool decode_fence(const u32 *words, struct svm_packet *packet)
{
	packet->dst = pair(words + 1);
	packet->value = words[3];
	return span_ok(packet->dst, 1, sizeof(u32), sizeof(u32));
}

static bool decode_trap(const u32 *words, struct svm_packet *packet)
{
	packet->value = words[1];
	return !(words[1] & ~CONTEXT_BITS_TRAP);
}

static bool atomic_known(u32 atomic)
{
	switch (atomic) {
	case AMDSVM_ATOMIC_SWAP_32:
	case AMDSVM_ATOMIC_CMPSWAP_32:
	case AMDSVM_ATOMIC_ADD_32:
	case AMDSVM_ATOMIC_AND_32:
	case AMDSVM_ATOMIC_OR_32:
	case AMDSVM_ATOMIC_SWAP_64:
	case AMDSVM_ATOMIC_CMPSWAP_64:
	case AMDSVM_ATOMIC_ADD_64:
	case AMDSVM_ATOMIC_AND_64:
	case AMDSVM_ATOMIC_OR_64:
		return true;
	default:
		return false;
	}
}

static bool atomic_compares(u32 atomic)
{
	return atomic == AMDSVM_ATOMIC_CMPSWAP_32 ||
	       atomic == AMDSVM_ATOMIC_CMPSWAP_64;
}

static bool decode_atomic(const u32 *words, struct svm_packet *packet)
{
	u32 size;

	packet->atomic = words[0] >> 25;
	packet->dst = pair(words + 1);
	packet->value = pair(words + 3);
	packet->compare = pair(words + 5);
	if (!atomic_known(packet->atomic) || words[7])
		return false;
	if (packet->compare && !atomic_compares(packet->atomic))
		return false;

	/* An operand of 32 bits is one word; the other is not named. */
	size = svm_packet_atomic_size(packet);
	if (size == sizeof(u32) && (words[4] || words[6]))
		return false;
	return span_ok(packet->dst, 1, size, size);
}

static bool decode_fill(const u32 *words, struct svm_packet *packet)
{
	if (words[0] >> 30 != FILL_SIZE_WORDS || words[4] & ~COUNT_BITS_FILL)
		return false;
	packet->dst = pair(words + 1);
	packet->value = words[3];
	packet->count = (u64)words[4] + 1;
	return !(packet->count % sizeof(u32)) &&
	       span_ok(packet->dst, packet->count, 1, sizeof(u32));
}

static bool decode_timestamp(const u32 *words, struct svm_packet *packet)
{
	packet->dst = pair(words + 1);
	return packet->sub == AMDSVM_TIMESTAMP_GET_GLOBAL &&
	       array_ok(packet->dst, 1);
}

static bool decode_touch(const u32 *words, struct svm_packet *packet)
{
	u64 room;

	packet->dst = pair(words + 2);
	packet->count = pair(words + 4);
	packet->stride = pair(words + 6);
	if (packet->sub > AMDSVM_TOUCH_EXEC || words[1] || !packet->count ||
	    packet->stride % sizeof(u32))
		return false;
	if (!span_ok(packet->dst, 1, sizeof(u32), sizeof(u32)))
		return false;

	/* From the first word to where the last one may begin. */
	room = SVM_PACKET_ADDRESS_LIMIT - sizeof(u32) - packet->dst;
	return !packet->stride || packet->count - 1 <= room / packet->stride;
}

static bool decode_gather(const u32 *words, struct svm_packet *packet)
{
	bool gather = packet->op == AMDSVM_PACKET_GATHER;

	packet->dst = pair(words + 2);
	packet->src = pair(words + 4);
	packet->index = pair(words + 6);
	packet->count = pair(words + 8);
	if (words[1] || !packet->count)
		return false;

	/* One array is walked along; in the other, the indices decide. */
	return array_ok(packet->dst, gather ? packet->count : 1) &&
	       array_ok(packet->src, gather ? 1 : packet->count) &&
	       span_ok(packet->index, packet->count, sizeof(u32), sizeof(u32));
}

static bool decode_chase(const u32 *words, struct svm_packet *packet)
{
	packet->next_offset = words[1] & 0xffff;
	packet->value_offset = words[1] >> 16;
	packet->src = pair(words + 2);
	packet->count = pair(words + 4);
	packet->dst = pair(words + 6);
	if (!packet->count || words[8] || words[9])
		return false;
	if (packet->next_offset % sizeof(u64) || packet->value_offset % sizeof(u64))
		return false;

	/* No node at all is 0, which passes; the first check bounds the sums. */
	return array_ok(packet->src, 1) &&
	       array_ok(packet->src + packet->next_offset, 1) &&
	       array_ok(packet->src + packet->value_offset, 1) &&
	       span_ok(packet->dst, 1, sizeof(struct amdsvm_chase_result), sizeof(u64));
}

static bool decode_triad(const u32 *words, struct svm_packet *packet)
{
	packet->dst = pair(words + 2);
	packet->src = pair(words + 4);
	packet->src2 = pair(words + 6);
	packet->count = pair(words + 8);
	packet->value = pair(words + 10);
	return !words[1] && packet->count &&
	       array_ok(packet->dst, packet->count) &&
	       array_ok(packet->src, packet->count) &&
	       array_ok(packet->src2, packet->count);
}

static bool decode_reduce(const u32 *words, struct svm_packet *packet)
{
	packet->src = pair(words + 2);
	packet->count = pair(words + 4);
	packet->dst = pair(words + 6);
	return !words[1] && packet->count &&
	       array_ok(packet->src, packet->count) && array_ok(packet->dst, 1);
}

static bool decode_body(const u32 *words, u32 n, struct svm_packet *packet)
{
	switch (packet->op) {
	case AMDSVM_PACKET_NOP:
		return true;
	case AMDSVM_PACKET_COPY_LINEAR:
		return decode_copy(words, packet);
	case AMDSVM_PACKET_WRITE_LINEAR:
		return decode_write(words, n, packet);
	case AMDSVM_PACKET_FENCE:
		return decode_fence(words, packet);
	case AMDSVM_PACKET_TRAP:
		return decode_trap(words, packet);
	case AMDSVM_PACKET_ATOMIC:
		return decode_atomic(words, packet);
	case AMDSVM_PACKET_CONST_FILL:
		return decode_fill(words, packet);
	case AMDSVM_PACKET_TIMESTAMP:
		return decode_timestamp(words, packet);
	case AMDSVM_PACKET_TOUCH:
		return decode_touch(words, packet);
	case AMDSVM_PACKET_GATHER:
	case AMDSVM_PACKET_SCATTER:
		return decode_gather(words, packet);
	case AMDSVM_PACKET_CHASE:
		return decode_chase(words, packet);
	case AMDSVM_PACKET_TRIAD:
		return decode_triad(words, packet);
	case AMDSVM_PACKET_REDUCE:
		return decode_reduce(words, packet);
	default:
		return false;
	}
}

/**
 * svm_packet_decode() - decode and validate one packet
 * @words: the packet and what follows it
 * @n: number of words there are, may be 0
 * @packet: result, all fields set; undefined on error. It points into @words
 *
 * Looks at nothing but @words, which must not change meanwhile. Any context.
 *
 * Return: 0, or -EBADMSG for a packet that is malformed or longer than @n.
 */
int svm_packet_decode(const u32 *words, u32 n, struct svm_packet *packet)
{
	u32 fixed;

	if (!n)
		return -EBADMSG;

	fixed = fixed_words(words[0]);
	if (!fixed || fixed > n)
		return -EBADMSG;

	*packet = (struct svm_packet) {
		.op = words[0] & HEADER_OP,
		.sub = (words[0] & HEADER_SUB) >> 8,
		.words = fixed,
	};
	return decode_body(words, n, packet) ? 0 : -EBADMSG;
}
