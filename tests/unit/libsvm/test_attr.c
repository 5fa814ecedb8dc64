// SPDX-License-Identifier: MIT
/*
 * Attributes: KFD's call with its number of attributes in the ioctl number, and
 * the XNACK mode.
 */
#include <stdlib.h>

#include "test.h"

START_TEST(set_attr_passes_all)
{
	const struct amdsvm_ioctl_svm_attribute attrs[] = {
		{ AMDSVM_IOCTL_SVM_ATTR_PREFERRED_LOC, 0x1000 },
		{ AMDSVM_IOCTL_SVM_ATTR_ACCESS, 0x1001 },
		{ AMDSVM_IOCTL_SVM_ATTR_GRANULARITY, 9 },
	};
	struct amdsvm_context *ctx = open_fake();
	const struct amdsvm_ioctl_svm_args *args;

	ck_assert_int_eq(amdsvm_set_attr(ctx, 0x10000, 3 * PAGE, attrs, 3), 0);
	args = arguments(struct amdsvm_ioctl_svm_args);
	ck_assert_uint_eq(fake.request,
			  AMDSVM_IOC_SVM + (sizeof(attrs) << _IOC_SIZESHIFT));
	ck_assert_uint_eq(args->start_addr, 0x10000);
	ck_assert_uint_eq(args->size, 3 * PAGE);
	ck_assert_uint_eq(args->op, AMDSVM_IOCTL_SVM_OP_SET_ATTR);
	ck_assert_uint_eq(args->nattr, 3);
	ck_assert_mem_eq(args->attrs, attrs, sizeof(attrs));
	amdsvm_close(ctx);
}
END_TEST

START_TEST(get_attr_returns_values_and_types)
{
	struct amdsvm_ioctl_svm_attribute attrs[] = {
		{ AMDSVM_IOCTL_SVM_ATTR_PREFERRED_LOC, 41 },
		{ AMDSVM_IOCTL_SVM_ATTR_ACCESS, 0x1001 },
	};
	struct amdsvm_context *ctx = open_fake();

	ck_assert_int_eq(amdsvm_get_attr(ctx, 0x10000, PAGE, attrs, 2), 0);
	ck_assert_uint_eq(arguments(struct amdsvm_ioctl_svm_args)->op,
			  AMDSVM_IOCTL_SVM_OP_GET_ATTR);
	ck_assert_uint_eq(attrs[0].type, AMDSVM_IOCTL_SVM_ATTR_PREFERRED_LOC);
	ck_assert_uint_eq(attrs[0].value, 42);
	ck_assert_uint_eq(attrs[1].type, AMDSVM_IOCTL_SVM_ATTR_ACCESS_IN_PLACE);
	ck_assert_uint_eq(attrs[1].value, 0x1001);
	amdsvm_close(ctx);
}
END_TEST

START_TEST(get_attr_error_leaves_attributes)
{
	struct amdsvm_ioctl_svm_attribute attr = { AMDSVM_IOCTL_SVM_ATTR_PREFERRED_LOC, 41 };
	struct amdsvm_context *ctx = open_fake();

	fake.call_error = EFAULT;
	ck_assert_int_eq(amdsvm_get_attr(ctx, 0x10000, PAGE, &attr, 1), -EFAULT);
	ck_assert_uint_eq(attr.value, 41);
	amdsvm_close(ctx);
}
END_TEST

START_TEST(as_many_attributes_as_the_number_holds)
{
	const size_t max = AMDSVM_IOCTL_SVM_MAX_ATTRS;
	struct amdsvm_ioctl_svm_attribute *attrs = calloc(max + 1, sizeof(*attrs));
	struct amdsvm_context *ctx = open_fake();

	attrs[max - 1].value = 77;
	ck_assert_int_eq(amdsvm_get_attr(ctx, 0x10000, PAGE, attrs, max), 0);
	ck_assert_uint_eq(_IOC_NR(fake.request), _IOC_NR(AMDSVM_IOC_SVM));
	ck_assert_uint_eq(attrs[max - 1].value, 78);

	/* One more would spill into the direction bits of the number. */
	fake.calls = 0;
	ck_assert_int_eq(amdsvm_get_attr(ctx, 0x10000, PAGE, attrs, max + 1), -EINVAL);
	ck_assert_int_eq(amdsvm_set_attr(ctx, 0x10000, PAGE, attrs, max + 1), -EINVAL);
	ck_assert_int_eq(amdsvm_set_attr(ctx, 0x10000, PAGE, attrs, SIZE_MAX), -EINVAL);
	ck_assert_uint_eq(fake.calls, 0);
	free(attrs);
	amdsvm_close(ctx);
}
END_TEST

START_TEST(errors_of_set_attr_are_passed_on)
{
	static const int errors[] = { EINVAL, EFAULT, ENOSPC, EBUSY, EOPNOTSUPP, ESRCH };
	struct amdsvm_ioctl_svm_attribute attr = { AMDSVM_IOCTL_SVM_ATTR_PREFETCH_LOC, 0 };
	struct amdsvm_context *ctx = open_fake();

	fake.call_error = errors[_i];
	ck_assert_int_eq(amdsvm_set_attr(ctx, 0x10000, PAGE, &attr, 1), -errors[_i]);
	amdsvm_close(ctx);
}
END_TEST

START_TEST(xnack_mode)
{
	struct amdsvm_context *ctx = open_fake();
	int mode = -1;

	ck_assert_int_eq(amdsvm_get_xnack_mode(ctx, &mode), 0);
	ck_assert_int_eq(mode, 1);
	ck_assert_int_lt(arguments(struct amdsvm_ioctl_set_xnack_mode_args)->xnack_enabled, 0);

	ck_assert_int_eq(amdsvm_set_xnack_mode(ctx, 0), 0);
	ck_assert_int_eq(fake.xnack, 0);
	ck_assert_int_eq(amdsvm_get_xnack_mode(ctx, &mode), 0);
	ck_assert_int_eq(mode, 0);

	ck_assert_int_eq(amdsvm_set_xnack_mode(ctx, -1), -EINVAL);
	ck_assert_int_eq(amdsvm_set_xnack_mode(ctx, 2), -EINVAL);
	fake.call_error = EPERM;
	ck_assert_int_eq(amdsvm_set_xnack_mode(ctx, 1), -EPERM);
	amdsvm_close(ctx);
}
END_TEST

TCase *attr_case(void)
{
	TCase *tc = tcase_create("attr");

	tcase_add_test(tc, set_attr_passes_all);
	tcase_add_test(tc, get_attr_returns_values_and_types);
	tcase_add_test(tc, get_attr_error_leaves_attributes);
	tcase_add_test(tc, as_many_attributes_as_the_number_holds);
	tcase_add_loop_test(tc, errors_of_set_attr_are_passed_on, 0, 6);
	tcase_add_test(tc, xnack_mode);
	return tc;
}
