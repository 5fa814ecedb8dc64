// SPDX-License-Identifier: MIT
/*
 * Queues for the suites; see vmqueue.h.
 */
#include <poll.h>

#include "vmqueue.h"

void pk_word(struct vm_packets *p, uint32_t word)
{
	expect(p->n < VM_PACKET_WORDS);
	p->words[p->n++] = word;
}

void pk_pair(struct vm_packets *p, uint64_t value)
{
	pk_word(p, value);
	pk_word(p, value >> 32);
}

static void pk_address(struct vm_packets *p, const void *address)
{
	pk_pair(p, (uintptr_t)address);
}

void pk_nop(struct vm_packets *p, unsigned int words)
{
	pk_word(p, AMDSVM_PACKET_HEADER(AMDSVM_PACKET_NOP, 0) | words << 16);
	/* Not zeros: nobody may look at them. */
	while (words--)
		pk_word(p, 0xffffffff - words);
}

void pk_copy(struct vm_packets *p, const void *dst, const void *src, size_t bytes)
{
	pk_word(p, AMDSVM_PACKET_HEADER(AMDSVM_PACKET_COPY_LINEAR, 0));
	pk_word(p, bytes - 1);
	pk_word(p, 0);
	pk_address(p, src);
	pk_address(p, dst);
}

void pk_write(struct vm_packets *p, const void *dst, const uint32_t *words, unsigned int n)
{
	unsigned int i;

	pk_word(p, AMDSVM_PACKET_HEADER(AMDSVM_PACKET_WRITE_LINEAR, 0));
	pk_address(p, dst);
	pk_word(p, n - 1);
	for (i = 0; i < n; i++)
		pk_word(p, words[i]);
}

void pk_fill(struct vm_packets *p, const void *dst, uint32_t word, size_t bytes)
{
	pk_word(p, AMDSVM_PACKET_HEADER(AMDSVM_PACKET_CONST_FILL, 0) | 2u << 30);
	pk_address(p, dst);
	pk_word(p, word);
	pk_word(p, bytes - 1);
}

void pk_fence(struct vm_packets *p, const void *dst, uint32_t word)
{
	pk_word(p, AMDSVM_PACKET_HEADER(AMDSVM_PACKET_FENCE, 0));
	pk_address(p, dst);
	pk_word(p, word);
}

void pk_trap(struct vm_packets *p, uint32_t context)
{
	pk_word(p, AMDSVM_PACKET_HEADER(AMDSVM_PACKET_TRAP, 0));
	pk_word(p, context);
}

void pk_timestamp(struct vm_packets *p, const void *dst)
{
	pk_word(p, AMDSVM_PACKET_HEADER(AMDSVM_PACKET_TIMESTAMP, AMDSVM_TIMESTAMP_GET_GLOBAL));
	pk_address(p, dst);
}

void pk_atomic(struct vm_packets *p, uint32_t operation, const void *dst, uint64_t operand,
	       uint64_t compare)
{
	pk_word(p, AMDSVM_PACKET_HEADER(AMDSVM_PACKET_ATOMIC, 0) | operation << 25);
	pk_address(p, dst);
	pk_pair(p, operand);
	pk_pair(p, compare);
	pk_word(p, 0);
}

void pk_touch(struct vm_packets *p, uint32_t kind, const void *start, uint64_t count,
	      uint64_t stride)
{
	pk_word(p, AMDSVM_PACKET_HEADER(AMDSVM_PACKET_TOUCH, kind));
	pk_word(p, 0);
	pk_address(p, start);
	pk_pair(p, count);
	pk_pair(p, stride);
}

static void pk_indexed(struct vm_packets *p, uint32_t op, const void *dst, const void *src,
		       const void *indices, uint64_t count)
{
	pk_word(p, AMDSVM_PACKET_HEADER(op, 0));
	pk_word(p, 0);
	pk_address(p, dst);
	pk_address(p, src);
	pk_address(p, indices);
	pk_pair(p, count);
}

void pk_gather(struct vm_packets *p, const void *dst, const void *src, const void *indices,
	       uint64_t count)
{
	pk_indexed(p, AMDSVM_PACKET_GATHER, dst, src, indices, count);
}

void pk_scatter(struct vm_packets *p, const void *dst, const void *src, const void *indices,
		uint64_t count)
{
	pk_indexed(p, AMDSVM_PACKET_SCATTER, dst, src, indices, count);
}

void pk_chase(struct vm_packets *p, const void *node, uint32_t next_offset,
	      uint32_t value_offset, uint64_t max, const void *result)
{
	pk_word(p, AMDSVM_PACKET_HEADER(AMDSVM_PACKET_CHASE, 0));
	pk_word(p, next_offset | value_offset << 16);
	pk_address(p, node);
	pk_pair(p, max);
	pk_address(p, result);
	pk_pair(p, 0);
}

void pk_triad(struct vm_packets *p, const void *a, const void *b, const void *c,
	      uint64_t count, uint64_t scalar)
{
	pk_word(p, AMDSVM_PACKET_HEADER(AMDSVM_PACKET_TRIAD, 0));
	pk_word(p, 0);
	pk_address(p, a);
	pk_address(p, b);
	pk_address(p, c);
	pk_pair(p, count);
	pk_pair(p, scalar);
}

void pk_reduce(struct vm_packets *p, const void *src, uint64_t count, const void *result)
{
	pk_word(p, AMDSVM_PACKET_HEADER(AMDSVM_PACKET_REDUCE, 0));
	pk_word(p, 0);
	pk_address(p, src);
	pk_pair(p, count);
	pk_address(p, result);
}

void pk_endless(struct vm_packets *p, const void *word)
{
	pk_touch(p, AMDSVM_TOUCH_READ, word, 1ULL << 62, 0);
}

int vm_queue_create_on(int fd, uint32_t gpu_id, uint32_t *queue_id)
{
	struct amdsvm_ioctl_queue_create_args args = { .gpu_id = gpu_id };
	int result = vm_ioctl(fd, AMDSVM_IOC_QUEUE_CREATE, &args);

	*queue_id = args.queue_id;
	return result;
}

int vm_queue_destroy_on(int fd, uint32_t queue_id)
{
	struct amdsvm_ioctl_queue_destroy_args args = { .queue_id = queue_id };

	return vm_ioctl(fd, AMDSVM_IOC_QUEUE_DESTROY, &args);
}

int vm_submit_bytes_on(int fd, uint32_t queue_id, const void *packets, uint32_t bytes)
{
	struct amdsvm_ioctl_queue_submit_args args = {
		.queue_id = queue_id,
		.packets_ptr = (uintptr_t)packets,
		.packets_bytes = bytes,
		.completion_fd = -1,
	};
	int result = vm_ioctl(fd, AMDSVM_IOC_QUEUE_SUBMIT, &args);

	if (result)
		return result;
	expect(args.completion_fd >= 0);
	return args.completion_fd;
}

int vm_device_counters_on(int fd, uint32_t gpu_id,
			  struct amdsvm_ioctl_get_device_counters_args *counters)
{
	*counters = (struct amdsvm_ioctl_get_device_counters_args){ .gpu_id = gpu_id };
	return vm_ioctl(fd, AMDSVM_IOC_GET_DEVICE_COUNTERS, counters);
}

int vm_queue_destroy(uint32_t queue_id)
{
	return vm_queue_destroy_on(vm.fd, queue_id);
}

int vm_submit(uint32_t queue_id, const struct vm_packets *p)
{
	return vm_submit_bytes_on(vm.fd, queue_id, p->words, p->n * sizeof(p->words[0]));
}

uint32_t vm_queue_at(const char *file, int line, uint32_t gpu_id)
{
	uint32_t queue_id;
	int result = vm_queue_create_on(vm.fd, gpu_id, &queue_id);

	if (result || !queue_id)
		vm_fail(file, line, "QUEUE_CREATE for 0x%x returns %d, queue %u", gpu_id, result,
			queue_id);
	return queue_id;
}

struct amdsvm_result vm_wait_at(const char *file, int line, int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	struct amdsvm_result result;
	uint64_t end = vm_now() + VM_JOB_SECONDS * 1000000000ULL;
	int ready;

	do {
		ready = poll(&poll_fd, 1, 1000);
		if (ready < 0 && errno != EINTR)
			vm_fail(file, line, "poll of a completion: errno %d", errno);
		if (ready <= 0 && vm_now() > end)
			vm_fail(file, line, "the job is not done after %d s", VM_JOB_SECONDS);
	} while (ready <= 0);
	if (poll_fd.revents != POLLIN)
		vm_fail(file, line, "poll of a completion says 0x%x", poll_fd.revents);
	memset(&result, 0x5a, sizeof(result));
	if (read(fd, &result, sizeof(result)) != sizeof(result))
		vm_fail(file, line, "read of a completion: errno %d", errno);
	return result;
}

struct amdsvm_result vm_finish_at(const char *file, int line, int fd)
{
	struct amdsvm_result result = vm_wait_at(file, line, fd);

	close(fd);
	return result;
}

struct amdsvm_result vm_run_at(const char *file, int line, uint32_t queue_id,
			       const struct vm_packets *p)
{
	int fd = vm_submit(queue_id, p);

	if (fd < 0)
		vm_fail(file, line, "QUEUE_SUBMIT of %u words returns %d", p->n, fd);
	return vm_finish_at(file, line, fd);
}

void vm_expect_status(const char *file, int line, struct amdsvm_result result, int status)
{
	if (result.status != status)
		vm_fail(file, line,
			"the job ends with %d at byte %u, address 0x%llx, after %llu packets; not with %d",
			result.status, result.packet_offset, (unsigned long long)result.address,
			(unsigned long long)result.packets, status);
}

void vm_expect_runs(const char *file, int line, uint32_t queue_id, const struct vm_packets *p)
{
	struct amdsvm_result result = vm_run_at(file, line, queue_id, p);

	vm_expect_status(file, line, result, 0);
	if (result.packet_offset != p->n * sizeof(p->words[0]))
		vm_fail(file, line, "a job without error says offset %u, not %zu",
			result.packet_offset, p->n * sizeof(p->words[0]));
}

void vm_expect_stops(const char *file, int line, uint32_t queue_id, const struct vm_packets *p,
		     int status, const void *address)
{
	struct amdsvm_result result = vm_run_at(file, line, queue_id, p);

	vm_expect_status(file, line, result, status);
	if (result.address != (uintptr_t)address)
		vm_fail(file, line, "the job ends with %d at address 0x%llx, not %p", status,
			(unsigned long long)result.address, address);
}

bool vm_job_done(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	return poll(&poll_fd, 1, 0) == 1;
}

struct amdsvm_ioctl_get_device_counters_args vm_device_counters(uint32_t gpu_id)
{
	struct amdsvm_ioctl_get_device_counters_args counters;

	expect_eq(vm_device_counters_on(vm.fd, gpu_id, &counters), 0);
	return counters;
}

bool vm_has(uint64_t feature)
{
	struct amdsvm_ioctl_get_caps_args args = { 0 };

	expect_eq(vm_ioctl(vm.fd, AMDSVM_IOC_GET_CAPS, &args), 0);
	return args.features & feature;
}

struct amdsvm_result vm_touch_at(const char *file, int line, uint32_t gpu_id, uint32_t kind,
				 const void *start, uint64_t pages)
{
	uint32_t queue_id = vm_queue_at(file, line, gpu_id);
	struct vm_packets p = { 0 };
	struct amdsvm_result result;

	pk_touch(&p, kind, start, pages, PAGE);
	result = vm_run_at(file, line, queue_id, &p);
	if (vm_queue_destroy(queue_id))
		vm_fail(file, line, "QUEUE_DESTROY: errno %d", errno);
	return result;
}

void vm_device_fill_at(const char *file, int line, uint32_t gpu_id, const void *start,
		       uint32_t word, size_t bytes)
{
	uint32_t queue_id = vm_queue_at(file, line, gpu_id);
	struct vm_packets p = { 0 };

	pk_fill(&p, start, word, bytes);
	vm_expect_runs(file, line, queue_id, &p);
	if (vm_queue_destroy(queue_id))
		vm_fail(file, line, "QUEUE_DESTROY: errno %d", errno);
}

void vm_expect_words(const char *file, int line, const void *start, uint32_t word, size_t bytes)
{
	const uint32_t *words = start;
	size_t i;

	for (i = 0; i < bytes / 4; i++)
		if (words[i] != word)
			vm_fail(file, line, "word %zu is 0x%x, not 0x%x (R1)", i, words[i], word);
}
