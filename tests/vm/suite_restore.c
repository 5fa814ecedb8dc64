// SPDX-License-Identifier: MIT
/*
 * Devices that do not fault on what is theirs: XNACK off, and GPU_ALWAYS_MAPPED
 * with it on. They have what attributes give them, from SET_ATTR on, and get it
 * back by themselves when the CPU's page tables change while they work.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <linux/userfaultfd.h>

#include "vmloop.h"
#include "vmswap.h"

#define SIZE (64 * PAGE)
#define PAGES (SIZE / PAGE)

static char *other;	/* what devices work with meanwhile */

static void give(void *memory, size_t size)
{
	expect_eq(set(memory, size, { ATTR(ACCESS), vm.gpu[0] }), 0);
}

static char *given(size_t size)
{
	char *memory = vm_anon_small(size);

	vm_fill(memory, size, 1);
	give(memory, size);
	return memory;
}

static void setup_off(void)
{
	vm_setup();
	expect_eq(vm_set_xnack(0), 0);
	other = given(PAGE);
}

static uint64_t restores(void)
{
	return vm_device_counters(vm.gpu[0]).restores;
}

static bool is_mapped(const void *memory, size_t size)
{
	return vm_sums(memory, size).pages_mapped == size / PAGE;
}

/* The device adds up what the CPU wrote, and gets the same. */
static void expect_sum(const char *file, int line, uint32_t queue_id, char *memory, size_t size,
		       bool zero)
{
	volatile uint64_t *sum = (uint64_t *)(other + 64);
	struct vm_packets p = { 0 };
	uint64_t wanted = 0, i;

	for (i = 0; i < size / 8; i++)
		wanted += zero ? 0 : vm_word(1, i);
	*sum = 1;
	pk_reduce(&p, memory, size / 8, (void *)sum);
	vm_expect_runs(file, line, queue_id, &p);
	if (*sum != wanted)
		vm_fail(file, line, "the device's sum is 0x%llx, not 0x%llx (R1)",
			(unsigned long long)*sum, (unsigned long long)wanted);
}

static int work_on(uint32_t queue_id)
{
	struct vm_packets p = { 0 };
	int fd;

	/* The devices of some tests fault on it, once. */
	pk_touch(&p, AMDSVM_TOUCH_READ, other, 1, 0);
	expect_runs(queue_id, &p);
	p.n = 0;
	pk_endless(&p, other);
	fd = vm_submit(queue_id, &p);
	expect(fd >= 0);
	return fd;
}

/* ---- mapped from the start ----------------------------------------------------- */

/* Touched or not, small pages or large. */
START_TEST(what_is_given_is_mapped)
{
	size_t size = _i & 2 ? BLOCK : SIZE;
	char *memory = _i & 2 ? vm_anon(size) : vm_anon_small(size);
	uint32_t queue_id = vm_queue(vm.gpu[0]);
	uint64_t faults;

	if (_i & 1)
		vm_fill(memory, size, 1);
	give(memory, size);
	expect_mapped(memory, size, 1);
	expect_sum(HERE, queue_id, memory, PAGE, !(_i & 1));
	faults = vm_device_counters(vm.gpu[0]).faults;
	expect_sum(HERE, queue_id, memory, size, !(_i & 1));
	/* Never written: read-only so far, like a read of the CPU would leave it. */
	if (_i & 1)
		expect_touches(vm.gpu[0], WRITE, memory, size / PAGE);
	expect_eq(vm_device_counters(vm.gpu[0]).faults, faults);
	expect_touches(vm.gpu[0], WRITE, memory, size / PAGE);
	expect_eq(set(memory, size, { ATTR(NO_ACCESS), vm.gpu[0] }), 0);
	expect_mapped(memory, size, 0);
	expect_status(vm_touch(vm.gpu[0], READ, memory, 1), -EACCES);
}
END_TEST

/* ---- lost and given back -------------------------------------------------------- */

static void open_and_close(char *memory, size_t size)
{
	expect(!mprotect(memory, size, PROT_READ));
	expect(!mprotect(memory, size, PROT_READ | PROT_WRITE));
}

static void drop(char *memory, size_t size)
{
	expect(!madvise(memory, size, MADV_DONTNEED));
}

static void move_there(char *memory, size_t size)
{
	struct amdsvm_ioctl_prefetch_args args;

	expect_eq(vm_prefetch_on(vm.fd, memory, size, vm.gpu[0], &args), 0);
	expect(args.pages_moved > 0);
}

static void move_there_and_back(char *memory, size_t size)
{
	struct amdsvm_ioctl_prefetch_args args;

	expect_eq(vm_prefetch_on(vm.fd, memory, size, vm.gpu[1], &args), 0);
	expect_eq(vm_prefetch_on(vm.fd, memory, size, SYSMEM, &args), 0);
}

static void swap_out(char *memory, size_t size)
{
	vm_swap_on();
	expect(!madvise(memory, size, MADV_PAGEOUT));
}

static void have_a_child(char *memory, size_t size)
{
	struct peer peer;

	if (vm_fork(&peer)) {
		expect_bytes(memory, size, 1);
		vm_done();
	}
	expect_joined(&peer);
}

static const struct {
	void (*change)(char *memory, size_t size);
	int lanes;
	bool zero;
} changes[] = {
	{ open_and_close, 0, false },
	{ drop, 0, true },
	{ move_there, LANES_WITH_MEMORY, false },
	{ move_there_and_back, LANES_WITH_MEMORY, false },
	{ swap_out, 0, false },
	{ have_a_child, 0, false },
};

#define CHANGES ((int)(sizeof(changes) / sizeof(changes[0])))

/* Without an access: a working process gets back what it lost. */
static void expect_healed(int which, char *memory)
{
	uint32_t queue_id = vm_queue(vm.gpu[0]), worker = vm_queue(vm.gpu[0]);
	struct amdsvm_ioctl_get_device_counters_args before, after;
	int fd = work_on(worker);

	expect_sum(HERE, queue_id, memory, SIZE, false);
	expect_mapped(memory, SIZE, 1);
	before = vm_device_counters(vm.gpu[0]);
	changes[which].change(memory, SIZE);
	expect_within(5, restores() > before.restores && is_mapped(memory, SIZE));
	after = vm_device_counters(vm.gpu[0]);
	expect(after.evictions > before.evictions);
	/* But a fork takes what the worker works with, too. */
	if (changes[which].change != have_a_child)
		expect_eq(after.faults, before.faults);
	expect_sum(HERE, queue_id, memory, SIZE, changes[which].zero);
	expect(!vm_job_done(fd));
	expect_eq(vm_queue_destroy(worker), 0);
	expect_status(vm_finish(fd), -ECANCELED);
	if (changes[which].change == swap_out)
		vm_swap_off();
	if (!changes[which].zero)
		expect_bytes(memory, SIZE, 1);
}

START_TEST(what_is_lost_comes_back)
{
	if (changes[_i].lanes)
		only_in_lanes(changes[_i].lanes, "the lane has no device memory");
	expect_healed(_i, given(SIZE));
}
END_TEST

START_TEST(what_is_always_mapped_comes_back)
{
	char *memory = vm_anon_small(SIZE);

	if (changes[_i].lanes)
		only_in_lanes(changes[_i].lanes, "the lane has no device memory");
	other = vm_anon_in_place(PAGE);
	vm_fill(other, PAGE, 1);
	expect_eq(set(other, PAGE, { ATTR(SET_FLAGS), FLAG(GPU_ALWAYS_MAPPED) }), 0);
	vm_fill(memory, SIZE, 1);
	expect_eq(set(memory, SIZE, { ATTR(ACCESS_IN_PLACE), vm.gpu[0] },
		      { ATTR(NO_ACCESS), vm.gpu[1] },
		      { ATTR(SET_FLAGS), FLAG(GPU_ALWAYS_MAPPED) }), 0);
	expect_healed(_i, memory);
}
END_TEST

START_TEST(what_is_no_longer_always_mapped_stays_away)
{
	char *memory = vm_anon_small(SIZE);
	uint64_t before;

	other = vm_anon_in_place(PAGE);
	expect_eq(set(memory, SIZE, { ATTR(ACCESS_IN_PLACE), vm.gpu[0] },
		      { ATTR(SET_FLAGS), FLAG(GPU_ALWAYS_MAPPED) }), 0);
	expect(is_mapped(memory, SIZE));
	expect_eq(set(memory, SIZE, { ATTR(CLR_FLAGS), FLAG(GPU_ALWAYS_MAPPED) }), 0);
	close(work_on(vm_queue(vm.gpu[0])));
	work_on(vm_queue(vm.gpu[0]));
	before = restores();
	drop(memory, SIZE);
	usleep(300000);
	expect_mapped(memory, SIZE, 0);
	expect_eq(restores(), before);
}
END_TEST

/* Counters of a device, in memory that changes all the time and is never forbidden. */
START_TEST(jobs_do_not_notice)
{
	struct vm_packets p = { 0 };
	struct vm_loop loop;
	char *memory;
	uint64_t sum;
	int i, rounds = vm_loop_rounds(2000);

	vm_use_all_processors();
	memory = vm_anon_small(SIZE);
	give(memory, SIZE);
	*(uint64_t *)other = 1;
	for (i = 0; i < (int)PAGES; i++)
		pk_triad(&p, memory + i * PAGE, memory + i * PAGE, other, 1, 1);
	vm_loop_start(&loop, vm.gpu[0], &p, 20);
	for (i = 0; i < rounds; i++) {
		struct amdsvm_ioctl_prefetch_args args;
		char *page = memory + i % PAGES * PAGE;

		expect(!mprotect(page, PAGE, PROT_READ | PROT_WRITE | (i & 1 ? PROT_EXEC : 0)));
		if (i % 16 == 0 && vm.lane != LANE_MIRROR) {
			int result = vm_prefetch_on(vm.fd, page, PAGE, i & 32 ? vm.gpu[0] : SYSMEM,
						    &args);

			expect(!result || result == -EBUSY);
		}
		vm_loop_feed(&loop);
	}
	/* The worker may have found no quiet moment so far; now it must. */
	for (i = 0; i < 1000 && !restores(); i++) {
		vm_loop_feed(&loop);
		usleep(10000);
	}
	sum = vm_loop_finish(&loop);
	for (i = 0; i < (int)PAGES; i++)
		expect_eq(*(uint64_t *)(memory + i * PAGE), sum);
	expect(vm_device_counters(vm.gpu[0]).evictions > 0);
	expect(restores() > 0);
}
END_TEST

START_TEST(an_idle_process_costs_nothing)
{
	char *memory = given(SIZE);
	uint32_t queue_id = vm_queue(vm.gpu[0]);
	struct amdsvm_ioctl_get_device_counters_args before, after;
	int i;

	expect_sum(HERE, queue_id, memory, SIZE, false);
	before = vm_device_counters(vm.gpu[0]);
	for (i = 0; i < 100; i++) {
		drop(memory, SIZE);
		vm_fill(memory, SIZE, 1);
		usleep(1000);
	}
	usleep(300000);
	after = vm_device_counters(vm.gpu[0]);
	expect_eq(after.restores, before.restores);
	expect_eq(after.pages_mapped, before.pages_mapped);
	expect_mapped(memory, SIZE, 0);
	/* Work brings it back, all of it. */
	expect_sum(HERE, queue_id, memory, PAGE, false);
	expect_sum(HERE, queue_id, memory, SIZE, false);
	work_on(queue_id);
	expect_within(5, is_mapped(memory, SIZE));
}
END_TEST

/* ---- what cannot be given back ---------------------------------------------------- */

START_TEST(unmapped_memory_is_given_up)
{
	char *memory = given(SIZE);
	struct amdsvm_result result;
	uint64_t before;
	int fd = work_on(vm_queue(vm.gpu[0]));

	expect(!munmap(memory + SIZE / 2, SIZE / 2));
	usleep(500000);
	before = restores();
	usleep(1500000);
	expect_eq(restores(), before);
	result = vm_touch(vm.gpu[0], READ, memory, PAGES);
	expect_status(result, -EFAULT);
	expect_eq(result.address, (uintptr_t)memory + SIZE / 2);
	expect(!vm_job_done(fd));
	expect_touches(vm.gpu[0], WRITE, memory, PAGES / 2);
}
END_TEST

enum { PROTECTED, USERFAULT, UNSTEADY };

static volatile bool stop;

static void *disturber(void *memory)
{
	while (!stop)
		expect(!mprotect(memory, BLOCK, rand() & 1 ? PROT_READ : PROT_READ | PROT_WRITE));
	return NULL;
}

static int arm_userfault(char *memory)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register area = {
		.range = { (uintptr_t)memory, BLOCK },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);

	expect(fd >= 0 && !ioctl(fd, UFFDIO_API, &api) && !ioctl(fd, UFFDIO_REGISTER, &area));
	return fd;
}

/* A block that cannot be had, or not now, and its neighbour. */
START_TEST(a_block_waits_for_itself_only)
{
	char *memory = vm_anon_small(2 * BLOCK), *good = memory + BLOCK;
	uint32_t worker;
	pthread_t thread;
	int i, job, fd = -1;

	vm_use_all_processors();
	give(memory, 2 * BLOCK);
	expect_mapped(memory, 2 * BLOCK, 1);
	worker = vm_queue(vm.gpu[0]);
	job = work_on(worker);
	if (_i == PROTECTED)
		expect(!mprotect(memory, BLOCK, PROT_NONE));
	else if (_i == USERFAULT)
		fd = arm_userfault(memory);
	else
		expect(!pthread_create(&thread, NULL, disturber, memory));
	if (_i == USERFAULT)
		drop(memory, BLOCK);
	for (i = 0; i < 5; i++) {
		drop(good, BLOCK);
		expect_within(3, is_mapped(good, BLOCK));
	}
	if (_i != UNSTEADY)
		expect_status(vm_touch(vm.gpu[0], READ, memory, 1), _i == PROTECTED ? -EACCES : -EFAULT);
	expect_touches(vm.gpu[0], WRITE, good, PAGES_PER_BLOCK);
	expect(!vm_job_done(job));
	/* When it can be had again it is. */
	stop = true;
	if (_i == UNSTEADY)
		expect(!pthread_join(thread, NULL));
	expect(!mprotect(memory, BLOCK, PROT_READ | PROT_WRITE));
	if (fd >= 0)
		close(fd);
	expect_touches(vm.gpu[0], WRITE, memory, PAGES_PER_BLOCK);
}
END_TEST

START_TEST(a_kill_in_the_middle)
{
	int round;

	vm_use_all_processors();
	for (round = 0; round < 10; round++) {
		struct peer peer;
		uint64_t start;

		if (vm_fork(&peer)) {
			char *memory;

			close(vm.fd);
			vm.fd = vm_open();
			expect_eq(vm_set_xnack(0), 0);
			other = given(PAGE);
			memory = given(2 * BLOCK);
			work_on(vm_queue(vm.gpu[0]));
			vm_tell(&peer);
			disturber(memory);
		}
		vm_await(&peer);
		usleep(3000 * round);
		start = vm_now();
		expect(!kill(peer.pid, SIGKILL));
		expect(waitpid(peer.pid, NULL, 0) == peer.pid);
		expect(vm_now() - start < (uint64_t)(vm_is_debug_kernel() ? 4 : 1) * 1000000000ULL);
		close(peer.fd);
	}
	expect_within(10, vm_used_pages() == 0);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("restore");
	TCase *t = vm_case(s, "always");

	tcase_add_loop_test(t, what_is_always_mapped_comes_back, 0, CHANGES);
	tcase_add_test(t, what_is_no_longer_always_mapped_stays_away);
	t = vm_case_with(s, "off", setup_off, NULL);
	tcase_add_loop_test(t, what_is_given_is_mapped, 0, 4);
	tcase_add_loop_test(t, what_is_lost_comes_back, 0, CHANGES);
	tcase_add_test(t, jobs_do_not_notice);
	tcase_add_test(t, an_idle_process_costs_nothing);
	tcase_add_test(t, unmapped_memory_is_given_up);
	tcase_add_loop_test(t, a_block_waits_for_itself_only, PROTECTED, UNSTEADY + 1);
	tcase_add_test(t, a_kill_in_the_middle);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
