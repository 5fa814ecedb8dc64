/* SPDX-License-Identifier: MIT */
/*
 * What the measurements share. Calls of the driver, and what is asserted of
 * pages and bytes, are those of the suites (tests/vm/vmtest.h).
 */
#ifndef AMDSVM_TESTS_BENCH_H
#define AMDSVM_TESTS_BENCH_H

#include "vmtest.h"

#define SIZE (256UL << 20)
#define PAGES (SIZE / PAGE)

struct backing {
	const char *name;	/* the end of the rows' names */
	bool huge;
	size_t unit;		/* bytes of one of its pages */
};

extern const struct backing backings[2];

char *bench_memory(const struct backing *backing);	/* never touched */
char *bench_filled(const struct backing *backing, char *memory, uint64_t seed);
void bench_fill(char *memory, size_t bytes, uint64_t seed);
void bench_check(const char *memory, uint64_t seed);
void bench_check_bytes(const char *memory, size_t bytes, uint64_t seed);
void bench_check_zero(const char *memory);
void bench_check_zero_bytes(const char *memory, size_t bytes);
size_t bench_pages_away(const void *memory);	/* not present to the CPU, and not holes */
/* Of the pages those that are in @bytes of physical memory from @start on. */
size_t bench_pages_within(const void *memory, uint64_t start, size_t bytes);
uint64_t bench_sum(const char *memory, size_t bytes);	/* of its 64-bit words */
/* A use of memory by the CPU: one read for each page of the backing. */
void bench_touch(const struct backing *backing, const char *memory);
void bench_sample(const struct backing *backing, unsigned int round, const char *row,
		  const char *who, uint64_t ns);
/* A row of 2 MiB pages that has no size in its name; the other one has. */
void bench_sample_2m(const struct backing *backing, unsigned int round, const char *row,
		     const char *who, uint64_t ns);

/*
 * Marks for plugin/profile.c: instructions that do nothing and that nobody else uses.
 * bench_profiled is the row that tests/bench/profile wants to know about, or NULL.
 */
extern const char *bench_profiled;
#define BENCH_MARK(word) __asm__ volatile(".byte 0x0f, 0x1f, 0x80\n\t.long " #word ::: "memory")
#define BENCH_MARK_BEGIN() BENCH_MARK(0x6d647376)
#define BENCH_MARK_END() BENCH_MARK(0x6d647377)

/*
 * What was freed and put off before is done by others in their time (RCU, workers): they
 * get it now, so that it is in nobody's time.
 */
void bench_settle(void);

/* Nanoseconds that a statement takes; under icount the guest's instructions. */
#define bench_time(row, statement) \
	({ \
		bool mark_ = bench_profiled && !strcmp(bench_profiled, row); \
		uint64_t before_; \
		bench_settle(); \
		if (mark_) \
			BENCH_MARK_BEGIN(); \
		before_ = vm_now(); \
		statement; \
		before_ = vm_now() - before_; \
		if (mark_) \
			BENCH_MARK_END(); \
		before_; \
	})

/* One round of everything there is to measure; round 0 is the warm-up. */
void bench_amdsvm(const struct backing *backing, unsigned int round);
void bench_more(const struct backing *backing, unsigned int round);
void bench_device(const struct backing *backing, unsigned int round);
void bench_sizes(const struct backing *backing, unsigned int round);
void bench_threads(const struct backing *backing, unsigned int round);
void bench_overcommit(const struct backing *backing, unsigned int round);
void bench_test_hmm(const struct backing *backing, unsigned int round);
void bench_read_back(const struct backing *backing, unsigned int round);

#endif
