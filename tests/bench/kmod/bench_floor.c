// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * What a migration can at best cost: copy_page() and clear_page() over 256 MiB
 * of pages of the kind that the driver uses, and nothing else.
 *
 * Reading /sys/kernel/debug/bench_floor/4k (or 2m: the same memory in blocks of
 * 2 MiB) allocates source and destination, runs one round that does not count
 * and then those that do, a line for each number. Every round's bytes are
 * compared, and clearing in between means that a copy left out would show.
 */
#include <linux/debugfs.h>
#include <linux/gfp.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#define BENCH_PAGES (SZ_256M / PAGE_SIZE)
#define WORDS (PAGE_SIZE / sizeof(u64))

static unsigned int rounds = 10;
module_param(rounds, uint, 0444);
MODULE_PARM_DESC(rounds, "Rounds after the warm-up (default 10)");

static struct dentry *dir;

/* struct bench_memory - 256 MiB in blocks of 2^order pages */
struct bench_memory {
	unsigned int order;
	void **pages;
};

static void memory_free(struct bench_memory *memory)
{
	unsigned long i;

	if (!memory->pages)
		return;
	for (i = 0; i < BENCH_PAGES; i += 1UL << memory->order)
		free_pages((unsigned long)memory->pages[i], memory->order);
	kvfree(memory->pages);
	memory->pages = NULL;
}

static int memory_alloc(struct bench_memory *memory, unsigned int order)
{
	unsigned long i, n;
	struct page *page;

	memory->order = order;
	memory->pages = kvcalloc(BENCH_PAGES, sizeof(*memory->pages),
				 GFP_KERNEL);
	if (!memory->pages)
		return -ENOMEM;
	for (i = 0; i < BENCH_PAGES; i += 1UL << order) {
		page = alloc_pages(GFP_USER | __GFP_NOWARN, order);
		if (!page) {
			memory_free(memory);
			return -ENOMEM;
		}
		for (n = 0; n < 1UL << order; n++)
			memory->pages[i + n] = page_address(page + n);
		cond_resched();
	}
	return 0;
}

static void fill(struct bench_memory *memory)
{
	unsigned long i, n;

	for (i = 0; i < BENCH_PAGES; i++) {
		u64 *words = memory->pages[i];

		for (n = 0; n < WORDS; n++)
			words[n] = (i + 1) * WORDS + n;
		cond_resched();
	}
}

/* A page at a time without a branch for each word: the guest is emulated. */
static u64 differences(const u64 *a, const u64 *b)
{
	u64 wrong = 0;
	unsigned int n;

	for (n = 0; n < WORDS; n += 4)
		wrong |= (a[n] ^ b[n]) | (a[n + 1] ^ b[n + 1]) |
			 (a[n + 2] ^ b[n + 2]) | (a[n + 3] ^ b[n + 3]);
	return wrong;
}

static bool copied(const struct bench_memory *dst,
		   const struct bench_memory *src)
{
	unsigned long i;
	u64 wrong = 0;

	for (i = 0; i < BENCH_PAGES; i++) {
		wrong |= differences(dst->pages[i], src->pages[i]);
		cond_resched();
	}
	return !wrong;
}

static bool cleared(const struct bench_memory *dst)
{
	const u64 *zero = page_address(ZERO_PAGE(0));
	unsigned long i;
	u64 wrong = 0;

	for (i = 0; i < BENCH_PAGES; i++) {
		wrong |= differences(dst->pages[i], zero);
		cond_resched();
	}
	return !wrong;
}

static u64 time_copy(struct bench_memory *dst, struct bench_memory *src)
{
	u64 start = ktime_get_ns();
	unsigned long i;

	for (i = 0; i < BENCH_PAGES; i++)
		copy_page(dst->pages[i], src->pages[i]);
	return ktime_get_ns() - start;
}

static u64 time_clear(struct bench_memory *dst)
{
	u64 start = ktime_get_ns();
	unsigned long i;

	for (i = 0; i < BENCH_PAGES; i++)
		clear_page(dst->pages[i]);
	return ktime_get_ns() - start;
}

static int measure(struct seq_file *file, struct bench_memory *dst,
		   struct bench_memory *src)
{
	const char *size = src->order ? "2m" : "4k";
	unsigned int round;
	u64 copy, clear;

	fill(src);
	for (round = 0; round <= rounds; round++) {
		copy = time_copy(dst, src);
		if (!copied(dst, src))
			return -EIO;
		clear = time_clear(dst);
		if (!cleared(dst))
			return -EIO;
		if (!round)
			continue;
		seq_printf(file, "copy_%s\tfloor\t%llu\n", size, copy);
		seq_printf(file, "clear_%s\tfloor\t%llu\n", size, clear);
	}
	return 0;
}

static int floor_show(struct seq_file *file, void *unused)
{
	unsigned int order = (unsigned long)file->private;
	struct bench_memory src = {}, dst = {};
	int ret;

	ret = memory_alloc(&src, order);
	if (!ret)
		ret = memory_alloc(&dst, order);
	if (!ret)
		ret = measure(file, &dst, &src);
	memory_free(&dst);
	memory_free(&src);
	return ret;
}
DEFINE_SHOW_ATTRIBUTE(floor);

static int __init bench_floor_init(void)
{
	dir = debugfs_create_dir("bench_floor", NULL);
	if (IS_ERR(dir))
		return PTR_ERR(dir);
	debugfs_create_file("4k", 0400, dir, NULL, &floor_fops);
	debugfs_create_file("2m", 0400, dir,
			    (void *)(unsigned long)get_order(SZ_2M),
			    &floor_fops);
	return 0;
}

static void __exit bench_floor_exit(void)
{
	debugfs_remove(dir);
}

module_init(bench_floor_init);
module_exit(bench_floor_exit);

MODULE_AUTHOR("The amdsvm developers");
MODULE_DESCRIPTION("Plain copies and clears to measure migration against");
MODULE_LICENSE("Dual MIT/GPL");
