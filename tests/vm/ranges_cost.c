// SPDX-License-Identifier: MIT
/*
 * What a SET_ATTR costs with 1,000 and with 1,000,000 ranges in the process, and
 * what a range costs in kernel memory, as JSON. Under icount nanoseconds are
 * instructions. Fails when the second is more than twice the first.
 */
#include <fcntl.h>
#include <time.h>

#include "vmtest.h"

#define MEASURED 20001

static uint64_t samples[MEASURED];

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void set_one(int fd, char *page, uint32_t granularity)
{
	if (set_on(fd, page, PAGE, { ATTR(GRANULARITY), granularity })) {
		perror("SET_ATTR");
		exit(2);
	}
}

/*
 * The median of calls that each change one range in place, all over the tree.
 * Granularities alternate between even and odd, so no two neighbours merge.
 */
static uint64_t measure(int fd, char *memory, size_t ranges)
{
	uint64_t before;
	size_t i, page;

	for (i = 0; i < MEASURED; i++) {
		page = i * 7919 % ranges;
		before = vm_now();
		set_one(fd, memory + page * PAGE, page % 2 + 2 * (1 + i % 3));
		samples[i] = vm_now() - before;
	}
	qsort(samples, MEASURED, sizeof(samples[0]), compare);
	return samples[MEASURED / 2];
}

/* All that the kernel's allocator of small objects holds. */
static long slab_bytes(void)
{
	FILE *file = fopen("/proc/meminfo", "re");
	char line[128];
	long kib = 0;

	expect(file);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "Slab: %ld kB", &kib) == 1)
			break;
	fclose(file);
	return kib * 1024;
}

int main(int argc, char **argv)
{
	static const size_t counts[2] = { 1000, 1000000 };
	uint64_t cost[2];
	size_t i, done = 0;
	long slab[2];
	char *memory;
	int fd, n;

	if (argc > 1) {
		fprintf(stderr, "usage: %s\n", argv[0]);
		return 2;
	}
	fd = open("/dev/amdsvm", O_RDWR | O_CLOEXEC);
	memory = mmap(NULL, counts[1] * PAGE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (fd < 0 || memory == MAP_FAILED) {
		perror("ranges_cost");
		return 2;
	}
	for (n = 0; n < 2; n++) {
		for (i = done; i < counts[n]; i++)
			set_one(fd, memory + i * PAGE, i % 2);
		done = counts[n];
		slab[n] = slab_bytes();
		cost[n] = measure(fd, memory, counts[n]);
	}
	printf("{\"set_attr_ns\": {\"%zu\": %llu, \"%zu\": %llu}, \"ratio\": %.3f, \"bytes_per_range\": %ld}\n",
	       counts[0], (unsigned long long)cost[0], counts[1], (unsigned long long)cost[1],
	       (double)cost[1] / cost[0],
	       (slab[1] - slab[0]) / (long)(counts[1] - counts[0]));
	return cost[1] > 2 * cost[0];
}
