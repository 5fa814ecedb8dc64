// SPDX-License-Identifier: MIT
/*
 * GET_ATTR: which questions are accepted, and the answer as the intersection
 * over all memory of a range.
 */
#include "unit_test.h"

static struct svm_attr_query query;

static void add(struct svm_attrs attrs)
{
	svm_attr_query_add(&query, &attrs);
}

static struct amdsvm_ioctl_svm_attribute ask(u32 type, u32 value)
{
	struct amdsvm_ioctl_svm_attribute attr = { type, value };

	ck_assert_int_eq(svm_attr_query_check(&attr, 1), 0);
	svm_attr_query_answer(&query, &attr, 1);
	return attr;
}

/* The answer of a question that keeps its type. */
static u32 value_of(u32 type)
{
	struct amdsvm_ioctl_svm_attribute attr = ask(type, 0x12345678);

	ck_assert_uint_eq(attr.type, type);
	return attr.value;
}

static u32 access_of(u32 index)
{
	struct amdsvm_ioctl_svm_attribute attr = ask(ATTR(ACCESS), GPU(index));

	ck_assert_uint_eq(attr.value, GPU(index));
	return attr.type;
}

static struct svm_attrs defaults(void)
{
	struct svm_attrs attrs;

	svm_attrs_default(&attrs, DEFAULT_ACCESS);
	return attrs;
}

static void setup(void)
{
	memset(&query, 0, sizeof(query));
}

START_TEST(questions_accepted_and_refused)
{
	static const struct {
		u32 type, value;
		int expected;
	} cases[] = {
		/* Values of all but ACCESS are answers: any goes in. */
		{ ATTR(PREFERRED_LOC), NO_GPU, 0 },
		{ ATTR(PREFETCH_LOC), NO_GPU, 0 },
		{ ATTR(SET_FLAGS), 0xffffffff, 0 },
		{ ATTR(CLR_FLAGS), 0xffffffff, 0 },
		{ ATTR(GRANULARITY), 0xffffffff, 0 },
		{ ATTR(ACCESS), GPU(0), 0 },
		{ ATTR(ACCESS), GPU(15), 0 },
		{ ATTR(ACCESS), GPU(16), -EINVAL },
		{ ATTR(ACCESS), NO_GPU, -EINVAL },
		{ ATTR(ACCESS), SYSMEM, -EINVAL },
		{ ATTR(ACCESS_IN_PLACE), GPU(0), -EINVAL },
		{ ATTR(NO_ACCESS), GPU(0), -EINVAL },
		{ ATTR(GRANULARITY) + 1, 0, -EINVAL },
		{ 0xffffffff, 0, -EINVAL },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct amdsvm_ioctl_svm_attribute attrs[2] = {
			{ ATTR(GRANULARITY), 0 },
			{ cases[i].type, cases[i].value },
		};

		ck_assert_int_eq(svm_attr_query_check(attrs, 2), cases[i].expected);
		ck_assert_int_eq(svm_attr_query_check(attrs, 1), 0);
		ck_assert_int_eq(svm_attr_query_check(attrs + 1, 1), cases[i].expected);
	}
	ck_assert_int_eq(svm_attr_query_check(NULL, 0), 0);
}
END_TEST

START_TEST(one_piece_answers_itself)
{
	add((struct svm_attrs){
		.preferred_loc = GPU(2), .prefetch_loc = SYSMEM, .access = 0x5,
		.access_in_place = 0x2, .flags = 0x91, .granularity = 0x3f,
	});
	ck_assert_uint_eq(value_of(ATTR(PREFERRED_LOC)), GPU(2));
	ck_assert_uint_eq(value_of(ATTR(PREFETCH_LOC)), SYSMEM);
	ck_assert_uint_eq(value_of(ATTR(SET_FLAGS)), 0x91);
	ck_assert_uint_eq(value_of(ATTR(CLR_FLAGS)), 0xffffff6e);
	ck_assert_uint_eq(value_of(ATTR(GRANULARITY)), 0x3f);
	ck_assert_uint_eq(access_of(0), ATTR(ACCESS));
	ck_assert_uint_eq(access_of(1), ATTR(ACCESS_IN_PLACE));
	ck_assert_uint_eq(access_of(2), ATTR(ACCESS));
	ck_assert_uint_eq(access_of(3), ATTR(NO_ACCESS));
}
END_TEST

/* A piece of nothing but zeros is a piece: the second must not begin anew. */
START_TEST(first_piece_of_zeros_counts)
{
	add((struct svm_attrs){});
	add((struct svm_attrs){
		.preferred_loc = GPU(1), .prefetch_loc = GPU(1), .access = ~0ULL,
		.flags = 0xff, .granularity = 9,
	});
	ck_assert_uint_eq(value_of(ATTR(PREFERRED_LOC)), UNDEFINED);
	ck_assert_uint_eq(value_of(ATTR(PREFETCH_LOC)), UNDEFINED);
	ck_assert_uint_eq(value_of(ATTR(SET_FLAGS)), 0);
	ck_assert_uint_eq(value_of(ATTR(CLR_FLAGS)), 0xffffff00);
	ck_assert_uint_eq(value_of(ATTR(GRANULARITY)), 0);
	ck_assert_uint_eq(access_of(0), ATTR(NO_ACCESS));
}
END_TEST

START_TEST(locations_that_disagree_are_undefined)
{
	static const u32 pairs[][3] = {
		{ GPU(0), GPU(0), GPU(0) },
		{ SYSMEM, SYSMEM, SYSMEM },
		{ UNDEFINED, UNDEFINED, UNDEFINED },
		{ GPU(0), GPU(1), UNDEFINED },
		{ GPU(0), SYSMEM, UNDEFINED },
		{ SYSMEM, GPU(0), UNDEFINED },
		{ GPU(0), UNDEFINED, UNDEFINED },
		{ UNDEFINED, GPU(0), UNDEFINED },
	};
	struct svm_attrs attrs = defaults();
	size_t i;
	int which;

	for (i = 0; i < ARRAY_SIZE(pairs); i++) {
		setup();
		for (which = 0; which < 2; which++) {
			attrs.preferred_loc = pairs[i][which];
			attrs.prefetch_loc = pairs[i][!which];
			add(attrs);
		}
		ck_assert_uint_eq(value_of(ATTR(PREFERRED_LOC)), pairs[i][2]);
		ck_assert_uint_eq(value_of(ATTR(PREFETCH_LOC)), pairs[i][2]);
	}
}
END_TEST

/* Once pieces have disagreed, no later one brings an answer back. */
START_TEST(disagreement_stays)
{
	struct svm_attrs attrs = defaults();

	attrs.preferred_loc = GPU(0);
	attrs.prefetch_loc = SYSMEM;
	add(attrs);
	attrs.preferred_loc = SYSMEM;
	attrs.prefetch_loc = GPU(0);
	add(attrs);
	add(attrs);
	ck_assert_uint_eq(value_of(ATTR(PREFERRED_LOC)), UNDEFINED);
	ck_assert_uint_eq(value_of(ATTR(PREFETCH_LOC)), UNDEFINED);
}
END_TEST

START_TEST(access_is_what_all_pieces_give)
{
	struct svm_attrs attrs = defaults();

	/* By device: all ACCESS, all in place, mixed, ACCESS once, never. */
	attrs.access = 0x0d;
	attrs.access_in_place = 0x02;
	add(attrs);
	attrs.access = 0x01;
	attrs.access_in_place = 0x06;
	add(attrs);
	ck_assert_uint_eq(access_of(0), ATTR(ACCESS));
	ck_assert_uint_eq(access_of(1), ATTR(ACCESS_IN_PLACE));
	ck_assert_uint_eq(access_of(2), ATTR(NO_ACCESS));
	ck_assert_uint_eq(access_of(3), ATTR(NO_ACCESS));
	ck_assert_uint_eq(access_of(4), ATTR(NO_ACCESS));
}
END_TEST

/* SET_FLAGS: set everywhere. CLR_FLAGS: set nowhere. In between: neither. */
START_TEST(flags_set_everywhere_and_nowhere)
{
	struct svm_attrs attrs = defaults();

	attrs.flags = 0x0f;
	add(attrs);
	attrs.flags = 0x3c;
	add(attrs);
	attrs.flags = 0x1c;
	add(attrs);
	ck_assert_uint_eq(value_of(ATTR(SET_FLAGS)), 0x0c);
	ck_assert_uint_eq(value_of(ATTR(CLR_FLAGS)), 0xffffffc0);
}
END_TEST

START_TEST(granularity_is_the_smallest)
{
	static const u32 values[] = { 9, 0x3f, 4, 7 };
	struct svm_attrs attrs = defaults();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(values); i++) {
		attrs.granularity = values[i];
		add(attrs);
	}
	ck_assert_uint_eq(value_of(ATTR(GRANULARITY)), 4);
}
END_TEST

START_TEST(many_questions_in_one_call)
{
	struct amdsvm_ioctl_svm_attribute attrs[] = {
		{ ATTR(ACCESS), GPU(0) },
		{ ATTR(CLR_FLAGS), 0 },
		{ ATTR(ACCESS), GPU(9) },
		{ ATTR(SET_FLAGS), 0 },
		{ ATTR(GRANULARITY), 77 },
	};

	add(defaults());
	ck_assert_int_eq(svm_attr_query_check(attrs, 5), 0);
	/* The last is behind the number given: not ours to write. */
	svm_attr_query_answer(&query, attrs, 4);
	ck_assert_uint_eq(attrs[0].type, ATTR(ACCESS));
	ck_assert_uint_eq(attrs[1].value, 0xfffffffc);
	ck_assert_uint_eq(attrs[2].type, ATTR(NO_ACCESS));
	ck_assert_uint_eq(attrs[3].value, 0x3);
	ck_assert_uint_eq(attrs[4].value, 77);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *suite = suite_create("unit_query");
	TCase *tc = tcase_create("query");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, questions_accepted_and_refused);
	tcase_add_test(tc, one_piece_answers_itself);
	tcase_add_test(tc, first_piece_of_zeros_counts);
	tcase_add_test(tc, locations_that_disagree_are_undefined);
	tcase_add_test(tc, disagreement_stays);
	tcase_add_test(tc, access_is_what_all_pieces_give);
	tcase_add_test(tc, flags_set_everywhere_and_nowhere);
	tcase_add_test(tc, granularity_is_the_smallest);
	tcase_add_test(tc, many_questions_in_one_call);
	suite_add_tcase(suite, tc);
	return suite;
}
