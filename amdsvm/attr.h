/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Attributes of shared virtual memory: what a user can say about a range.
 * Plain values and functions on them; nothing here knows a page, a lock or an
 * address.
 */
#ifndef SVM_ATTR_H
#define SVM_ATTR_H

#include <linux/types.h>

#include "amdsvm_ioctl.h"

/* Devices are numbered 0..SVM_MAX_DEVICES-1; masks of devices are u64. */
#define SVM_MAX_DEVICES 16

/* log2 pages: the largest granularity that has an effect, 2 MiB. */
#define SVM_MAX_GRANULARITY 9

/* What is nobody's wish: memory may move in smaller pieces where that is better. */
#define SVM_DEFAULT_GRANULARITY SVM_MAX_GRANULARITY

#define SVM_ALL_FLAGS 0xffu

/*
 * struct svm_attrs - one value of every attribute
 *
 * Compared and hashed as bytes: no padding, all fields always set.
 * A device is in at most one of @access and @access_in_place.
 */
struct svm_attrs {
	u32 preferred_loc;	/* gpu_id, SYSMEM or UNDEFINED */
	u32 prefetch_loc;	/* last location asked for, or UNDEFINED */
	u64 access;		/* devices the memory may migrate to */
	u64 access_in_place;	/* devices that map it where it is */
	u32 flags;
	u32 granularity;	/* log2 pages, as given up to 0x3f */
};

/*
 * struct svm_attr_change - the effect of one SET_ATTR on any svm_attrs
 *
 * Folded from the attribute array, last entry wins.
 */
struct svm_attr_change {
	bool has_preferred;
	bool has_prefetch;
	bool has_granularity;
	u32 preferred_loc;
	u32 prefetch_loc;
	u32 granularity;
	u32 set_flags;
	u32 clr_flags;
	u64 access;
	u64 access_in_place;
	u64 no_access;
};

/* struct svm_attr_query - running intersection over the ranges of a GET_ATTR */
struct svm_attr_query {
	bool any;
	u32 preferred_loc;
	u32 prefetch_loc;
	u64 all_access;
	u64 all_in_place;
	u32 flags_and;
	u32 flags_or;
	u32 granularity;
};

void svm_attrs_default(struct svm_attrs *attrs, u64 devices);
bool svm_attrs_equal(const struct svm_attrs *a, const struct svm_attrs *b);

int svm_attr_change_parse(struct svm_attr_change *change,
			  const struct amdsvm_ioctl_svm_attribute *attr,
			  unsigned int nattr);
void svm_attrs_apply(const struct svm_attrs *old,
		     const struct svm_attr_change *change,
		     struct svm_attrs *result);

int svm_attr_query_check(const struct amdsvm_ioctl_svm_attribute *attr,
			 unsigned int nattr);
void svm_attr_query_add(struct svm_attr_query *query,
			const struct svm_attrs *attrs);
void svm_attr_query_answer(const struct svm_attr_query *query,
			   struct amdsvm_ioctl_svm_attribute *attr,
			   unsigned int nattr);

/* Pages that migrate together, 1..512. */
static inline unsigned long svm_attrs_granule(const struct svm_attrs *attrs)
{
	u32 order = attrs->granularity;

	return 1UL << (order < SVM_MAX_GRANULARITY ? order : SVM_MAX_GRANULARITY);
}

/*
 * Index of the device with @gpu_id, or -EINVAL. Given by the device registry
 * (device.c); the unit tests bring their own.
 */
int svm_device_index(u32 gpu_id);

#endif /* SVM_ATTR_H */
