// SPDX-License-Identifier: MIT
/*
 * Packets as amdsvm_packets.h describes them: each one is understood, and each
 * rule broken makes it malformed.
 */
#include <stdlib.h>
#include <string.h>

#include "packet.h"
#include "unit_test.h"

#define OP(name, sub) AMDSVM_PACKET_HEADER(AMDSVM_PACKET_##name, sub)
#define PAIR(value) (u32)(value), (u32)((u64)(value) >> 32)
#define LIMIT (1ULL << 48)

/* Addresses with bits in both words. */
#define A 0x7f0000001000ULL
#define B 0x7f1200002040ULL
#define C 0x7f3400003080ULL

/* Bits that no address has: above 2^48, and below what it is a multiple of. */
#define HIGH 0xffff0000u
#define BY4 3u
#define BY8 7u

/* Nothing but the operation may be in the header; or the sub-operation as well. */
#define PLAIN 0xffffff00u
#define WITH_SUB 0xffff0000u
#define ALL 0xffffffffu

/* The decoder points into no packet but WRITE_LINEAR. */
#define NO_DATA 0

/*
 * A good packet
 * @forbidden: bits of each word that are 0 in it, and of which any one makes it
 *	malformed
 * @data: where @expected.data must point to, in words
 */
static const struct example {
	const char *name;
	u32 n;
	u32 data;
	u32 words[14];
	u32 forbidden[14];
	struct svm_packet expected;
} examples[] = {
	{
		"NOP", 1, NO_DATA,
		{ OP(NOP, 0) },
		{ 0xc000ff00 },
		{ .words = 1 },
	},
	{
		"NOP with words", 4, NO_DATA,
		{ OP(NOP, 0) | 3 << 16, ALL, ALL, ALL },
		{ 0xc000ff00 },
		{ .words = 4 },
	},
	{
		"COPY_LINEAR", 7, NO_DATA,
		{ OP(COPY_LINEAR, 0), 0x1233, 0, PAIR(A + 1), PAIR(B + 3) },
		{ PLAIN, 0xffc00000, ALL, 0, HIGH, 0, HIGH },
		{ .words = 7, .src = A + 1, .dst = B + 3, .count = 0x1234 },
	},
	{
		"WRITE_LINEAR", 6, 4,
		{ OP(WRITE_LINEAR, 0), PAIR(A), 1, 0xdeadbeef, ALL },
		{ PLAIN, BY4, HIGH, 0xfff00000 },
		{ .words = 6, .dst = A, .count = 2 },
	},
	{
		"FENCE", 4, NO_DATA,
		{ OP(FENCE, 0), PAIR(A + 4), 0xfedcba98 },
		{ PLAIN, BY4, HIGH },
		{ .words = 4, .dst = A + 4, .value = 0xfedcba98 },
	},
	{
		"TRAP", 2, NO_DATA,
		{ OP(TRAP, 0), 0x0abcdef1 },
		{ PLAIN, 0xf0000000 },
		{ .words = 2, .value = 0x0abcdef1 },
	},
	{
		"ATOMIC 32", 8, NO_DATA,
		{ OP(ATOMIC, 0) | AMDSVM_ATOMIC_ADD_32 << 25, PAIR(A + 4), PAIR(0x80000001),
		  0, 0, 0 },
		{ 0x01ffff00, BY4, HIGH, 0, ALL, ALL, ALL, ALL },
		{ .words = 8, .atomic = AMDSVM_ATOMIC_ADD_32, .dst = A + 4,
		  .value = 0x80000001 },
	},
	{
		"ATOMIC 32 compare", 8, NO_DATA,
		{ OP(ATOMIC, 0) | AMDSVM_ATOMIC_CMPSWAP_32 << 25, PAIR(A + 4), PAIR(7),
		  PAIR(8), 0 },
		{ 0x01ffff00, BY4, HIGH, 0, ALL, 0, ALL, ALL },
		{ .words = 8, .atomic = AMDSVM_ATOMIC_CMPSWAP_32, .dst = A + 4,
		  .value = 7, .compare = 8 },
	},
	{
		"ATOMIC 64", 8, NO_DATA,
		{ OP(ATOMIC, 0) | (u32)AMDSVM_ATOMIC_OR_64 << 25, PAIR(A + 8),
		  PAIR(0x8000000000000001), 0, 0, 0 },
		{ 0x01ffff00, BY8, HIGH, 0, 0, ALL, ALL, ALL },
		{ .words = 8, .atomic = AMDSVM_ATOMIC_OR_64, .dst = A + 8,
		  .value = 0x8000000000000001 },
	},
	{
		"ATOMIC 64 compare", 8, NO_DATA,
		{ OP(ATOMIC, 0) | (u32)AMDSVM_ATOMIC_CMPSWAP_64 << 25, PAIR(A + 8),
		  PAIR(1ULL << 40), PAIR(1ULL << 41), 0 },
		{ 0x01ffff00, BY8, HIGH, 0, 0, 0, 0, ALL },
		{ .words = 8, .atomic = AMDSVM_ATOMIC_CMPSWAP_64, .dst = A + 8,
		  .value = 1ULL << 40, .compare = 1ULL << 41 },
	},
	{
		"CONST_FILL", 5, NO_DATA,
		{ OP(CONST_FILL, 0) | 2u << 30, PAIR(A + 4), 0x89abcdef, 0xfff },
		{ 0x7fffff00, BY4, HIGH, 0, 0xffc00000 },
		{ .words = 5, .dst = A + 4, .value = 0x89abcdef, .count = 0x1000 },
	},
	{
		"TIMESTAMP", 3, NO_DATA,
		{ OP(TIMESTAMP, 2), PAIR(A + 8) },
		{ 0xffffff00 & ~0x200u, BY8, HIGH },
		{ .words = 3, .sub = 2, .dst = A + 8 },
	},
	{
		"TOUCH read", 8, NO_DATA,
		{ OP(TOUCH, AMDSVM_TOUCH_READ), 0, PAIR(A + 4), PAIR(3), PAIR(4096) },
		{ WITH_SUB | 0xfc00, ALL, BY4, HIGH, 0, 0xffff0000, BY4, HIGH },
		{ .words = 8, .dst = A + 4, .count = 3, .stride = 4096 },
	},
	{
		"TOUCH write", 8, NO_DATA,
		{ OP(TOUCH, AMDSVM_TOUCH_WRITE), 0, PAIR(A), PAIR(1), PAIR(0) },
		/* It is one word: no stride leads anywhere. */
		{ WITH_SUB | 0xfe00, ALL, BY4, HIGH, 0, 0, BY4, 0 },
		{ .words = 8, .sub = AMDSVM_TOUCH_WRITE, .dst = A, .count = 1 },
	},
	{
		"TOUCH exec", 8, NO_DATA,
		{ OP(TOUCH, AMDSVM_TOUCH_EXEC), 0, PAIR(A), PAIR((1ULL << 32) + 1), PAIR(4) },
		{ WITH_SUB | 0xfd00, ALL, BY4, HIGH, 0, 0xffff0000, BY4, HIGH },
		{ .words = 8, .sub = AMDSVM_TOUCH_EXEC, .dst = A, .count = (1ULL << 32) + 1,
		  .stride = 4 },
	},
	{
		"GATHER", 10, NO_DATA,
		{ OP(GATHER, 0), 0, PAIR(A), PAIR(B), PAIR(C + 4), PAIR(1ULL << 33) },
		{ PLAIN, ALL, BY8, HIGH, BY8, HIGH, BY4, HIGH, 0, 0xffffe000 },
		{ .words = 10, .dst = A, .src = B, .index = C + 4, .count = 1ULL << 33 },
	},
	{
		"SCATTER", 10, NO_DATA,
		{ OP(SCATTER, 0), 0, PAIR(A), PAIR(B), PAIR(C + 4), PAIR(1000) },
		{ PLAIN, ALL, BY8, HIGH, BY8, HIGH, BY4, HIGH, 0, 0xffffe000 },
		{ .words = 10, .dst = A, .src = B, .index = C + 4, .count = 1000 },
	},
	{
		"CHASE", 10, NO_DATA,
		{ OP(CHASE, 0), 0xfff8 | 0x0010u << 16, PAIR(A), PAIR(~0ULL), PAIR(B + 8),
		  0, 0 },
		{ PLAIN, BY8 | BY8 << 16, BY8, HIGH, 0, 0, BY8, HIGH, ALL, ALL },
		{ .words = 10, .next_offset = 0xfff8, .value_offset = 0x10, .src = A,
		  .count = ~0ULL, .dst = B + 8 },
	},
	{
		"CHASE of nothing", 10, NO_DATA,
		{ OP(CHASE, 0), 8 << 16, PAIR(0), PAIR(1), PAIR(B), 0, 0 },
		{ PLAIN, BY8 | BY8 << 16, BY8, HIGH, 0, 0, BY8, HIGH, ALL, ALL },
		{ .words = 10, .value_offset = 8, .count = 1, .dst = B },
	},
	{
		"TRIAD", 12, NO_DATA,
		{ OP(TRIAD, 0), 0, PAIR(A), PAIR(B), PAIR(C), PAIR(512), PAIR(~5ULL) },
		{ PLAIN, ALL, BY8, HIGH, BY8, HIGH, BY8, HIGH, 0, 0xffffe000 },
		{ .words = 12, .dst = A, .src = B, .src2 = C, .count = 512, .value = ~5ULL },
	},
	{
		"REDUCE", 8, NO_DATA,
		{ OP(REDUCE, 0), 0, PAIR(A), PAIR(1ULL << 40), PAIR(B), },
		{ PLAIN, ALL, BY8, HIGH, 0, 0xffffe000, BY8, HIGH },
		{ .words = 8, .src = A, .count = 1ULL << 40, .dst = B },
	},
};

/* Where the words lie: no more than there are, so that sanitizers see the end. */
static u32 *buffer;

static int decode(const u32 *words, u32 n, struct svm_packet *packet)
{
	free(buffer);
	buffer = malloc(n * sizeof(*words));
	if (n)
		memcpy(buffer, words, n * sizeof(*words));
	memset(packet, 0xa5, sizeof(*packet));
	return svm_packet_decode(buffer, n, packet);
}

static void release(void)
{
	free(buffer);
	buffer = NULL;
}

START_TEST(good_packets_are_understood)
{
	const struct example *example = &examples[_i];
	const struct svm_packet *expected = &example->expected;
	struct svm_packet packet;
	u32 n;

	/* Whatever comes behind it. */
	for (n = example->n; n <= ARRAY_SIZE(example->words); n++) {
		ck_assert_int_eq(decode(example->words, n, &packet), 0);
		ck_assert_uint_eq(packet.op, example->words[0] & 0xff);
		ck_assert_uint_eq(packet.sub, expected->sub);
		ck_assert_uint_eq(packet.words, expected->words);
		ck_assert_uint_eq(packet.atomic, expected->atomic);
		ck_assert_uint_eq(packet.next_offset, expected->next_offset);
		ck_assert_uint_eq(packet.value_offset, expected->value_offset);
		ck_assert_uint_eq(packet.dst, expected->dst);
		ck_assert_uint_eq(packet.src, expected->src);
		ck_assert_uint_eq(packet.src2, expected->src2);
		ck_assert_uint_eq(packet.index, expected->index);
		ck_assert_uint_eq(packet.count, expected->count);
		ck_assert_uint_eq(packet.stride, expected->stride);
		ck_assert_uint_eq(packet.value, expected->value);
		ck_assert_uint_eq(packet.compare, expected->compare);
		ck_assert_ptr_eq(packet.data, example->data ? buffer + example->data : NULL);
	}
}
END_TEST

START_TEST(truncated_packets_are_malformed)
{
	const struct example *example = &examples[_i];
	struct svm_packet packet;
	u32 n;

	for (n = 0; n < example->n; n++)
		ck_assert_int_eq(decode(example->words, n, &packet), -EBADMSG);
}
END_TEST

START_TEST(forbidden_bits_are_malformed)
{
	const struct example *example = &examples[_i];
	u32 words[ARRAY_SIZE(example->words)];
	struct svm_packet packet;
	u32 i, bit;

	for (i = 0; i < example->n; i++)
		for (bit = 1; bit; bit <<= 1) {
			if (!(example->forbidden[i] & bit))
				continue;
			memcpy(words, example->words, sizeof(words));
			ck_assert_msg(!(words[i] & bit), "%s, word %u: %#x is set",
				      example->name, i, bit);
			words[i] |= bit;
			ck_assert_msg(decode(words, ARRAY_SIZE(words), &packet) == -EBADMSG,
				      "%s, word %u: %#x is accepted", example->name, i, bit);
		}
}
END_TEST

START_TEST(unknown_operations_are_malformed)
{
	struct svm_packet packet;
	u32 words[14] = {0};
	bool known;
	u32 op, i;

	for (op = 0; op < 0x100; op++) {
		known = false;
		for (i = 0; i < ARRAY_SIZE(examples); i++)
			known |= (examples[i].words[0] & 0xff) == op;
		words[0] = op;
		if (!known)
			ck_assert_int_eq(decode(words, ARRAY_SIZE(words), &packet), -EBADMSG);
	}

	memcpy(words, examples[6].words, sizeof(words));
	for (op = 0; op < 0x80; op++) {
		known = op == 0x07 || op == 0x08 || op == 0x0f || op == 0x15 || op == 0x16 ||
			op == 0x27 || op == 0x28 || op == 0x2f || op == 0x35 || op == 0x36;
		words[0] = AMDSVM_PACKET_ATOMIC | op << 25;
		words[1] = (u32)A;
		ck_assert_int_eq(decode(words, ARRAY_SIZE(words), &packet),
				 known ? 0 : -EBADMSG);
		if (known)
			ck_assert_uint_eq(svm_packet_atomic_size(&packet), op & 0x20 ? 8 : 4);
	}
}
END_TEST

/* A 64-bit field of an example: the last value that may be there, and the next. */
static const struct edge {
	const char *name;
	u32 word;
	u64 good;
	u64 bad;
} edges[] = {
	{ "COPY_LINEAR", 3, LIMIT - 0x1234, LIMIT - 0x1233 },
	{ "COPY_LINEAR", 5, LIMIT - 0x1234, LIMIT - 0x1233 },
	{ "WRITE_LINEAR", 1, LIMIT - 8, LIMIT - 4 },
	{ "FENCE", 1, LIMIT - 4, LIMIT },
	{ "ATOMIC 32", 1, LIMIT - 4, LIMIT },
	{ "ATOMIC 64", 1, LIMIT - 8, LIMIT },
	{ "ATOMIC 64", 1, A, A + 4 },
	{ "CONST_FILL", 1, LIMIT - 0x1000, LIMIT - 0xffc },
	{ "TIMESTAMP", 1, LIMIT - 8, LIMIT },
	{ "TOUCH read", 2, LIMIT - 8196, LIMIT - 8192 },
	{ "TOUCH read", 4, (LIMIT - 4 - A - 4) / 4096 + 1, (LIMIT - 4 - A - 4) / 4096 + 2 },
	{ "TOUCH read", 4, 1, 0 },
	{ "TOUCH read", 4, 3, ~0ULL },
	{ "TOUCH read", 6, (LIMIT - 8 - A) / 2 / 4 * 4, (LIMIT - 8 - A) / 2 / 4 * 4 + 4 },
	/* Products that wrap: 2 * 2^63, and 2^32 * 2^32 of count - 1 and stride. */
	{ "TOUCH read", 6, 0, 1ULL << 63 },
	{ "TOUCH exec", 6, 0, 1ULL << 32 },
	{ "TOUCH write", 2, LIMIT - 4, LIMIT },
	{ "TOUCH write", 6, ~3ULL, ~0ULL },
	{ "TOUCH write", 4, ~0ULL, 0 },
	{ "GATHER", 2, LIMIT - (8ULL << 33), LIMIT - (8ULL << 33) + 8 },
	{ "GATHER", 4, LIMIT - 8, LIMIT },
	{ "GATHER", 6, LIMIT - (4ULL << 33), LIMIT - (4ULL << 33) + 4 },
	{ "GATHER", 8, (LIMIT - A) / 8, (LIMIT - A) / 8 + 1 },
	{ "GATHER", 8, 1, 0 },
	{ "GATHER", 8, 1, 1ULL << 61 },
	{ "SCATTER", 2, LIMIT - 8, LIMIT },
	{ "SCATTER", 4, LIMIT - 8000, LIMIT - 7992 },
	{ "SCATTER", 6, LIMIT - 4000, LIMIT - 3996 },
	{ "SCATTER", 8, 1, 0 },
	{ "SCATTER", 8, 1, 1ULL << 62 },
	{ "CHASE", 2, LIMIT - 0x10000, LIMIT - 0xfff8 },
	{ "CHASE", 2, 0, LIMIT },
	{ "CHASE of nothing", 2, LIMIT - 16, LIMIT - 8 },
	{ "CHASE of nothing", 2, 8, ~7ULL },
	{ "CHASE", 4, 1, 0 },
	{ "CHASE", 6, LIMIT - 32, LIMIT - 24 },
	{ "TRIAD", 2, LIMIT - 4096, LIMIT - 4088 },
	{ "TRIAD", 4, LIMIT - 4096, LIMIT - 4088 },
	{ "TRIAD", 6, LIMIT - 4096, LIMIT - 4088 },
	{ "TRIAD", 8, (LIMIT - C) / 8, (LIMIT - C) / 8 + 1 },
	{ "TRIAD", 8, 1, 0 },
	{ "TRIAD", 8, 1, 1ULL << 61 },
	{ "REDUCE", 2, LIMIT - (8ULL << 40), LIMIT - (8ULL << 40) + 8 },
	{ "REDUCE", 4, (LIMIT - A) / 8, (LIMIT - A) / 8 + 1 },
	{ "REDUCE", 4, 1, 0 },
	{ "REDUCE", 4, 1, (1ULL << 61) + 1 },
	{ "REDUCE", 6, LIMIT - 8, LIMIT },
};

static int decode_edge(const struct edge *edge, u64 value)
{
	const struct example *example = examples;
	struct svm_packet packet;
	u32 words[14];

	while (strcmp(example->name, edge->name))
		example++;
	memcpy(words, example->words, sizeof(words));
	words[edge->word] = value;
	words[edge->word + 1] = value >> 32;
	return decode(words, example->n, &packet);
}

START_TEST(the_last_value_is_the_last)
{
	const struct edge *edge = &edges[_i];

	ck_assert_msg(!decode_edge(edge, edge->good), "%s, word %u: %#llx is refused",
		      edge->name, edge->word, (unsigned long long)edge->good);
	ck_assert_msg(decode_edge(edge, edge->bad) == -EBADMSG,
		      "%s, word %u: %#llx is accepted", edge->name, edge->word,
		      (unsigned long long)edge->bad);
}
END_TEST

/* Lengths in one word: the largest, and those that do not fit what is there. */
START_TEST(lengths)
{
	u32 copy[7] = { OP(COPY_LINEAR, 0), AMDSVM_COPY_MAX_BYTES - 1, 0, PAIR(A), PAIR(B) };
	u32 fill[5] = { OP(CONST_FILL, 0) | 2u << 30, PAIR(A), 1, AMDSVM_FILL_MAX_BYTES - 1 };
	u32 nop = OP(NOP, 0) | 0x3fffu << 16;
	const u32 most = 4 + (1 << 20);
	struct svm_packet packet;
	u32 *words, size;

	ck_assert_int_eq(decode(copy, 7, &packet), 0);
	ck_assert_uint_eq(packet.count, AMDSVM_COPY_MAX_BYTES);
	ck_assert_int_eq(decode(fill, 5, &packet), 0);
	ck_assert_uint_eq(packet.count, AMDSVM_FILL_MAX_BYTES);
	for (size = 1; size < 4; size++) {
		fill[4] = 16 + size - 1;
		ck_assert_int_eq(decode(fill, 5, &packet), -EBADMSG);
		fill[4] = 15;
		fill[0] = OP(CONST_FILL, 0) | (size == 2 ? 0 : size) << 30;
		ck_assert_int_eq(decode(fill, 5, &packet), -EBADMSG);
		fill[0] = OP(CONST_FILL, 0) | 2u << 30;
		ck_assert_int_eq(decode(fill, 5, &packet), 0);
	}

	words = calloc(most, sizeof(*words));
	words[0] = nop;
	ck_assert_int_eq(decode(words, 0x4000, &packet), 0);
	ck_assert_uint_eq(packet.words, 0x4000);
	ck_assert_int_eq(decode(words, 0x3fff, &packet), -EBADMSG);

	words[0] = OP(WRITE_LINEAR, 0);
	words[3] = 0xfffff;
	ck_assert_int_eq(decode(words, most, &packet), 0);
	ck_assert_uint_eq(packet.words, most);
	ck_assert_uint_eq(packet.count, 1 << 20);
	ck_assert_int_eq(decode(words, most - 1, &packet), -EBADMSG);
	free(words);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *suite = suite_create("unit_packet");
	TCase *tc = tcase_create("packet");

	tcase_add_checked_fixture(tc, NULL, release);
	tcase_add_loop_test(tc, good_packets_are_understood, 0, ARRAY_SIZE(examples));
	tcase_add_loop_test(tc, truncated_packets_are_malformed, 0, ARRAY_SIZE(examples));
	tcase_add_loop_test(tc, forbidden_bits_are_malformed, 0, ARRAY_SIZE(examples));
	tcase_add_test(tc, unknown_operations_are_malformed);
	tcase_add_loop_test(tc, the_last_value_is_the_last, 0, ARRAY_SIZE(edges));
	tcase_add_test(tc, lengths);
	suite_add_tcase(suite, tc);
	return suite;
}
