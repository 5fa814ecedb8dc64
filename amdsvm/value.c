// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Interned sets of attributes.
 *
 * A range map of a million entries has few distinct values; each is kept once,
 * found by hash, and counted. Freed after an RCU grace period: CPU faults read
 * attributes without a lock.
 *
 * Locking: all functions need the lock of the map that the values belong to, and
 * may sleep. Also compiled for the unit tests.
 */
#include <linux/bug.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/slab.h>

#include "value.h"

static const struct rhashtable_params value_params = {
	.key_len = sizeof(struct svm_attrs),
	.key_offset = offsetof(struct svm_value, attrs),
	.head_offset = offsetof(struct svm_value, node),
	.automatic_shrinking = true,
};

/**
 * svm_values_init() - no values
 * @values: the table
 *
 * Return: 0 or -ENOMEM.
 */
int svm_values_init(struct rhashtable *values)
{
	return rhashtable_init(values, &value_params);
}

static void free_value(void *ptr, void *arg)
{
	struct svm_value *value = ptr;

	kfree_rcu(value, rcu);
}

/**
 * svm_values_destroy() - free the table and all values, whoever counts them
 * @values: the table
 */
void svm_values_destroy(struct rhashtable *values)
{
	rhashtable_free_and_destroy(values, free_value, NULL);
}

/**
 * svm_value_find() - look a value up
 * @values: the table
 * @attrs: attributes
 *
 * Return: the value, without a reference, or NULL.
 */
struct svm_value *svm_value_find(struct rhashtable *values,
				 const struct svm_attrs *attrs)
{
	return rhashtable_lookup_fast(values, attrs, value_params);
}

/**
 * svm_value_get() - find or make a value
 * @values: the table
 * @attrs: attributes
 *
 * Return: the value with one more reference, or ERR_PTR(-ENOMEM).
 */
struct svm_value *svm_value_get(struct rhashtable *values,
				const struct svm_attrs *attrs)
{
	struct svm_value *value = svm_value_find(values, attrs);
	int ret;

	if (value) {
		value->refs++;
		return value;
	}

	value = kzalloc(sizeof(*value), GFP_KERNEL_ACCOUNT);
	if (!value)
		return ERR_PTR(-ENOMEM);
	value->attrs = *attrs;
	value->refs = 1;

	/* Whatever keeps the table from growing, to the caller it is memory. */
	ret = rhashtable_insert_fast(values, &value->node, value_params);
	if (ret) {
		kfree(value);
		return ERR_PTR(-ENOMEM);
	}
	return value;
}

/**
 * svm_value_put() - give references up
 * @values: the table
 * @value: the value
 * @n: references; negative to take some
 */
void svm_value_put(struct rhashtable *values, struct svm_value *value, long n)
{
	value->refs -= n;
	if (value->refs > 0)
		return;

	WARN_ON_ONCE(value->refs < 0);
	rhashtable_remove_fast(values, &value->node, value_params);
	kfree_rcu(value, rcu);
}
