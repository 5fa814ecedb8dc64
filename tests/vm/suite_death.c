// SPDX-License-Identifier: MIT
/*
 * The ends of processes whose devices are at work: running, in the middle of
 * faults, with full queues. Soon, whatever they did, and nothing is left (R3, R6).
 */
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>

#include "vmloop.h"

#define SIZE (2 * BLOCK)

static char *memory;
static long module_users;

static void setup(void)
{
	vm_setup();
	vm_use_all_processors();
	expect_within(10, vm_used_pages() == 0);
	module_users = vm_read_number("/sys/module/amdsvm/refcnt");
	expect(module_users > 0);
}

/* ---- what a process is in the middle of ----------------------------------------- */

/* Lanes never come to an end. */
static void running(void)
{
	struct vm_packets p = { 0 };
	uint32_t i;

	pk_endless(&p, memory);
	for (i = 0; i < 2 * vm.devices; i++)
		expect(vm_submit(vm_queue(vm.gpu[i / 2]), &p) >= 0);
}

/* Each access faults: memory that nobody touched, more of it than there is time for. */
static void stalled(void)
{
	struct vm_packets p = { 0 };
	char *fresh = vm_anon_small(1UL << 30);
	uint32_t i;

	for (i = 0; i < 2 * vm.devices; i++) {
		uint32_t gpu_id = vm.gpu[i / 2];

		expect_eq(set(fresh + i * (128UL << 20), 128UL << 20, { ATTR(GRANULARITY), 0 },
			      { ATTR(PREFERRED_LOC), i & 1 ? gpu_id : SYSMEM }), 0);
		p.n = 0;
		pk_touch(&p, AMDSVM_TOUCH_WRITE, fresh + i * (128UL << 20), 32768, PAGE);
		expect(vm_submit(vm_queue(gpu_id), &p) >= 0);
	}
}

/* The CPU takes the page away as fast as the device asks for it, without end. */
static void *taker(void *argument)
{
	(void)argument;
	for (;;)
		madvise(memory, SIZE, MADV_DONTNEED);
	return NULL;
}

static void fighting(void)
{
	struct vm_packets p = { 0 };
	pthread_t thread;
	uint32_t i;

	pk_touch(&p, AMDSVM_TOUCH_WRITE, memory, 1ULL << 62, 0);
	for (i = 0; i < vm.devices; i++)
		expect(vm_submit(vm_queue(vm.gpu[i]), &p) >= 0);
	expect(!pthread_create(&thread, NULL, taker, NULL));
}

/* Without XNACK: the worker that gives memory back is at it all the time. */
static void parked(void)
{
	expect_eq(vm_set_xnack(0), 0);
	expect_eq(set(memory, SIZE, { ATTR(ACCESS), vm.gpu[0] }, { ATTR(ACCESS), vm.gpu[1] }), 0);
	fighting();
}

static void full(void)
{
	struct vm_packets p = { 0 };
	uint32_t queue_id = vm_queue(vm.gpu[0]);
	int i;

	pk_endless(&p, memory);
	for (i = 0; i < AMDSVM_MAX_JOBS; i++)
		expect(vm_submit(queue_id, &p) >= 0);
	expect_eq(vm_submit(queue_id, &p), -EAGAIN);
}

/* Queues come and go. */
static void *maker(void *argument)
{
	struct vm_packets p = { 0 };

	(void)argument;
	pk_touch(&p, AMDSVM_TOUCH_WRITE, memory, SIZE / PAGE, PAGE);
	for (;;) {
		uint32_t queue_id = vm_queue(vm.gpu[0]);
		int fd;

		close(vm_submit(queue_id, &p));
		fd = vm_submit(queue_id, &p);
		vm_queue_destroy(queue_id);
		close(fd);
	}
	return NULL;
}

static void making(void)
{
	pthread_t thread;

	expect(!pthread_create(&thread, NULL, maker, NULL));
}

enum { RUNNING, STALLED };
static void (*const works[])(void) = { running, stalled, fighting, parked, full, making };
static const char *const work_names[] = {
	"running", "stalled", "fighting", "parked", "full", "making"
};
#define WORKS ((int)(sizeof(works) / sizeof(works[0])))

/* ---- how it ends ------------------------------------------------------------------ */

enum { KILLED, EXITED, EXECUTED, ENDS };
static const char *const end_names[] = { "kill", "exit", "exec" };

/* On a device as long as nobody takes it away. */
static void make_memory(void)
{
	struct amdsvm_ioctl_prefetch_args args;
	uint32_t i;

	memory = vm_anon_small(SIZE);
	vm_fill(memory, SIZE, 1);
	for (i = 0; i < vm.devices; i++)
		expect_eq(set(memory, SIZE, { ATTR(ACCESS_IN_PLACE), vm.gpu[i] }), 0);
	if (vm.lane != LANE_MIRROR)
		expect_eq(vm_prefetch_on(vm.fd, memory, SIZE, vm.gpu[0], &args), 0);
}

static void owner(struct peer *peer, int work)
{
	close(vm.fd);
	vm.fd = vm_open();
	make_memory();
	works[work]();
	vm_tell(peer);
}

__attribute__((noreturn)) static void meet(struct peer *peer, int end)
{
	if (end == KILLED)
		for (;;)
			pause();
	vm_await(peer);
	if (end == EXITED)
		_exit(0);
	dup2(peer->fd, STDIN_FILENO);
	dup2(peer->fd, STDOUT_FILENO);
	execl("/proc/self/exe", "suite", "hold", NULL);
	_exit(1);
}

static char state_of(pid_t pid)
{
	char path[32], line[512] = "", *name;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "re");
	if (!file)
		return 'X';
	if (!fgets(line, sizeof(line), file))
		line[0] = 0;
	fclose(file);
	name = strrchr(line, ')');
	return name ? name[2] : 'X';
}

#define LIMIT_MS 1000
#define LIMIT_D_MS 300

static uint64_t limit(uint64_t milliseconds)
{
	return milliseconds * (vm_is_debug_kernel() ? 4 : 1) * 1000000ULL;
}

/* waitpid(), impatient: the process is gone in time, and does not hang on its way. */
static void expect_gone(struct peer *peer, const char *what, uint64_t start)
{
	uint64_t slept = 0, now = start, before = start;

	while (!vm_ended(peer)) {
		now = vm_now();
		slept = state_of(peer->pid) == 'D' ? slept + now - before : 0;
		before = now;
		if (slept > limit(LIMIT_D_MS))
			vm_fail(HERE, "%s: the process is in D state (R6)", what);
		if (now > start + 5 * limit(LIMIT_MS))
			break;
		usleep(1000);
	}
	if (now > start + limit(LIMIT_MS))
		vm_fail(HERE, "%s: the process needs %llu ms to end (R6)", what,
			(unsigned long long)((now - start) / 1000000));
	expect(waitpid(peer->pid, NULL, 0) == peer->pid);
}

static bool counters_are_gone(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/class/misc/amdsvm/processes/%d", pid);
	return access(path, F_OK);
}

/* One life; returns how many milliseconds its end took. */
static uint64_t live_and_die(int work, int end, unsigned int after)
{
	char what[64];
	struct peer peer;
	uint64_t start;

	snprintf(what, sizeof(what), "%s, %s", work_names[work], end_names[end]);
	if (vm_fork(&peer)) {
		owner(&peer, work);
		meet(&peer, end);
	}
	vm_await(&peer);
	expect(!counters_are_gone(peer.pid));
	usleep(after);
	start = vm_now();
	if (end == KILLED)
		expect(!kill(peer.pid, SIGKILL));
	else
		vm_tell(&peer);
	if (end == EXECUTED) {
		/* The new program runs; of the old one nothing is left. */
		vm_await(&peer);
		if (vm_now() - start > limit(LIMIT_MS))
			vm_fail(HERE, "%s: exec needs %llu ms (R6)", what,
				(unsigned long long)((vm_now() - start) / 1000000));
		expect_within(5, vm_used_pages() == 0);
		expect(!shutdown(peer.fd, SHUT_WR));
		expect_joined(&peer);
	} else {
		expect_gone(&peer, what, start);
		close(peer.fd);
	}
	start = vm_now() - start;
	expect_within(5, vm_used_pages() == 0 && counters_are_gone(peer.pid) &&
			 vm_read_number("/sys/module/amdsvm/refcnt") == module_users);
	return start / 1000000;
}

START_TEST(a_process_ends)
{
	int work = _i % WORKS, end = _i / WORKS;
	uint64_t longest = 0, took;
	int round;

	for (round = 0; round < 3; round++) {
		took = live_and_die(work, end, round * 20000);
		longest = took > longest ? took : longest;
	}
	printf("# %s[%d]: %s, %s: %llu ms at most\n", tcase_name(), _i, work_names[work],
	       end_names[end], (unsigned long long)longest);
}
END_TEST

START_TEST(many_ends)
{
	int rounds = vm_loop_rounds(60);

	srandom(vm_seed());
	while (rounds--)
		live_and_die(random() % WORKS, random() % EXECUTED, random() % 30000);
}
END_TEST

/* ---- others have its files --------------------------------------------------------- */

static void send_files(struct peer *peer, const int *fds, size_t count)
{
	char byte = 'x', control[CMSG_SPACE(4 * sizeof(int))] = "";
	struct iovec data = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = CMSG_SPACE(count * sizeof(int)),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(header), fds, count * sizeof(int));
	expect(sendmsg(peer->fd, &message, 0) == 1);
}

static void receive_files(struct peer *peer, int *fds, size_t count)
{
	char byte, control[CMSG_SPACE(4 * sizeof(int))];
	struct iovec data = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};

	expect(recvmsg(peer->fd, &message, 0) == 1 && CMSG_FIRSTHDR(&message));
	memcpy(fds, CMSG_DATA(CMSG_FIRSTHDR(&message)), count * sizeof(int));
}

/*
 * The file outlives the address space: its queues die with the latter. Twice:
 * at work, and when faults, each of which needs the address space, never end.
 */
START_TEST(a_file_outlives_its_opener)
{
	struct amdsvm_ioctl_get_device_counters_args counters;
	int fds[2];
	struct vm_packets p = { 0 };
	uint32_t queue_id;
	struct peer peer;
	uint64_t start;

	if (vm_fork(&peer)) {
		owner(&peer, _i);
		queue_id = vm_queue(vm.gpu[0]);
		pk_endless(&p, memory);
		fds[0] = vm.fd;
		fds[1] = vm_submit(queue_id, &p);
		expect(fds[1] >= 0 && queue_id < 256);
		send_files(&peer, fds, 2);
		expect(write(peer.fd, &queue_id, 1) == 1);
		for (;;)
			pause();
	}
	vm_await(&peer);
	receive_files(&peer, fds, 2);
	queue_id = 0;
	expect(read(peer.fd, &queue_id, 1) == 1);
	expect(!vm_job_done(fds[1]));
	start = vm_now();
	expect(!kill(peer.pid, SIGKILL));
	expect_gone(&peer, "a file is elsewhere", start);
	expect_status(vm_finish(fds[1]), -ECANCELED);
	expect(vm_now() - start < limit(2 * LIMIT_MS));
	expect_within(5, vm_used_pages() == 0);
	pk_nop(&p, 1);
	expect_eq(vm_queue_create_on(fds[0], vm.gpu[0], &queue_id), -ESRCH);
	expect_eq(vm_submit_bytes_on(fds[0], queue_id, p.words, 4 * p.n), -ESRCH);
	expect_eq(vm_queue_destroy_on(fds[0], queue_id), -ESRCH);
	expect_eq(vm_device_counters_on(fds[0], vm.gpu[0], &counters), -ESRCH);
	close(fds[0]);
	expect_within(5, counters_are_gone(peer.pid) &&
			 vm_read_number("/sys/module/amdsvm/refcnt") == module_users);
	close(peer.fd);
}
END_TEST

START_TEST(a_child_uses_a_completion)
{
	uint32_t queue_id = vm_queue(vm.gpu[0]);
	struct vm_packets p = { 0 };
	struct peer peer, second;
	int fd, busy;

	memory = vm_anon_in_place(PAGE);
	pk_endless(&p, memory);
	busy = vm_submit(queue_id, &p);
	p.n = 0;
	pk_trap(&p, 77);
	fd = vm_submit(queue_id, &p);
	expect(busy >= 0 && fd >= 0);
	if (vm_fork(&peer)) {
		struct amdsvm_result result;

		/* A copy that is closed cancels nothing. */
		close(busy);
		vm_tell(&peer);
		result = vm_finish(fd);
		expect_status(result, 0);
		expect_eq(result.last_trap, 77);
		vm_done();
	}
	vm_await(&peer);
	expect(!vm_job_done(busy));
	if (vm_fork(&second))
		vm_done();
	expect_joined(&second);
	expect(!vm_job_done(busy));
	close(busy);
	expect_joined(&peer);
	expect_eq(vm_finish(fd).traps, 1);
	expect_eq(vm_queue_destroy(queue_id), 0);
}
END_TEST

START_TEST(a_device_file_is_closed)
{
	uint32_t queue_id = vm_queue(vm.gpu[0]);
	struct vm_packets p = { 0 };
	uint64_t start;
	int fd;

	make_memory();
	pk_endless(&p, memory);
	fd = vm_submit(queue_id, &p);
	expect(fd >= 0);
	works[_i]();
	usleep(10000);
	start = vm_now();
	close(vm.fd);
	expect(vm_now() - start < limit(LIMIT_MS));
	expect_status(vm_finish(fd), -ECANCELED);
	expect_within(5, counters_are_gone(getpid()));
	vm.fd = vm_open();
	expect_eq(vm_submit(queue_id, &p), -ENOENT);
	if (_i == RUNNING)
		expect_bytes(memory, SIZE, 1);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("death");
	TCase *t = vm_case_with(s, "ends", setup, NULL);

	tcase_add_loop_test(t, a_process_ends, 0, WORKS * ENDS);
	tcase_add_test(t, many_ends);
	t = vm_case_with(s, "files", setup, NULL);
	tcase_add_loop_test(t, a_file_outlives_its_opener, RUNNING, STALLED + 1);
	tcase_add_test(t, a_child_uses_a_completion);
	tcase_add_loop_test(t, a_device_file_is_closed, RUNNING, STALLED + 1);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
