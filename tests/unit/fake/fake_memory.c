// SPDX-License-Identifier: MIT
/*
 * Memory that moves between the fake devices. Nothing is copied: a page is at a
 * device because a table says so. Private memory is made inaccessible, and the
 * SIGSEGV handler brings a window home.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fake.h"
#include "fake_memory.h"

/* Places of pages; open addressing, an entry is never removed. */
#define TABLE_SIZE (1U << 18)
#define HOME 0

static struct place {
	uint64_t page;	/* page number + 1; 0: free */
	uint32_t gpu_id;/* HOME: system memory */
} table[TABLE_SIZE];

/* Pages that come home together. */
#define WINDOW 64

static uint64_t page_size;

static struct place *find_place(uint64_t page, bool add)
{
	uint32_t i = page * 0x9e3779b97f4a7c15ULL >> 46;
	uint32_t tries;

	for (tries = 0; tries < TABLE_SIZE; tries++, i = (i + 1) % TABLE_SIZE) {
		if (table[i].page == page + 1)
			return &table[i];
		if (table[i].page)
			continue;
		if (!add)
			return NULL;
		table[i].page = page + 1;
		return &table[i];
	}
	abort();
}

static uint32_t place_of(uint64_t page)
{
	const struct place *place = find_place(page, false);

	return place ? place->gpu_id : HOME;
}

static void protect(uint64_t page, uint64_t count, int prot)
{
	mprotect((void *)(uintptr_t)(page * page_size), count * page_size, prot);
}

/* A CPU access to private memory; anything else is a crash as ever. */
static void handle_fault(int signal, siginfo_t *info, void *context)
{
	uint64_t page = (uintptr_t)info->si_addr / page_size, i;

	(void)context;
	if (place_of(page) == HOME) {
		struct sigaction crash = { .sa_handler = SIG_DFL };

		sigaction(signal, &crash, NULL);
		return;
	}

	fake.counters.cpu_faults++;
	page &= ~(uint64_t)(WINDOW - 1);
	for (i = page; i < page + WINDOW; i++) {
		if (place_of(i) == HOME)
			continue;
		find_place(i, false)->gpu_id = HOME;
		protect(i, 1, PROT_READ | PROT_WRITE);
		fake.counters.pages_out++;
	}
}

__attribute__((constructor))
static void install_handler(void)
{
	struct sigaction action = {
		.sa_sigaction = handle_fault,
		.sa_flags = SA_SIGINFO | SA_NODEFER,
	};

	page_size = sysconf(_SC_PAGESIZE);
	sigaction(SIGSEGV, &action, NULL);
}

uint64_t fake_memory_used(unsigned int index)
{
	uint64_t pages = 0;
	uint32_t i;

	for (i = 0; i < TABLE_SIZE; i++)
		pages += table[i].page && table[i].gpu_id == fake_gpu_id(index);
	return pages * page_size;
}

static bool known_location(uint32_t location)
{
	unsigned int i;

	for (i = 0; i < fake.num_devices; i++)
		if (location == fake_gpu_id(i))
			return true;
	return location == HOME;
}

static void count_move(uint32_t from, uint32_t to)
{
	if (from == HOME)
		fake.counters.pages_in++;
	else if (to == HOME)
		fake.counters.pages_out++;
	else
		fake.counters.pages_peer++;
}

int fake_prefetch(struct amdsvm_ioctl_prefetch_args *args)
{
	uint64_t first = args->start / page_size, count = args->size / page_size, i;
	bool hide = args->location != HOME && fake.memory_kind == AMDSVM_MEMORY_PRIVATE;
	uint32_t busy = fake.busy_pages;
	struct place *place;

	if (fake.corrupt_byte)
		*(volatile unsigned char *)(uintptr_t)args->start ^= 1;
	if (fake.memory_kind == AMDSVM_MEMORY_NONE && args->location != HOME)
		return EOPNOTSUPP;
	if (!known_location(args->location) || !count || args->start % page_size)
		return EINVAL;

	for (i = first; i < first + count; i++) {
		place = find_place(i, true);
		if (place->gpu_id == args->location) {
			args->pages_already++;
		} else if (busy) {
			busy--;
			args->pages_busy++;
		} else if (fake.lose_page && i == first) {
			args->pages_moved++;
		} else {
			count_move(place->gpu_id, args->location);
			place->gpu_id = args->location;
			protect(i, 1, hide ? PROT_NONE : PROT_READ | PROT_WRITE);
			args->pages_moved++;
		}
	}
	fake.busy_pages /= 2;
	return args->pages_busy && !args->pages_moved && !args->pages_already ? EBUSY : 0;
}

int fake_residency(struct amdsvm_ioctl_residency_args *args)
{
	struct amdsvm_page_info *pages = (void *)(uintptr_t)args->pages_ptr;
	uint64_t count = args->size / page_size, i, address;
	struct amdsvm_page_info info;
	unsigned char in_core;

	if (!count || args->size > 1ULL << 30 || args->start % page_size ||
	    args->entry_size != (pages ? sizeof(*pages) : 0))
		return EINVAL;

	for (i = 0; i < count; i++) {
		address = args->start + i * page_size;
		info = (struct amdsvm_page_info){ .gpu_id = place_of(address / page_size) };
		if (info.gpu_id) {
			info.flags = AMDSVM_PAGE_PRESENT | AMDSVM_PAGE_DEVICE;
			args->pages_device++;
		} else if (!mincore((void *)(uintptr_t)address, page_size, &in_core) &&
			   (in_core & 1)) {
			info.flags = AMDSVM_PAGE_PRESENT | AMDSVM_PAGE_WRITE;
			args->pages_system++;
		} else {
			args->pages_absent++;
		}
		if (pages)
			pages[i] = info;
	}
	return 0;
}

#define PAGEMAP_PRESENT	(1ULL << 63)
#define PAGEMAP_SWAP	(1ULL << 62)

void fake_pagemap(uint64_t *entries, size_t count, uint64_t page)
{
	bool lie = fake.pagemap_lie && !--fake.pagemap_lie;
	size_t i;

	for (i = 0; i < count; i++) {
		if (place_of(page + i) != HOME && fake.memory_kind == AMDSVM_MEMORY_PRIVATE)
			entries[i] = PAGEMAP_SWAP;
		if (lie)
			entries[i] ^= PAGEMAP_PRESENT | PAGEMAP_SWAP;
	}
}

int fake_evict(struct amdsvm_ioctl_evict_args *args)
{
	uint32_t i;

	if (args->gpu_id && !known_location(args->gpu_id))
		return EINVAL;

	for (i = 0; i < TABLE_SIZE; i++) {
		if (!table[i].page || table[i].gpu_id == HOME ||
		    (args->gpu_id && table[i].gpu_id != args->gpu_id))
			continue;
		table[i].gpu_id = HOME;
		protect(table[i].page - 1, 1, PROT_READ | PROT_WRITE);
		args->pages_moved++;
	}
	return 0;
}

int fake_memory_error(unsigned long request, void *args, int err)
{
	struct amdsvm_ioctl_prefetch_args *prefetch = args;
	struct amdsvm_ioctl_evict_args *evict = args;

	switch (_IOC_NR(request)) {
	case _IOC_NR(AMDSVM_IOC_PREFETCH):
		prefetch->pages_moved = 1;
		prefetch->pages_cleared = 2;
		prefetch->pages_already = 3;
		prefetch->pages_no_space = 4;
		prefetch->pages_busy = 5;
		prefetch->pages_unmovable = 6;
		break;
	case _IOC_NR(AMDSVM_IOC_EVICT):
		evict->pages_moved = 7;
		evict->pages_left = 8;
		break;
	}
	return err;
}
