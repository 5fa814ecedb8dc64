// SPDX-License-Identifier: MIT
/*
 * A million buffers against a second reading of amdsvm_packets.h, written as
 * differently as it could be: one table, and sums that cannot wrap. Decoder and
 * model agree on every buffer; sanitizers see to it that none is read beyond.
 */
#include <stdlib.h>
#include <string.h>

#include "packet.h"
#include "unit_test.h"

#define BUFFERS 1000000
#define MAX_WORDS 16

typedef unsigned __int128 u128;

#define LIMIT ((u128)1 << 48)
#define NONE 0

/*
 * What a packet consists of
 * @header: bits that the header may have
 * @zero: mask of words that must be 0
 * @arrays: word of an address, element size, alignment, and whether count
 *	elements (or one) are there
 * @count: word of the 64-bit count; NONE: there is none
 */
static const struct layout {
	u32 op;
	u32 words;
	u32 header;
	u32 zero;
	u32 count;
	struct {
		u32 word;
		u32 size;
		u32 align;
		bool many;
	} arrays[3];
} layouts[] = {
	{ AMDSVM_PACKET_NOP, 1, 0x3fff0000, 0, NONE, {} },
	{ AMDSVM_PACKET_COPY_LINEAR, 7, 0, 1 << 2, NONE, {} },
	{ AMDSVM_PACKET_WRITE_LINEAR, 4, 0, 0, NONE, {} },
	{ AMDSVM_PACKET_FENCE, 4, 0, 0, NONE, { { 1, 4, 4, false } } },
	{ AMDSVM_PACKET_TRAP, 2, 0, 0, NONE, {} },
	{ AMDSVM_PACKET_ATOMIC, 8, 0xfe000000, 1 << 7, NONE, {} },
	{ AMDSVM_PACKET_CONST_FILL, 5, 0xc0000000, 0, NONE, {} },
	{ AMDSVM_PACKET_TIMESTAMP, 3, 0x0000ff00, 0, NONE, { { 1, 8, 8, false } } },
	{ AMDSVM_PACKET_TOUCH, 8, 0x0000ff00, 1 << 1, 4, { { 2, 4, 4, false } } },
	{ AMDSVM_PACKET_GATHER, 10, 0, 1 << 1, 8,
	  { { 2, 8, 8, true }, { 4, 8, 8, false }, { 6, 4, 4, true } } },
	{ AMDSVM_PACKET_SCATTER, 10, 0, 1 << 1, 8,
	  { { 2, 8, 8, false }, { 4, 8, 8, true }, { 6, 4, 4, true } } },
	{ AMDSVM_PACKET_CHASE, 10, 0, 1 << 8 | 1 << 9, 4, { { 6, 32, 8, false } } },
	{ AMDSVM_PACKET_TRIAD, 12, 0, 1 << 1, 8,
	  { { 2, 8, 8, true }, { 4, 8, 8, true }, { 6, 8, 8, true } } },
	{ AMDSVM_PACKET_REDUCE, 8, 0, 1 << 1, 4, { { 2, 8, 8, true }, { 6, 8, 8, false } } },
};

static u128 wide(const u32 *words)
{
	return words[0] + ((u128)words[1] << 32);
}

static const struct layout *find_layout(u32 header)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(layouts); i++)
		if (layouts[i].op == header % 256)
			return &layouts[i];
	return NULL;
}

static bool one_of(u32 value, const u32 *list, u32 count)
{
	while (count--)
		if (value == list[count])
			return true;
	return false;
}

/* What the table does not say. */
static bool model_atomic(const u32 *words)
{
	static const u32 narrow[] = { 0x07, 0x08, 0x0f, 0x15, 0x16 };
	static const u32 long_ones[] = { 0x27, 0x28, 0x2f, 0x35, 0x36 };
	u32 operation = words[0] / (1 << 25);
	bool compares = operation % 0x20 == 8;
	u128 address = wide(words + 1);

	if (!compares && wide(words + 5))
		return false;
	if (one_of(operation, narrow, 5))
		return !words[4] && !words[6] && address % 4 == 0 && address + 4 <= LIMIT;
	return one_of(operation, long_ones, 5) && address % 8 == 0 && address + 8 <= LIMIT;
}

static bool model_chase(const u32 *words)
{
	u128 first = wide(words + 2);
	u32 next = words[1] % 65536, value = words[1] / 65536;

	if (next % 8 || value % 8)
		return false;
	return !first || (first % 8 == 0 && first + next + 8 <= LIMIT &&
			  first + value + 8 <= LIMIT);
}

static bool model_rest(const u32 *words, u32 n)
{
	switch (words[0] % 256) {
	case AMDSVM_PACKET_NOP:
		return 1 + words[0] / 65536 <= n;
	case AMDSVM_PACKET_COPY_LINEAR:
		return words[1] < 1 << 22 && wide(words + 3) + words[1] < LIMIT &&
		       wide(words + 5) + words[1] < LIMIT;
	case AMDSVM_PACKET_WRITE_LINEAR:
		return words[3] < 1 << 20 && (u128)words[3] + 5 <= n && words[1] % 4 == 0 &&
		       wide(words + 1) + 4 * ((u128)words[3] + 1) <= LIMIT;
	case AMDSVM_PACKET_TRAP:
		return words[1] < 1 << 28;
	case AMDSVM_PACKET_ATOMIC:
		return model_atomic(words);
	case AMDSVM_PACKET_CONST_FILL:
		return words[0] / (1u << 30) == 2 && words[4] < 1 << 22 && words[4] % 4 == 3 &&
		       words[1] % 4 == 0 && wide(words + 1) + words[4] < LIMIT;
	case AMDSVM_PACKET_TIMESTAMP:
		return words[0] / 256 == 2;
	case AMDSVM_PACKET_TOUCH:
		return words[0] / 256 <= 2 && words[6] % 4 == 0 &&
		       wide(words + 2) + (wide(words + 4) - 1) * wide(words + 6) + 4 <= LIMIT;
	case AMDSVM_PACKET_CHASE:
		return model_chase(words);
	default:
		return true;
	}
}

static bool model(const u32 *words, u32 n)
{
	const struct layout *layout = n ? find_layout(words[0]) : NULL;
	u128 count = 1, elements;
	u32 i;

	if (!layout || n < layout->words || words[0] & ~(layout->header | 0xff))
		return false;
	for (i = 0; i < layout->words; i++)
		if (layout->zero & 1 << i && words[i])
			return false;
	if (layout->count)
		count = wide(words + layout->count);
	if (!count)
		return false;
	for (i = 0; i < 3 && layout->arrays[i].word; i++) {
		elements = layout->arrays[i].many ? count : 1;
		if (words[layout->arrays[i].word] % layout->arrays[i].align ||
		    wide(words + layout->arrays[i].word) + elements * layout->arrays[i].size > LIMIT)
			return false;
	}
	return model_rest(words, n);
}

/* Mostly what could be meant; often near an edge; sometimes anything. */
static u64 random_value(void)
{
	static const u64 bases[] = { 0, 1, 8, 1 << 20, 1 << 22, 1ULL << 28, 1ULL << 32,
				     1ULL << 45, 1ULL << 48, 1ULL << 61, 1ULL << 63, 0 };

	switch (unit_random(8)) {
	case 0:
		return unit_random(~0ULL);
	case 1:
	case 2:
		return bases[unit_random(ARRAY_SIZE(bases))] - 4 * unit_random(16);
	case 3:
		return bases[unit_random(ARRAY_SIZE(bases))] + unit_random(32);
	case 4:
		return unit_random(1 << 22);
	default:
		return unit_random(1ULL << 45) * 8;
	}
}

static u32 random_header(const struct layout *layout)
{
	u32 header = layout->op;

	switch (unit_random(8)) {
	case 0:
		return unit_random(1ULL << 32);
	case 1:
		return header | ((u32)unit_random(1ULL << 32) & layout->header);
	case 2:
		return header | 1u << unit_random(32);
	}

	switch (layout->op) {
	case AMDSVM_PACKET_NOP:
		return header | (u32)unit_random(MAX_WORDS) << 16;
	case AMDSVM_PACKET_ATOMIC:
		return header | (u32)unit_random(128) << 25;
	case AMDSVM_PACKET_CONST_FILL:
		return header | 2u << 30;
	case AMDSVM_PACKET_TIMESTAMP:
		return header | 2 << 8;
	case AMDSVM_PACKET_TOUCH:
		return header | (u32)unit_random(4) << 8;
	default:
		return header;
	}
}

/* Words of which a length or offset is meant, not half of an address. */
static void set_small_words(u32 *words, u32 op)
{
	switch (op) {
	case AMDSVM_PACKET_COPY_LINEAR:
		words[1] = random_value();
		words[6] = unit_random(1 << 16);
		words[4] = unit_random(1 << 16);
		break;
	case AMDSVM_PACKET_WRITE_LINEAR:
		words[3] = unit_random(16);
		break;
	case AMDSVM_PACKET_CONST_FILL:
		words[4] = unit_random(1 << 20) * 4 + 3;
		break;
	case AMDSVM_PACKET_CHASE:
		words[1] = 8 * unit_random(1 << 13) + (8 * unit_random(1 << 13) << 16);
		break;
	case AMDSVM_PACKET_ATOMIC:
		words[4] *= unit_random(2);
		words[5] *= unit_random(2);
		words[6] *= words[5] != 0;
		break;
	}
}

static void random_packet(u32 *words, u32 n)
{
	const struct layout *layout = &layouts[unit_random(ARRAY_SIZE(layouts))];
	/* Addresses begin at odd words in SDMA's packets, at even ones in ours. */
	u32 i = layout->op >= AMDSVM_PACKET_TOUCH ? 2 : 1;
	u64 value;

	memset(words, 0, MAX_WORDS * sizeof(*words));
	for (; i + 1 < MAX_WORDS; i += 2) {
		value = random_value();
		words[i] = value;
		words[i + 1] = value >> 32;
	}
	set_small_words(words, layout->op);
	for (i = 0; i < layout->words; i++)
		if (layout->zero & 1 << i && unit_random(16))
			words[i] = 0;
	if (n)
		words[0] = random_header(layout);
	/* One bit is where a rule begins. */
	if (!unit_random(4))
		words[unit_random(MAX_WORDS)] ^= 1u << unit_random(32);
}

START_TEST(decoder_and_model_agree)
{
	u32 accepted[ARRAY_SIZE(layouts)] = {0};
	struct svm_packet packet;
	u32 words[MAX_WORDS], n, step, i;
	u32 *exact;
	int ret;

	unit_random_from(300);
	for (step = 0; step < BUFFERS; step++) {
		n = unit_random(4) ? MAX_WORDS : unit_random(MAX_WORDS);
		random_packet(words, n);
		exact = malloc(n * sizeof(*words));
		if (n)
			memcpy(exact, words, n * sizeof(*words));
		ret = svm_packet_decode(exact, n, &packet);
		ck_assert_msg(ret == (model(words, n) ? 0 : -EBADMSG),
			      "step %u: header %#x, %u words: %d", step, words[0], n, ret);
		if (!ret) {
			ck_assert_uint_eq(packet.op, words[0] % 256);
			ck_assert_uint_ge(packet.words, 1);
			ck_assert_uint_le(packet.words, n);
			accepted[find_layout(words[0]) - layouts]++;
		}
		free(exact);
	}
	/* Of each kind there were good ones, or nothing was learned of it. */
	for (i = 0; i < ARRAY_SIZE(layouts); i++)
		ck_assert_msg(accepted[i] > BUFFERS / 10000, "operation %#x: %u accepted",
			      layouts[i].op, accepted[i]);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *suite = suite_create("unit_packet_fuzz");
	TCase *tc = tcase_create("fuzz");

	tcase_set_timeout(tc, 300);
	tcase_add_test(tc, decoder_and_model_agree);
	suite_add_tcase(suite, tc);
	return suite;
}
