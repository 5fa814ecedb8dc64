// SPDX-License-Identifier: MIT
/*
 * The peer: lib/test_hmm.c of the same kernel, its private devices where the kernel has
 * such memory, else its coherent ones (modules.sh). Its call that moves
 * memory to the device also reads it all back into a buffer of the caller;
 * what that part costs is measured beside it, by its call that only reads.
 */
#include <fcntl.h>

#include "bench.h"

/* As in lib/test_hmm_uapi.h, which no package installs. */
struct dmirror_cmd {
	uint64_t addr;
	uint64_t ptr;
	uint64_t npages;
	uint64_t cpages;
	uint64_t faults;
};

#define DMIRROR_READ		_IOWR('H', 0x00, struct dmirror_cmd)
#define DMIRROR_MIGRATE_TO_DEV	_IOWR('H', 0x02, struct dmirror_cmd)
#define DMIRROR_MIGRATE_TO_SYS	_IOWR('H', 0x03, struct dmirror_cmd)

static int dmirror = -1;
static char *buffer;
static uint64_t coherent;	/* where its memory is; 0: it is private */

/* What it counts as moved to system memory is pages of either size. */
static uint64_t call(const char *row, unsigned long request, char *memory, bool count)
{
	struct dmirror_cmd cmd = {
		.addr = (uintptr_t)memory,
		.ptr = (uintptr_t)buffer,
		.npages = PAGES,
	};
	uint64_t ns = bench_time(row, expect_eq(vm_ioctl(dmirror, request, &cmd), 0));

	if (count)
		expect_eq(cmd.cpages, PAGES);
	return ns;
}

static void start(void)
{
	if (vm.lane == LANE_COHERENT)
		coherent = vm_read_number("/sys/module/test_hmm/parameters/spm_addr_dev0");
	/* The first that is coherent has the memory of "dev1". */
	dmirror = open(coherent ? "/dev/hmm_dmirror3" : "/dev/hmm_dmirror0", O_RDWR | O_CLOEXEC);
	expect(dmirror >= 0);
	buffer = bench_filled(&backings[1], NULL, 0);
}

static size_t pages_away(const char *memory)
{
	return coherent ? bench_pages_within(memory, coherent, SIZE) : bench_pages_away(memory);
}

/* The same bytes through the same buffers as the end of MIGRATE_TO_DEV. */
void bench_read_back(const struct backing *backing, unsigned int round)
{
	static char *memory;

	if (!round) {
		start();
		memory = bench_filled(backing, NULL, 0);
		call("", DMIRROR_MIGRATE_TO_DEV, memory, true);
	}
	memset(buffer, 0xff, SIZE);
	bench_sample(backing, round, "test_hmm_read_back", "test_hmm",
		     call("test_hmm_read_back", DMIRROR_READ, memory, true));
	bench_check(buffer, 0);
}

void bench_test_hmm(const struct backing *backing, unsigned int round)
{
	static char *memory;

	if (!round)
		start();
	memory = bench_filled(backing, memory, round);
	bench_sample(backing, round, "to_device", "test_hmm",
		     call("test_hmm_to_device", DMIRROR_MIGRATE_TO_DEV, memory, true));
	expect_eq(pages_away(memory), PAGES);
	bench_sample(backing, round, "to_system", "test_hmm",
		     call("test_hmm_to_system", DMIRROR_MIGRATE_TO_SYS, memory, false));
	expect_eq(pages_away(memory), 0);
	bench_check(memory, round);

	/* A CPU reads coherent memory where it is. */
	if (coherent)
		return;
	memory = bench_filled(backing, memory, round);
	call("", DMIRROR_MIGRATE_TO_DEV, memory, true);
	expect_eq(pages_away(memory), PAGES);
	bench_sample(backing, round, "cpu_fault", "test_hmm",
		     bench_time("test_hmm_cpu_fault", bench_touch(backing, memory)));
	expect_eq(pages_away(memory), 0);
	bench_check(memory, round);
}
