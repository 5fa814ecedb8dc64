/* SPDX-License-Identifier: MIT */
/*
 * Queues for the suites: packets, submission, waiting. By ioctl and with packets
 * written word by word from amdsvm_packets.h, so that neither the library nor its
 * builder can hide a defect of the driver.
 */
#ifndef AMDSVM_TESTS_VMQUEUE_H
#define AMDSVM_TESTS_VMQUEUE_H

#include "amdsvm_packets.h"
#include "vmtest.h"

/* Enough for what a test does by hand; more goes through vm_submit_bytes_on(). */
#define VM_PACKET_WORDS 2046

/* Start from "struct vm_packets p = { 0 };" or "p.n = 0". */
struct vm_packets {
	unsigned int n;		/* words */
	uint32_t words[VM_PACKET_WORDS];
};

/* ---- packets: each appends one; none looks whether it is right ------------ */

void pk_word(struct vm_packets *p, uint32_t word);
void pk_pair(struct vm_packets *p, uint64_t value);	/* low word first */
void pk_nop(struct vm_packets *p, unsigned int words);	/* behind the header */
void pk_copy(struct vm_packets *p, const void *dst, const void *src, size_t bytes);
void pk_write(struct vm_packets *p, const void *dst, const uint32_t *words, unsigned int n);
void pk_fill(struct vm_packets *p, const void *dst, uint32_t word, size_t bytes);
void pk_fence(struct vm_packets *p, const void *dst, uint32_t word);
void pk_trap(struct vm_packets *p, uint32_t context);
void pk_timestamp(struct vm_packets *p, const void *dst);
/* operation: AMDSVM_ATOMIC_*; compare: 0 but for CMPSWAP. */
void pk_atomic(struct vm_packets *p, uint32_t operation, const void *dst, uint64_t operand,
	       uint64_t compare);
/* kind: AMDSVM_TOUCH_*. */
void pk_touch(struct vm_packets *p, uint32_t kind, const void *start, uint64_t count,
	      uint64_t stride);
void pk_gather(struct vm_packets *p, const void *dst, const void *src, const void *indices,
	       uint64_t count);
void pk_scatter(struct vm_packets *p, const void *dst, const void *src, const void *indices,
		uint64_t count);
void pk_chase(struct vm_packets *p, const void *node, uint32_t next_offset,
	      uint32_t value_offset, uint64_t max, const void *result);
void pk_triad(struct vm_packets *p, const void *a, const void *b, const void *c,
	      uint64_t count, uint64_t scalar);
void pk_reduce(struct vm_packets *p, const void *src, uint64_t count, const void *result);

/* Keeps a lane busy for days: reads one word again and again. */
void pk_endless(struct vm_packets *p, const void *word);

/* ---- calls: 0, a descriptor, or a negative errno -------------------------- */

int vm_queue_create_on(int fd, uint32_t gpu_id, uint32_t *queue_id);
int vm_queue_destroy_on(int fd, uint32_t queue_id);
int vm_submit_bytes_on(int fd, uint32_t queue_id, const void *packets, uint32_t bytes);
int vm_device_counters_on(int fd, uint32_t gpu_id,
			  struct amdsvm_ioctl_get_device_counters_args *counters);

/* On the fixture's file. */
int vm_queue_destroy(uint32_t queue_id);
int vm_submit(uint32_t queue_id, const struct vm_packets *p);

/* ---- short forms that fail the test --------------------------------------- */

/* After so many seconds a job counts as stuck. */
#define VM_JOB_SECONDS 60

uint32_t vm_queue_at(const char *file, int line, uint32_t gpu_id);
struct amdsvm_result vm_wait_at(const char *file, int line, int fd);
struct amdsvm_result vm_finish_at(const char *file, int line, int fd);
struct amdsvm_result vm_run_at(const char *file, int line, uint32_t queue_id,
			       const struct vm_packets *p);
void vm_expect_status(const char *file, int line, struct amdsvm_result result, int status);
void vm_expect_runs(const char *file, int line, uint32_t queue_id, const struct vm_packets *p);
void vm_expect_stops(const char *file, int line, uint32_t queue_id, const struct vm_packets *p,
		     int status, const void *address);

#define vm_queue(gpu_id) vm_queue_at(HERE, gpu_id)
/* The result of a completion descriptor; poll() says that it is there. */
#define vm_wait(fd) vm_wait_at(HERE, fd)
/* The same, and closes it. */
#define vm_finish(fd) vm_finish_at(HERE, fd)
/* Submits, waits, closes. */
#define vm_run(queue_id, p) vm_run_at(HERE, queue_id, p)
#define expect_status(result, status) vm_expect_status(HERE, result, status)
/* All of the packets are executed. */
#define expect_runs(queue_id, p) vm_expect_runs(HERE, queue_id, p)
/* The access to the address is refused with the status. */
#define expect_stops(queue_id, p, status, address) \
	vm_expect_stops(HERE, queue_id, p, status, address)

bool vm_job_done(int fd);	/* now */
struct amdsvm_ioctl_get_device_counters_args vm_device_counters(uint32_t gpu_id);
bool vm_has(uint64_t feature);	/* AMDSVM_CAP_* */

/* ---- one packet on a queue of its own -------------------------------------- */

/* Device gpu_id uses a word of each of so many pages; AMDSVM_TOUCH_*. */
struct amdsvm_result vm_touch_at(const char *file, int line, uint32_t gpu_id, uint32_t kind,
				 const void *start, uint64_t pages);
#define vm_touch(gpu_id, kind, start, pages) \
	vm_touch_at(HERE, gpu_id, AMDSVM_TOUCH_##kind, start, pages)
#define expect_touches(gpu_id, kind, start, pages) \
	expect_status(vm_touch(gpu_id, kind, start, pages), 0)

/* Device gpu_id fills so many bytes with a word. */
void vm_device_fill_at(const char *file, int line, uint32_t gpu_id, const void *start,
		       uint32_t word, size_t bytes);
/* The CPU finds nothing but that word. */
void vm_expect_words(const char *file, int line, const void *start, uint32_t word, size_t bytes);
#define device_fill(gpu_id, start, word, bytes) vm_device_fill_at(HERE, gpu_id, start, word, bytes)
#define expect_words(start, word, bytes) vm_expect_words(HERE, start, word, bytes)

#endif
