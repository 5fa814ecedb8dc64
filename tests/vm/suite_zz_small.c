// SPDX-License-Identifier: MIT
/*
 * Memory of 2 MiB pages with private device memory and the module loaded with large_pages=0:
 * it goes in pages of 4 KiB.
 */
#include <sys/mman.h>

#include "vmlarge.h"
#include "vmmodule.h"

#define SIZE (2 * BLOCK)
#define PAGES (SIZE / PAGE)

static void load(void)
{
	char all[VM_MODULE_PARAMETERS_SIZE + 128];

	vm_module_remember();
	snprintf(all, sizeof(all), "%slarge_pages=0", vm_module_parameters);
	expect_within(10, vm_module_unload() == 0);
	expect_eq(vm_module_load(all), 0);
}

static void setup(void)
{
	vm_setup();
	expect_within(10, vm_used_pages() == 0);
}

START_TEST(there_and_back_by_prefetch)
{
	char *memory;

	needs_large_folios();
	memory = huge_on_device(SIZE);
	expect_location(memory, SIZE, vm.gpu[0]);
	expect_prefetch(memory, SIZE, vm.gpu[0], 0, .already = PAGES);
	expect_prefetch(memory, SIZE, SYSMEM, 0, .moved = PAGES);
	expect_location(memory, SIZE, SYSMEM);
	/* Not with large_pages after all. */
	expect_eq(vm_huge_kib(memory, SIZE), 0);
	expect_bytes(memory, SIZE, 1);
}
END_TEST

START_TEST(a_cpu_fault_brings_a_block)
{
	char *memory;

	needs_large_folios();
	memory = huge_on_device(SIZE);
	expect_eq(*(uint64_t *)(memory + MIDDLE), vm_word(1, MIDDLE / 8));
	expect_location(memory, BLOCK, SYSMEM);
	expect_location(memory + BLOCK, BLOCK, vm.gpu[0]);
	expect_bytes(memory, SIZE, 1);
	expect_eq(vm_counters().cpu_faults, 2);
	expect_eq(vm_used_pages(), 0);
}
END_TEST

START_TEST(from_device_to_device_and_by_eviction)
{
	struct amdsvm_ioctl_evict_args args;
	char *memory;

	needs_large_folios();
	memory = huge_on_device(SIZE);
	expect_prefetch(memory, SIZE, vm.gpu[1], 0, .moved = PAGES);
	expect_location(memory, SIZE, vm.gpu[1]);
	expect_eq(vm_evict_on(vm.fd, vm.gpu[1], &args), 0);
	expect_eq(args.pages_moved, PAGES);
	expect_location(memory, SIZE, SYSMEM);
	expect_bytes(memory, SIZE, 1);
}
END_TEST

START_TEST(a_device_writes_what_it_fetched)
{
	char *memory;

	needs_large_folios();
	memory = huge(SIZE);
	expect_eq(set(memory, SIZE, { ATTR(PREFERRED_LOC), vm.gpu[0] },
		      { ATTR(ACCESS), vm.gpu[0] }), 0);
	device_fill(vm.gpu[0], memory + PAGE, 0x1234, SIZE - 2 * PAGE);
	expect_location(memory, SIZE, vm.gpu[0]);
	expect_words(memory + PAGE, 0x1234, SIZE - 2 * PAGE);
	expect_bytes(memory, PAGE, 1);
}
END_TEST

/* Memory is unmapped, here by children that end, while it comes home. */
START_TEST(who_shares_it_ends_meanwhile)
{
	struct amdsvm_ioctl_prefetch_args args;
	struct peer peer;
	char *memory;
	int round;

	needs_large_folios();
	memory = huge(SIZE);
	for (round = 0; round < 8; round++) {
		expect_eq(vm_prefetch_on(vm.fd, memory, SIZE, vm.gpu[0], &args), 0);
		if (vm_fork(&peer)) {
			vm_await(&peer);
			usleep(round * 500);
			vm_done();
		}
		vm_tell(&peer);
		expect_eq(vm_prefetch_on(vm.fd, memory, SIZE, SYSMEM, &args), 0);
		expect_joined(&peer);
		expect_bytes(memory, SIZE, 1);
	}
	expect_all_come_home();
}
END_TEST

/* Half a large page moves to another address, a part of the other is unmapped. */
START_TEST(a_page_that_is_cut_keeps_its_bytes)
{
	char *memory, *half;

	needs_large_folios();
	memory = huge_on_device(SIZE);
	half = vm_anon(BLOCK);
	expect(mremap(memory + BLOCK / 2, BLOCK / 2, BLOCK / 2, MREMAP_MAYMOVE | MREMAP_FIXED,
		      half) == half);
	expect(!munmap(memory + BLOCK, 3 * PAGE));
	expect_eq(vm_used_pages(), PAGES - 3);
	expect_bytes(memory, BLOCK / 2, 1);
	expect_eq(*(uint64_t *)half, vm_word(1, BLOCK / 2 / 8));
	expect_eq(*(uint64_t *)(half + BLOCK / 2 - 8), vm_word(1, BLOCK / 8 - 1));
	expect_eq(*(uint64_t *)(memory + SIZE - 8), vm_word(1, SIZE / 8 - 1));
	expect_all_come_home();
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("zz_small");
	TCase *t = vm_case_with(s, "small", setup, NULL);

	/* In the process of the suite: it comes after a test that failed, too. */
	tcase_add_unchecked_fixture(t, load, vm_module_restore);
	tcase_add_test(t, there_and_back_by_prefetch);
	tcase_add_test(t, a_cpu_fault_brings_a_block);
	tcase_add_test(t, from_device_to_device_and_by_eviction);
	tcase_add_test(t, a_device_writes_what_it_fetched);
	tcase_add_test(t, who_shares_it_ends_meanwhile);
	tcase_add_test(t, a_page_that_is_cut_keeps_its_bytes);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
