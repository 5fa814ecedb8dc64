// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * What a migration can at best cost: copy_page() and clear_page() over 256 MiB
 * of pages of the kind that the driver uses, and nothing else.
 *
 * Reading copy_4k or clear_4k (2m: memory in blocks of 2 MiB) of the directory
 * bench_floor in debugfs allocates the memory, runs one round that does not count
 * and then those that do, and gives two lines for each: the copy, and what the
 * loop around it takes with a function that does nothing, which is taken off the
 * copy. Every round begins with other bytes and ends with a comparison, so work
 * left out would show.
 */
#include <linux/debugfs.h>
#include <linux/gfp.h>
#include <linux/irqflags.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#define BENCH_PAGES (SZ_256M / PAGE_SIZE)
#define BLOCK_PAGES (SZ_2M / PAGE_SIZE)
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

static void fill(struct bench_memory *memory, unsigned int round)
{
	unsigned long i, n;
	u64 word = round;

	for (i = 0; i < BENCH_PAGES; i++) {
		u64 *words = memory->pages[i];

		for (n = 0; n < WORDS; n++)
			words[n] = word += WORDS;
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

/* As copy_page() and clear_page() are called: not inlined, one return. */
static noinline notrace void nothing(void *dst, void *src)
{
	barrier_data(dst);
	barrier_data(src);
}

/* struct bench_time - what a round took, in nanoseconds */
struct bench_time {
	u64 with_loop;
	u64 loop;
};

/*
 * The same loop for all, pointers fetched included (a clear leaves one out), so
 * that the function is left when the loop is taken off, and nothing else: a copy
 * of a page is 512 instructions of an emulated processor, the loop a dozen more.
 * Ticks of the timer wait until a block is done, and are nobody's time.
 */
#define bench_loop(function, dst, src)					\
	({								\
		unsigned long i_, n_, flags_;				\
		u64 start_, sum_ = 0;					\
		for (i_ = 0; i_ < BENCH_PAGES; i_ += BLOCK_PAGES) {	\
			void **to_ = (dst)->pages + i_;			\
			void **from_ = (src)->pages + i_;		\
			local_irq_save(flags_);				\
			start_ = ktime_get_ns();			\
			for (n_ = 0; n_ < BLOCK_PAGES; n_++)		\
				function(to_[n_], from_[n_]);		\
			sum_ += ktime_get_ns() - start_;		\
			local_irq_restore(flags_);			\
		}							\
		sum_;							\
	})

static __always_inline void clear_first(void *dst, void *unused)
{
	clear_page(dst);
}

static int copy_round(struct bench_memory *dst, struct bench_memory *src,
		      unsigned int round, struct bench_time *time)
{
	fill(src, round);
	time->with_loop = bench_loop(copy_page, dst, src);
	time->loop = bench_loop(nothing, dst, src);
	return copied(dst, src) ? 0 : -EIO;
}

static int clear_round(struct bench_memory *dst, unsigned int round,
		       struct bench_time *time)
{
	fill(dst, round);
	time->with_loop = bench_loop(clear_first, dst, dst);
	time->loop = bench_loop(nothing, dst, dst);
	return cleared(dst) ? 0 : -EIO;
}

/* Of a clock that is not the guest's own, the loop may seem to take longer. */
static void print(struct seq_file *file, bool clear, unsigned int order,
		  const struct bench_time *time)
{
	const char *what = clear ? "clear" : "copy";
	const char *size = order ? "2m" : "4k";

	seq_printf(file, "%s_%s\tfloor\t%llu\n", what, size,
		   time->with_loop - min(time->loop, time->with_loop));
	seq_printf(file, "%s_loop_%s\tfloor\t%llu\n", what, size,
		   time->loop);
}

static int measure(struct seq_file *file, bool clear, unsigned int order)
{
	struct bench_memory src = {}, dst = {};
	struct bench_time time = {};
	unsigned int round;
	int ret;

	ret = memory_alloc(&dst, order);
	if (!ret && !clear)
		ret = memory_alloc(&src, order);
	for (round = 0; !ret && round <= rounds; round++) {
		ret = clear ? clear_round(&dst, round, &time) :
			      copy_round(&dst, &src, round, &time);
		if (round)
			print(file, clear, order, &time);
	}
	memory_free(&src);
	memory_free(&dst);
	return ret;
}

static int copy_show(struct seq_file *file, void *unused)
{
	return measure(file, false, (unsigned long)file->private);
}
DEFINE_SHOW_ATTRIBUTE(copy);

static int clear_show(struct seq_file *file, void *unused)
{
	return measure(file, true, (unsigned long)file->private);
}
DEFINE_SHOW_ATTRIBUTE(clear);

static int __init bench_floor_init(void)
{
	void *large = (void *)(unsigned long)get_order(SZ_2M);

	dir = debugfs_create_dir("bench_floor", NULL);
	if (IS_ERR(dir))
		return PTR_ERR(dir);
	debugfs_create_file("copy_4k", 0400, dir, NULL, &copy_fops);
	debugfs_create_file("copy_2m", 0400, dir, large, &copy_fops);
	debugfs_create_file("clear_4k", 0400, dir, NULL, &clear_fops);
	debugfs_create_file("clear_2m", 0400, dir, large, &clear_fops);
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
