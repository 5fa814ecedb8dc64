// SPDX-License-Identifier: MIT
/*
 * A job for a device: add up a linked list that the CPU built of malloc()ed
 * nodes, while a thread goes on appending to it.
 *
 *	list_sum [NODES]
 *
 * The device walks from pointer to pointer, in portions, so that what it has
 * found so far can be told. Where it runs into the end of the list it is asked
 * again from the last node on, until nobody appends any more. Nothing is copied to
 * the device by hand, and nothing is locked: a node is complete before the pointer
 * to it is stored.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <amdsvm/amdsvm.h>

#define DEFAULT_NODES 1000000UL

/* Nodes a packet. */
#define PORTION 65536

/* The thread appends one for so many that were there when it began. */
#define APPEND_PART 4

struct node {
	_Atomic(struct node *) next;
	uint64_t value;
};

/* The list, as the CPU that builds it knows it. */
struct list {
	struct node *first;
	struct node *last;
	uint64_t nodes;
	uint64_t sum;
	uint64_t seed;
	uint64_t to_append;
	atomic_bool complete;
	bool failed;
};

/* The walk, as the device tells it. */
struct walk {
	struct amdsvm_context *ctx;
	struct amdsvm_packets *packets;
	uint32_t gpu_id;
	uint32_t queue;
	/* On the heap: where the device writes, pages go; better not our stack. */
	struct amdsvm_chase_result *found;
	uint64_t nodes;
	uint64_t sum;
	uint64_t portions;
};

static bool append(struct list *list)
{
	struct node *node = malloc(sizeof(*node));

	if (!node)
		return false;

	list->seed = list->seed * 6364136223846793005ULL + 1442695040888963407ULL;
	node->value = list->seed;
	atomic_init(&node->next, NULL);
	list->nodes++;
	list->sum += node->value;

	/* From here on the device may be there: the node is what it will be. */
	if (list->last)
		atomic_store_explicit(&list->last->next, node, memory_order_release);
	else
		list->first = node;
	list->last = node;
	return true;
}

static void *append_all(void *data)
{
	struct list *list = data;
	uint64_t i;

	for (i = 0; i < list->to_append && !list->failed; i++)
		list->failed = !append(list);
	atomic_store_explicit(&list->complete, true, memory_order_release);
	return NULL;
}

/* One packet: from a node on, as far as the list or the portion goes. */
static int walk_portion(struct walk *walk, const struct node *first)
{
	struct amdsvm_result result;
	int fd, ret;

	amdsvm_packets_reset(walk->packets);
	ret = amdsvm_packets_chase(walk->packets, (uintptr_t)first, offsetof(struct node, next),
				   offsetof(struct node, value), PORTION, (uintptr_t)walk->found);
	if (ret)
		return ret;

	ret = amdsvm_submit(walk->ctx, walk->queue, amdsvm_packets_data(walk->packets),
			    amdsvm_packets_bytes(walk->packets), &fd);
	if (ret)
		return ret;
	ret = amdsvm_wait(fd, -1, &result);
	close(fd);
	if (ret)
		return ret;
	if (result.status)
		fprintf(stderr, "the device stopped at address 0x%llx\n", result.address);
	return result.status;
}

/* The list is complete when no pointer follows, asked after nobody appends. */
static struct node *after(const struct list *list, const struct node *last, bool *end)
{
	bool complete = atomic_load_explicit(&list->complete, memory_order_acquire);
	struct node *next = atomic_load_explicit(&last->next, memory_order_acquire);

	*end = complete && !next;
	return next;
}

static int walk_list(struct walk *walk, const struct list *list)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	const struct amdsvm_chase_result *found = walk->found;
	struct node *at = list->first;
	const struct node *last;
	bool end = false;
	int ret;

	while (!end) {
		ret = walk_portion(walk, at);
		if (ret)
			return ret;

		walk->nodes += found->nodes;
		walk->sum += found->sum;
		walk->portions++;
		last = (const struct node *)(uintptr_t)found->last;
		at = (struct node *)(uintptr_t)found->next;
		while (!at && !end) {
			at = after(list, last, &end);
			if (!at && !end)
				nanosleep(&pause, NULL);
		}
	}
	return 0;
}

static int open_device(struct walk *walk)
{
	struct amdsvm_device_info *devices;
	size_t count;
	int ret;

	ret = amdsvm_open(&walk->ctx);
	if (ret)
		return ret;
	ret = amdsvm_get_devices(walk->ctx, &devices, &count);
	if (ret)
		return ret;
	if (!count)
		return -ENODEV;
	walk->gpu_id = devices[0].gpu_id;
	amdsvm_free_devices(devices);

	walk->found = calloc(1, sizeof(*walk->found));
	if (!walk->found)
		return -ENOMEM;
	ret = amdsvm_packets_new(&walk->packets);
	return ret ? ret : amdsvm_queue_create(walk->ctx, walk->gpu_id, &walk->queue);
}

/* While one thread appends, this one has the device walk. */
static int run(struct walk *walk, struct list *list)
{
	pthread_t thread;
	int ret = pthread_create(&thread, NULL, append_all, list);

	if (ret)
		return -ret;
	ret = walk_list(walk, list);
	pthread_join(thread, NULL);
	return !ret && list->failed ? -ENOMEM : ret;
}

/* What the CPU finds in the memory that the device has used; frees it. */
static bool same_on_cpu(struct list *list)
{
	struct node *node = list->first, *next;
	uint64_t nodes = 0, sum = 0;

	for (; node; node = next) {
		next = atomic_load_explicit(&node->next, memory_order_relaxed);
		nodes++;
		sum += node->value;
		free(node);
	}
	return nodes == list->nodes && sum == list->sum;
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

/* 0, a negative errno, or 1: the device is wrong. */
static int report(const struct walk *walk, struct list *list, double time)
{
	struct amdsvm_ioctl_get_device_counters_args counters;
	int ret = amdsvm_get_device_counters(walk->ctx, walk->gpu_id, &counters);

	if (ret)
		return ret;

	printf("nodes           %ju, of which %ju were appended meanwhile\n",
	       (uintmax_t)walk->nodes, (uintmax_t)list->to_append);
	printf("sum             0x%016jx\n", (uintmax_t)walk->sum);
	printf("time            %.3f s in %ju portions\n", time, (uintmax_t)walk->portions);
	printf("pages migrated  %ju to the device, %ju from it\n",
	       (uintmax_t)counters.pages_in, (uintmax_t)counters.pages_out);

	if (walk->nodes != list->nodes || walk->sum != list->sum) {
		fprintf(stderr, "the CPU appended %ju nodes, sum 0x%016jx\n",
			(uintmax_t)list->nodes, (uintmax_t)list->sum);
		return 1;
	}
	if (!same_on_cpu(list)) {
		fprintf(stderr, "the list is not what it was\n");
		return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	uint64_t nodes = argc > 1 ? strtoull(argv[1], NULL, 0) : DEFAULT_NODES;
	struct walk walk = {0};
	struct list list = { .seed = 1, .to_append = nodes / APPEND_PART };
	double begin;
	int ret;

	if (argc > 2 || !nodes) {
		fprintf(stderr, "usage: %s [NODES]\n", argv[0]);
		return 2;
	}

	ret = open_device(&walk);
	while (!ret && list.nodes < nodes - list.to_append)
		ret = append(&list) ? 0 : -ENOMEM;
	begin = seconds();
	if (!ret)
		ret = run(&walk, &list);
	if (!ret)
		ret = report(&walk, &list, seconds() - begin);

	amdsvm_packets_free(walk.packets);
	free(walk.found);
	/* The queue goes with the last file of the process. */
	amdsvm_close(walk.ctx);
	if (ret < 0)
		fprintf(stderr, "list_sum: %s\n", strerror(-ret));
	return ret ? 1 : 0;
}
