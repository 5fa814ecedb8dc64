// SPDX-License-Identifier: MIT
/*
 * Memory of a known page size and known bytes. Every word of it is written and
 * read in each round, so how is chosen for the vectors that compilers make of it.
 */

#include "bench.h"

const struct backing backings[2] = { { "4k", false, PAGE }, { "2m", true, BLOCK } };

char *bench_memory(const struct backing *backing)
{
	char *memory = vm_anon(SIZE);

	expect(!madvise(memory, SIZE, backing->huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE));
	return memory;
}

/* AnonHugePages of the one mapping that starts there. */
static long huge_kib(const char *memory)
{
	FILE *file = fopen("/proc/self/smaps", "re");
	bool inside = false;
	unsigned long from, to;
	char line[256];
	long kib = -1;

	expect(file);
	while (kib < 0 && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%lx-%lx %*4c", &from, &to) == 2)
			inside = from == (uintptr_t)memory && to == from + SIZE;
		else if (inside)
			sscanf(line, "AnonHugePages: %ld kB", &kib);
	}
	fclose(file);
	return kib;
}

#define STEP 0xd1342543de82ef95ULL

static uint64_t first_word(uint64_t seed)
{
	return (seed + 1) * 0x9e3779b97f4a7c15ULL;
}

void bench_fill(char *memory, size_t bytes, uint64_t seed)
{
	uint64_t *words = (uint64_t *)memory, word = first_word(seed);
	size_t i;

	for (i = 0; i < bytes / sizeof(*words); i++, word += STEP)
		words[i] = word;
}

/*
 * Takes memory of an earlier round, or NULL. A migration may leave small pages
 * where large ones were: then it is made anew.
 */
char *bench_filled(const struct backing *backing, char *memory, uint64_t seed)
{
	const long wanted = backing->huge ? SIZE / 1024 : 0;

	if (memory && huge_kib(memory) != wanted) {
		expect(!munmap(memory, SIZE));
		memory = NULL;
	}
	if (!memory)
		memory = bench_memory(backing);
	bench_fill(memory, SIZE, seed);
	expect_eq(huge_kib(memory), wanted);
	return memory;
}

static void check(const char *memory, size_t bytes, uint64_t word, uint64_t step)
{
	const uint64_t *words = (const uint64_t *)memory;
	uint64_t wrong = 0;
	size_t i;

	for (i = 0; i < bytes / sizeof(*words); i++, word += step)
		wrong |= words[i] ^ word;
	if (wrong)
		vm_fail(HERE, "the bytes are wrong");
}

void bench_check_bytes(const char *memory, size_t bytes, uint64_t seed)
{
	check(memory, bytes, first_word(seed), STEP);
}

void bench_check(const char *memory, uint64_t seed)
{
	bench_check_bytes(memory, SIZE, seed);
}

uint64_t bench_sum(const char *memory, size_t bytes)
{
	const uint64_t *words = (const uint64_t *)memory;
	uint64_t total = 0;
	size_t i;

	for (i = 0; i < bytes / sizeof(*words); i++)
		total += words[i];
	return total;
}

void bench_touch(const struct backing *backing, const char *memory)
{
	size_t i;

	for (i = 0; i < SIZE; i += backing->unit)
		*(const volatile char *)(memory + i);
}

void bench_check_zero_bytes(const char *memory, size_t bytes)
{
	check(memory, bytes, 0, 0);
}

void bench_check_zero(const char *memory)
{
	bench_check_zero_bytes(memory, SIZE);
}

static const uint64_t *pagemap(const void *memory)
{
	static uint64_t entries[PAGES];

	vm_pagemap(memory, PAGES, entries);
	return entries;
}

size_t bench_pages_within(const void *memory, uint64_t start, size_t bytes)
{
	const uint64_t *entries = pagemap(memory), first = start / PAGE;
	size_t i, within = 0;

	for (i = 0; i < PAGES; i++) {
		uint64_t frame = entries[i] & PAGEMAP_FRAME;

		within += (entries[i] & PAGEMAP_PRESENT) && frame >= first &&
			  frame < first + bytes / PAGE;
	}
	return within;
}

size_t bench_pages_away(const void *memory)
{
	const uint64_t *entries = pagemap(memory);
	size_t i, away = 0;

	for (i = 0; i < PAGES; i++)
		away += (entries[i] & (PAGEMAP_PRESENT | PAGEMAP_SWAP)) == PAGEMAP_SWAP;
	return away;
}

void bench_sample(const struct backing *backing, unsigned int round, const char *row,
		  const char *who, uint64_t ns)
{
	if (round)
		printf("%s_%s\t%s\t%llu\n", row, backing->name, who, (unsigned long long)ns);
}

void bench_sample_2m(const struct backing *backing, unsigned int round, const char *row,
		     const char *who, uint64_t ns)
{
	if (!backing->huge)
		bench_sample(backing, round, row, who, ns);
	else if (round)
		printf("%s\t%s\t%llu\n", row, who, (unsigned long long)ns);
}
