// SPDX-License-Identifier: MIT
/*
 * XNACK on and off: who has which mode when, and what devices have by default in
 * each. How memory is kept mapped without it is in suite_restore.
 */
#include "vmloop.h"

#define SIZE (64 * PAGE)
#define PAGES (SIZE / PAGE)

static int mode(void)
{
	struct amdsvm_ioctl_set_xnack_mode_args args = { -1 };

	expect_eq(vm_ioctl(vm.fd, AMDSVM_IOC_SET_XNACK_MODE, &args), 0);
	return args.xnack_enabled;
}

static void give(void *memory, size_t size)
{
	expect_eq(set(memory, size, { ATTR(ACCESS), vm.gpu[0] }), 0);
}

/* ---- the mode ---------------------------------------------------------------- */

START_TEST(the_mode_is_set_and_told)
{
	expect_eq(mode(), 1);
	expect_eq(vm_set_xnack(0), 0);
	expect_eq(mode(), 0);
	expect_eq(vm_set_xnack(0), 0);
	expect_eq(vm_set_xnack(1), 0);
	expect_eq(mode(), 1);
}
END_TEST

START_TEST(queues_hold_the_mode)
{
	uint32_t queue_id;
	int from;

	for (from = 1; from >= 0; from--) {
		queue_id = vm_queue(vm.gpu[from]);
		expect_eq(vm_set_xnack(!from), -EBUSY);
		expect_eq(mode(), from);
		expect_eq(vm_queue_destroy(queue_id), 0);
		expect_eq(vm_set_xnack(!from), 0);
	}
}
END_TEST

START_TEST(devices_have_nothing_by_default)
{
	char *memory = vm_anon_small(SIZE), *nothing = vm_reserve(PAGE);
	struct amdsvm_result result;

	vm_fill(memory, SIZE, 1);
	expect_eq(get_access(memory, SIZE, vm.gpu[0]), ATTR(ACCESS));
	expect_touches(vm.gpu[0], READ, memory, PAGES);
	expect_eq(vm_set_xnack(0), 0);
	expect_eq(get_access(memory, SIZE, vm.gpu[0]), ATTR(NO_ACCESS));
	/* Nor what they got before. */
	result = vm_touch(vm.gpu[0], READ, memory, 1);
	expect_status(result, -EACCES);
	expect_eq(result.address, (uintptr_t)memory);
	/* Attributes that give nothing do not change that. */
	expect_eq(set(memory, SIZE, { ATTR(GRANULARITY), 2 }), 0);
	expect_status(vm_touch(vm.gpu[0], READ, memory, 1), -EACCES);
	munmap(nothing, PAGE);
	expect_status(vm_touch(vm.gpu[0], READ, nothing, 1), -EFAULT);

	give(memory, SIZE);
	expect_touches(vm.gpu[0], WRITE, memory, PAGES);
	expect_status(vm_touch(vm.gpu[1], READ, memory, 1), -EACCES);
	/* What attributes say stays; the default is again that all is theirs. */
	expect_eq(vm_set_xnack(1), 0);
	expect_status(vm_touch(vm.gpu[1], READ, memory, 1), -EACCES);
	expect_bytes(memory, SIZE, 1);
	expect_eq(vm_unset_on(vm.fd, memory, SIZE), 0);
	expect_touches(vm.gpu[1], READ, memory, PAGES);
	expect_bytes(memory, SIZE, 1);
}
END_TEST

/* A mode is a process's, and a new one begins with it on. */
START_TEST(others_have_their_own_mode)
{
	struct peer peer;

	expect_eq(vm_set_xnack(0), 0);
	if (vm_fork(&peer)) {
		close(vm.fd);
		vm.fd = vm_open();
		expect_eq(mode(), 1);
		vm_done();
	}
	expect_joined(&peer);
	expect_eq(mode(), 0);
	close(vm.fd);
	vm.fd = vm_open();
	expect_eq(mode(), 1);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("xnack");
	TCase *t = vm_case(s, "mode");

	tcase_add_test(t, the_mode_is_set_and_told);
	tcase_add_test(t, queues_hold_the_mode);
	tcase_add_test(t, devices_have_nothing_by_default);
	tcase_add_test(t, others_have_their_own_mode);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
