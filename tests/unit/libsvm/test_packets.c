// SPDX-License-Identifier: MIT
/*
 * Packets: what the library builds is what the driver's own decoder reads.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <amdsvm/amdsvm.h>

#include "packet.h"

TCase *packets_case(void);

#define A 0x7f0000001000ULL
#define B 0x7f1200002040ULL
#define C 0x7f3400003080ULL
#define MIB (1ULL << 20)

static struct amdsvm_packets *packets;

static void setup(void)
{
	ck_assert_int_eq(amdsvm_packets_new(&packets), 0);
}

static void teardown(void)
{
	amdsvm_packets_free(packets);
}

/* The packet at @offset words; returns the offset of the next. */
static u32 decode_at(u32 offset, struct svm_packet *packet)
{
	const u32 *words = amdsvm_packets_data(packets);
	size_t bytes = amdsvm_packets_bytes(packets);

	ck_assert_uint_eq(bytes % 4, 0);
	ck_assert_uint_lt(offset, bytes / 4);
	ck_assert_int_eq(svm_packet_decode(words + offset, bytes / 4 - offset, packet), 0);
	return offset + packet->words;
}

/* The only packet that there is, of this operation. */
static struct svm_packet only(u32 op)
{
	struct svm_packet packet;

	ck_assert_uint_eq(decode_at(0, &packet) * 4, amdsvm_packets_bytes(packets));
	ck_assert_uint_eq(packet.op, op);
	return packet;
}

START_TEST(nop_trap_and_fence)
{
	struct svm_packet packet;

	ck_assert_int_eq(amdsvm_packets_nop(packets, 0), 0);
	ck_assert_uint_eq(only(AMDSVM_PACKET_NOP).words, 1);
	amdsvm_packets_reset(packets);
	ck_assert_int_eq(amdsvm_packets_nop(packets, 16383), 0);
	ck_assert_uint_eq(only(AMDSVM_PACKET_NOP).words, 16384);
	amdsvm_packets_reset(packets);
	ck_assert_int_eq(amdsvm_packets_trap(packets, 0x0fffffff), 0);
	ck_assert_uint_eq(only(AMDSVM_PACKET_TRAP).value, 0x0fffffff);
	amdsvm_packets_reset(packets);
	ck_assert_int_eq(amdsvm_packets_fence(packets, A + 4, 0x89abcdef), 0);
	packet = only(AMDSVM_PACKET_FENCE);
	ck_assert_uint_eq(packet.dst, A + 4);
	ck_assert_uint_eq(packet.value, 0x89abcdef);
	amdsvm_packets_reset(packets);
	ck_assert_int_eq(amdsvm_packets_timestamp(packets, A + 8), 0);
	ck_assert_uint_eq(only(AMDSVM_PACKET_TIMESTAMP).dst, A + 8);
}
END_TEST

START_TEST(copy_and_fill)
{
	struct svm_packet packet;

	ck_assert_int_eq(amdsvm_packets_copy(packets, B + 3, A + 1, 0x1234), 0);
	packet = only(AMDSVM_PACKET_COPY_LINEAR);
	ck_assert_uint_eq(packet.dst, B + 3);
	ck_assert_uint_eq(packet.src, A + 1);
	ck_assert_uint_eq(packet.count, 0x1234);

	amdsvm_packets_reset(packets);
	ck_assert_int_eq(amdsvm_packets_fill(packets, A + 4, 0xfedcba98, 4096), 0);
	packet = only(AMDSVM_PACKET_CONST_FILL);
	ck_assert_uint_eq(packet.dst, A + 4);
	ck_assert_uint_eq(packet.value, 0xfedcba98);
	ck_assert_uint_eq(packet.count, 4096);
}
END_TEST

/* Around what one packet holds, and several of them. */
START_TEST(copy_and_fill_in_parts)
{
	static const u64 sizes[] = { 4 * MIB - 4, 4 * MIB, 4 * MIB + 4, 8 * MIB, 41 * MIB + 12 };
	u64 size = sizes[_i], done;
	struct svm_packet packet;
	u32 at = 0;

	ck_assert_int_eq(amdsvm_packets_copy(packets, B, A, size), 0);
	ck_assert_int_eq(amdsvm_packets_fill(packets, C, 5, size), 0);
	for (done = 0; done < size; done += packet.count) {
		at = decode_at(at, &packet);
		ck_assert_uint_eq(packet.op, AMDSVM_PACKET_COPY_LINEAR);
		ck_assert_uint_eq(packet.dst, B + done);
		ck_assert_uint_eq(packet.src, A + done);
		ck_assert(packet.count == 4 * MIB || done + packet.count == size);
	}
	ck_assert_uint_eq(done, size);
	for (done = 0; done < size; done += packet.count) {
		at = decode_at(at, &packet);
		ck_assert_uint_eq(packet.op, AMDSVM_PACKET_CONST_FILL);
		ck_assert_uint_eq(packet.dst, C + done);
		ck_assert_uint_eq(packet.value, 5);
		ck_assert(packet.count == 4 * MIB || done + packet.count == size);
	}
	ck_assert_uint_eq(done, size);
	ck_assert_uint_eq(at * 4, amdsvm_packets_bytes(packets));
}
END_TEST

START_TEST(write_atomic_and_touch)
{
	const u32 data[] = { 1, 0xffffffff, 3 };
	struct svm_packet packet;

	ck_assert_int_eq(amdsvm_packets_write(packets, A + 4, data, 3), 0);
	packet = only(AMDSVM_PACKET_WRITE_LINEAR);
	ck_assert_uint_eq(packet.dst, A + 4);
	ck_assert_uint_eq(packet.count, 3);
	ck_assert_mem_eq(packet.data, data, sizeof(data));

	amdsvm_packets_reset(packets);
	ck_assert_int_eq(amdsvm_packets_atomic(packets, AMDSVM_ATOMIC_CMPSWAP_64, A + 8,
					       1ULL << 40, 1ULL << 41), 0);
	packet = only(AMDSVM_PACKET_ATOMIC);
	ck_assert_uint_eq(packet.atomic, AMDSVM_ATOMIC_CMPSWAP_64);
	ck_assert_uint_eq(packet.dst, A + 8);
	ck_assert_uint_eq(packet.value, 1ULL << 40);
	ck_assert_uint_eq(packet.compare, 1ULL << 41);

	amdsvm_packets_reset(packets);
	ck_assert_int_eq(amdsvm_packets_touch(packets, AMDSVM_TOUCH_WRITE, A, 1ULL << 33, 8), 0);
	packet = only(AMDSVM_PACKET_TOUCH);
	ck_assert_uint_eq(packet.sub, AMDSVM_TOUCH_WRITE);
	ck_assert_uint_eq(packet.dst, A);
	ck_assert_uint_eq(packet.count, 1ULL << 33);
	ck_assert_uint_eq(packet.stride, 8);
}
END_TEST

START_TEST(gather_scatter_and_chase)
{
	struct svm_packet packet;

	ck_assert_int_eq(_i ? amdsvm_packets_gather(packets, A, B, C + 4, 1ULL << 33) :
			      amdsvm_packets_scatter(packets, A, B, C + 4, 1ULL << 33), 0);
	packet = only(_i ? AMDSVM_PACKET_GATHER : AMDSVM_PACKET_SCATTER);
	ck_assert_uint_eq(packet.dst, A);
	ck_assert_uint_eq(packet.src, B);
	ck_assert_uint_eq(packet.index, C + 4);
	ck_assert_uint_eq(packet.count, 1ULL << 33);

	amdsvm_packets_reset(packets);
	ck_assert_int_eq(amdsvm_packets_chase(packets, A, 0xfff8, 16, ~0ULL, B), 0);
	packet = only(AMDSVM_PACKET_CHASE);
	ck_assert_uint_eq(packet.src, A);
	ck_assert_uint_eq(packet.next_offset, 0xfff8);
	ck_assert_uint_eq(packet.value_offset, 16);
	ck_assert_uint_eq(packet.count, ~0ULL);
	ck_assert_uint_eq(packet.dst, B);
}
END_TEST

START_TEST(triad_and_reduce)
{
	struct svm_packet packet;

	ck_assert_int_eq(amdsvm_packets_triad(packets, A, B, C, 1ULL << 33, ~5ULL), 0);
	packet = only(AMDSVM_PACKET_TRIAD);
	ck_assert_uint_eq(packet.dst, A);
	ck_assert_uint_eq(packet.src, B);
	ck_assert_uint_eq(packet.src2, C);
	ck_assert_uint_eq(packet.count, 1ULL << 33);
	ck_assert_uint_eq(packet.value, ~5ULL);

	amdsvm_packets_reset(packets);
	ck_assert_int_eq(amdsvm_packets_reduce(packets, A, B, 1ULL << 33), 0);
	packet = only(AMDSVM_PACKET_REDUCE);
	ck_assert_uint_eq(packet.dst, A);
	ck_assert_uint_eq(packet.src, B);
	ck_assert_uint_eq(packet.count, 1ULL << 33);
}
END_TEST

START_TEST(what_does_not_fit_is_refused)
{
	const u32 data = 0;

	ck_assert_ptr_null(amdsvm_packets_data(packets));
	ck_assert_int_eq(amdsvm_packets_nop(packets, 16384), -EINVAL);
	ck_assert_int_eq(amdsvm_packets_trap(packets, 1 << 28), -EINVAL);
	ck_assert_int_eq(amdsvm_packets_copy(packets, B, A, 0), -EINVAL);
	ck_assert_int_eq(amdsvm_packets_copy(packets, -8, A, 16), -EINVAL);
	ck_assert_int_eq(amdsvm_packets_copy(packets, A, -8, 16), -EINVAL);
	ck_assert_int_eq(amdsvm_packets_fill(packets, A, 1, 0), -EINVAL);
	ck_assert_int_eq(amdsvm_packets_fill(packets, A, 1, 4 * MIB + 2), -EINVAL);
	ck_assert_int_eq(amdsvm_packets_fill(packets, -8, 1, 16), -EINVAL);
	ck_assert_int_eq(amdsvm_packets_write(packets, A, &data, 0), -EINVAL);
	ck_assert_int_eq(amdsvm_packets_atomic(packets, 128, A, 0, 0), -EINVAL);
	ck_assert_int_eq(amdsvm_packets_touch(packets, 256, A, 1, 4), -EINVAL);
	ck_assert_int_eq(amdsvm_packets_chase(packets, A, 65536, 0, 1, B), -EINVAL);
	ck_assert_int_eq(amdsvm_packets_chase(packets, A, 0, 65536, 1, B), -EINVAL);
	ck_assert_uint_eq(amdsvm_packets_bytes(packets), 0);
}
END_TEST

/* One submission's worth, to the last word; then nothing of what does not fit. */
START_TEST(no_more_than_a_submission)
{
	u32 *data = calloc(AMDSVM_MAX_SUBMIT_BYTES / 4, sizeof(*data));
	struct svm_packet packet;
	u32 at = 0, count = 0;

	ck_assert_int_eq(amdsvm_packets_write(packets, A, data, 262141), -ENOSPC);
	ck_assert_int_eq(amdsvm_packets_write(packets, A, data, SIZE_MAX), -ENOSPC);
	ck_assert_int_eq(amdsvm_packets_write(packets, A, data, 262140), 0);
	ck_assert_uint_eq(amdsvm_packets_bytes(packets), AMDSVM_MAX_SUBMIT_BYTES);
	ck_assert_uint_eq(only(AMDSVM_PACKET_WRITE_LINEAR).count, 262140);
	ck_assert_int_eq(amdsvm_packets_nop(packets, 0), -ENOSPC);
	free(data);

	amdsvm_packets_reset(packets);
	ck_assert_uint_eq(amdsvm_packets_bytes(packets), 0);
	while (!amdsvm_packets_fence(packets, A, count))
		count++;
	ck_assert_uint_eq(count, AMDSVM_MAX_SUBMIT_BYTES / 16);
	ck_assert_int_eq(amdsvm_packets_fence(packets, A, 0), -ENOSPC);
	ck_assert_int_eq(amdsvm_packets_timestamp(packets, A), -ENOSPC);
	ck_assert_int_eq(amdsvm_packets_trap(packets, 0), -ENOSPC);
	ck_assert_int_eq(amdsvm_packets_atomic(packets, 15, A, 0, 0), -ENOSPC);
	ck_assert_int_eq(amdsvm_packets_touch(packets, 0, A, 1, 0), -ENOSPC);
	ck_assert_int_eq(amdsvm_packets_gather(packets, A, B, C, 1), -ENOSPC);
	ck_assert_int_eq(amdsvm_packets_scatter(packets, A, B, C, 1), -ENOSPC);
	ck_assert_int_eq(amdsvm_packets_chase(packets, A, 0, 8, 1, B), -ENOSPC);
	ck_assert_int_eq(amdsvm_packets_triad(packets, A, B, C, 1, 1), -ENOSPC);
	ck_assert_int_eq(amdsvm_packets_reduce(packets, A, B, 1), -ENOSPC);
	ck_assert_int_eq(amdsvm_packets_fill(packets, A, 0, 4), -ENOSPC);
	/* Growing moved the packets, and lost none. */
	for (count = 0; at * 4 < amdsvm_packets_bytes(packets); count++) {
		at = decode_at(at, &packet);
		ck_assert_uint_eq(packet.value, count);
	}

	/* All of a copy or none: the most that fits, a packet more, far too many. */
	amdsvm_packets_reset(packets);
	ck_assert_int_eq(amdsvm_packets_copy(packets, B, A, 37450 * 4 * MIB), -ENOSPC);
	ck_assert_int_eq(amdsvm_packets_copy(packets, B, A, 1ULL << 63), -ENOSPC);
	ck_assert_uint_eq(amdsvm_packets_bytes(packets), 0);
	ck_assert_int_eq(amdsvm_packets_copy(packets, B, A, 37449 * 4 * MIB), 0);
	ck_assert_uint_eq(amdsvm_packets_bytes(packets), 37449 * 28);
}
END_TEST

START_TEST(free_takes_null)
{
	amdsvm_packets_free(NULL);
}
END_TEST

TCase *packets_case(void)
{
	TCase *tc = tcase_create("packets");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, nop_trap_and_fence);
	tcase_add_test(tc, copy_and_fill);
	tcase_add_loop_test(tc, copy_and_fill_in_parts, 0, 5);
	tcase_add_test(tc, write_atomic_and_touch);
	tcase_add_loop_test(tc, gather_scatter_and_chase, 0, 2);
	tcase_add_test(tc, triad_and_reduce);
	tcase_add_test(tc, what_does_not_fit_is_refused);
	tcase_add_test(tc, no_more_than_a_submission);
	tcase_add_test(tc, free_takes_null);
	return tc;
}
