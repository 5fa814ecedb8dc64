// SPDX-License-Identifier: MIT
/*
 * Chains in a fixed number of buckets. As in the kernel an insertion may run
 * out of memory (a chain too long and no larger table) and making a table may
 * not (it falls back to a small one that it waits for).
 */
#include <stdlib.h>
#include <string.h>

#include <linux/bug.h>
#include <linux/errno.h>
#include <linux/rhashtable.h>

#include "shim.h"

#define BUCKETS 1024

int rhashtable_init(struct rhashtable *ht,
		    const struct rhashtable_params *params)
{
	shim_might_sleep();
	ht->buckets = calloc(BUCKETS, sizeof(struct rhash_head *));
	if (!ht->buckets)
		abort();
	ht->p = *params;
	ht->nelems = 0;
	return 0;
}

static const void *key_of(const struct rhashtable *ht,
			  const struct rhash_head *obj)
{
	return (const char *)obj - ht->p.head_offset + ht->p.key_offset;
}

static struct rhash_head **bucket(struct rhashtable *ht, const void *key)
{
	const unsigned char *byte = key;
	u64 hash = 14695981039346656037ULL;
	size_t i;

	/* FNV-1a */
	for (i = 0; i < ht->p.key_len; i++)
		hash = (hash ^ byte[i]) * 1099511628211ULL;
	return &ht->buckets[(hash ^ hash >> 32) % BUCKETS];
}

void *rhashtable_lookup_fast(struct rhashtable *ht, const void *key,
			     const struct rhashtable_params params)
{
	struct rhash_head *obj;

	for (obj = *bucket(ht, key); obj; obj = obj->next)
		if (!memcmp(key_of(ht, obj), key, params.key_len))
			return (char *)obj - params.head_offset;
	return NULL;
}

int rhashtable_insert_fast(struct rhashtable *ht, struct rhash_head *obj,
			   const struct rhashtable_params params)
{
	struct rhash_head **head = bucket(ht, key_of(ht, obj));

	WARN_ON_ONCE(rhashtable_lookup_fast(ht, key_of(ht, obj), params));
	if (shim_allocation_fails())
		return -ENOMEM;
	obj->next = *head;
	*head = obj;
	ht->nelems++;
	return 0;
}

int rhashtable_remove_fast(struct rhashtable *ht, struct rhash_head *obj,
			   const struct rhashtable_params params)
{
	struct rhash_head **link = bucket(ht, key_of(ht, obj));

	(void)params;
	while (*link && *link != obj)
		link = &(*link)->next;
	if (WARN_ON_ONCE(!*link))
		return -ENOENT;
	*link = obj->next;
	ht->nelems--;
	return 0;
}

void rhashtable_free_and_destroy(struct rhashtable *ht,
				 void (*free_fn)(void *ptr, void *arg),
				 void *arg)
{
	struct rhash_head *obj, *next;
	size_t i;

	shim_might_sleep();
	for (i = 0; i < BUCKETS; i++) {
		for (obj = ht->buckets[i]; obj; obj = next) {
			next = obj->next;
			free_fn((char *)obj - ht->p.head_offset, arg);
		}
	}
	free(ht->buckets);
	ht->buckets = NULL;
	ht->nelems = 0;
}
