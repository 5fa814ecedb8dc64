// SPDX-License-Identifier: MIT
/*
 * The model of what packets do; see vmmodel.h.
 */
#include "vmmodel.h"

static uintptr_t base;
static char *copy;

static uint64_t pair(const uint32_t *w)
{
	return w[0] | (uint64_t)w[1] << 32;
}

static char *at(const uint32_t *w)
{
	return copy + (pair(w) - base);
}

static uint64_t atomic_result(uint32_t op, uint64_t old, uint64_t operand, uint64_t compare)
{
	switch (op) {
	case AMDSVM_ATOMIC_SWAP_32:
		return operand;
	case AMDSVM_ATOMIC_CMPSWAP_32:
		return old == compare ? operand : old;
	case AMDSVM_ATOMIC_ADD_32:
		return old + operand;
	case AMDSVM_ATOMIC_AND_32:
		return old & operand;
	default:
		return old | operand;
	}
}

static void model_atomic(const uint32_t *w)
{
	uint32_t op = w[0] >> 25, small;
	uint64_t value;

	if (op & 0x20) {
		memcpy(&value, at(w + 1), 8);
		value = atomic_result(op & ~0x20, value, pair(w + 3), pair(w + 5));
		memcpy(at(w + 1), &value, 8);
	} else {
		memcpy(&small, at(w + 1), 4);
		small = atomic_result(op, small, w[3], w[5]);
		memcpy(at(w + 1), &small, 4);
	}
}

static void model_chase(const uint32_t *w)
{
	struct amdsvm_chase_result result = { .next = pair(w + 2) };
	uint64_t max = pair(w + 4);

	while (result.next && result.nodes < max) {
		uint32_t where[2] = { result.next, result.next >> 32 };
		uint64_t value;

		result.last = result.next;
		result.nodes++;
		memcpy(&value, at(where) + (w[1] >> 16), 8);
		result.sum += value;
		memcpy(&result.next, at(where) + (w[1] & 0xffff), 8);
	}
	memcpy(at(w + 6), &result, sizeof(result));
}

/* Returns the length of the packet. */
static unsigned int model_packet(const uint32_t *w)
{
	uint64_t i, n, *d, *s, *t;
	uint32_t *index;

	switch (w[0] & 0xff) {
	case AMDSVM_PACKET_NOP:
		return 1 + (w[0] >> 16);
	case AMDSVM_PACKET_COPY_LINEAR:
		for (i = 0; i <= w[1]; i++)
			at(w + 5)[i] = at(w + 3)[i];
		return 7;
	case AMDSVM_PACKET_WRITE_LINEAR:
		memcpy(at(w + 1), w + 4, 4 * (w[3] + 1));
		return 4 + w[3] + 1;
	case AMDSVM_PACKET_FENCE:
		memcpy(at(w + 1), w + 3, 4);
		return 4;
	case AMDSVM_PACKET_TRAP:
		return 2;
	case AMDSVM_PACKET_ATOMIC:
		model_atomic(w);
		return 8;
	case AMDSVM_PACKET_CONST_FILL:
		for (i = 0; i <= w[4]; i += 4)
			memcpy(at(w + 1) + i, w + 3, 4);
		return 5;
	case AMDSVM_PACKET_TOUCH:
		return 8;
	case AMDSVM_PACKET_GATHER:
	case AMDSVM_PACKET_SCATTER:
		d = (uint64_t *)at(w + 2);
		s = (uint64_t *)at(w + 4);
		index = (uint32_t *)at(w + 6);
		for (i = 0; i < pair(w + 8); i++)
			if ((w[0] & 0xff) == AMDSVM_PACKET_GATHER)
				d[i] = s[index[i]];
			else
				d[index[i]] = s[i];
		return 10;
	case AMDSVM_PACKET_CHASE:
		model_chase(w);
		return 10;
	case AMDSVM_PACKET_TRIAD:
		d = (uint64_t *)at(w + 2);
		s = (uint64_t *)at(w + 4);
		t = (uint64_t *)at(w + 6);
		for (i = 0; i < pair(w + 8); i++)
			d[i] = s[i] + pair(w + 10) * t[i];
		return 12;
	case AMDSVM_PACKET_REDUCE:
		s = (uint64_t *)at(w + 2);
		for (i = 0, n = 0; i < pair(w + 4); i++)
			n += s[i];
		memcpy(at(w + 6), &n, 8);
		return 8;
	}
	vm_fail(HERE, "the model does not know packet 0x%x", w[0]);
}

unsigned int vm_model_run(const struct vm_packets *p, const void *area, void *model)
{
	unsigned int offset = 0, packets = 0;

	base = (uintptr_t)area;
	copy = model;
	for (; offset < p->n; packets++)
		offset += model_packet(p->words + offset);
	return packets;
}
