// SPDX-License-Identifier: MIT
/*
 * R2 for memory that devices read and modify while it moves: between system
 * memory and devices, home by eviction, out to swap. Each device adds one to
 * counters of its own, access by access and each access held up, so whatever it
 * reads from a page that was left, or writes to it, is missing from the sum for
 * good.
 *
 * A round is one call, or one access of the CPU, that moved a page in use.
 */
#include <sys/syscall.h>

#include "vmloop.h"
#include "vmswap.h"

#define DELAY 50
#define PAGES 4		/* in as many 64 KiB */
#define SIZE (PAGES * 16 * PAGE)

static char *memory;
static volatile uint64_t *ones;
static uint64_t *rounds_of_all;

static volatile uint64_t *word(unsigned int number, unsigned int owner)
{
	return (uint64_t *)(memory + number * 16 * PAGE) + owner;
}

/* A device adds one to its word of each page: reads it, reads the one, writes. */
static void start(struct vm_loop *loop, uint32_t device)
{
	struct vm_packets p = { 0 };
	unsigned int i;

	for (i = 0; i < PAGES; i++)
		pk_triad(&p, (void *)word(i, device), (void *)word(i, device), (void *)ones, 1, 1);
	vm_loop_start(loop, vm.gpu[device], &p, 200);
}

static void finish(struct vm_loop *loop, uint32_t device)
{
	uint64_t sum = vm_loop_finish(loop);
	unsigned int i;

	for (i = 0; i < PAGES; i++)
		if (*word(i, device) != sum)
			vm_fail(HERE, "page %u: device %u counted to %llu, and %llu is there (R2)", i,
				device, (unsigned long long)sum,
				(unsigned long long)*word(i, device));
}

/* The CPU counts, too, at a word between those of the devices. */
#define CPU 7
static uint64_t cpu_sum;

static void cpu_counts(void)
{
	unsigned int i;

	cpu_sum++;
	for (i = 0; i < PAGES; i++)
		(*word(i, CPU))++;
}

static void expect_cpu_sum(void)
{
	unsigned int i;

	for (i = 0; i < PAGES; i++)
		expect_eq(*word(i, CPU), cpu_sum);
}

/*
 * A page that is on another processor's list of new pages does not move, and is
 * mapped where it is; then nobody asks again. This empties the lists (move_pages()
 * does that first) and has devices ask.
 */
static void nudge(void)
{
	void *nothing = NULL;
	int node = 0, status;

	syscall(SYS_move_pages, 0, 0UL, &nothing, &node, &status, 0);
	expect(!mprotect(memory, SIZE, PROT_READ | PROT_WRITE | PROT_EXEC));
	expect(!mprotect(memory, SIZE, PROT_READ | PROT_WRITE));
}

static void count(uint32_t rounds, uint64_t begin)
{
	*rounds_of_all += rounds;
	printf("# %s: %u rounds, %llu us each\n", tcase_name(), rounds,
	       (unsigned long long)((vm_now() - begin) / 1000 / rounds));
}

static void setup(void)
{
	vm_setup();
	vm_keep_off_lanes();
	ones = vm_anon_in_place(PAGE);
	*ones = 1;
	memory = vm_anon_small(SIZE);
	memset(memory, 0, SIZE);
	expect_eq(set(memory, SIZE, { ATTR(GRANULARITY), 0 }), 0);
	vm_access_delay(DELAY);
}

/* Moved hither and thither by the CPU; devices use it wherever it is. */
START_TEST(pages_that_are_moved)
{
	uint32_t places[3] = { vm.gpu[0], SYSMEM, vm.gpu[1] }, rounds = vm_loop_rounds(5000), round = 0, i;
	int devices = 1 + _i % 2;
	struct vm_loop loops[2];
	uint64_t begin;

	needs_device_memory();
	for (i = 0; i < 2; i++)
		expect_eq(set(memory, SIZE, { ATTR(ACCESS_IN_PLACE), vm.gpu[i] }), 0);
	for (i = 0; i < (uint32_t)devices; i++)
		start(&loops[i], i);
	begin = vm_now();
	for (i = 0; round < rounds; i++) {
		struct amdsvm_ioctl_prefetch_args args;
		int result = vm_prefetch_on(vm.fd, (char *)word(i % PAGES, 0), PAGE,
					    places[i / PAGES % 3], &args);

		expect(!result || result == -EBUSY);
		round += args.pages_moved;
		if (i % 64 == 0)
			cpu_counts();
		for (int j = 0; j < devices && i % 16 == 0; j++)
			vm_loop_feed(&loops[j]);
	}
	count(round, begin);
	expect(vm_device_counters(vm.gpu[0]).invalidations >= rounds / 4);
	for (i = 0; i < (uint32_t)devices; i++)
		finish(&loops[i], i);
	expect_cpu_sum();
}
END_TEST

/* Devices fetch it, the CPU fetches it back, by using it. */
START_TEST(pages_that_are_fetched)
{
	uint32_t rounds = vm_loop_rounds(1000), i;
	uint64_t begin, moved = 0, before, end;
	struct vm_loop loop;

	only_in_lanes(LANE_PRIVATE, "the CPU uses memory of devices in place");
	expect_eq(set(memory, SIZE, { ATTR(PREFERRED_LOC), vm.gpu[0] }), 0);
	start(&loop, 0);
	begin = vm_now();
	end = begin + 60 * 1000000000ULL;
	do {
		for (i = 0; i < 16; i++)
			cpu_counts();
		vm_loop_feed(&loop);
		before = moved;
		moved = vm_counters().cpu_faults;
		if (moved == before)
			nudge();
		expect(vm_now() < end);
	} while (moved < rounds);
	count(moved, begin);
	expect(vm_device_counters(vm.gpu[0]).invalidations >= rounds / 2);
	finish(&loop, 0);
	expect_cpu_sum();
}
END_TEST

/* Devices fetch it, and all of the device comes home again. */
START_TEST(pages_that_are_evicted)
{
	uint32_t rounds = vm_loop_rounds(1000), round = 0, turn;
	struct amdsvm_ioctl_evict_args args;
	struct vm_loop loop;
	uint64_t begin;

	needs_device_memory();
	expect_eq(set(memory, SIZE, { ATTR(PREFERRED_LOC), vm.gpu[0] }), 0);
	start(&loop, 0);
	begin = vm_now();
	while (round < rounds) {
		/* Not before the device has some of it again. */
		for (turn = 1; !vm_sums(memory, SIZE).pages_device; turn++) {
			if (turn % 16 == 0)
				nudge();
			vm_loop_feed(&loop);
		}
		expect_eq(vm_evict_on(vm.fd, vm.gpu[0], &args), 0);
		round += args.pages_moved;
		if (round % 16 == 0)
			cpu_counts();
	}
	count(round, begin);
	finish(&loop, 0);
	expect_cpu_sum();
}
END_TEST

/* Pages that the kernel wrote to swap so far. */
static uint64_t swapped(void)
{
	FILE *file = fopen("/proc/vmstat", "re");
	unsigned long long pages = 0;
	char line[128];

	expect(file);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "pswpout %llu", &pages) == 1)
			break;
	fclose(file);
	return pages;
}

/*
 * Out to swap and in again by the device. What a device wrote since a page was
 * read from swap makes it dirty, or it would be dropped as the copy it was.
 */
START_TEST(pages_that_are_swapped)
{
	uint64_t rounds = vm_loop_rounds(500), begin, before, done = 0, last;
	struct vm_loop loop;

	vm_swap_on();
	expect_eq(set(memory, SIZE, { ATTR(PREFERRED_LOC), SYSMEM },
		      { ATTR(ACCESS_IN_PLACE), vm.gpu[0] }), 0);
	start(&loop, 0);
	before = swapped();
	begin = vm_now();
	while (done < rounds) {
		vm_loop_feed(&loop);
		expect(!madvise(memory, SIZE, MADV_PAGEOUT));
		last = done;
		done = swapped() - before;
		if (done == last)
			nudge();
		if (done % 16 == 0)
			cpu_counts();
		expect(vm_now() < begin + 60 * 1000000000ULL);
	}
	count(done, begin);
	expect(vm_device_counters(vm.gpu[0]).pages_unmapped >= done);
	finish(&loop, 0);
	expect_cpu_sum();
	vm_swap_off();
}
END_TEST

/* What the others counted; run alone it has nothing to say. */
START_TEST(there_were_enough_rounds)
{
	if (getenv("CK_RUN_CASE"))
		return;
	printf("# %llu rounds in all\n", (unsigned long long)*rounds_of_all);
	if (vm.lane == LANE_PRIVATE)
		expect(*rounds_of_all >= vm_loop_rounds(20000));
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("stale_move");
	TCase *t = vm_case_with(s, "pages", setup, NULL);

	rounds_of_all = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	tcase_add_unchecked_fixture(t, NULL, vm_loop_teardown);
	tcase_add_loop_test(t, pages_that_are_moved, 0, 4);
	tcase_add_test(t, pages_that_are_fetched);
	tcase_add_test(t, pages_that_are_evicted);
	tcase_add_test(t, pages_that_are_swapped);
	tcase_add_test(t, there_were_enough_rounds);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
