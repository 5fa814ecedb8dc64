// SPDX-License-Identifier: MIT
/*
 * The memory against a shadow of it: random writes, prefetches, evictions,
 * forks, protections, moves and unmaps, and after each the bytes that a process
 * without devices would read (R1). AMDSVM_SEED repeats a run.
 */
#include <fcntl.h>
#include <sys/uio.h>

#include "vmtest.h"

#define PAGES 1536
#define SIZE (PAGES * PAGE)
#define OPERATIONS 250
#define UNMAPPED ((uint64_t)-1)

/* The seed of each page's pattern; 0 is a page of zeros. */
static uint64_t shadow[PAGES];
static char *region;
static uint64_t state, step, fills;
static bool large_pages, shared;

static uint64_t random_number(uint64_t below)
{
	uint64_t z = state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return (z ^ (z >> 31)) % below;
}

#define expect_step(condition) \
	do { \
		if (!(condition)) \
			vm_fail(HERE, "%s (errno %d, AMDSVM_SEED=%llu step %llu)", #condition, errno, \
				(unsigned long long)vm_seed(), (unsigned long long)step); \
	} while (0)

static void random_stretch(size_t *first, size_t *count)
{
	size_t most = random_number(4) ? 40 : PAGES;

	*first = random_number(PAGES);
	*count = 1 + random_number(most);
	if (*first + *count > PAGES)
		*count = PAGES - *first;
}

static void check_page(size_t page)
{
	const volatile uint64_t *words = (uint64_t *)(region + page * PAGE);
	size_t i;

	if (shadow[page] == UNMAPPED)
		return;
	/* Enough words to tell pages apart and to notice a part that was not copied. */
	for (i = 0; i < PAGE / 8; i += 31)
		expect_step(words[i] == (shadow[page] ? vm_word(shadow[page], i) : 0));
}

static void check(size_t first, size_t count)
{
	for (; count--; first++)
		check_page(first);
}

static void do_write(size_t first, size_t count)
{
	if (count > 64)
		count = 64;
	for (; count--; first++) {
		if (shadow[first] == UNMAPPED)
			continue;
		shadow[first] = ++fills;
		vm_fill(region + first * PAGE, PAGE, fills);
	}
}

static bool whole(size_t first, size_t count)
{
	for (; count--; first++)
		if (shadow[first] == UNMAPPED)
			return false;
	return true;
}

static void do_prefetch(size_t first, size_t count)
{
	uint32_t places[3] = { vm.gpu[0], vm.gpu[1], SYSMEM };
	struct amdsvm_ioctl_prefetch_args args;
	uint32_t place = places[random_number(3)];
	bool possible = whole(first, count);
	int result = vm_prefetch_on(vm.fd, region + first * PAGE, count * PAGE, place, &args);
	uint64_t there;

	if (!possible) {
		expect_step(result == -EFAULT);
		return;
	}
	expect_step(result == 0 || result == -EBUSY);
	expect_step(args.pages_moved + args.pages_cleared + args.pages_already + args.pages_no_space +
			    args.pages_busy + args.pages_unmovable == count);
	/* Somebody who shares the pages may have brought them home meanwhile. */
	if (place == SYSMEM || shared)
		return;
	there = vm_sums(region + first * PAGE, count * PAGE).pages_device;
	expect_step(there >= args.pages_moved + args.pages_cleared + args.pages_already);
}

static void do_map(size_t first, size_t count)
{
	char *start = region + first * PAGE;

	expect_step(mmap(start, count * PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == start);
	if (!large_pages)
		expect_step(!madvise(start, count * PAGE, MADV_NOHUGEPAGE));
	memset(shadow + first, 0, count * sizeof(shadow[0]));
}

static void do_unmap(size_t first, size_t count)
{
	if (count > 16)
		count = 16;
	expect_step(!munmap(region + first * PAGE, count * PAGE));
	for (; count--; first++)
		shadow[first] = UNMAPPED;
}

static void do_dontneed(size_t first, size_t count)
{
	size_t i;

	if (!whole(first, count))
		return;
	expect_step(!madvise(region + first * PAGE, count * PAGE, MADV_DONTNEED));
	for (i = 0; i < count; i++)
		shadow[first + i] = 0;
}

static void do_protect(size_t first, size_t count)
{
	static const int kinds[] = { PROT_NONE, PROT_READ, PROT_READ | PROT_EXEC };
	char *start = region + first * PAGE;

	if (!whole(first, count))
		return;
	expect_step(!mprotect(start, count * PAGE, kinds[random_number(3)]));
	if (random_number(2))
		do_prefetch(first, count);
	expect_step(!mprotect(start, count * PAGE, PROT_READ | PROT_WRITE));
}

static void do_move(size_t first, size_t count)
{
	size_t to = random_number(PAGES), i;

	if (count > 600)
		count = 600;
	if (to + count > PAGES || (to < first + count && first < to + count) || !whole(first, count))
		return;
	if (mremap(region + first * PAGE, count * PAGE, count * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		   region + to * PAGE) == MAP_FAILED) {
		/* Not one mapping; the destination may be gone already. */
		expect_step(errno == EFAULT);
		do_map(to, count);
		return;
	}
	for (i = 0; i < count; i++) {
		shadow[to + i] = shadow[first + i];
		shadow[first + i] = UNMAPPED;
	}
	if (random_number(2))
		do_map(first, count);
}

static void do_evict(void)
{
	struct amdsvm_ioctl_evict_args args;

	expect_step(!vm_evict_on(vm.fd, random_number(2) ? 0 : vm.gpu[random_number(2)], &args));
	expect_step(args.pages_left == 0);
}

/* The child checks and scribbles; at times while the parent does so too. */
static void do_fork(void)
{
	bool together = random_number(2), prefetch = random_number(2);
	struct peer peer;
	size_t first, count;

	if (vm_fork(&peer)) {
		shared = true;
		if (prefetch) {
			close(vm.fd);
			vm.fd = vm_open();
			random_stretch(&first, &count);
			do_prefetch(first, count);
		}
		random_stretch(&first, &count);
		do_write(first, count);
		check(0, PAGES);
		vm_done();
	}
	if (together) {
		random_stretch(&first, &count);
		do_write(first, count);
		check(first, count);
	}
	expect_joined(&peer);
}

/* The kernel's own way to the memory, in both directions. */
static void do_system_call(size_t first, size_t count)
{
	static uint64_t words[PAGE / 8];
	struct iovec here = { words, PAGE }, there;
	size_t i;

	if (count > 8)
		count = 8;
	for (; count--; first++) {
		if (shadow[first] == UNMAPPED)
			continue;
		there = (struct iovec){ region + first * PAGE, PAGE };
		if (random_number(2)) {
			expect_step(process_vm_readv(getpid(), &here, 1, &there, 1, 0) == (ssize_t)PAGE);
			for (i = 0; i < PAGE / 8; i++)
				expect_step(words[i] == (shadow[first] ? vm_word(shadow[first], i) : 0));
		} else {
			shadow[first] = ++fills;
			vm_fill(words, PAGE, fills);
			expect_step(process_vm_writev(getpid(), &here, 1, &there, 1, 0) == (ssize_t)PAGE);
		}
	}
}

static void do_attributes(size_t first, size_t count)
{
	if (!whole(first, count))
		return;
	expect_step(!set(region + first * PAGE, count * PAGE, { ATTR(GRANULARITY), random_number(10) },
			 { ATTR(ACCESS) + random_number(3), vm.gpu[random_number(2)] }));
}

static void run(uint64_t seed, bool huge)
{
	struct amdsvm_ioctl_get_counters_args counters;
	size_t first, count;

	state = seed;
	large_pages = huge;
	region = vm_reserve(SIZE);
	do_map(0, PAGES);
	for (step = 0; step < OPERATIONS; step++) {
		random_stretch(&first, &count);
		switch (random_number(32)) {
		case 0 ... 6:
			do_write(first, count);
			break;
		case 7 ... 16:
			do_prefetch(first, count);
			break;
		case 17:
			do_unmap(first, count);
			break;
		case 18:
			do_map(first, count);
			break;
		case 19:
			do_dontneed(first, count);
			break;
		case 20 ... 21:
			do_protect(first, count);
			break;
		case 22 ... 23:
			do_move(first, count);
			break;
		case 24:
			do_evict();
			break;
		case 25:
			do_fork();
			break;
		case 26:
			do_system_call(first, count);
			break;
		case 27:
			do_attributes(first, count);
			break;
		default:
			check(first, count);
		}
	}
	check(0, PAGES);
	do_evict();
	check(0, PAGES);
	counters = vm_counters();
	/* Bytes that nobody moved prove nothing. */
	expect_step(counters.pages_in > 0 && counters.pages_cleared > 0);
	expect_step(!munmap(region, SIZE));
	expect_within(10, vm_used_pages() == 0);
}

START_TEST(bytes_are_those_of_the_shadow)
{
	needs_device_memory();
	vm_use_all_processors();
	run(vm_seed() * 1000 + _i, _i % 2);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("shadow");
	TCase *t = vm_case(s, "bytes");

	tcase_add_loop_test(t, bytes_are_those_of_the_shadow, 0, 6);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
