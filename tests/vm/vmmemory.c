// SPDX-License-Identifier: MIT
/*
 * Memory for tests and what is asserted of it: bytes, where each page is by the
 * driver's word and by the kernel's own, who maps it, and what a prefetch
 * counted.
 */
#include <fcntl.h>

#include "vmtest.h"

/*
 * 2 MiB aligned, with a page table's reach of nothing on both sides: a mapping
 * that core merged with a neighbour would let a window reach into it.
 */
void *vm_reserve(size_t size)
{
	char *area = mmap(NULL, size + 3 * BLOCK, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uintptr_t start;

	expect(area != MAP_FAILED);
	start = ((uintptr_t)area + 2 * BLOCK - 1) & ~(BLOCK - 1);
	munmap(area, start - (uintptr_t)area);
	munmap((char *)start + size, (uintptr_t)area + size + 3 * BLOCK - start - size);
	return (void *)start;
}

void *vm_anon(size_t size)
{
	void *start = vm_reserve(size);

	expect(mmap(start, size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == start);
	return start;
}

void *vm_anon_small(size_t size)
{
	void *start = vm_anon(size);

	expect(!madvise(start, size, MADV_NOHUGEPAGE));
	return start;
}

/* Never 0, different for each word of each seed: a page in the wrong place shows. */
uint64_t vm_word(uint64_t seed, size_t index)
{
	return (seed + 1) * 0x9e3779b97f4a7c15ULL + index * 0xd1342543de82ef95ULL + (index | 1);
}

void vm_fill(void *start, size_t size, uint64_t seed)
{
	uint64_t *words = start;
	size_t i;

	for (i = 0; i < size / sizeof(*words); i++)
		words[i] = vm_word(seed, i);
}

void vm_expect_bytes(const char *file, int line, const void *start, size_t size, uint64_t seed)
{
	const volatile uint64_t *words = start;
	size_t i;

	for (i = 0; i < size / sizeof(*words); i++) {
		uint64_t word = words[i];

		if (word != vm_word(seed, i))
			vm_fail(file, line, "wrong bytes at %p + 0x%zx: 0x%llx, not 0x%llx (R1)", start,
				i * sizeof(*words), (unsigned long long)word,
				(unsigned long long)vm_word(seed, i));
	}
}

void vm_expect_zero(const char *file, int line, const void *start, size_t size)
{
	const volatile uint64_t *words = start;
	size_t i;

	for (i = 0; i < size / sizeof(*words); i++) {
		uint64_t word = words[i];

		if (word)
			vm_fail(file, line, "not zero at %p + 0x%zx: 0x%llx (R1)", start,
				i * sizeof(*words), (unsigned long long)word);
	}
}

void vm_pagemap(const void *start, size_t pages, uint64_t *entries)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

	expect(fd >= 0);
	expect_eq(pread(fd, entries, pages * sizeof(*entries), (uintptr_t)start / PAGE * 8),
		  pages * sizeof(*entries));
	close(fd);
}

/* The kernel shows a private device page as swap; a coherent one is present. */
static void expect_pagemap(const char *file, int line, const void *start, size_t pages,
			   uint32_t location)
{
	uint64_t *entries = calloc(pages, sizeof(*entries));
	uint64_t wanted;
	size_t i;

	if (location == ABSENT)
		wanted = 0;
	else if (location == SYSMEM || vm.lane == LANE_COHERENT)
		wanted = PAGEMAP_PRESENT;
	else
		wanted = PAGEMAP_SWAP;
	expect(entries);
	vm_pagemap(start, pages, entries);
	for (i = 0; i < pages; i++) {
		uint64_t bits = entries[i] & (PAGEMAP_PRESENT | PAGEMAP_SWAP);

		if (bits != wanted)
			vm_fail(file, line, "pagemap of page %zu of %zu: present %d swap %d, for location 0x%x",
				i, pages, !!(bits & PAGEMAP_PRESENT), !!(bits & PAGEMAP_SWAP), location);
	}
	free(entries);
}

void vm_expect_location(const char *file, int line, const void *start, size_t size,
			uint32_t location)
{
	size_t i, pages = size / PAGE, device = 0, system = 0, absent = 0;
	struct amdsvm_page_info *infos = calloc(pages, sizeof(*infos));
	struct amdsvm_ioctl_residency_args args;
	int result;

	expect(infos);
	result = vm_residency_on(vm.fd, start, size, infos, &args);
	if (result)
		vm_fail(file, line, "RESIDENCY at %p returns %d", start, result);
	for (i = 0; i < pages; i++) {
		uint32_t flags = infos[i].flags, found;

		if (!(flags & AMDSVM_PAGE_PRESENT))
			found = ABSENT;
		else
			found = flags & AMDSVM_PAGE_DEVICE ? infos[i].gpu_id : SYSMEM;
		if (found != location || (!(flags & AMDSVM_PAGE_DEVICE) && infos[i].gpu_id))
			vm_fail(file, line,
				"page %zu of %zu is at 0x%x (flags 0x%x, gpu_id 0x%x), not at 0x%x", i,
				pages, found, flags, infos[i].gpu_id, location);
		device += found != ABSENT && found != SYSMEM;
		system += found == SYSMEM;
		absent += found == ABSENT;
	}
	if (args.pages_device != device || args.pages_system != system || args.pages_absent != absent)
		vm_fail(file, line, "RESIDENCY sums %llu/%llu/%llu are not those of its pages",
			(unsigned long long)args.pages_system, (unsigned long long)args.pages_device,
			(unsigned long long)args.pages_absent);
	free(infos);
	expect_pagemap(file, line, start, pages, location);
}

void vm_expect_mapped(const char *file, int line, const void *start, size_t size, uint64_t mask)
{
	size_t i, pages = size / PAGE;
	struct amdsvm_page_info *infos = calloc(pages, sizeof(*infos));
	struct amdsvm_ioctl_residency_args args;
	int result;

	expect(infos);
	result = vm_residency_on(vm.fd, start, size, infos, &args);
	if (result)
		vm_fail(file, line, "RESIDENCY at %p returns %d", start, result);
	for (i = 0; i < pages; i++)
		if (infos[i].mapped_devices != mask)
			vm_fail(file, line, "page %zu of %zu is mapped by devices 0x%llx, not 0x%llx", i,
				pages, (unsigned long long)infos[i].mapped_devices,
				(unsigned long long)mask);
	if (args.pages_mapped != (mask ? pages : 0))
		vm_fail(file, line, "RESIDENCY says %llu pages mapped of %zu",
			(unsigned long long)args.pages_mapped, pages);
	free(infos);
}

void vm_expect_prefetch(const char *file, int line, const void *start, size_t size,
			uint32_t location, int result, struct prefetch_counts wanted)
{
	struct amdsvm_ioctl_prefetch_args args;
	int got = vm_prefetch_on(vm.fd, start, size, location, &args);

	if (got != result || args.pages_moved != wanted.moved ||
	    args.pages_cleared != wanted.cleared || args.pages_already != wanted.already ||
	    args.pages_no_space != wanted.no_space || args.pages_busy != wanted.busy ||
	    args.pages_unmovable != wanted.unmovable)
		vm_fail(file, line,
			"PREFETCH to 0x%x returns %d, not %d: moved %llu/%llu cleared %llu/%llu already %llu/%llu no_space %llu/%llu busy %llu/%llu unmovable %llu/%llu (got/wanted)",
			location, got, result, (unsigned long long)args.pages_moved,
			(unsigned long long)wanted.moved, (unsigned long long)args.pages_cleared,
			(unsigned long long)wanted.cleared, (unsigned long long)args.pages_already,
			(unsigned long long)wanted.already, (unsigned long long)args.pages_no_space,
			(unsigned long long)wanted.no_space, (unsigned long long)args.pages_busy,
			(unsigned long long)wanted.busy, (unsigned long long)args.pages_unmovable,
			(unsigned long long)wanted.unmovable);
}

long vm_smaps_kib(const char *start, size_t size, const char *name)
{
	FILE *file = fopen("/proc/self/smaps", "re");
	unsigned long from, to;
	bool inside = false;
	size_t length = strlen(name);
	char line[256];
	long kib = 0, value;

	expect(file);
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2 && strchr(line, '-') < strchr(line, ' '))
			inside = from < (uintptr_t)start + size && (uintptr_t)start < to;
		else if (inside && !strncmp(line, name, length) &&
			 sscanf(line + length, ": %ld kB", &value) == 1)
			kib += value;
	}
	fclose(file);
	return kib;
}

long vm_huge_kib(const char *start, size_t size)
{
	return vm_smaps_kib(start, size, "AnonHugePages");
}
