// SPDX-License-Identifier: MIT
/*
 * Attributes: what SET_ATTR accepts, how an array folds into one change, and
 * what the change does to memory.
 */
#include "unit_test.h"

static struct svm_attr_change change;

static int parse_one(u32 type, u32 value)
{
	const struct amdsvm_ioctl_svm_attribute attr = { type, value };

	return svm_attr_change_parse(&change, &attr, 1);
}

static struct svm_attrs defaults(void)
{
	struct svm_attrs attrs;

	svm_attrs_default(&attrs, DEFAULT_ACCESS);
	return attrs;
}

/* The defaults after one SET_ATTR that must be accepted. */
static struct svm_attrs after(const struct amdsvm_ioctl_svm_attribute *attr,
			      unsigned int nattr)
{
	struct svm_attrs old = defaults(), result;

	ck_assert_int_eq(svm_attr_change_parse(&change, attr, nattr), 0);
	svm_attrs_apply(&old, &change, &result);
	return result;
}

#define AFTER(...) \
	after((const struct amdsvm_ioctl_svm_attribute[]){ __VA_ARGS__ }, \
	      sizeof((const struct amdsvm_ioctl_svm_attribute[]){ __VA_ARGS__ }) / \
	      sizeof(struct amdsvm_ioctl_svm_attribute))

START_TEST(default_values)
{
	struct svm_attrs attrs;

	/* Compared as bytes: nothing may be left from before. */
	memset(&attrs, 0x5a, sizeof(attrs));
	svm_attrs_default(&attrs, 0x35);
	ck_assert_uint_eq(attrs.preferred_loc, 0xffffffff);
	ck_assert_uint_eq(attrs.prefetch_loc, 0xffffffff);
	ck_assert_uint_eq(attrs.access, 0x35);
	ck_assert_uint_eq(attrs.access_in_place, 0);
	ck_assert_uint_eq(attrs.flags, 0x3);
	ck_assert_uint_eq(attrs.granularity, 9);
}
END_TEST

START_TEST(equal_sees_every_field)
{
	struct svm_attrs a = defaults(), b;

	b = a;
	ck_assert(svm_attrs_equal(&a, &b));
#define DIFFERS(field) \
	do { \
		b = a; \
		b.field ^= 1; \
		ck_assert_msg(!svm_attrs_equal(&a, &b), #field); \
	} while (0)
	DIFFERS(preferred_loc);
	DIFFERS(prefetch_loc);
	DIFFERS(access);
	DIFFERS(access_in_place);
	DIFFERS(flags);
	DIFFERS(granularity);
	ck_assert_uint_eq(sizeof(a), 4 * sizeof(u32) + 2 * sizeof(u64));
}
END_TEST

START_TEST(no_attributes_change_nothing)
{
	struct svm_attrs old = defaults(), attrs = after(NULL, 0);

	ck_assert(svm_attrs_equal(&attrs, &old));
}
END_TEST

START_TEST(unknown_type_is_refused)
{
	ck_assert_int_eq(parse_one(ATTR(GRANULARITY) + 1, 0), -EINVAL);
	ck_assert_int_eq(parse_one(0x80000000, 0), -EINVAL);
	ck_assert_int_eq(parse_one(0xffffffff, 0), -EINVAL);
}
END_TEST

START_TEST(preferred_location)
{
	static const u32 good[] = { SYSMEM, UNDEFINED, GPU(0), GPU(15) };
	static const u32 bad[] = { NO_GPU, GPU(0) + 1, GPU(16), 1, 0xfffffffe };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(good); i++)
		ck_assert_uint_eq(AFTER({ ATTR(PREFERRED_LOC), good[i] }).preferred_loc,
				  good[i]);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		ck_assert_int_eq(parse_one(ATTR(PREFERRED_LOC), bad[i]), -EINVAL);
}
END_TEST

/* UNDEFINED is nowhere to move memory to. */
START_TEST(prefetch_location)
{
	static const u32 good[] = { SYSMEM, GPU(0), GPU(15) };
	static const u32 bad[] = { UNDEFINED, NO_GPU, GPU(16), 1 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(good); i++)
		ck_assert_uint_eq(AFTER({ ATTR(PREFETCH_LOC), good[i] }).prefetch_loc,
				  good[i]);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		ck_assert_int_eq(parse_one(ATTR(PREFETCH_LOC), bad[i]), -EINVAL);
}
END_TEST

/* Access is for devices: neither location is one. */
START_TEST(access_of_unknown_devices)
{
	static const u32 bad[] = { SYSMEM, UNDEFINED, NO_GPU, GPU(16) };
	u32 type;
	size_t i;

	for (type = ATTR(ACCESS); type <= ATTR(NO_ACCESS); type++) {
		for (i = 0; i < ARRAY_SIZE(bad); i++)
			ck_assert_int_eq(parse_one(type, bad[i]), -EINVAL);
		ck_assert_int_eq(parse_one(type, GPU(15)), 0);
	}
}
END_TEST

START_TEST(flags_known_and_not)
{
	int bit;

	for (bit = 0; bit < 32; bit++) {
		int expected = bit < 8 ? 0 : -EINVAL;

		ck_assert_int_eq(parse_one(ATTR(SET_FLAGS), 1u << bit), expected);
		ck_assert_int_eq(parse_one(ATTR(CLR_FLAGS), 1u << bit), expected);
	}
	ck_assert_int_eq(parse_one(ATTR(SET_FLAGS), 0x1ff), -EINVAL);
	ck_assert_int_eq(parse_one(ATTR(CLR_FLAGS), ~0u), -EINVAL);
	ck_assert_uint_eq(AFTER({ ATTR(SET_FLAGS), 0xff }).flags, 0xff);
	ck_assert_uint_eq(AFTER({ ATTR(CLR_FLAGS), 0xff }).flags, 0);
	ck_assert_uint_eq(AFTER({ ATTR(SET_FLAGS), 0 }).flags, DEFAULT_FLAGS);
	ck_assert_uint_eq(AFTER({ ATTR(CLR_FLAGS), 0 }).flags, DEFAULT_FLAGS);
}
END_TEST

START_TEST(granularity_is_clamped)
{
	static const u32 values[][3] = {
		/* given, reported, pages that migrate together */
		{ 0, 0, 1 }, { 1, 1, 2 }, { 8, 8, 256 }, { 9, 9, 512 },
		{ 10, 10, 512 }, { 0x3e, 0x3e, 512 }, { 0x3f, 0x3f, 512 },
		{ 0x40, 0x3f, 512 }, { 0xffffffff, 0x3f, 512 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(values); i++) {
		struct svm_attrs attrs = AFTER({ ATTR(GRANULARITY), values[i][0] });

		ck_assert_uint_eq(attrs.granularity, values[i][1]);
		ck_assert_uint_eq(svm_attrs_granule(&attrs), values[i][2]);
	}
}
END_TEST

START_TEST(one_bad_attribute_refuses_all)
{
	struct amdsvm_ioctl_svm_attribute attrs[3] = {
		{ ATTR(GRANULARITY), 1 },
		{ ATTR(SET_FLAGS), 1 },
		{ ATTR(PREFERRED_LOC), GPU(0) },
	};

	ck_assert_int_eq(svm_attr_change_parse(&change, attrs, 3), 0);
	attrs[_i] = (struct amdsvm_ioctl_svm_attribute){ ATTR(ACCESS), NO_GPU };
	ck_assert_int_eq(svm_attr_change_parse(&change, attrs, 3), -EINVAL);
	/* Nothing behind the given number is looked at. */
	ck_assert_int_eq(svm_attr_change_parse(&change, attrs, _i), 0);
}
END_TEST

START_TEST(last_value_wins)
{
	ck_assert_uint_eq(AFTER({ ATTR(PREFERRED_LOC), GPU(1) },
				{ ATTR(PREFERRED_LOC), UNDEFINED },
				{ ATTR(PREFERRED_LOC), SYSMEM }).preferred_loc, SYSMEM);
	ck_assert_uint_eq(AFTER({ ATTR(PREFETCH_LOC), SYSMEM },
				{ ATTR(PREFETCH_LOC), GPU(2) }).prefetch_loc, GPU(2));
	ck_assert_uint_eq(AFTER({ ATTR(GRANULARITY), 70 },
				{ ATTR(GRANULARITY), 3 }).granularity, 3);
}
END_TEST

START_TEST(last_flag_wins)
{
	const u32 ro = FLAG(GPU_RO), coherent = FLAG(COHERENT);

	ck_assert_uint_eq(AFTER({ ATTR(SET_FLAGS), ro },
				{ ATTR(CLR_FLAGS), ro }).flags, DEFAULT_FLAGS);
	ck_assert_uint_eq(AFTER({ ATTR(CLR_FLAGS), ro },
				{ ATTR(SET_FLAGS), ro }).flags, DEFAULT_FLAGS | ro);
	ck_assert_uint_eq(AFTER({ ATTR(SET_FLAGS), coherent },
				{ ATTR(CLR_FLAGS), coherent }).flags,
			  DEFAULT_FLAGS & ~coherent);
	/* Bit by bit: what the later one does not name stays as it was said. */
	ck_assert_uint_eq(AFTER({ ATTR(SET_FLAGS), 0x3c },
				{ ATTR(CLR_FLAGS), 0x0d }).flags, 0x32);
	ck_assert_uint_eq(AFTER({ ATTR(CLR_FLAGS), 0x0d },
				{ ATTR(SET_FLAGS), 0x3c }).flags, 0x3e);
}
END_TEST

START_TEST(device_has_one_kind_of_access)
{
	struct svm_attrs attrs;

	attrs = AFTER({ ATTR(ACCESS_IN_PLACE), GPU(1) });
	ck_assert_uint_eq(attrs.access, DEFAULT_ACCESS & ~2ULL);
	ck_assert_uint_eq(attrs.access_in_place, 2);

	attrs = AFTER({ ATTR(NO_ACCESS), GPU(1) });
	ck_assert_uint_eq(attrs.access, DEFAULT_ACCESS & ~2ULL);
	ck_assert_uint_eq(attrs.access_in_place, 0);

	attrs = AFTER({ ATTR(ACCESS), GPU(15) });
	ck_assert_uint_eq(attrs.access, DEFAULT_ACCESS | 0x8000);
	ck_assert_uint_eq(attrs.access_in_place, 0);

	attrs = AFTER({ ATTR(ACCESS_IN_PLACE), GPU(1) }, { ATTR(NO_ACCESS), GPU(1) },
		      { ATTR(ACCESS), GPU(1) });
	ck_assert_uint_eq(attrs.access, DEFAULT_ACCESS);
	ck_assert_uint_eq(attrs.access_in_place, 0);

	attrs = AFTER({ ATTR(NO_ACCESS), GPU(0) }, { ATTR(ACCESS), GPU(2) },
		      { ATTR(ACCESS_IN_PLACE), GPU(2) }, { ATTR(ACCESS_IN_PLACE), GPU(7) });
	ck_assert_uint_eq(attrs.access, 0x0a);
	ck_assert_uint_eq(attrs.access_in_place, 0x84);
}
END_TEST

/* What an attribute does not name stays, from any old value. */
START_TEST(apply_changes_what_is_named_only)
{
	const struct svm_attrs old = {
		.preferred_loc = GPU(3), .prefetch_loc = SYSMEM, .access = 0xf0,
		.access_in_place = 0x0f, .flags = 0xa5, .granularity = 4,
	};
	struct svm_attrs expected, attrs;

#define CHANGES(type, value, ...) \
	do { \
		expected = old; \
		__VA_ARGS__; \
		attrs = old; \
		ck_assert_int_eq(parse_one(ATTR(type), value), 0); \
		svm_attrs_apply(&attrs, &change, &attrs); \
		ck_assert_msg(svm_attrs_equal(&attrs, &expected), #type); \
	} while (0)
	CHANGES(PREFERRED_LOC, UNDEFINED, expected.preferred_loc = UNDEFINED);
	CHANGES(PREFERRED_LOC, SYSMEM, expected.preferred_loc = SYSMEM);
	CHANGES(PREFETCH_LOC, GPU(1), expected.prefetch_loc = GPU(1));
	CHANGES(ACCESS, GPU(0), expected.access = 0xf1, expected.access_in_place = 0x0e);
	CHANGES(ACCESS_IN_PLACE, GPU(7), expected.access = 0x70,
		expected.access_in_place = 0x8f);
	CHANGES(NO_ACCESS, GPU(0), expected.access_in_place = 0x0e);
	CHANGES(NO_ACCESS, GPU(4), expected.access = 0xe0);
	CHANGES(SET_FLAGS, 0x12, expected.flags = 0xb7);
	CHANGES(CLR_FLAGS, 0x21, expected.flags = 0x84);
	CHANGES(GRANULARITY, 0, expected.granularity = 0);
}
END_TEST

static struct amdsvm_ioctl_svm_attribute random_attribute(void)
{
	static const u32 places[] = { SYSMEM, GPU(0), GPU(1), GPU(2) };
	u32 type = unit_random(ATTR(GRANULARITY) + 1);
	u32 value = unit_random(256);

	if (type <= ATTR(PREFETCH_LOC))
		value = places[unit_random(4)];
	else if (type <= ATTR(NO_ACCESS))
		value = GPU(unit_random(SVM_MAX_DEVICES));
	return (struct amdsvm_ioctl_svm_attribute){ type, value };
}

/* An array means the same as its elements one after the other. */
START_TEST(array_folds_in_order)
{
	struct amdsvm_ioctl_svm_attribute attrs[AMDSVM_IOCTL_SVM_MAX_ATTRS];
	struct svm_attrs whole, stepwise = defaults();
	unsigned int i, n, round;

	unit_random_from(1);
	for (round = 0; round < 2000; round++) {
		n = round ? unit_random(12) : AMDSVM_IOCTL_SVM_MAX_ATTRS;
		whole = stepwise;
		for (i = 0; i < n; i++) {
			attrs[i] = random_attribute();
			ck_assert_int_eq(parse_one(attrs[i].type, attrs[i].value), 0);
			svm_attrs_apply(&stepwise, &change, &stepwise);
		}
		ck_assert_int_eq(svm_attr_change_parse(&change, attrs, n), 0);
		svm_attrs_apply(&whole, &change, &whole);
		ck_assert(svm_attrs_equal(&whole, &stepwise));
		/* Each thing is said once: others than apply read the change, too. */
		ck_assert_uint_eq(change.set_flags & change.clr_flags, 0);
		ck_assert_uint_eq(change.access & change.access_in_place, 0);
		ck_assert_uint_eq(change.no_access &
				  (change.access | change.access_in_place), 0);
		ck_assert_uint_eq(whole.access & whole.access_in_place, 0);
	}
}
END_TEST

Suite *unit_suite(void)
{
	Suite *suite = suite_create("unit_attr");
	TCase *tc = tcase_create("attr");

	tcase_add_test(tc, default_values);
	tcase_add_test(tc, equal_sees_every_field);
	tcase_add_test(tc, no_attributes_change_nothing);
	tcase_add_test(tc, unknown_type_is_refused);
	tcase_add_test(tc, preferred_location);
	tcase_add_test(tc, prefetch_location);
	tcase_add_test(tc, access_of_unknown_devices);
	tcase_add_test(tc, flags_known_and_not);
	tcase_add_test(tc, granularity_is_clamped);
	tcase_add_loop_test(tc, one_bad_attribute_refuses_all, 0, 3);
	tcase_add_test(tc, last_value_wins);
	tcase_add_test(tc, last_flag_wins);
	tcase_add_test(tc, device_has_one_kind_of_access);
	tcase_add_test(tc, apply_changes_what_is_named_only);
	tcase_add_test(tc, array_folds_in_order);
	suite_add_tcase(suite, tc);
	return suite;
}
