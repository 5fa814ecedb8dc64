// SPDX-License-Identifier: MIT
/*
 * Packets at random, most of them nearly right, on memory of all kinds. Each job
 * ends in one of the ways that are documented; whatever it was, memory that it
 * had no address of is untouched, and other queues go on.
 *
 * AMDSVM_SEED repeats a run; each test starts from a seed of its own.
 */
#include <poll.h>

#include "vmqueue.h"

#define ROUNDS 250
/*
 * An index reaches 2^35 bytes from its base: what is hit by one that is wrong
 * must be ours, which is nearly all of it nothing.
 */
#define RESERVED (256UL << 30)
#define AREA (4 * BLOCK)
#define TOP (1ULL << 48)

static char *area, *guard;
static uint64_t state;

static uint64_t below(uint64_t n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % n;
}

static void setup(void)
{
	char *reserved;

	vm_witness_setup();
	reserved = vm_reserve(RESERVED);
	area = reserved + RESERVED / 2;
	expect(!mprotect(area, AREA, PROT_READ | PROT_WRITE));
	/* Nobody has this address. */
	guard = vm_anon(BLOCK);
	vm_fill(guard, BLOCK, 3);
}

static uint64_t some_address(void)
{
	uint64_t address = (uintptr_t)area + below(AREA);

	switch (below(16)) {
	case 0:
		return TOP - below(PAGE);
	case 1:
		return below(PAGE);
	case 2:
		return (uintptr_t)area + AREA - below(64);
	case 3:
		return (uintptr_t)area - below(64);
	case 4:
		return address | 1ULL << (47 + below(17));
	case 5:
	case 6:
		return address;
	default:
		return address & ~7ULL;
	}
}

static uint64_t some_count(void)
{
	switch (below(16)) {
	case 0:
		return 0;
	case 1:
		return 1ULL << below(64);
	case 2:
		return below(1 << 20);
	default:
		return 1 + below(2000);
	}
}

static void some_packet(struct vm_packets *p)
{
	void *a = (void *)some_address(), *b = (void *)some_address(), *c = (void *)some_address();
	uint64_t n = some_count(), m = some_count();
	unsigned int start = p->n;

	switch (below(14)) {
	case 0:
		pk_nop(p, below(20));
		break;
	case 1:
		pk_copy(p, a, b, n);
		break;
	case 2:
		pk_write(p, a, (uint32_t *)guard, 1 + below(50));
		break;
	case 3:
		pk_fill(p, a, m, n * 4);
		break;
	case 4:
		pk_fence(p, a, n);
		break;
	case 5:
		pk_trap(p, n);
		break;
	case 6:
		pk_timestamp(p, a);
		break;
	case 7:
		pk_atomic(p, below(8) ? AMDSVM_ATOMIC_ADD_32 : below(128), a, n, below(4) ? 0 : m);
		break;
	case 8:
		pk_touch(p, below(4), a, n, m * 4);
		break;
	case 9:
		pk_gather(p, a, b, c, n);
		break;
	case 10:
		pk_scatter(p, a, b, c, n);
		break;
	case 11:
		pk_chase(p, a, below(20) * 8, below(20) * 8, n, b);
		break;
	case 12:
		pk_triad(p, a, b, c, n, m);
		break;
	default:
		pk_reduce(p, a, n, b);
	}
	/* Not in an address: a wild one could be that of this very program. */
	if (!below(10))
		p->words[start] ^= 1u << below(32);
	if (!below(30))
		p->n -= below(p->n - start);
}

static bool documented(const struct amdsvm_result *result, const struct vm_packets *p)
{
	switch (result->status) {
	case 0:
		return result->packet_offset == 4 * p->n;
	case -EBADMSG:
		return result->packet_offset < 4 * p->n && !(result->packet_offset % 4);
	case -EFAULT:
		return result->packet_offset < 4 * p->n && !(result->packet_offset % 4);
	case -EACCES:
	case -EOPNOTSUPP:
		return result->packet_offset < 4 * p->n && !(result->packet_offset % 4) &&
		       result->address < TOP;
	default:
		return false;
	}
}

/* Pointers, indices and neither, in what packets will take for each of them. */
static void some_memory(void)
{
	uint64_t *words = (uint64_t *)(area + below(AREA / PAGE) * PAGE);
	int i;

	for (i = 0; i < 512; i++)
		words[i] = below(3) ? some_address() : below(1000);
	if (!below(8))
		expect(!madvise(area + below(4) * BLOCK, BLOCK, MADV_DONTNEED));
	if (!below(8))
		expect(!mprotect(area + 3 * BLOCK + below(512) * PAGE, PAGE, PROT_READ));
	if (!below(8))
		expect(!mprotect(area, AREA, PROT_READ | PROT_WRITE));
}

static void expect_works(uint32_t queue)
{
	static uint32_t word;
	struct vm_packets p = { 0 };

	pk_fence(&p, area, ++word);
	expect_runs(queue, &p);
	expect_eq(*(uint32_t *)area, word);
}

START_TEST(random_packets_end_as_documented)
{
	uint32_t good = vm_queue(vm.gpu[0]), queue = vm_queue(vm.gpu[1]);
	unsigned int round, rounds = vm_rounds(ROUNDS), endless = 0, ended[2] = { 0 };
	/* What is given up but ends a little later would cancel the next. */
	const int patience = vm_is_debug_kernel() ? 10000 : 1000;

	state = vm_seed() * 7919 + _i + 1;
	for (round = 0; round < rounds; round++) {
		struct vm_packets p = { 0 };
		struct amdsvm_result result;
		struct pollfd poll_fd = { .events = POLLIN };
		unsigned int i, packets = 1 + below(4);

		expect(!mprotect(area, 3 * BLOCK, PROT_READ | PROT_WRITE));
		if (!below(3)) {
			expect(!mprotect(area, AREA, PROT_READ | PROT_WRITE));
			some_memory();
		}
		for (i = 0; i < packets; i++)
			some_packet(&p);
		poll_fd.fd = vm_submit(queue, &p);
		expect(poll_fd.fd >= 0);
		if (poll(&poll_fd, 1, patience) == 0) {
			/* 2^60 words take a while. */
			endless++;
			close(poll_fd.fd);
			continue;
		}
		result = vm_finish(poll_fd.fd);
		if (!documented(&result, &p))
			vm_fail(HERE, "round %u: status %d at byte %u of %u, address 0x%llx", round,
				result.status, result.packet_offset, 4 * p.n,
				(unsigned long long)result.address);
		ended[!!result.status]++;
		if (result.status) {
			expect_eq(vm_submit(queue, &p), -EIO);
			expect_eq(vm_queue_destroy(queue), 0);
			queue = vm_queue(vm.gpu[round % 2]);
		}
		if (round % 25 == 0) {
			expect(!mprotect(area, PAGE, PROT_READ | PROT_WRITE));
			expect_works(good);
		}
	}
	/* The mixture has both. */
	expect(ended[0] >= rounds / 20 && ended[1] >= rounds / 20 && endless <= rounds / 4);
	expect_bytes(guard, BLOCK, 3);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("packetfuzz");
	TCase *t = vm_case_with(s, "fuzz", setup, vm_witness_teardown);

	tcase_add_loop_test(t, random_packets_end_as_documented, 0, 6);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
