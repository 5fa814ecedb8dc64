// SPDX-License-Identifier: MIT
/*
 * suite_failnth for a folio of 2 MiB: each allocation of each way that it goes fails once.
 * What then goes in pages, or not at all, keeps its bytes, and goes when it is told again.
 */
#include "vminject.h"
#include "vmlarge.h"

static char *memory;
static uint64_t seed;
/* After so many calls the memory was at home in one piece, or not. The last has no failure. */
static unsigned int whole, pieces;

#define needs_large_injection() \
	do { \
		needs_injection(); \
		needs_large_folios(); \
	} while (0)

static void setup(void)
{
	vm_setup();
	vm_inject_setup();
	memory = vm_anon(BLOCK);
	expect(!madvise(memory, BLOCK, MADV_HUGEPAGE));
}

static void expect_intact(void) { expect_bytes(memory, BLOCK, seed); }

/* One large page, whatever the memory was before. */
static void at_home(void)
{
	expect(!madvise(memory, BLOCK, MADV_DONTNEED));
	vm_fill(memory, BLOCK, ++seed);
	expect_eq(vm_huge_kib(memory, BLOCK), BLOCK / 1024);
}

static void on_first_device(void)
{
	at_home();
	expect_prefetch(memory, BLOCK, vm.gpu[0], 0, .moved = PAGES_PER_BLOCK);
}

static int go_to(uint32_t location)
{
	struct amdsvm_ioctl_prefetch_args args;
	int result = vm_prefetch_on(vm.fd, memory, BLOCK, location, &args);

	if (!result)
		expect_eq(args.pages_moved + args.pages_cleared + args.pages_already +
				  args.pages_no_space + args.pages_busy + args.pages_unmovable,
			  PAGES_PER_BLOCK);
	return result;
}

static int go_to_first(void) { return go_to(vm.gpu[0]); }
static int go_to_second(void) { return go_to(vm.gpu[1]); }
static int go_home(void) { return go_to(SYSMEM); }
static void is_on_first(void) { expect_location(memory, BLOCK, vm.gpu[0]); }
static void is_on_second(void) { expect_location(memory, BLOCK, vm.gpu[1]); }
static void is_home(void) { expect_location(memory, BLOCK, SYSMEM); }

static int evict(void)
{
	struct amdsvm_ioctl_evict_args args;

	return vm_evict_on(vm.fd, vm.gpu[0], &args);
}

static void is_not_on_first(void)
{
	expect_eq(vm_sums(memory, BLOCK).pages_device, 0);
}

/* One page: the others come with it, or with faults of their own. */
static int touch_one(void)
{
	(void)*(volatile char *)(memory + MIDDLE);
	return 0;
}

/* What became of the folio, where it came home. */
static void count_pieces(int result)
{
	struct amdsvm_ioctl_residency_args sums = vm_sums(memory, BLOCK);

	(void)result;
	if (sums.pages_device == PAGES_PER_BLOCK)
		return;
	if (vm_huge_kib(memory, BLOCK))
		whole++;
	else
		pieces++;
}

static void sweep(void (*prepare)(void), int (*run)(void), void (*reached)(void))
{
	struct vm_operation operation = { prepare, run, count_pieces, reached, expect_intact };

	whole = pieces = 0;
	vm_sweep(&operation);
	printf("# %s: at home in one piece after %u calls, in pages after %u\n", tcase_name(),
	       whole, pieces);
}

START_TEST(a_folio_moves_to_a_device)
{
	needs_large_injection();
	sweep(at_home, go_to_first, is_on_first);
}
END_TEST

/* The memory behind the device's pages is taken in the same call. */
static void at_home_without_backing(void)
{
	at_home();
	expect_within(10, (vm_write_file("/proc/sys/vm/drop_caches", "2"),
			   vm_device(vm.gpu[0]).vram_backed_bytes == 0));
}

START_TEST(a_folio_moves_to_a_device_without_backing)
{
	needs_large_injection();
	sweep(at_home_without_backing, go_to_first, is_on_first);
}
END_TEST

static void never_touched(void)
{
	seed = 0;
	expect(!madvise(memory, BLOCK, MADV_DONTNEED));
}

static void expect_zeroes(void) { expect_zero(memory, BLOCK); }

START_TEST(a_folio_comes_into_being_on_a_device)
{
	needs_large_injection();
	vm_sweep(&(struct vm_operation){ never_touched, go_to_first, NULL, is_on_first, expect_zeroes });
}
END_TEST

START_TEST(a_folio_moves_to_another_device)
{
	needs_large_injection();
	sweep(on_first_device, go_to_second, is_on_second);
}
END_TEST

START_TEST(a_folio_moves_home)
{
	needs_large_injection();
	sweep(on_first_device, go_home, is_home);
	expect(whole > 1 && pieces);
}
END_TEST

START_TEST(a_folio_is_evicted)
{
	needs_large_injection();
	sweep(on_first_device, evict, is_not_on_first);
	expect(whole > 1);
}
END_TEST

/* The CPU gets its page in the end: the kernel repeats a fault that found no memory. */
static int touch_all(void)
{
	size_t i;

	for (i = 0; i < PAGES_PER_BLOCK; i++)
		(void)*(volatile char *)(memory + i * PAGE);
	return 0;
}

START_TEST(the_cpu_touches_a_folio)
{
	needs_large_injection();
	sweep(on_first_device, touch_all, is_home);
	expect(whole > 1 && pieces);
}
END_TEST

/* Mapped page by page: core has to split it first. */
static void on_first_device_in_pieces(void)
{
	on_first_device();
	expect(!mprotect(memory + MIDDLE, PAGE, PROT_READ));
	expect(!mprotect(memory + MIDDLE, PAGE, PROT_READ | PROT_WRITE));
}

static int touch_one_then_all(void)
{
	touch_one();
	return touch_all();
}

START_TEST(the_cpu_touches_a_folio_mapped_by_pages)
{
	needs_large_injection();
	sweep(on_first_device_in_pieces, touch_one_then_all, is_home);
}
END_TEST

START_TEST(a_folio_mapped_by_pages_moves_home)
{
	needs_large_injection();
	sweep(on_first_device_in_pieces, go_home, is_home);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("failnth_large");
	TCase *t = vm_case_with(s, "moving", setup, NULL);

	tcase_add_test(t, a_folio_moves_to_a_device);
	tcase_add_test(t, a_folio_moves_to_a_device_without_backing);
	tcase_add_test(t, a_folio_comes_into_being_on_a_device);
	tcase_add_test(t, a_folio_moves_to_another_device);
	tcase_add_test(t, a_folio_moves_home);
	tcase_add_test(t, a_folio_is_evicted);
	tcase_add_test(t, the_cpu_touches_a_folio);
	t = vm_case_with(s, "split", setup, NULL);
	tcase_add_test(t, the_cpu_touches_a_folio_mapped_by_pages);
	tcase_add_test(t, a_folio_mapped_by_pages_moves_home);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
