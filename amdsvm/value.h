/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Interned sets of attributes: each distinct one once, counted.
 */
#ifndef SVM_VALUE_H
#define SVM_VALUE_H

#include <linux/rcupdate.h>
#include <linux/rhashtable.h>

#include "attr.h"

/*
 * struct svm_value - one distinct set of attributes
 * @refs: entries of the tree that point here, plus temporary holders
 * @pending: references that svm_range_map_clear() gives up if its store works
 * @touched: list of values with @pending set
 */
struct svm_value {
	struct svm_attrs attrs;
	long refs;
	long pending;
	struct svm_value *touched;
	struct rhash_head node;
	struct rcu_head rcu;
};

int svm_values_init(struct rhashtable *values);
void svm_values_destroy(struct rhashtable *values);
struct svm_value *svm_value_find(struct rhashtable *values,
				 const struct svm_attrs *attrs);
struct svm_value *svm_value_get(struct rhashtable *values,
				const struct svm_attrs *attrs);
void svm_value_put(struct rhashtable *values, struct svm_value *value, long n);

#endif /* SVM_VALUE_H */
