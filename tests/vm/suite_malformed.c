// SPDX-License-Identifier: MIT
/*
 * Packets that break a rule: the queue stops with -EBADMSG and the place of the
 * packet, what is before it was executed, what is behind was not. And packets of
 * which nobody knows what they are: they end somehow, and harm nobody.
 */
#include "vmqueue.h"

#define SIZE (2 * BLOCK)
#define TOP (1ULL << 48)

static char *area;
/* Shared, so that it stays: some thousand jobs end with a look at it. */
static uint32_t *mark;

static void setup(void)
{
	vm_witness_setup();
	area = vm_anon(SIZE);
	mark = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	expect(mark != MAP_FAILED);
}

/*
 * One valid packet of each kind, and for each of its words the bits that no packet
 * may have another way. Bits of alignment are among them.
 */
enum { NOP, COPY, WRITE, FENCE, TRAP, ATOMIC_32, ATOMIC_64, FILL, STAMP, TOUCH, GATHER, SCATTER,
       CHASE, TRIAD, REDUCE, KINDS };

#define HEADER 0xffffff00
#define HIGH 0xffff0000

static const uint32_t fixed_bits[KINDS][12] = {
	[NOP] = { 0xc000ff00 },
	[COPY] = { HEADER, 0xffc00000, ~0u, 0, HIGH, 0, HIGH },
	[WRITE] = { HEADER, 3, HIGH, 0xfff00000 },
	[FENCE] = { HEADER, 3, HIGH },
	[TRAP] = { HEADER, 0xf0000000 },
	[ATOMIC_32] = { 0x01ffff00, 3, HIGH, 0, 0, 0, 0, ~0u },
	[ATOMIC_64] = { 0x01ffff00, 7, HIGH, 0, 0, 0, 0, ~0u },
	[FILL] = { HEADER, 3, HIGH, 0, 0xffc00003 },
	[STAMP] = { HEADER, 7, HIGH },
	[TOUCH] = { 0xfffffc00, ~0u, 3, HIGH, 0, 0, 3 },
	[GATHER] = { HEADER, ~0u, 7, HIGH, 7, HIGH, 3, HIGH },
	[SCATTER] = { HEADER, ~0u, 7, HIGH, 7, HIGH, 3, HIGH },
	[CHASE] = { HEADER, 0x00070007, 7, HIGH, 0, 0, 7, HIGH, ~0u, ~0u },
	[TRIAD] = { HEADER, ~0u, 7, HIGH, 7, HIGH, 7, HIGH },
	[REDUCE] = { HEADER, ~0u, 7, HIGH, 0, 0, 7, HIGH },
};

static void pk_kind(struct vm_packets *p, int kind)
{
	static const uint32_t words[3] = { 1, 2, 3 };

	switch (kind) {
	case NOP:
		pk_nop(p, 3);
		break;
	case COPY:
		pk_copy(p, area, area + 100, 50);
		break;
	case WRITE:
		pk_write(p, area, words, 3);
		break;
	case FENCE:
		pk_fence(p, area, 1);
		break;
	case TRAP:
		pk_trap(p, 5);
		break;
	case ATOMIC_32:
		pk_atomic(p, AMDSVM_ATOMIC_CMPSWAP_32, area, 1, 5);
		break;
	case ATOMIC_64:
		pk_atomic(p, AMDSVM_ATOMIC_CMPSWAP_64, area, 1, 5);
		break;
	case FILL:
		pk_fill(p, area, 1, 64);
		break;
	case STAMP:
		pk_timestamp(p, area);
		break;
	case TOUCH:
		pk_touch(p, AMDSVM_TOUCH_READ, area, 4, 64);
		break;
	case GATHER:
		pk_gather(p, area, area + PAGE, area + 2 * PAGE, 3);
		break;
	case SCATTER:
		pk_scatter(p, area, area + PAGE, area + 2 * PAGE, 3);
		break;
	case CHASE:
		pk_chase(p, area + PAGE, 8, 16, 5, area);
		break;
	case TRIAD:
		pk_triad(p, area, area + PAGE, area + 2 * PAGE, 5, 7);
		break;
	default:
		pk_reduce(p, area + PAGE, 5, area);
		break;
	}
}

static uint32_t marks;

/* Runs one job: a packet that marks, the suspect, a packet that marks. */
static void expect_refused(const char *file, int line, int kind, const struct vm_packets *suspect)
{
	uint32_t queue = vm_queue_at(file, line, vm.gpu[0]), before = ++marks;
	struct vm_packets p = { 0 };
	struct amdsvm_result result;
	unsigned int i, offset;

	pk_nop(&p, marks % 3);
	pk_fence(&p, mark, before);
	offset = p.n;
	for (i = 0; i < suspect->n; i++)
		pk_word(&p, suspect->words[i]);
	pk_fence(&p, mark + 1, before);
	result = vm_run_at(file, line, queue, &p);
	if (result.status != -EBADMSG || result.packet_offset != 4 * offset || result.packets != 2)
		vm_fail(file, line,
			"kind %d, words %08x %08x %08x %08x %08x ...: status %d at byte %u after %llu packets, not %d at %u after 2",
			kind, suspect->words[0], suspect->words[1], suspect->words[2],
			suspect->words[3], suspect->words[4], result.status, result.packet_offset,
			(unsigned long long)result.packets, -EBADMSG, 4 * offset);
	expect_eq(mark[0], before);
	expect_eq(mark[1], 0);
	expect_eq(vm_submit(queue, &p), -EIO);
	expect_eq(vm_queue_destroy(queue), 0);
}

/* A value in one word, or in a pair of them, of a packet that is right otherwise. */
static void expect_word_refused(int kind, unsigned int index, uint32_t word)
{
	struct vm_packets p = { 0 };

	pk_kind(&p, kind);
	p.words[index] = word;
	expect_refused(HERE, kind, &p);
}

static void expect_pair_refused(int kind, unsigned int index, uint64_t value)
{
	struct vm_packets p = { 0 };

	pk_kind(&p, kind);
	p.words[index] = value;
	p.words[index + 1] = value >> 32;
	expect_refused(HERE, kind, &p);
}

/* Else the tests below could not fail. */
START_TEST(the_packets_are_valid_as_they_are)
{
	uint32_t queue = vm_queue(vm.gpu[0]);
	struct vm_packets p = { 0 };

	if ((_i == ATOMIC_32 || _i == ATOMIC_64) && vm.lane == LANE_MIRROR &&
	    !vm_has(AMDSVM_CAP_ATOMIC_EXCLUSIVE)) {
		vm_skip(_i, "no atomics on system memory, and no other memory");
		return;
	}
	pk_kind(&p, _i);
	expect_runs(queue, &p);
}
END_TEST

START_TEST(a_wrong_bit)
{
	struct vm_packets p = { 0 };
	unsigned int word, bit;

	for (word = 0; word < 12; word++)
		for (bit = 0; bit < 32; bit++) {
			if (!(fixed_bits[_i][word] >> bit & 1))
				continue;
			p.n = 0;
			pk_kind(&p, _i);
			p.words[word] ^= 1u << bit;
			expect_refused(HERE, _i, &p);
		}
}
END_TEST

/* The end of the job in the middle of a packet. */
START_TEST(a_packet_that_is_cut_off)
{
	struct vm_packets p = { 0 }, whole = { 0 };
	struct amdsvm_result result;
	uint32_t queue;

	pk_kind(&whole, _i);
	for (p.n = 1; p.n < whole.n; p.n++) {
		memcpy(p.words, whole.words, p.n * 4);
		queue = vm_queue(vm.gpu[0]);
		result = vm_run(queue, &p);
		expect_status(result, -EBADMSG);
		expect_eq(result.packet_offset, 0);
		expect_eq(result.packets, 0);
		expect_eq(vm_queue_destroy(queue), 0);
	}
}
END_TEST

START_TEST(an_unknown_operation)
{
	static const uint8_t known[] = {
		AMDSVM_PACKET_NOP, AMDSVM_PACKET_COPY_LINEAR, AMDSVM_PACKET_WRITE_LINEAR,
		AMDSVM_PACKET_FENCE, AMDSVM_PACKET_TRAP, AMDSVM_PACKET_ATOMIC,
		AMDSVM_PACKET_CONST_FILL, AMDSVM_PACKET_TIMESTAMP, AMDSVM_PACKET_TOUCH,
		AMDSVM_PACKET_GATHER, AMDSVM_PACKET_SCATTER, AMDSVM_PACKET_CHASE,
		AMDSVM_PACKET_TRIAD, AMDSVM_PACKET_REDUCE,
	};
	int op;

	for (op = 0; op < 256; op++)
		if (!memchr(known, op, sizeof(known)))
			expect_word_refused(FENCE, 0, op);
}
END_TEST

START_TEST(an_unknown_atomic)
{
	static const uint8_t known[] = { 0x07, 0x08, 0x0f, 0x15, 0x16, 0x27, 0x28, 0x2f, 0x35, 0x36 };
	uint32_t op;

	for (op = 0; op < 128; op++)
		if (!memchr(known, op, sizeof(known)))
			expect_word_refused(ATOMIC_64, 0, AMDSVM_PACKET_ATOMIC | op << 25);
}
END_TEST

START_TEST(a_wrong_number)
{
	uint32_t sub;

	for (sub = 3; sub < 256; sub += 11)
		expect_word_refused(TOUCH, 0, AMDSVM_PACKET_HEADER(AMDSVM_PACKET_TOUCH, sub));
	for (sub = 0; sub < 256; sub += sub == 1 ? 2 : 1)
		expect_word_refused(STAMP, 0, AMDSVM_PACKET_HEADER(AMDSVM_PACKET_TIMESTAMP, sub));
	for (sub = 0; sub < 4; sub += sub == 1 ? 2 : 1)
		expect_word_refused(FILL, 0, AMDSVM_PACKET_CONST_FILL | sub << 30);
	/* None at all. */
	expect_pair_refused(TOUCH, 4, 0);
	expect_pair_refused(GATHER, 8, 0);
	expect_pair_refused(SCATTER, 8, 0);
	expect_pair_refused(CHASE, 4, 0);
	expect_pair_refused(TRIAD, 8, 0);
	expect_pair_refused(REDUCE, 4, 0);
	/* More words than there are. */
	expect_word_refused(WRITE, 3, 0xfffff);
	expect_word_refused(NOP, 0, 0x3fff0000);
}
END_TEST

/* Inside 48 bits at the start, outside at the end; and sums that wrap around. */
START_TEST(the_end_is_above_48_bits)
{
	static const uint64_t many[] = { TOP / 8, 1ULL << 61, (1ULL << 61) + 1, 1ULL << 63, ~0ULL };
	unsigned int i;

	expect_pair_refused(COPY, 3, TOP - 49);
	expect_pair_refused(COPY, 5, TOP - 49);
	expect_pair_refused(WRITE, 1, TOP - 8);
	expect_pair_refused(FILL, 1, TOP - 60);
	expect_pair_refused(TOUCH, 2, TOP - 4 - 2 * 64);
	expect_pair_refused(TOUCH, 6, TOP / 2);
	expect_pair_refused(TOUCH, 6, ~3ULL);
	expect_pair_refused(TOUCH, 4, 1ULL << 58);
	expect_pair_refused(TOUCH, 4, ~0ULL);
	expect_pair_refused(GATHER, 2, TOP - 16);
	expect_pair_refused(SCATTER, 4, TOP - 16);
	expect_pair_refused(GATHER, 6, TOP - 8);
	expect_pair_refused(SCATTER, 6, TOP - 8);
	expect_pair_refused(CHASE, 6, TOP - 24);
	expect_pair_refused(TRIAD, 2, TOP - 32);
	expect_pair_refused(TRIAD, 4, TOP - 32);
	expect_pair_refused(TRIAD, 6, TOP - 32);
	expect_pair_refused(REDUCE, 2, TOP - 32);
	for (i = 0; i < sizeof(many) / sizeof(many[0]); i++) {
		expect_pair_refused(GATHER, 8, many[i]);
		expect_pair_refused(SCATTER, 8, many[i]);
		expect_pair_refused(TRIAD, 8, many[i]);
		expect_pair_refused(REDUCE, 4, many[i]);
	}
}
END_TEST

/* The highest that is allowed: nothing is mapped there, so it is no bad packet. */
START_TEST(the_end_is_at_48_bits)
{
	struct vm_packets p = { 0 };

	pk_copy(&p, area, (void *)(TOP - 50), 50);
	expect_stops(vm_queue(vm.gpu[0]), &p, -EFAULT, (void *)(TOP - 50));
	p.n = 0;
	pk_fence(&p, (void *)(TOP - 4), 1);
	expect_stops(vm_queue(vm.gpu[0]), &p, -EFAULT, (void *)(TOP - 4));
	p.n = 0;
	pk_reduce(&p, (void *)(TOP - 40), 5, area);
	expect_stops(vm_queue(vm.gpu[0]), &p, -EFAULT, (void *)(TOP - 40));
	p.n = 0;
	pk_fence(&p, NULL, 1);
	expect_stops(vm_queue(vm.gpu[0]), &p, -EFAULT, NULL);
}
END_TEST

/* A pointer in memory is data: wrong ones are bad accesses, not bad packets. */
START_TEST(pointers_in_memory_may_be_wrong)
{
	static const uint64_t wrong[] = { 8, TOP - 64, TOP, TOP + 64, 1ULL << 63, ~7ULL, ~0ULL, 1, 12 };
	struct vm_packets p = { 0 };
	struct amdsvm_result result;
	uint64_t *node = (uint64_t *)(area + PAGE);

	node[1] = wrong[_i];
	pk_chase(&p, node, 8, 16, 5, area);
	result = vm_run(vm_queue(vm.gpu[0]), &p);
	expect_status(result, -EFAULT);
	expect_eq(result.packet_offset, 0);
	expect_eq(result.packets, 0);
	/* The first use of the node: its value or its pointer. */
	expect(result.address == wrong[_i] + 8 || result.address == wrong[_i] + 16 ||
	       result.address == wrong[_i]);
	expect_zero(area, PAGE);
}
END_TEST

/* So is an index: 2^48 may be passed by it, never wrapped around. */
START_TEST(indices_in_memory_may_be_wrong)
{
	struct vm_packets p = { 0 };
	uint32_t *index = (uint32_t *)(area + PAGE);

	index[0] = _i ? 0xffffffff : 8;
	pk_gather(&p, area, (void *)(TOP - 64), index, 1);
	expect_stops(vm_queue(vm.gpu[0]), &p, -EFAULT, (void *)(TOP - 64 + index[0] * 8ULL));
	p.n = 0;
	pk_scatter(&p, (void *)(TOP - 64), area, index, 1);
	expect_stops(vm_queue(vm.gpu[0]), &p, -EFAULT, (void *)(TOP - 64 + index[0] * 8ULL));
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("malformed");
	TCase *t = vm_case_with(s, "malformed", setup, vm_witness_teardown);

	tcase_add_loop_test(t, the_packets_are_valid_as_they_are, 0, KINDS);
	tcase_add_loop_test(t, a_wrong_bit, 0, KINDS);
	tcase_add_loop_test(t, a_packet_that_is_cut_off, 0, KINDS);
	tcase_add_test(t, an_unknown_operation);
	tcase_add_test(t, an_unknown_atomic);
	tcase_add_test(t, a_wrong_number);
	tcase_add_test(t, the_end_is_above_48_bits);
	tcase_add_test(t, the_end_is_at_48_bits);
	tcase_add_loop_test(t, pointers_in_memory_may_be_wrong, 0, 9);
	tcase_add_loop_test(t, indices_in_memory_may_be_wrong, 0, 2);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
