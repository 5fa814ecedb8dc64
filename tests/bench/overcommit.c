// SPDX-License-Identifier: MIT
/*
 * A device that uses more memory than it has: it reads blocks of 2 MiB, one after the other
 * or at random, of memory that is a multiple of its own, and as many blocks of memory that
 * fits. Every block's sum is compared, and all bytes at the end.
 *
 * What a remote access costs more is set from what a local one costs here, so that it is
 * the same on every kernel (the module's parameter remote_ns; without it no access is remote).
 */
#include <fcntl.h>

#include "bench.h"
#include "vmqueue.h"

#define REMOTE_NS "/sys/module/amdsvm/parameters/remote_ns"
/* A remote access costs so many local ones. */
#define REMOTE_TIMES 8
/* Blocks that a random measurement reads; as many words are its sums. */
#define READS 192
#define MAX_BLOCKS 256

static const struct load {
	const char *row;
	unsigned int percent;
	bool random;
} loads[] = {
	{ "overcommit_seq_150", 150, false },
	{ "overcommit_random_130", 130, true },
	{ "overcommit_random_175", 175, true },
	{ "overcommit_random_300", 300, true },
};

static uint32_t queue;
static uint64_t *sums, vram;

struct area {
	char *memory;
	size_t blocks;
	uint64_t right[MAX_BLOCKS];	/* the sum of each block */
};

static size_t area_bytes(const struct area *area)
{
	return area->blocks * BLOCK;
}

static void area_make(struct area *area, const struct backing *backing, unsigned int percent,
		      unsigned int round)
{
	size_t i;

	area->blocks = vram * percent / 100 / BLOCK;
	expect(area->blocks && area->blocks <= MAX_BLOCKS);
	area->memory = vm_anon(area_bytes(area));
	expect(!madvise(area->memory, area_bytes(area),
			backing->huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE));
	bench_fill(area->memory, area_bytes(area), round);
	for (i = 0; i < area->blocks; i++)
		area->right[i] = bench_sum(area->memory + i * BLOCK, BLOCK);
}

/*
 * Everything is somewhere, no more on the device than it has, and as it was written. What
 * leaves ahead of need, on another processor, is nowhere for a moment.
 */
static void area_end(struct area *area, unsigned int round)
{
	struct amdsvm_ioctl_residency_args now;

	expect_within(10, (now = vm_sums(area->memory, area_bytes(area)),
			   now.pages_system + now.pages_device == area_bytes(area) / PAGE));
	expect(now.pages_device <= vram / PAGE);
	bench_check_bytes(area->memory, area_bytes(area), round);
	expect(!munmap(area->memory, area_bytes(area)));
}

static size_t next_block(const struct area *area, bool random, size_t i, uint64_t *state)
{
	if (!random)
		return i % area->blocks;
	/* Knuth's MMIX generator; its high bits are the good ones. */
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (*state >> 33) % area->blocks;
}

/* Nanoseconds of so many reads of whole blocks. */
static uint64_t use(const struct area *area, const char *row, bool random, uint64_t seed,
		    size_t reads)
{
	static struct vm_packets p;
	static size_t order[READS];
	uint64_t ns;
	size_t i;

	expect(reads <= READS);
	p.n = 0;
	memset(sums, 0, READS * sizeof(*sums));
	for (i = 0; i < reads; i++) {
		order[i] = next_block(area, random, i, &seed);
		pk_reduce(&p, area->memory + order[i] * BLOCK, BLOCK / sizeof(uint64_t), &sums[i]);
	}
	ns = bench_time(row, expect_runs(queue, &p));
	for (i = 0; i < reads; i++)
		expect_eq(sums[i], area->right[order[i]]);
	return ns;
}

/* Three quarters of the device's memory, which is where all of it is. */
static uint64_t inside(const struct backing *backing, unsigned int round, bool random, size_t reads)
{
	struct area area;
	uint64_t ns;

	area_make(&area, backing, 75, round);
	expect_prefetch(area.memory, area_bytes(&area), vm.gpu[0], 0,
			.moved = area_bytes(&area) / PAGE);
	use(&area, "", random, 1, reads);
	ns = use(&area, "", random, 2, reads);
	expect_location(area.memory, area_bytes(&area), vm.gpu[0]);
	area_end(&area, round);
	return ns;
}

static void measure(const struct backing *backing, unsigned int round, const struct load *load)
{
	struct area area;
	size_t reads;
	uint64_t ns;

	area_make(&area, backing, load->percent, round);
	/* Whole sweeps, or what is read twice decides. */
	reads = load->random ? READS : READS / area.blocks * area.blocks;
	use(&area, "", load->random, 1, reads);
	ns = use(&area, load->row, load->random, 2, reads);
	area_end(&area, round);
	bench_sample_2m(backing, round, load->row, "amdsvm", ns);
	bench_sample_2m(backing, round, load->row, "floor",
			inside(backing, round, load->random, reads));
}

/* A page is one access of a lane that adds up. */
static uint64_t set_remote(const struct backing *backing)
{
	uint64_t local, remote = 0;
	char text[32];

	if (!access(REMOTE_NS, W_OK)) {
		expect(!vm_write_file(REMOTE_NS, "0"));
		local = inside(backing, 0, false, READS) / (READS * PAGES_PER_BLOCK);
		remote = (REMOTE_TIMES - 1) * local;
		snprintf(text, sizeof(text), "%llu", (unsigned long long)remote);
		expect(!vm_write_file(REMOTE_NS, text));
	}
	return remote;
}

void bench_overcommit(const struct backing *backing, unsigned int round)
{
	static uint64_t remote;
	size_t i;

	if (!round) {
		vm.fd = vm_open();
		vram = vm_device(vm.gpu[0]).vram_bytes;
		queue = vm_queue(vm.gpu[0]);
		sums = vm_anon_small(PAGE);
		/* It would take the device's memory, and go back and forth. */
		expect_eq(set(sums, PAGE, { ATTR(PREFERRED_LOC), SYSMEM }), 0);
		remote = set_remote(backing);
	}
	bench_sample_2m(backing, round, "overcommit_remote_ns", "amdsvm", remote);
	for (i = 0; i < sizeof(loads) / sizeof(loads[0]); i++)
		measure(backing, round, &loads[i]);
}
