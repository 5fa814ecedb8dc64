// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The algebra of attributes: parse, apply, intersect.
 *
 * Semantics are KFD's (SET_ATTR and GET_ATTR of the SVM ioctl, as its uapi
 * header words them). Differences, all in docs/uapi.md: unknown flag bits are
 * refused, and memory without attributes counts in GET_ATTR.
 *
 * No locks; also compiled for the unit tests.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "attr.h"

/* KFD stores six bits of granularity and reports them back. */
#define SVM_GRANULARITY_STORED_MAX 0x3fu

/**
 * svm_attrs_default() - attributes of memory nobody has set any for
 * @attrs: result
 * @devices: mask of devices that may access such memory
 */
void svm_attrs_default(struct svm_attrs *attrs, u64 devices)
{
	*attrs = (struct svm_attrs) {
		.preferred_loc = AMDSVM_IOCTL_SVM_LOCATION_UNDEFINED,
		.prefetch_loc = AMDSVM_IOCTL_SVM_LOCATION_UNDEFINED,
		.access = devices,
		.flags = AMDSVM_IOCTL_SVM_FLAG_HOST_ACCESS |
			 AMDSVM_IOCTL_SVM_FLAG_COHERENT,
		.granularity = SVM_DEFAULT_GRANULARITY,
	};
}

/**
 * svm_attrs_equal() - compare two sets of attributes
 * @a: one
 * @b: the other
 *
 * Return: true when all attributes are equal.
 */
bool svm_attrs_equal(const struct svm_attrs *a, const struct svm_attrs *b)
{
	return !memcmp(a, b, sizeof(*a));
}

static int parse_location(u32 value, bool undefined_allowed)
{
	int index;

	if (value == AMDSVM_IOCTL_SVM_LOCATION_SYSMEM)
		return 0;
	if (value == AMDSVM_IOCTL_SVM_LOCATION_UNDEFINED)
		return undefined_allowed ? 0 : -EINVAL;

	index = svm_device_index(value);
	return index < 0 ? index : 0;
}

static int parse_access(struct svm_attr_change *change, u32 type, u32 gpu_id)
{
	int index = svm_device_index(gpu_id);
	u64 bit;

	if (index < 0)
		return index;

	bit = 1ULL << index;
	change->access &= ~bit;
	change->access_in_place &= ~bit;
	change->no_access &= ~bit;

	if (type == AMDSVM_IOCTL_SVM_ATTR_ACCESS)
		change->access |= bit;
	else if (type == AMDSVM_IOCTL_SVM_ATTR_ACCESS_IN_PLACE)
		change->access_in_place |= bit;
	else
		change->no_access |= bit;
	return 0;
}

static int parse_one(struct svm_attr_change *change, u32 type, u32 value)
{
	int ret;

	switch (type) {
	case AMDSVM_IOCTL_SVM_ATTR_PREFERRED_LOC:
		ret = parse_location(value, true);
		if (ret)
			return ret;
		change->has_preferred = true;
		change->preferred_loc = value;
		return 0;
	case AMDSVM_IOCTL_SVM_ATTR_PREFETCH_LOC:
		ret = parse_location(value, false);
		if (ret)
			return ret;
		change->has_prefetch = true;
		change->prefetch_loc = value;
		return 0;
	case AMDSVM_IOCTL_SVM_ATTR_ACCESS:
	case AMDSVM_IOCTL_SVM_ATTR_ACCESS_IN_PLACE:
	case AMDSVM_IOCTL_SVM_ATTR_NO_ACCESS:
		return parse_access(change, type, value);
	case AMDSVM_IOCTL_SVM_ATTR_SET_FLAGS:
		if (value & ~SVM_ALL_FLAGS)
			return -EINVAL;
		change->set_flags |= value;
		change->clr_flags &= ~value;
		return 0;
	case AMDSVM_IOCTL_SVM_ATTR_CLR_FLAGS:
		if (value & ~SVM_ALL_FLAGS)
			return -EINVAL;
		change->clr_flags |= value;
		change->set_flags &= ~value;
		return 0;
	case AMDSVM_IOCTL_SVM_ATTR_GRANULARITY:
		change->has_granularity = true;
		change->granularity = min(value, SVM_GRANULARITY_STORED_MAX);
		return 0;
	default:
		return -EINVAL;
	}
}

/**
 * svm_attr_change_parse() - validate and fold the attributes of a SET_ATTR
 * @change: result; undefined on error
 * @attr: attributes in the order given by the user
 * @nattr: number of them, may be 0
 *
 * Return: 0, or -EINVAL for an unknown attribute, flag bit, location or device.
 */
int svm_attr_change_parse(struct svm_attr_change *change,
			  const struct amdsvm_ioctl_svm_attribute *attr,
			  unsigned int nattr)
{
	unsigned int i;
	int ret;

	memset(change, 0, sizeof(*change));
	for (i = 0; i < nattr; i++) {
		ret = parse_one(change, attr[i].type, attr[i].value);
		if (ret)
			return ret;
	}
	return 0;
}

/**
 * svm_attrs_apply() - attributes of memory after a SET_ATTR
 * @old: attributes before
 * @change: what is set
 * @result: attributes after; may be the same object as @old
 */
void svm_attrs_apply(const struct svm_attrs *old,
		     const struct svm_attr_change *change,
		     struct svm_attrs *result)
{
	u64 named = change->access | change->access_in_place | change->no_access;

	*result = *old;
	if (change->has_preferred)
		result->preferred_loc = change->preferred_loc;
	if (change->has_prefetch)
		result->prefetch_loc = change->prefetch_loc;
	if (change->has_granularity)
		result->granularity = change->granularity;
	result->flags = (result->flags | change->set_flags) & ~change->clr_flags;
	result->access = (result->access & ~named) | change->access;
	result->access_in_place = (result->access_in_place & ~named) |
				  change->access_in_place;
}

/**
 * svm_attr_query_check() - validate the attributes of a GET_ATTR
 * @attr: attributes asked for
 * @nattr: number of them, may be 0
 *
 * Checked as a whole before anything is answered, so that a refused call has
 * rewritten nothing.
 *
 * Return: 0, or -EINVAL for an unknown attribute or device, and for
 * ACCESS_IN_PLACE and NO_ACCESS, which are answers and not questions.
 */
int svm_attr_query_check(const struct amdsvm_ioctl_svm_attribute *attr,
			 unsigned int nattr)
{
	unsigned int i;

	for (i = 0; i < nattr; i++) {
		switch (attr[i].type) {
		case AMDSVM_IOCTL_SVM_ATTR_PREFERRED_LOC:
		case AMDSVM_IOCTL_SVM_ATTR_PREFETCH_LOC:
		case AMDSVM_IOCTL_SVM_ATTR_SET_FLAGS:
		case AMDSVM_IOCTL_SVM_ATTR_CLR_FLAGS:
		case AMDSVM_IOCTL_SVM_ATTR_GRANULARITY:
			break;
		case AMDSVM_IOCTL_SVM_ATTR_ACCESS:
			if (svm_device_index(attr[i].value) < 0)
				return -EINVAL;
			break;
		default:
			return -EINVAL;
		}
	}
	return 0;
}

static u32 common_location(u32 a, u32 b)
{
	return a == b ? a : AMDSVM_IOCTL_SVM_LOCATION_UNDEFINED;
}

/**
 * svm_attr_query_add() - take one more piece of memory into an intersection
 * @query: running result, zeroed before the first piece
 * @attrs: attributes of the piece
 */
void svm_attr_query_add(struct svm_attr_query *query,
			const struct svm_attrs *attrs)
{
	if (!query->any) {
		*query = (struct svm_attr_query) {
			.any = true,
			.preferred_loc = attrs->preferred_loc,
			.prefetch_loc = attrs->prefetch_loc,
			.all_access = attrs->access,
			.all_in_place = attrs->access_in_place,
			.flags_and = attrs->flags,
			.flags_or = attrs->flags,
			.granularity = attrs->granularity,
		};
		return;
	}

	query->preferred_loc = common_location(query->preferred_loc,
					       attrs->preferred_loc);
	query->prefetch_loc = common_location(query->prefetch_loc,
					      attrs->prefetch_loc);
	query->all_access &= attrs->access;
	query->all_in_place &= attrs->access_in_place;
	query->flags_and &= attrs->flags;
	query->flags_or |= attrs->flags;
	query->granularity = min(query->granularity, attrs->granularity);
}

static u32 answer_access(const struct svm_attr_query *query, u32 gpu_id)
{
	u64 bit = 1ULL << svm_device_index(gpu_id);

	if (query->all_access & bit)
		return AMDSVM_IOCTL_SVM_ATTR_ACCESS;
	if (query->all_in_place & bit)
		return AMDSVM_IOCTL_SVM_ATTR_ACCESS_IN_PLACE;
	return AMDSVM_IOCTL_SVM_ATTR_NO_ACCESS;
}

/**
 * svm_attr_query_answer() - write the answers of a GET_ATTR
 * @query: the intersection over all pieces, at least one
 * @attr: attributes asked for, checked by svm_attr_query_check()
 * @nattr: number of them
 */
void svm_attr_query_answer(const struct svm_attr_query *query,
			   struct amdsvm_ioctl_svm_attribute *attr,
			   unsigned int nattr)
{
	unsigned int i;

	for (i = 0; i < nattr; i++) {
		switch (attr[i].type) {
		case AMDSVM_IOCTL_SVM_ATTR_PREFERRED_LOC:
			attr[i].value = query->preferred_loc;
			break;
		case AMDSVM_IOCTL_SVM_ATTR_PREFETCH_LOC:
			attr[i].value = query->prefetch_loc;
			break;
		case AMDSVM_IOCTL_SVM_ATTR_ACCESS:
			attr[i].type = answer_access(query, attr[i].value);
			break;
		case AMDSVM_IOCTL_SVM_ATTR_SET_FLAGS:
			attr[i].value = query->flags_and;
			break;
		case AMDSVM_IOCTL_SVM_ATTR_CLR_FLAGS:
			attr[i].value = ~query->flags_or;
			break;
		case AMDSVM_IOCTL_SVM_ATTR_GRANULARITY:
			attr[i].value = query->granularity;
			break;
		}
	}
}
