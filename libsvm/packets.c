// SPDX-License-Identifier: MIT
/*
 * Packets: the layouts of <amdsvm/amdsvm_packets.h>, one function each. What does
 * not fit into its field is refused here, since it would become another packet;
 * everything else is for the device to check.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "private.h"

#define HEADER(name) AMDSVM_PACKET_HEADER(AMDSVM_PACKET_##name, 0)

#define NOP_MAX_WORDS	0x3fffU
#define TRAP_MAX	0x0fffffffU
#define ATOMIC_MAX	0x7fU
#define SUB_MAX		0xffU
#define OFFSET_MAX	0xffffU

/* CONST_FILL: the unit is a word. */
#define FILL_WORDS	(2U << 30)

#define COPY_WORDS	7
#define FILL_PACKET_WORDS 5

/* A submission takes so many words. */
#define MAX_WORDS	(AMDSVM_MAX_SUBMIT_BYTES / sizeof(uint32_t))

struct amdsvm_packets {
	uint32_t *words;
	size_t count;
	size_t capacity;
};

AMDSVM_EXPORT int amdsvm_packets_new(struct amdsvm_packets **packets)
{
	struct amdsvm_packets *new = calloc(1, sizeof(*new));

	if (!new)
		return -ENOMEM;
	*packets = new;
	return 0;
}

AMDSVM_EXPORT void amdsvm_packets_free(struct amdsvm_packets *packets)
{
	if (!packets)
		return;

	free(packets->words);
	free(packets);
}

AMDSVM_EXPORT void amdsvm_packets_reset(struct amdsvm_packets *packets)
{
	packets->count = 0;
}

AMDSVM_EXPORT const void *amdsvm_packets_data(const struct amdsvm_packets *packets)
{
	return packets->words;
}

AMDSVM_EXPORT size_t amdsvm_packets_bytes(const struct amdsvm_packets *packets)
{
	return packets->count * sizeof(*packets->words);
}

/* Room for so many more words, all 0, which are counted. */
static int append(struct amdsvm_packets *packets, uint64_t words, uint32_t **packet)
{
	uint32_t *larger;
	size_t capacity;

	if (words > MAX_WORDS - packets->count)
		return -ENOSPC;

	if (words > packets->capacity - packets->count) {
		/* Doubled, so that appending costs the same however many there are. */
		capacity = 2 * (packets->count + words);
		larger = reallocarray(packets->words, capacity, sizeof(*larger));
		if (!larger)
			return -ENOMEM;
		packets->words = larger;
		packets->capacity = capacity;
	}

	*packet = packets->words + packets->count;
	memset(*packet, 0, words * sizeof(**packet));
	packets->count += words;
	return 0;
}

static void put64(uint32_t *words, uint64_t value)
{
	words[0] = value;
	words[1] = value >> 32;
}

AMDSVM_EXPORT int amdsvm_packets_nop(struct amdsvm_packets *packets, uint32_t words)
{
	uint32_t *packet;
	int ret;

	if (words > NOP_MAX_WORDS)
		return -EINVAL;
	ret = append(packets, 1 + words, &packet);
	if (ret)
		return ret;

	packet[0] = HEADER(NOP) | words << 16;
	return 0;
}

/* Packets of so many words for so many bytes in parts. */
static int append_parts(struct amdsvm_packets *packets, uint64_t bytes, uint32_t part,
			uint32_t words, uint32_t **packet)
{
	return append(packets, (bytes / part + !!(bytes % part)) * words, packet);
}

AMDSVM_EXPORT int amdsvm_packets_copy(struct amdsvm_packets *packets, uint64_t dst,
				      uint64_t src, uint64_t bytes)
{
	uint32_t *packet;
	uint32_t part;
	int ret;

	if (!bytes || dst + bytes < dst || src + bytes < src)
		return -EINVAL;
	ret = append_parts(packets, bytes, AMDSVM_COPY_MAX_BYTES, COPY_WORDS, &packet);
	if (ret)
		return ret;

	for (; bytes; bytes -= part, src += part, dst += part) {
		part = bytes < AMDSVM_COPY_MAX_BYTES ? bytes : AMDSVM_COPY_MAX_BYTES;
		packet[0] = HEADER(COPY_LINEAR);
		packet[1] = part - 1;
		put64(packet + 3, src);
		put64(packet + 5, dst);
		packet += COPY_WORDS;
	}
	return 0;
}

AMDSVM_EXPORT int amdsvm_packets_write(struct amdsvm_packets *packets, uint64_t dst,
				       const uint32_t *data, size_t count)
{
	uint32_t *packet;
	int ret;

	if (!count)
		return -EINVAL;
	/* Before 4 + count can wrap. The field would hold more. */
	if (count > MAX_WORDS)
		return -ENOSPC;
	ret = append(packets, 4 + count, &packet);
	if (ret)
		return ret;

	packet[0] = HEADER(WRITE_LINEAR);
	put64(packet + 1, dst);
	packet[3] = count - 1;
	memcpy(packet + 4, data, count * sizeof(*data));
	return 0;
}

AMDSVM_EXPORT int amdsvm_packets_fill(struct amdsvm_packets *packets, uint64_t dst,
				      uint32_t value, uint64_t bytes)
{
	uint32_t *packet;
	uint32_t part;
	int ret;

	if (!bytes || bytes % sizeof(value) || dst + bytes < dst)
		return -EINVAL;
	ret = append_parts(packets, bytes, AMDSVM_FILL_MAX_BYTES, FILL_PACKET_WORDS, &packet);
	if (ret)
		return ret;

	for (; bytes; bytes -= part, dst += part) {
		part = bytes < AMDSVM_FILL_MAX_BYTES ? bytes : AMDSVM_FILL_MAX_BYTES;
		packet[0] = HEADER(CONST_FILL) | FILL_WORDS;
		put64(packet + 1, dst);
		packet[3] = value;
		packet[4] = part - 1;
		packet += FILL_PACKET_WORDS;
	}
	return 0;
}

AMDSVM_EXPORT int amdsvm_packets_fence(struct amdsvm_packets *packets, uint64_t address,
				       uint32_t value)
{
	uint32_t *packet;
	int ret = append(packets, 4, &packet);

	if (ret)
		return ret;

	packet[0] = HEADER(FENCE);
	put64(packet + 1, address);
	packet[3] = value;
	return 0;
}

AMDSVM_EXPORT int amdsvm_packets_trap(struct amdsvm_packets *packets, uint32_t context)
{
	uint32_t *packet;
	int ret;

	if (context > TRAP_MAX)
		return -EINVAL;
	ret = append(packets, 2, &packet);
	if (ret)
		return ret;

	packet[0] = HEADER(TRAP);
	packet[1] = context;
	return 0;
}

AMDSVM_EXPORT int amdsvm_packets_timestamp(struct amdsvm_packets *packets, uint64_t address)
{
	uint32_t *packet;
	int ret = append(packets, 3, &packet);

	if (ret)
		return ret;

	packet[0] = AMDSVM_PACKET_HEADER(AMDSVM_PACKET_TIMESTAMP, AMDSVM_TIMESTAMP_GET_GLOBAL);
	put64(packet + 1, address);
	return 0;
}

AMDSVM_EXPORT int amdsvm_packets_atomic(struct amdsvm_packets *packets, uint32_t operation,
					uint64_t address, uint64_t operand, uint64_t compare)
{
	uint32_t *packet;
	int ret;

	if (operation > ATOMIC_MAX)
		return -EINVAL;
	ret = append(packets, 8, &packet);
	if (ret)
		return ret;

	packet[0] = HEADER(ATOMIC) | operation << 25;
	put64(packet + 1, address);
	put64(packet + 3, operand);
	put64(packet + 5, compare);
	return 0;
}

AMDSVM_EXPORT int amdsvm_packets_touch(struct amdsvm_packets *packets, uint32_t access,
				       uint64_t address, uint64_t count, uint64_t stride)
{
	uint32_t *packet;
	int ret;

	if (access > SUB_MAX)
		return -EINVAL;
	ret = append(packets, 8, &packet);
	if (ret)
		return ret;

	packet[0] = AMDSVM_PACKET_HEADER(AMDSVM_PACKET_TOUCH, access);
	put64(packet + 2, address);
	put64(packet + 4, count);
	put64(packet + 6, stride);
	return 0;
}

static int append_indexed(struct amdsvm_packets *packets, uint32_t header, uint64_t dst,
			  uint64_t src, uint64_t indices, uint64_t count)
{
	uint32_t *packet;
	int ret = append(packets, 10, &packet);

	if (ret)
		return ret;

	packet[0] = header;
	put64(packet + 2, dst);
	put64(packet + 4, src);
	put64(packet + 6, indices);
	put64(packet + 8, count);
	return 0;
}

AMDSVM_EXPORT int amdsvm_packets_gather(struct amdsvm_packets *packets, uint64_t dst,
					uint64_t src, uint64_t indices, uint64_t count)
{
	return append_indexed(packets, HEADER(GATHER), dst, src, indices, count);
}

AMDSVM_EXPORT int amdsvm_packets_scatter(struct amdsvm_packets *packets, uint64_t dst,
					 uint64_t src, uint64_t indices, uint64_t count)
{
	return append_indexed(packets, HEADER(SCATTER), dst, src, indices, count);
}

AMDSVM_EXPORT int amdsvm_packets_chase(struct amdsvm_packets *packets, uint64_t first,
				       uint32_t next_offset, uint32_t value_offset,
				       uint64_t max, uint64_t result)
{
	uint32_t *packet;
	int ret;

	if (next_offset > OFFSET_MAX || value_offset > OFFSET_MAX)
		return -EINVAL;
	ret = append(packets, 10, &packet);
	if (ret)
		return ret;

	packet[0] = HEADER(CHASE);
	packet[1] = next_offset | value_offset << 16;
	put64(packet + 2, first);
	put64(packet + 4, max);
	put64(packet + 6, result);
	return 0;
}

AMDSVM_EXPORT int amdsvm_packets_triad(struct amdsvm_packets *packets, uint64_t a, uint64_t b,
				       uint64_t c, uint64_t count, uint64_t scalar)
{
	uint32_t *packet;
	int ret = append(packets, 12, &packet);

	if (ret)
		return ret;

	packet[0] = HEADER(TRIAD);
	put64(packet + 2, a);
	put64(packet + 4, b);
	put64(packet + 6, c);
	put64(packet + 8, count);
	put64(packet + 10, scalar);
	return 0;
}

AMDSVM_EXPORT int amdsvm_packets_reduce(struct amdsvm_packets *packets, uint64_t result,
					uint64_t src, uint64_t count)
{
	uint32_t *packet;
	int ret = append(packets, 8, &packet);

	if (ret)
		return ret;

	packet[0] = HEADER(REDUCE);
	put64(packet + 2, src);
	put64(packet + 4, count);
	put64(packet + 6, result);
	return 0;
}
