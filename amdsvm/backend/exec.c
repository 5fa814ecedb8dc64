// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Packets, a step at a time. A step is one access: it translates all that it
 * needs, and only then reads and writes. One that misses has done nothing and is
 * done again after the fault was served, by whatever lane. How far a packet is,
 * is in svm_exec.done and, for CHASE and REDUCE, next to it.
 */
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/string.h>

#include "../job.h"
#include "../packet.h"
#include "../queue.h"
#include "lane.h"

/* Bytes from an address to the end of its page. */
static u64 to_page_end(u64 addr)
{
	return PAGE_SIZE - offset_in_page(addr);
}

/* Steps return 0: done for now; -EAGAIN: an access missed. */

static int step_copy(struct vdev_lane *lane, struct svm_exec *exec)
{
	const struct svm_packet *p = &exec->packet;
	u64 src = p->src + exec->done, dst = p->dst + exec->done;
	u64 n = min3(p->count - exec->done, to_page_end(src), to_page_end(dst));
	void *from = svm_lane_map(lane, src, SVM_ACCESS_READ);
	u8 *to = from ? svm_lane_map(lane, dst, SVM_ACCESS_WRITE) : NULL;
	u64 i;

	if (!to)
		return -EAGAIN;
	/* Upwards byte by byte is what the packet promises for overlaps. */
	if (dst > src && dst < src + n)
		for (i = 0; i < n; i++)
			to[i] = ((u8 *)from)[i];
	else
		memmove(to, from, n);
	exec->done += n;
	return 0;
}

static int step_write(struct vdev_lane *lane, struct svm_exec *exec)
{
	const struct svm_packet *p = &exec->packet;
	u64 dst = p->dst + exec->done * sizeof(u32);
	u64 n = min(p->count - exec->done, to_page_end(dst) / sizeof(u32));
	void *to = svm_lane_map(lane, dst, SVM_ACCESS_WRITE);

	if (!to)
		return -EAGAIN;
	memcpy(to, p->data + exec->done, n * sizeof(u32));
	exec->done += n;
	return 0;
}

static int step_fill(struct vdev_lane *lane, struct svm_exec *exec)
{
	const struct svm_packet *p = &exec->packet;
	u64 dst = p->dst + exec->done;
	u64 n = min(p->count - exec->done, to_page_end(dst));
	void *to = svm_lane_map(lane, dst, SVM_ACCESS_WRITE);

	if (!to)
		return -EAGAIN;
	memset32(to, p->value, n / sizeof(u32));
	exec->done += n;
	return 0;
}

static int step_fence(struct vdev_lane *lane, struct svm_exec *exec)
{
	u32 *to = svm_lane_map(lane, exec->packet.dst, SVM_ACCESS_WRITE);

	if (!to)
		return -EAGAIN;
	/* Whoever sees the word sees all that was done before it. */
	smp_store_release(to, (u32)exec->packet.value);
	exec->done++;
	return 0;
}

static int step_timestamp(struct vdev_lane *lane, struct svm_exec *exec)
{
	u64 *to = svm_lane_map(lane, exec->packet.dst, SVM_ACCESS_WRITE);

	if (!to)
		return -EAGAIN;
	WRITE_ONCE(*to, ktime_get_ns());
	exec->done++;
	return 0;
}

static u64 atomic_result(const struct svm_packet *p, u64 old)
{
	switch (p->atomic) {
	case AMDSVM_ATOMIC_SWAP_32:
	case AMDSVM_ATOMIC_SWAP_64:
		return p->value;
	case AMDSVM_ATOMIC_CMPSWAP_32:
		return old == (u32)p->compare ? p->value : old;
	case AMDSVM_ATOMIC_CMPSWAP_64:
		return old == p->compare ? p->value : old;
	case AMDSVM_ATOMIC_ADD_32:
	case AMDSVM_ATOMIC_ADD_64:
		return old + p->value;
	case AMDSVM_ATOMIC_AND_32:
	case AMDSVM_ATOMIC_AND_64:
		return old & p->value;
	default:
		return old | p->value;
	}
}

static int step_atomic(struct vdev_lane *lane, struct svm_exec *exec)
{
	const struct svm_packet *p = &exec->packet;
	void *at = svm_lane_map(lane, p->dst, SVM_ACCESS_WRITE | SVM_ACCESS_ATOMIC);

	if (!at)
		return -EAGAIN;
	if (svm_packet_atomic_size(p) == sizeof(u64)) {
		u64 old = READ_ONCE(*(u64 *)at);

		while (!try_cmpxchg64((u64 *)at, &old, atomic_result(p, old)))
			;
	} else {
		u32 old = READ_ONCE(*(u32 *)at);

		while (!try_cmpxchg((u32 *)at, &old, (u32)atomic_result(p, old)))
			;
	}
	exec->done++;
	return 0;
}

static int step_touch(struct vdev_lane *lane, struct svm_exec *exec)
{
	static const unsigned int accesses[] = {
		[AMDSVM_TOUCH_READ] = SVM_ACCESS_READ,
		[AMDSVM_TOUCH_WRITE] = SVM_ACCESS_WRITE,
		[AMDSVM_TOUCH_EXEC] = SVM_ACCESS_EXEC,
	};
	const struct svm_packet *p = &exec->packet;
	u32 *at = svm_lane_map(lane, p->dst + exec->done * p->stride,
			       accesses[p->sub]);

	if (!at)
		return -EAGAIN;
	if (p->sub == AMDSVM_TOUCH_WRITE)
		cmpxchg(at, 0, 0);
	else
		READ_ONCE(*at);
	exec->done++;
	return 0;
}

static int step_indexed(struct vdev_lane *lane, struct svm_exec *exec)
{
	const struct svm_packet *p = &exec->packet;
	u64 src = p->src, dst = p->dst, i = exec->done;
	u64 *from, *to;
	u32 *index;

	index = svm_lane_map(lane, p->index + i * sizeof(u32), SVM_ACCESS_READ);
	if (!index)
		return -EAGAIN;
	if (p->op == AMDSVM_PACKET_GATHER) {
		src += (u64)READ_ONCE(*index) * sizeof(u64);
		dst += i * sizeof(u64);
	} else {
		src += i * sizeof(u64);
		dst += (u64)READ_ONCE(*index) * sizeof(u64);
	}
	from = svm_lane_map(lane, src, SVM_ACCESS_READ);
	to = from ? svm_lane_map(lane, dst, SVM_ACCESS_WRITE) : NULL;
	if (!to)
		return -EAGAIN;
	WRITE_ONCE(*to, READ_ONCE(*from));
	exec->done++;
	return 0;
}

/* The node at exec->node, which is not null. */
static int visit(struct vdev_lane *lane, struct svm_exec *exec)
{
	const struct svm_packet *p = &exec->packet;
	u64 *value, *next;

	/* What a list holds leads anywhere. */
	if (!IS_ALIGNED(exec->node, sizeof(u64)) ||
	    exec->node >= SVM_PACKET_ADDRESS_LIMIT) {
		lane->miss_addr = exec->node;
		return -EFAULT;
	}
	value = svm_lane_map(lane, exec->node + p->value_offset, SVM_ACCESS_READ);
	next = value ? svm_lane_map(lane, exec->node + p->next_offset, SVM_ACCESS_READ) :
		       NULL;
	if (!next)
		return -EAGAIN;
	exec->sum += READ_ONCE(*value);
	exec->last = exec->node;
	/* What the next node holds is read after the pointer to it. */
	exec->node = smp_load_acquire(next);
	exec->nodes++;
	return 0;
}

static int step_chase(struct vdev_lane *lane, struct svm_exec *exec)
{
	const struct svm_packet *p = &exec->packet;
	u64 field[4], *to;

	if (!exec->begun) {
		exec->node = p->src;
		exec->begun = true;
	}
	if (exec->node && exec->nodes < p->count)
		return visit(lane, exec);

	field[0] = exec->nodes;
	field[1] = exec->sum;
	field[2] = exec->last;
	field[3] = exec->node;
	/* The result may lie across two pages. */
	to = svm_lane_map(lane, p->dst + exec->done * sizeof(u64), SVM_ACCESS_WRITE);
	if (!to)
		return -EAGAIN;
	WRITE_ONCE(*to, field[exec->done]);
	exec->done++;
	return 0;
}

static int step_triad(struct vdev_lane *lane, struct svm_exec *exec)
{
	const struct svm_packet *p = &exec->packet;
	u64 offset = exec->done * sizeof(u64), i, n;
	u64 *a, *b, *c;

	n = min3(to_page_end(p->dst + offset), to_page_end(p->src + offset),
		 to_page_end(p->src2 + offset)) / sizeof(u64);
	n = min(n, p->count - exec->done);
	b = svm_lane_map(lane, p->src + offset, SVM_ACCESS_READ);
	c = b ? svm_lane_map(lane, p->src2 + offset, SVM_ACCESS_READ) : NULL;
	a = c ? svm_lane_map(lane, p->dst + offset, SVM_ACCESS_WRITE) : NULL;
	if (!a)
		return -EAGAIN;
	for (i = 0; i < n; i++)
		a[i] = b[i] + p->value * c[i];
	exec->done += n;
	return 0;
}

/* All of the source, and then the sum: one more unit. */
static int step_reduce(struct vdev_lane *lane, struct svm_exec *exec)
{
	const struct svm_packet *p = &exec->packet;
	u64 src = p->src + exec->done * sizeof(u64);
	u64 *at, i, n;

	if (exec->done == p->count) {
		at = svm_lane_map(lane, p->dst, SVM_ACCESS_WRITE);
		if (!at)
			return -EAGAIN;
		WRITE_ONCE(*at, exec->sum);
		exec->done++;
		return 0;
	}
	at = svm_lane_map(lane, src, SVM_ACCESS_READ);
	if (!at)
		return -EAGAIN;
	n = min(p->count - exec->done, to_page_end(src) / sizeof(u64));
	for (i = 0; i < n; i++)
		exec->sum += READ_ONCE(at[i]);
	exec->done += n;
	return 0;
}

/* Units of svm_exec.done in a packet. */
static u64 units(const struct svm_packet *p)
{
	switch (p->op) {
	case AMDSVM_PACKET_NOP:
	case AMDSVM_PACKET_TRAP:
		return 0;
	case AMDSVM_PACKET_FENCE:
	case AMDSVM_PACKET_TIMESTAMP:
	case AMDSVM_PACKET_ATOMIC:
		return 1;
	case AMDSVM_PACKET_CHASE:
		return sizeof(struct amdsvm_chase_result) / sizeof(u64);
	case AMDSVM_PACKET_REDUCE:
		return p->count + 1;
	default:
		return p->count;
	}
}

static int step(struct vdev_lane *lane, struct svm_exec *exec)
{
	switch (exec->packet.op) {
	case AMDSVM_PACKET_COPY_LINEAR:
		return step_copy(lane, exec);
	case AMDSVM_PACKET_WRITE_LINEAR:
		return step_write(lane, exec);
	case AMDSVM_PACKET_CONST_FILL:
		return step_fill(lane, exec);
	case AMDSVM_PACKET_FENCE:
		return step_fence(lane, exec);
	case AMDSVM_PACKET_TIMESTAMP:
		return step_timestamp(lane, exec);
	case AMDSVM_PACKET_ATOMIC:
		return step_atomic(lane, exec);
	case AMDSVM_PACKET_TOUCH:
		return step_touch(lane, exec);
	case AMDSVM_PACKET_GATHER:
	case AMDSVM_PACKET_SCATTER:
		return step_indexed(lane, exec);
	case AMDSVM_PACKET_CHASE:
		return step_chase(lane, exec);
	case AMDSVM_PACKET_TRIAD:
		return step_triad(lane, exec);
	case AMDSVM_PACKET_REDUCE:
		return step_reduce(lane, exec);
	default:
		return -EBADMSG;
	}
}

static void packet_done(struct svm_exec *exec)
{
	if (exec->packet.op == AMDSVM_PACKET_TRAP) {
		exec->traps++;
		exec->last_trap = exec->packet.value;
	}
	exec->offset += exec->packet.words;
	exec->packets++;
	exec->decoded = false;
}

static int next_packet(struct svm_exec *exec, const struct svm_job *job)
{
	int ret = svm_packet_decode(job->packets + exec->offset,
				    job->words - exec->offset, &exec->packet);

	if (ret)
		return ret;
	exec->decoded = true;
	exec->begun = false;
	exec->done = 0;
	exec->nodes = 0;
	exec->node = 0;
	exec->last = 0;
	exec->sum = 0;
	return 0;
}

/**
 * svm_exec_step() - go on with a queue, for one access
 * @lane: the caller's
 * @queue: taken by the lane
 * @job: its oldest job
 *
 * Return: 0: there is more to do; 1: the job is done; -EAGAIN: the access missed
 * (@lane->miss_addr); -EBADMSG: malformed packet; -EFAULT: a bad pointer at
 * @lane->miss_addr.
 */
int svm_exec_step(struct vdev_lane *lane, struct svm_queue *queue,
		  struct svm_job *job)
{
	struct svm_exec *exec = &queue->exec;
	int ret = 0;

	lane->miss_addr = 0;
	if (!exec->decoded) {
		if (exec->offset == job->words)
			return 1;
		ret = next_packet(exec, job);
		if (ret)
			return ret;
	}
	if (exec->done < units(&exec->packet)) {
		svm_lane_begin(lane);
		ret = step(lane, exec);
		svm_lane_end(lane);
	}
	if (!ret && exec->done == units(&exec->packet))
		packet_done(exec);
	return ret;
}
