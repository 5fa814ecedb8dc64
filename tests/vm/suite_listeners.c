// SPDX-License-Identifier: MIT
/*
 * Event descriptors: who hears what. One process does not hear of another (R7),
 * also when both have the same pid in two namespaces.
 */
#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>

#include "vmevents.h"

#define NOBODY 65534
#define MAX_LISTENERS 64	/* the driver's, for one process */
#define ALL EVENT_BIT(ALL_PROCESS)

START_TEST(descriptors_are_limited)
{
	struct amdsvm_ioctl_smi_events_args args = { .gpuid = vm.gpu[0] ^ 0x55555555 };
	int fds[MAX_LISTENERS], i;

	expect_eq(vm_ioctl(vm.fd, AMDSVM_IOC_SMI_EVENTS, &args), -EINVAL);
	for (i = 0; i < MAX_LISTENERS; i++)
		fds[i] = listener(vm.fd, vm.gpu[i % 2], MOVES);
	args.gpuid = vm.gpu[0];
	expect_eq(vm_ioctl(vm.fd, AMDSVM_IOC_SMI_EVENTS, &args), -EMFILE);
	close(fds[7]);
	listener(vm.fd, vm.gpu[0], MOVES);
}
END_TEST

START_TEST(a_listener_hears_of_its_device)
{
	int first = listener(vm.fd, vm.gpu[0], MOVES), second = listener(vm.fd, vm.gpu[1], MOVES);
	char *page = touched_page();

	needs_device_memory();
	move_page(page, vm.gpu[0]);
	expect_eq(hear(second), 0);
	expect_eq(hear(first), 2);
	/* Between devices is of concern to both. */
	move_page(page, vm.gpu[1]);
	expect_eq(hear(first), 2);
	expect_eq(hear(second), 2);
	expect_move(0, page, 1, vm.gpu[0], vm.gpu[1], NO_ATTRIBUTES);
	move_page(page, SYSMEM);
	expect_eq(hear(first), 0);
	expect_eq(hear(second), 2);
}
END_TEST

START_TEST(eviction_is_told_to_those_who_hear_all)
{
	int own = listener(vm.fd, vm.gpu[0], MOVES), all = listener(vm.fd, vm.gpu[0], MOVES | ALL);
	struct amdsvm_ioctl_evict_args args;
	char *page = touched_page();

	needs_device_memory();
	expect_within(10, vm_used_pages() == 0);
	move_page(page, vm.gpu[0]);
	expect_eq(hear(own), 2);
	/* One that hears all hears its own once. */
	expect_eq(hear(all), 2);
	expect_eq(vm_evict_on(vm.fd, vm.gpu[0], &args), 0);
	expect_eq(args.pages_moved, 1);
	expect_eq(hear(own), 0);
	expect_eq(hear_of(all, 0), 2);
	expect_eq(heard[0].page, 0);
	expect_eq(heard[1].pages, 1);
	expect_eq(heard[1].from, vm.gpu[0]);
	expect_eq(heard[1].to, SYSMEM);
	expect_eq(heard[1].trigger, TRIGGER(TTM_EVICTION));
	expect_eq(heard[1].error, 0);
}
END_TEST

START_TEST(all_processes_need_a_privilege)
{
	int fd = listener(vm.fd, vm.gpu[0], 0), other;
	uint64_t mask = MOVES | ALL;

	expect(!seteuid(NOBODY));
	other = listener(vm.fd, vm.gpu[0], MOVES);
	expect(write(fd, &mask, sizeof(mask)) == -1 && errno == EPERM);
	expect(write(other, &mask, sizeof(mask)) == -1 && errno == EPERM);
	expect(!seteuid(0));
	/* A privileged writer does not unlock what an ordinary user made. */
	expect(write(other, &mask, sizeof(mask)) == -1 && errno == EPERM);
	choose(fd, mask);
	/* Who had the right once may give it up, and hears its own. */
	choose(fd, MOVES);
}
END_TEST

/* A child with a device file of its own; true there, after it was told to begin. */
static bool neighbour(struct peer *peer)
{
	if (!vm_fork(peer))
		return false;
	close(vm.fd);
	vm_await(peer);
	vm.fd = vm_open();
	return true;
}

START_TEST(others_are_not_heard_unless_all_are)
{
	int own = listener(vm.fd, vm.gpu[0], MOVES | PROCESSES);
	int all = listener(vm.fd, vm.gpu[0], MOVES | PROCESSES | ALL);
	char *page = touched_page();
	struct peer peer;

	needs_device_memory();
	if (neighbour(&peer)) {
		/* Written, so that it is no longer the parent's. */
		page[0]++;
		move_page(page, vm.gpu[0]);
		vm_tell(&peer);
		vm_await(&peer);
		vm_done();
	}
	vm_tell(&peer);
	vm_await(&peer);
	expect_eq(hear(own), 0);
	expect_eq(hear_of(all, peer.pid), 3);
	expect_eq(heard[0].id, EVENT(PROCESS_START));
	expect_eq(heard[1].id, EVENT(MIGRATE_START));
	expect_eq(heard[2].id, EVENT(MIGRATE_END));
	/* What is no longer chosen is no longer heard. */
	choose(all, MOVES | PROCESSES);
	vm_tell(&peer);
	expect_joined(&peer);
	expect_eq(hear_of(all, peer.pid), 0);
	expect_eq(hear(own), 0);
}
END_TEST

START_TEST(processes_begin_and_end)
{
	int all = listener(vm.fd, vm.gpu[_i], PROCESSES | ALL);
	struct peer peer;

	if (neighbour(&peer)) {
		int second = vm_open();

		close(vm.fd);
		vm_tell(&peer);
		vm_await(&peer);
		close(second);
		vm_done();
	}
	vm_tell(&peer);
	vm_await(&peer);
	expect_eq(hear_of(all, peer.pid), 1);
	expect_eq(heard[0].id, EVENT(PROCESS_START));
	expect(!strncmp(heard[0].command, "suite_listeners", 15));
	vm_tell(&peer);
	expect_joined(&peer);
	expect_within(10, hear_of(all, peer.pid) == 1);
	expect_eq(heard[0].id, EVENT(PROCESS_END));
}
END_TEST

START_TEST(a_command_is_no_line)
{
	int all = listener(vm.fd, vm.gpu[0], PROCESSES | ALL);
	struct peer peer;

	if (vm_fork(&peer)) {
		close(vm.fd);
		prctl(PR_SET_NAME, "a\nc 1 b\x80");
		vm.fd = vm_open();
		vm_tell(&peer);
		vm_await(&peer);
		vm_done();
	}
	vm_await(&peer);
	expect_eq(hear_of(all, peer.pid), 1);
	expect(!strcmp(heard[0].command, "a?c 1 b?"));
	vm_tell(&peer);
	expect_joined(&peer);
}
END_TEST

/* In the first process of a new pid namespace, with a device file of its own. */
static bool container(struct peer *peer)
{
	int status;
	pid_t pid;

	if (!vm_fork(peer))
		return false;
	close(vm.fd);
	expect(!unshare(CLONE_NEWPID));
	pid = fork();
	expect(pid >= 0);
	if (!pid) {
		vm.fd = vm_open();
		return true;
	}
	expect(waitpid(pid, &status, 0) == pid);
	_exit(status != 0);
}

/* Both are 1 to themselves: equal numbers are not the same process. */
START_TEST(equal_pids_of_two_namespaces_are_two)
{
	struct peer hearer, mover;
	char *page = touched_page();
	int own, all;

	needs_device_memory();
	if (container(&hearer)) {
		expect_eq(getpid(), 1);
		own = listener(vm.fd, vm.gpu[0], MOVES);
		all = listener(vm.fd, vm.gpu[0], MOVES | ALL);
		vm_tell(&hearer);
		vm_await(&hearer);
		expect_eq(hear(own), 0);
		/* From outside of the namespace: nobody with a number. */
		expect_eq(hear_of(all, 1), 0);
		page[0]++;
		move_page(page, vm.gpu[0]);
		expect_eq(hear(own), 2);
		expect_move(0, page, 1, SYSMEM, vm.gpu[0], NO_ATTRIBUTES);
		vm_done();
	}
	vm_await(&hearer);
	all = listener(vm.fd, vm.gpu[0], MOVES | ALL);
	if (container(&mover)) {
		expect_eq(getpid(), 1);
		page[0]++;
		move_page(page, vm.gpu[0]);
		vm_done();
	}
	expect_joined(&mover);
	expect_eq(hear(all), 2);
	/* Here it has another number. */
	expect(heard[0].pid > 1 && heard[0].pid != getpid());
	vm_tell(&hearer);
	expect_joined(&hearer);
}
END_TEST

START_TEST(a_pid_outside_of_the_namespace_is_0)
{
	char *page = touched_page();
	struct peer peer;
	int all;

	needs_device_memory();
	if (container(&peer)) {
		all = listener(vm.fd, vm.gpu[0], MOVES | ALL);
		vm_tell(&peer);
		vm_await(&peer);
		expect_eq(hear(all), 2);
		expect_eq(heard[0].pid, 0);
		expect_eq(heard[1].pid, 0);
		vm_done();
	}
	vm_await(&peer);
	page[0]++;
	move_page(page, vm.gpu[0]);
	vm_tell(&peer);
	expect_joined(&peer);
}
END_TEST

START_TEST(a_descriptor_may_outlive_what_it_tells_of)
{
	int fd = listener(vm.fd, vm.gpu[0], MOVES);
	char *page = touched_page();

	needs_device_memory();
	move_page(page, vm.gpu[0]);
	close(vm.fd);
	expect_eq(hear(fd), 2);
	/* Opened again it is another one to the driver. */
	vm.fd = vm_open();
	move_page(page, SYSMEM);
	expect_eq(hear(fd), 0);
}
END_TEST

/* Descriptors come and go while others make events: nothing but KASAN may see. */
START_TEST(descriptors_come_and_go)
{
	char *page = touched_page();
	struct peer peer;
	int i;

	needs_device_memory();
	vm_use_all_processors();
	if (vm_fork(&peer)) {
		close(vm.fd);
		vm.fd = vm_open();
		for (i = 0; i < 300; i++)
			close(listener(vm.fd, vm.gpu[0], i % 2 ? MOVES : MOVES | ALL));
		vm_done();
	}
	for (i = 0; !vm_ended(&peer); i++) {
		struct amdsvm_ioctl_prefetch_args args;

		vm_prefetch_on(vm.fd, page, PAGE, i % 2 ? SYSMEM : vm.gpu[0], &args);
		close(listener(vm.fd, vm.gpu[0], MOVES));
	}
	expect_joined(&peer);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("listeners");
	TCase *t = vm_case(s, "listeners");

	tcase_add_test(t, descriptors_are_limited);
	tcase_add_test(t, a_listener_hears_of_its_device);
	tcase_add_test(t, eviction_is_told_to_those_who_hear_all);
	tcase_add_test(t, all_processes_need_a_privilege);
	tcase_add_test(t, others_are_not_heard_unless_all_are);
	tcase_add_loop_test(t, processes_begin_and_end, 0, 2);
	tcase_add_test(t, a_command_is_no_line);
	tcase_add_test(t, equal_pids_of_two_namespaces_are_two);
	tcase_add_test(t, a_pid_outside_of_the_namespace_is_0);
	tcase_add_test(t, a_descriptor_may_outlive_what_it_tells_of);
	tcase_add_test(t, descriptors_come_and_go);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
