// SPDX-License-Identifier: MIT
/*
 * Residency over several calls; prefetch and evict, whose counts come with some
 * errors too.
 */
#include <stdlib.h>
#include <sys/mman.h>

#include "test.h"

/* The start of a 2 MiB block: the fake brings home one block for a CPU access. */
static unsigned char *map_pages(size_t count)
{
	const uintptr_t block = 2UL << 20;
	uintptr_t start;
	void *memory = mmap(NULL, count * PAGE + block, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(memory, MAP_FAILED);
	start = ((uintptr_t)memory + block - 1) & ~(block - 1);
	return (unsigned char *)start;
}

START_TEST(prefetch_moves_and_cpu_brings_home)
{
	struct amdsvm_context *ctx = open_fake();
	unsigned char *memory = map_pages(8);
	struct amdsvm_prefetch_result result;
	struct amdsvm_residency_sums sums;
	struct amdsvm_page_info pages[8];

	memset(memory, 3, 8 * PAGE);
	ck_assert_int_eq(amdsvm_prefetch(ctx, (uintptr_t)memory + 2 * PAGE, 4 * PAGE,
					 fake_gpu_id(1), &result), 0);
	ck_assert_uint_eq(arguments(struct amdsvm_ioctl_prefetch_args)->location, fake_gpu_id(1));
	ck_assert_uint_eq(result.pages_moved, 4);

	ck_assert_int_eq(amdsvm_residency(ctx, (uintptr_t)memory, 8 * PAGE, pages, &sums), 0);
	ck_assert_uint_eq(sums.pages_system, 4);
	ck_assert_uint_eq(sums.pages_device, 4);
	ck_assert_uint_eq(pages[1].gpu_id, 0);
	ck_assert_uint_eq(pages[2].gpu_id, fake_gpu_id(1));
	ck_assert_uint_eq(pages[5].gpu_id, fake_gpu_id(1));

	ck_assert_uint_eq(memory[3 * PAGE], 3);
	ck_assert_int_eq(amdsvm_residency(ctx, (uintptr_t)memory, 8 * PAGE, NULL, &sums), 0);
	ck_assert_uint_eq(sums.pages_device, 0);
	amdsvm_close(ctx);
}
END_TEST

START_TEST(residency_of_more_than_a_call)
{
	const uint64_t size = 2 * GIB + 3 * PAGE;
	struct amdsvm_context *ctx = open_fake();
	struct amdsvm_page_info *pages = calloc(size / PAGE, sizeof(*pages));
	struct amdsvm_residency_sums sums;
	unsigned char *memory;

	memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ck_assert_ptr_ne(memory, MAP_FAILED);
	madvise(memory, size, MADV_NOHUGEPAGE);
	memory[0] = memory[GIB] = memory[size - 1] = 1;

	ck_assert_int_eq(amdsvm_residency(ctx, (uintptr_t)memory, size, pages, &sums), 0);
	ck_assert_uint_eq(fake.calls, 3);
	ck_assert_uint_eq(arguments(struct amdsvm_ioctl_residency_args)->size, 3 * PAGE);
	ck_assert_uint_eq(sums.pages_system, 3);
	ck_assert_uint_eq(sums.pages_absent, size / PAGE - 3);
	ck_assert_uint_eq(pages[0].flags & AMDSVM_PAGE_PRESENT, 1);
	ck_assert_uint_eq(pages[GIB / PAGE].flags & AMDSVM_PAGE_PRESENT, 1);
	ck_assert_uint_eq(pages[size / PAGE - 1].flags & AMDSVM_PAGE_PRESENT, 1);
	ck_assert_uint_eq(pages[1].flags, 0);
	free(pages);
	amdsvm_close(ctx);
}
END_TEST

START_TEST(residency_passes_bad_ranges_to_the_driver)
{
	struct amdsvm_residency_sums sums = { .pages_system = 5 };
	struct amdsvm_context *ctx = open_fake();

	ck_assert_int_eq(amdsvm_residency(ctx, 0x10000, 0, NULL, &sums), -EINVAL);
	ck_assert_int_eq(amdsvm_residency(ctx, 0x10001, PAGE, NULL, &sums), -EINVAL);
	ck_assert_uint_eq(fake.calls, 2);
	/* In parts, this one would look like good ones. */
	ck_assert_int_eq(amdsvm_residency(ctx, 2 * GIB, -GIB, NULL, &sums), -EINVAL);
	ck_assert_uint_eq(sums.pages_system, 5);
	amdsvm_close(ctx);
}
END_TEST

START_TEST(prefetch_counts_come_with_these_errors)
{
	static const int errors[] = { ENOSPC, EBUSY, ENOMEM, EINTR };
	struct amdsvm_context *ctx = open_fake();
	struct amdsvm_prefetch_result result;

	fake.call_error = errors[_i];
	ck_assert_int_eq(amdsvm_prefetch(ctx, 0x10000, PAGE, 0, &result), -errors[_i]);
	/* Not restarted: the counts of this call would be lost. */
	ck_assert_uint_eq(fake.calls, 1);
	ck_assert_uint_eq(result.pages_moved, 1);
	ck_assert_uint_eq(result.pages_cleared, 2);
	ck_assert_uint_eq(result.pages_already, 3);
	ck_assert_uint_eq(result.pages_no_space, 4);
	ck_assert_uint_eq(result.pages_busy, 5);
	ck_assert_uint_eq(result.pages_unmovable, 6);
	ck_assert_int_eq(amdsvm_prefetch(ctx, 0x10000, PAGE, 0, NULL), -errors[_i]);
	amdsvm_close(ctx);
}
END_TEST

START_TEST(prefetch_counts_stay_with_other_errors)
{
	static const int errors[] = { EINVAL, EFAULT, EPERM, ESRCH, EOPNOTSUPP };
	struct amdsvm_prefetch_result result = { .pages_moved = 99 };
	struct amdsvm_context *ctx = open_fake();

	fake.call_error = errors[_i];
	ck_assert_int_eq(amdsvm_prefetch(ctx, 0x10000, PAGE, 0, &result), -errors[_i]);
	ck_assert_uint_eq(result.pages_moved, 99);
	amdsvm_close(ctx);
}
END_TEST

START_TEST(evict_passes_device_and_counts)
{
	struct amdsvm_context *ctx = open_fake();
	uint64_t moved = 99, left = 99;
	unsigned char *memory = map_pages(4);

	memset(memory, 1, 4 * PAGE);
	ck_assert_int_eq(amdsvm_prefetch(ctx, (uintptr_t)memory, 4 * PAGE, fake_gpu_id(0), NULL),
			 0);
	ck_assert_int_eq(amdsvm_evict(ctx, fake_gpu_id(1), &moved, &left), 0);
	ck_assert_uint_eq(moved, 0);
	ck_assert_int_eq(amdsvm_evict(ctx, 0, &moved, &left), 0);
	ck_assert_uint_eq(moved, 4);
	ck_assert_uint_eq(left, 0);
	ck_assert_int_eq(amdsvm_evict(ctx, 0, NULL, NULL), 0);

	fake.call_error = ENOMEM;
	ck_assert_int_eq(amdsvm_evict(ctx, 0, &moved, &left), -ENOMEM);
	ck_assert_uint_eq(moved, 7);
	ck_assert_uint_eq(left, 8);

	moved = 99;
	fake.call_error = EPERM;
	ck_assert_int_eq(amdsvm_evict(ctx, 0, &moved, &left), -EPERM);
	ck_assert_uint_eq(moved, 99);
	amdsvm_close(ctx);
}
END_TEST

TCase *migrate_case(void)
{
	TCase *tc = tcase_create("migrate");

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, prefetch_moves_and_cpu_brings_home);
	tcase_add_test(tc, residency_of_more_than_a_call);
	tcase_add_test(tc, residency_passes_bad_ranges_to_the_driver);
	tcase_add_loop_test(tc, prefetch_counts_come_with_these_errors, 0, 4);
	tcase_add_loop_test(tc, prefetch_counts_stay_with_other_errors, 0, 5);
	tcase_add_test(tc, evict_passes_device_and_counts);
	return tc;
}
