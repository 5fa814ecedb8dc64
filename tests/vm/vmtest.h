/* SPDX-License-Identifier: MIT */
/*
 * What the suites share. They speak to the driver by ioctl, not through
 * libamdsvm, so that a defect of the library never hides one of the driver;
 * suite_library is the exception.
 *
 * Check forks each test. The fixture vm_setup() opens the device there, so that
 * each test is a process of its own to the driver. A test may fork further:
 * expect() works in those children too, see vm_fail().
 */
#ifndef AMDSVM_TESTS_VMTEST_H
#define AMDSVM_TESTS_VMTEST_H

#include <check.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "amdsvm_ioctl.h"

#define PAGE	4096UL
#define BLOCK	(2UL << 20)
#define PAGES_PER_BLOCK (BLOCK / PAGE)
#define SYSMEM	((uint32_t)AMDSVM_IOCTL_SVM_LOCATION_SYSMEM)
#define UNDEFINED ((uint32_t)AMDSVM_IOCTL_SVM_LOCATION_UNDEFINED)
/* For expect_location() only: no page at all. */
#define ABSENT	0xfffffffeu
#define MAX_DEVICES 16

#define ATTR(name) AMDSVM_IOCTL_SVM_ATTR_##name
#define FLAG(name) AMDSVM_IOCTL_SVM_FLAG_##name
#define DEFAULT_FLAGS (FLAG(HOST_ACCESS) | FLAG(COHERENT))
#define ALL_FLAGS 0xffu
#define DEFAULT_GRANULARITY 9

enum lane { LANE_PRIVATE = 1, LANE_COHERENT = 2, LANE_MIRROR = 4 };
#define LANES_WITH_MEMORY (LANE_PRIVATE | LANE_COHERENT)

struct vm {
	int fd;
	enum lane lane;
	uint32_t devices;
	uint64_t device_mask;
	uint32_t gpu[MAX_DEVICES];	/* gpu_id by index */
};

/* The device as this test sees it; valid after vm_setup(). */
extern struct vm vm;

/* ---- running ------------------------------------------------------------ */

typedef Suite *(*suite_function)(void);

int vm_main(int argc, char **argv, suite_function suite);
TCase *vm_case(Suite *suite, const char *name);
/* The fixture calls vm_setup() itself; teardown may be NULL. */
TCase *vm_case_with(Suite *suite, const char *name, void (*setup)(void), void (*teardown)(void));
TCase *vm_case_without_device(Suite *suite, const char *name);
void vm_setup(void);
void vm_use_all_processors(void);
enum lane vm_lane(void);
void vm_skip(int index, const char *reason);
uint64_t vm_seed(void);
bool vm_kernel_is(const char *release);
bool vm_is_debug_kernel(void);
int vm_rounds(int rounds);	/* a tenth of them on the debug kernel */
/*
 * One lane of an ordinary kernel runs all there is; the others leave out variants that
 * differ little from what they run.
 */
bool vm_in_full(void);
/*
 * All variants of a test, or the second half, which is large pages where that is the difference;
 * on the debug kernel the last.
 */
void vm_add_variants(TCase *t, const TTest *test, int variants);

/*
 * Leaves a test that the lane cannot run. Only the lane decides, never what the
 * driver offers: suite_capabilities holds the two together.
 */
#define only_in_lanes(lanes, reason) \
	do { \
		if (!(vm_lane() & (lanes))) { \
			vm_skip(_i, reason); \
			return; \
		} \
	} while (0)
#define needs_device_memory() \
	only_in_lanes(LANES_WITH_MEMORY, "the lane has no device memory")

/* ---- verdicts ----------------------------------------------------------- */

#define HERE __FILE__, __LINE__

__attribute__((noreturn, format(printf, 3, 4)))
void vm_fail(const char *file, int line, const char *format, ...);

#define expect(condition) \
	do { \
		if (!(condition)) \
			vm_fail(HERE, "%s (errno %d)", #condition, errno); \
	} while (0)

#define expect_eq(got, wanted) \
	do { \
		long long got_ = (long long)(got), wanted_ = (long long)(wanted); \
		if (got_ != wanted_) \
			vm_fail(HERE, "%s is %lld (0x%llx), not %s = %lld (0x%llx)", #got, got_, \
				got_, #wanted, wanted_, wanted_); \
	} while (0)

/* Polls the condition: what the driver does in the background ends in time. */
#define expect_within(seconds, condition) \
	do { \
		uint64_t patience_ = vm_is_debug_kernel() ? 4 : 1; \
		uint64_t end_ = vm_now() + (seconds) * patience_ * 1000000000ULL; \
		while (!(condition)) { \
			if (vm_now() > end_) \
				vm_fail(HERE, "not within %d s: %s", seconds, #condition); \
			usleep(10000); \
		} \
	} while (0)

uint64_t vm_now(void);

/* ---- calls: 0 or a negative errno --------------------------------------- */

int vm_open(void);
int vm_ioctl(int fd, unsigned long request, void *argument);
int vm_attr_on(int fd, uint32_t op, const void *start, size_t size,
	       struct amdsvm_ioctl_svm_attribute *attrs, uint32_t count);
int vm_prefetch_on(int fd, const void *start, size_t size, uint32_t location,
		   struct amdsvm_ioctl_prefetch_args *args);
int vm_unset_on(int fd, const void *start, size_t size);
int vm_list_on(int fd, uint64_t start, uint64_t size, struct amdsvm_range_info *ranges,
	       uint32_t capacity, uint32_t *count, uint64_t *next);
int vm_residency_on(int fd, const void *start, size_t size, struct amdsvm_page_info *pages,
		    struct amdsvm_ioctl_residency_args *args);
int vm_counters_on(int fd, struct amdsvm_ioctl_get_counters_args *counters);
int vm_evict_on(int fd, uint32_t gpu_id, struct amdsvm_ioctl_evict_args *args);

/* set(start, size, {type, value}, ...): SET_ATTR on the fixture's file. */
#define set_on(fd, start, size, ...) \
	vm_attr_on(fd, AMDSVM_IOCTL_SVM_OP_SET_ATTR, start, size, \
		   (struct amdsvm_ioctl_svm_attribute[]){ __VA_ARGS__ }, \
		   sizeof((struct amdsvm_ioctl_svm_attribute[]){ __VA_ARGS__ }) / \
			   sizeof(struct amdsvm_ioctl_svm_attribute))
#define set(start, size, ...) set_on(vm.fd, start, size, __VA_ARGS__)

uint32_t vm_get(const char *file, int line, const void *start, size_t size, uint32_t type);
uint32_t vm_get_access(const char *file, int line, const void *start, size_t size,
		       uint32_t gpu_id);
#define get(start, size, type) vm_get(HERE, start, size, type)
#define get_access(start, size, gpu_id) vm_get_access(HERE, start, size, gpu_id)

struct amdsvm_ioctl_get_counters_args vm_counters(void);
struct amdsvm_device_info vm_device(uint32_t gpu_id);
uint64_t vm_used_pages(void);	/* of all devices, all processes */
unsigned int vm_list(const void *start, size_t size, struct amdsvm_range_info *ranges,
		     unsigned int capacity);
unsigned int vm_range_count(void);

/* ---- memory ------------------------------------------------------------- */

void *vm_anon(size_t size);		/* private, 2 MiB aligned, guarded on both sides */
void *vm_anon_small(size_t size);	/* the same, never huge pages */
void *vm_reserve(size_t size);		/* PROT_NONE address space, 2 MiB aligned */
void vm_fill(void *start, size_t size, uint64_t seed);
uint64_t vm_word(uint64_t seed, size_t index);
/* kB that smaps names so, of all mappings that some of [@start, @start + @size) is in. */
long vm_smaps_kib(const char *start, size_t size, const char *name);
long vm_huge_kib(const char *start, size_t size);	/* in large pages, at home */
int vm_write_file(const char *path, const char *text);
void vm_parameter(const char *name, const char *value);	/* of the module */
/* Fixtures: devices that are full stay full. */
void vm_setup_no_eviction(void);
void vm_teardown_no_eviction(void);
long vm_read_number(const char *path);

/* The kernel's own entries of pages, from /proc/self/pagemap. */
#define PAGEMAP_PRESENT (1ULL << 63)
#define PAGEMAP_SWAP (1ULL << 62)	/* a private device page is shown as swap */
#define PAGEMAP_FILE (1ULL << 61)	/* or shared anonymous memory */
#define PAGEMAP_FRAME ((1ULL << 55) - 1)
#define PAGEMAP_SWAP_TYPE 0x1fULL
void vm_pagemap(const void *start, size_t pages, uint64_t *entries);

void vm_expect_bytes(const char *file, int line, const void *start, size_t size, uint64_t seed);
void vm_expect_zero(const char *file, int line, const void *start, size_t size);
void vm_expect_location(const char *file, int line, const void *start, size_t size,
			uint32_t location);
void vm_expect_mapped(const char *file, int line, const void *start, size_t size, uint64_t mask);
#define expect_bytes(start, size, seed) vm_expect_bytes(HERE, start, size, seed)
#define expect_zero(start, size) vm_expect_zero(HERE, start, size)
/* The driver's word on every page, and the kernel's own in /proc/self/pagemap. */
#define expect_location(start, size, location) vm_expect_location(HERE, start, size, location)
#define expect_mapped(start, size, mask) vm_expect_mapped(HERE, start, size, mask)

struct prefetch_counts {
	uint64_t moved, cleared, already, no_space, busy, unmovable;
};

void vm_expect_prefetch(const char *file, int line, const void *start, size_t size,
			uint32_t location, int result, struct prefetch_counts counts);
/* expect_prefetch(start, size, location, result, .moved = 5): the rest is 0. */
#define expect_prefetch(start, size, location, result, ...) \
	vm_expect_prefetch(HERE, start, size, location, result, \
			   (struct prefetch_counts){ __VA_ARGS__ })

/* Where the pages of the range are now, summed. */
struct amdsvm_ioctl_residency_args vm_sums(const void *start, size_t size);
uint32_t vm_page_flags(const void *page);

/* ---- calls that are refused ---------------------------------------------- */

/*
 * R8: each error leaves ranges and pages as they were. The witness is memory with
 * two ranges and, where devices have memory, pages on one; the fixture makes it
 * and compares all of it at the end, with the kernel's log.
 */
#define VM_WITNESS_SIZE (64 * PAGE)
extern char *vm_witness;
void vm_witness_setup(void);
void vm_witness_teardown(void);
/* Everything but the bytes, which the CPU cannot read without bringing them home. */
void vm_expect_witness(const char *file, int line);
#define expect_witness() vm_expect_witness(HERE)

/* ---- other processes ---------------------------------------------------- */

struct peer {
	pid_t pid;	/* the child's, 0 in the child */
	int fd;		/* bytes to and from the other side */
};

bool vm_fork(struct peer *peer);	/* true in the child */
void vm_tell(struct peer *peer);
void vm_await(struct peer *peer);
bool vm_ended(struct peer *peer);	/* leaves it to be joined */
void vm_join(const char *file, int line, struct peer *peer);
#define expect_joined(peer) vm_join(HERE, peer)
__attribute__((noreturn)) void vm_done(void);	/* ends a child that found no fault */

#endif
