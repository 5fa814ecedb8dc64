// SPDX-License-Identifier: MIT
/*
 * A file used by another process: who may read, who may act, on whom it acts,
 * and what is left when the opener is gone (docs/uapi.md, "Rights"; R7).
 */
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "vmevents.h"

#define SIZE (16 * PAGE)
#define NOBODY 65534

static char *memory;

static void setup(void)
{
	vm_setup();
	memory = vm_anon_small(SIZE);
	vm_fill(memory, SIZE, 1);
	expect_eq(set(memory, SIZE, { ATTR(GRANULARITY), 3 }), 0);
}

/* This process as a user with just these capabilities. */
static void become(uid_t uid, uint64_t capabilities)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = { 0 };
	int i;

	expect(!prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
	expect(!setresuid(uid, uid, uid));
	for (i = 0; i < 2; i++)
		data[i].effective = data[i].permitted = capabilities >> (32 * i);
	expect(!syscall(SYS_capset, &header, data));
}

/* A descriptor of events, which concerns the file's opener, or a negative errno. */
static int listen_on(int file)
{
	struct amdsvm_ioctl_smi_events_args args = { .gpuid = vm.gpu[0] };
	int result = vm_ioctl(file, AMDSVM_IOC_SMI_EVENTS, &args);

	return result ? result : (int)args.anon_fd;
}

/* 1 and 0 set the mode, ASK does not. The mode, or a negative errno. */
#define ASK (-1)

static int xnack_on(int file, int mode)
{
	struct amdsvm_ioctl_set_xnack_mode_args args = { mode };
	int result = vm_ioctl(file, AMDSVM_IOC_SET_XNACK_MODE, &args);

	return result ? result : args.xnack_enabled;
}

static void expect_reading(const char *file, int line, int wanted)
{
	struct amdsvm_ioctl_svm_attribute attr = { ATTR(GRANULARITY), 0 };
	struct amdsvm_ioctl_get_counters_args counters;
	struct amdsvm_ioctl_residency_args sums;
	struct amdsvm_range_info range;
	uint32_t count = 0;
	uint64_t next;
	int got[5], i;

	got[0] = vm_attr_on(vm.fd, AMDSVM_IOCTL_SVM_OP_GET_ATTR, memory, SIZE, &attr, 1);
	got[1] = vm_residency_on(vm.fd, memory, SIZE, NULL, &sums);
	got[2] = vm_list_on(vm.fd, 0, 0, &range, 1, &count, &next);
	got[3] = vm_counters_on(vm.fd, &counters);
	got[4] = listen_on(vm.fd);
	if (got[4] >= 0)
		got[4] = close(got[4]);
	for (i = 0; i < 5; i++)
		if (got[i] != wanted)
			vm_fail(file, line,
				"read %d of GET_ATTR RESIDENCY LIST COUNTERS SMI_EVENTS is %d, not %d",
				i, got[i], wanted);
	if (!wanted && (attr.value != 3 || sums.pages_system != SIZE / PAGE || count != 1 ||
			counters.ranges != 1))
		vm_fail(file, line, "what is read is not the opener's");
}

/* The mode comes last: what devices map without XNACK depends on attributes that are set. */
enum { ACT_SET_ATTR, ACT_PREFETCH, ACT_UNSET, ACT_XNACK, ACTS };

/* Where the memory is not: a PREFETCH that is not refused shows. */
static uint32_t target(void)
{
	return vm.lane == LANE_MIRROR ? SYSMEM : vm.gpu[0];
}

static int act(int number)
{
	struct amdsvm_ioctl_prefetch_args prefetch;

	switch (number) {
	case ACT_SET_ATTR:
		return set(memory, SIZE, { ATTR(SET_FLAGS), FLAG(GPU_RO) });
	case ACT_PREFETCH:
		return vm_prefetch_on(vm.fd, memory, SIZE, target(), &prefetch);
	case ACT_UNSET:
		return vm_unset_on(vm.fd, memory, SIZE);
	default:
		return xnack_on(vm.fd, 0);
	}
}

/* What the opener finds after each act; refused is as if it had not been (R8). */
static void expect_after(int number, bool refused)
{
	bool moved = !refused && number >= ACT_PREFETCH, unset = !refused && number >= ACT_UNSET;
	bool switched = !refused && number == ACT_XNACK;

	expect_eq(vm_range_count(), unset ? 0 : 1);
	expect_eq(get(memory, SIZE, ATTR(GRANULARITY)), unset ? DEFAULT_GRANULARITY : 3);
	expect_eq(get(memory, SIZE, ATTR(SET_FLAGS)),
		  refused || unset ? DEFAULT_FLAGS : DEFAULT_FLAGS | FLAG(GPU_RO));
	expect_location(memory, SIZE, moved ? target() : SYSMEM);
	expect_eq(xnack_on(vm.fd, ASK), !switched);
	/* Without XNACK devices have nothing by default, not even what is in their memory. */
	if (refused || switched)
		expect_mapped(memory, SIZE, 0);
	if (refused)
		expect_eq(vm_counters().pages_in, 0);
}

#define PTRACE (1ULL << CAP_SYS_PTRACE)
#define NICE (1ULL << CAP_SYS_NICE)

static const struct {
	uid_t uid;
	uint64_t capabilities;
	int read, act;
} rights[] = {
	{ 0, 0, 0, -EPERM },
	{ 0, PTRACE, 0, -EPERM },
	{ 0, NICE, 0, 0 },
	{ 0, PTRACE | NICE, 0, 0 },
	{ NOBODY, 0, -EPERM, -EPERM },
	{ NOBODY, NICE, -EPERM, -EPERM },
	{ NOBODY, PTRACE, 0, -EPERM },
	{ NOBODY, PTRACE | NICE, 0, 0 },
	/* Every other capability together is not the one. */
	{ NOBODY, 0x1ffffffffffULL & ~(PTRACE | NICE), -EPERM, -EPERM },
};

START_TEST(rights_decide)
{
	struct peer peer;
	int number;

	if (vm_fork(&peer)) {
		/* From here on the pages are the opener's alone. */
		expect(!munmap(memory, SIZE));
		become(rights[_i].uid, rights[_i].capabilities);
		expect_reading(HERE, rights[_i].read);
		for (number = 0; number < ACTS; number++) {
			vm_await(&peer);
			expect_eq(act(number), rights[_i].act);
			vm_tell(&peer);
		}
		vm_done();
	}
	for (number = 0; number < ACTS; number++) {
		vm_tell(&peer);
		vm_await(&peer);
		expect_after(number, rights[_i].act != 0);
	}
	expect_joined(&peer);
	expect_bytes(memory, SIZE, 1);
}
END_TEST

START_TEST(what_concerns_no_process_is_open_to_all)
{
	struct amdsvm_ioctl_get_caps_args caps = { 0 };
	struct amdsvm_ioctl_get_devices_args devices = { 0 };
	struct amdsvm_ioctl_get_version_args version;
	struct peer peer;

	if (vm_fork(&peer)) {
		become(NOBODY, 0);
		expect_eq(vm_ioctl(vm.fd, AMDSVM_IOC_GET_CAPS, &caps), 0);
		expect_eq(vm_ioctl(vm.fd, AMDSVM_IOC_GET_DEVICES, &devices), 0);
		expect_eq(vm_ioctl(vm.fd, AMDSVM_IOC_GET_VERSION, &version), 0);
		vm_done();
	}
	expect_joined(&peer);
}
END_TEST

/* The same address means different memory in the two processes. */
START_TEST(a_call_acts_on_the_opener)
{
	struct amdsvm_ioctl_prefetch_args prefetch;
	struct peer peer;
	int events;

	needs_device_memory();
	if (vm_fork(&peer)) {
		events = listener(vm.fd, vm.gpu[0], MOVES);
		/* Nothing of the caller's is there. */
		expect(!munmap(memory, SIZE));
		expect_eq(vm_prefetch_on(vm.fd, memory, SIZE, vm.gpu[0], &prefetch), 0);
		expect_eq(prefetch.pages_moved, SIZE / PAGE);
		/* So does what is heard. */
		expect(hear(events) >= 2);
		expect_eq(heard[0].pid, getppid());
		expect_eq(heard[0].page, (uintptr_t)memory / PAGE);
		close(events);
		expect_eq(set(memory, SIZE, { ATTR(GRANULARITY), 0 }), 0);
		vm_done();
	}
	expect_joined(&peer);
	expect_location(memory, SIZE, vm.gpu[0]);
	expect_eq(get(memory, SIZE, ATTR(GRANULARITY)), 0);
	expect_eq(vm_counters().pages_in, SIZE / PAGE);
	expect_bytes(memory, SIZE, 1);
}
END_TEST

START_TEST(mapping_for_the_opener_works_from_outside)
{
	struct peer peer;

	if (vm_fork(&peer)) {
		expect_eq(set(memory, SIZE, { ATTR(ACCESS_IN_PLACE), vm.gpu[0] }), 0);
		vm_done();
	}
	expect_joined(&peer);
	expect_mapped(memory, SIZE, 1);
	vm_fill(memory, SIZE, 2);
	expect_bytes(memory, SIZE, 2);
}
END_TEST

static void send_file(int socket, int file)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 }, byte = 0;
	struct iovec vector = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &vector,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &file, sizeof(int));
	expect(sendmsg(socket, &message, 0) == 1);
}

static int receive_file(int socket)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 }, byte;
	struct iovec vector = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &vector,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	int file;

	expect(recvmsg(socket, &message, MSG_CMSG_CLOEXEC) == 1 && CMSG_FIRSTHDR(&message));
	memcpy(&file, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(int));
	return file;
}

/* A child that opens the device, gives us the file, and lives until told. */
static bool opener(struct peer *peer)
{
	if (!vm_fork(peer))
		return false;
	close(vm.fd);
	vm.fd = vm_open();
	expect_eq(set(memory, SIZE, { ATTR(GRANULARITY), 3 }), 0);
	/* Written, so that the pages are no longer those of the parent. */
	vm_fill(memory, SIZE, 1);
	if (vm.lane != LANE_MIRROR)
		expect_prefetch(memory, SIZE, vm.gpu[0], 0, .moved = SIZE / PAGE);
	send_file(peer->fd, vm.fd);
	vm_await(peer);
	return true;
}

START_TEST(a_file_received_by_message_acts_on_its_opener)
{
	struct amdsvm_ioctl_residency_args sums;
	struct amdsvm_ioctl_prefetch_args args;
	struct peer peer;
	int file;

	needs_device_memory();
	if (opener(&peer)) {
		expect_location(memory, SIZE, vm.gpu[1]);
		expect_eq(vm_range_count(), 0);
		expect_bytes(memory, SIZE, 1);
		vm_done();
	}
	file = receive_file(peer.fd);
	expect_eq(vm_residency_on(file, memory, SIZE, NULL, &sums), 0);
	expect_eq(sums.pages_device, SIZE / PAGE);
	expect_eq(vm_prefetch_on(file, memory, SIZE, vm.gpu[1], &args), 0);
	expect_eq(args.pages_moved, SIZE / PAGE);
	expect_eq(vm_unset_on(file, memory, SIZE), 0);
	/* Ours are as they were. */
	expect_eq(vm_range_count(), 1);
	vm_tell(&peer);
	expect_joined(&peer);
	expect_location(memory, SIZE, SYSMEM);
}
END_TEST

START_TEST(a_file_taken_by_pidfd_acts_on_its_opener)
{
	struct amdsvm_ioctl_residency_args sums;
	struct peer peer;
	int pidfd, file;

	if (vm_fork(&peer)) {
		close(vm.fd);
		vm.fd = vm_open();
		vm_fill(memory, SIZE / 2, 1);
		expect(!madvise(memory + SIZE / 2, SIZE / 2, MADV_DONTNEED));
		expect(write(peer.fd, &vm.fd, sizeof(int)) == sizeof(int));
		vm_await(&peer);
		vm_done();
	}
	expect(read(peer.fd, &file, sizeof(int)) == sizeof(int));
	pidfd = syscall(SYS_pidfd_open, peer.pid, 0);
	expect(pidfd >= 0);
	file = syscall(SYS_pidfd_getfd, pidfd, file, 0);
	expect(file >= 0);
	expect_eq(vm_residency_on(file, memory, SIZE, NULL, &sums), 0);
	expect_eq(sums.pages_system, SIZE / PAGE / 2);
	expect_eq(sums.pages_absent, SIZE / PAGE / 2);
	vm_tell(&peer);
	expect_joined(&peer);
}
END_TEST

static void expect_gone(int file)
{
	struct amdsvm_ioctl_svm_attribute attr = { ATTR(GRANULARITY), 0 };
	struct amdsvm_ioctl_get_counters_args counters;
	struct amdsvm_ioctl_prefetch_args prefetch;
	struct amdsvm_ioctl_residency_args sums;
	struct amdsvm_ioctl_get_caps_args caps = { 0 };
	struct amdsvm_range_info range;
	uint32_t count;
	uint64_t next;

	expect_eq(vm_attr_on(file, AMDSVM_IOCTL_SVM_OP_GET_ATTR, memory, SIZE, &attr, 1), -ESRCH);
	expect_eq(vm_attr_on(file, AMDSVM_IOCTL_SVM_OP_SET_ATTR, memory, SIZE, &attr, 1), -ESRCH);
	expect_eq(vm_prefetch_on(file, memory, SIZE, SYSMEM, &prefetch), -ESRCH);
	expect_eq(vm_unset_on(file, memory, SIZE), -ESRCH);
	expect_eq(vm_residency_on(file, memory, SIZE, NULL, &sums), -ESRCH);
	expect_eq(vm_list_on(file, 0, 0, &range, 1, &count, &next), -ESRCH);
	expect_eq(vm_counters_on(file, &counters), -ESRCH);
	expect_eq(listen_on(file), -ESRCH);
	expect_eq(xnack_on(file, ASK), -ESRCH);
	expect_eq(xnack_on(file, 0), -ESRCH);
	/* What concerns no process still works. */
	expect_eq(vm_ioctl(file, AMDSVM_IOC_GET_CAPS, &caps), 0);
}

/* Our own file and memory are not concerned. */
static void expect_ours(void)
{
	expect_eq(get(memory, SIZE, ATTR(GRANULARITY)), 3);
	expect_eq(xnack_on(vm.fd, ASK), 1);
	expect_location(memory, SIZE, SYSMEM);
	expect_bytes(memory, SIZE, 1);
}

START_TEST(after_the_opener_is_gone_it_is_esrch)
{
	struct peer peer;
	int file;

	if (opener(&peer))
		vm_done();
	file = receive_file(peer.fd);
	vm_tell(&peer);
	expect_joined(&peer);
	expect_gone(file);
	expect_ours();
}
END_TEST

/* The memory of a process is gone with exec as it is with exit. */
START_TEST(after_the_opener_execs_it_is_esrch)
{
	struct peer peer;
	int file;

	if (opener(&peer)) {
		dup2(peer.fd, STDIN_FILENO);
		dup2(peer.fd, STDOUT_FILENO);
		execl("/proc/self/exe", "suite", "hold", NULL);
		_exit(1);
	}
	file = receive_file(peer.fd);
	vm_tell(&peer);
	vm_await(&peer);
	expect_gone(file);
	expect(!shutdown(peer.fd, SHUT_WR));
	expect_joined(&peer);
	expect_ours();
}
END_TEST

START_TEST(an_inherited_file_is_esrch_after_own_exec)
{
	char number[16], address[32];
	struct peer peer;
	int status;

	snprintf(address, sizeof(address), "%p", memory);
	if (vm_fork(&peer)) {
		snprintf(number, sizeof(number), "%d", dup(vm_open()));
		execl("/proc/self/exe", "suite", "residency", number, address, NULL);
		_exit(1);
	}
	expect(waitpid(peer.pid, &status, 0) == peer.pid);
	expect(WIFEXITED(status));
	expect_eq(WEXITSTATUS(status), ESRCH);
}
END_TEST

START_TEST(dead_openers_do_not_keep_their_pages)
{
	struct peer peer;
	int file;

	needs_device_memory();
	expect_within(10, vm_used_pages() == 0);
	if (opener(&peer))
		vm_done();
	file = receive_file(peer.fd);
	expect_eq(vm_used_pages(), SIZE / PAGE);
	vm_tell(&peer);
	expect_joined(&peer);
	/* The file is still open here. */
	expect_within(10, vm_used_pages() == 0);
	expect_gone(file);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("foreign");
	TCase *t = vm_case_with(s, "foreign", setup, NULL);

	tcase_add_loop_test(t, rights_decide, 0, sizeof(rights) / sizeof(rights[0]));
	tcase_add_test(t, what_concerns_no_process_is_open_to_all);
	tcase_add_test(t, a_call_acts_on_the_opener);
	tcase_add_test(t, mapping_for_the_opener_works_from_outside);
	tcase_add_test(t, a_file_received_by_message_acts_on_its_opener);
	tcase_add_test(t, a_file_taken_by_pidfd_acts_on_its_opener);
	tcase_add_test(t, after_the_opener_is_gone_it_is_esrch);
	tcase_add_test(t, after_the_opener_execs_it_is_esrch);
	tcase_add_test(t, an_inherited_file_is_esrch_after_own_exec);
	tcase_add_test(t, dead_openers_do_not_keep_their_pages);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
