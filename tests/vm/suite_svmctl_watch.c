// SPDX-License-Identifier: MIT
/*
 * svmctl stat and svmctl events on the real driver: what they tell of devices that
 * run, of whom and to whom. How they print it has unit tests.
 */
#include <signal.h>

#include "vmqueue.h"
#include "vmsvmctl.h"

#define NPAGES 8
#define SIZE (NPAGES * PAGE)

static char *memory;

static void setup(void)
{
	vm_setup();
	memory = vm_anon_small(SIZE);
	vm_fill(memory, SIZE, 1);
}

/* ---- stat --------------------------------------------------------------- */

static void expect_row(struct json_object *row, uint32_t gpu)
{
	struct amdsvm_ioctl_get_device_counters_args counters = vm_device_counters(gpu);

	expect_eq(number(row, "pid"), getpid());
	expect_eq(location(row, "gpu_id"), gpu);
#define expect_counter(name) expect_eq(number(row, #name), counters.name)
	expect_counter(faults);
	expect_counter(duplicates);
	expect_counter(services);
	expect_counter(overflows);
	expect_counter(bad_accesses);
	expect_counter(pages_in);
	expect_counter(pages_out);
	expect_counter(migrations);
	expect_counter(pages_mapped);
	expect_counter(pages_unmapped);
	expect_counter(invalidations);
	expect_counter(map_retries);
	expect_counter(tlb_flushes);
	expect_counter(evictions);
	expect_counter(restores);
	expect_counter(packets);
	expect_counter(tables);
	expect_counter(leaves);
#undef expect_counter
}

static void use_devices(void)
{
	uint32_t i;

	for (i = 0; i < vm.devices; i++)
		expect_touches(vm.gpu[i], WRITE, memory, NPAGES - i);
	expect(vm_device_counters(vm.gpu[0]).faults);
}

START_TEST(stat_of_a_process)
{
	struct json_object *rows;
	uint32_t i;

	use_devices();
	svmctl(0, "stat --json --pid %d", getpid());
	rows = member(document(), "rows");
	expect_eq(json_object_array_length(rows), vm.devices);
	for (i = 0; i < vm.devices; i++)
		expect_row(element(rows, i), vm.gpu[i]);

	svmctl(0, "stat --pid %d", getpid());
	expect_text(outcome.out, "FAULTS");
	svmctl(0, "stat --pid %d -o all", getpid());
	expect_text(outcome.out, "suite_svmctl_wa");
}
END_TEST

START_TEST(stat_of_all_processes)
{
	struct json_object *rows, *row;
	uint32_t found = 0;
	size_t i;

	use_devices();
	svmctl(0, "stat --json");
	rows = member(document(), "rows");
	for (i = 0; i < json_object_array_length(rows); i++) {
		row = element(rows, i);
		if (number(row, "pid") != (uint64_t)getpid())
			continue;
		expect_row(row, vm.gpu[found]);
		found++;
	}
	expect_eq(found, vm.devices);
}
END_TEST

START_TEST(stat_of_others)
{
	vm_svmctl(HERE, NOBODY, 0, "stat");
	expect_text(outcome.out, "are not yours");
	vm_svmctl(HERE, NOBODY, 0, "stat --json");
	expect_eq(json_object_array_length(member(document(), "rows")), 0);
	vm_svmctl(HERE, NOBODY, 1, "stat --pid %d", getpid());
	expect_text(outcome.err, "no right");
}
END_TEST

/* What the intervals tell adds up to what there was. */
START_TEST(stat_by_intervals)
{
	uint64_t faults = 0, packets = 0, before = vm_device_counters(vm.gpu[0]).packets;
	struct json_object *reports, *row;
	struct running running;
	size_t i;

	running = vm_svmctl_start("stat --json --pid %d 0.2 4", getpid());
	expect_within(20, vm_svmctl_says(&running, "rows"));
	use_devices();
	svmctl_finish(&running, 0);
	reports = documents();
	expect_eq(json_object_array_length(reports), 4);
	for (i = 0; i < 4; i++) {
		row = element(member(element(reports, i), "rows"), 0);
		faults += number(row, "faults");
		packets += number(row, "packets");
	}
	expect_eq(before, 0);
	expect(packets <= vm_device_counters(vm.gpu[0]).packets);
	expect(faults <= vm_device_counters(vm.gpu[0]).faults);
	expect(faults && packets);
}
END_TEST

START_TEST(stat_ends_with_the_process)
{
	struct running running;
	struct peer peer;

	if (vm_fork(&peer)) {
		close(vm.fd);
		vm.fd = vm_open();
		vm_tell(&peer);
		vm_await(&peer);
		vm_done();
	}
	vm_await(&peer);
	running = vm_svmctl_start("stat --json --pid %d 0.1", peer.pid);
	expect_within(20, vm_svmctl_says(&running, "rows"));
	vm_tell(&peer);
	expect_joined(&peer);
	svmctl_finish(&running, 0);
}
END_TEST

/* ---- events ------------------------------------------------------------- */

START_TEST(events_of_a_process)
{
	char place[64];
	struct running running = vm_svmctl_start("events --pid %d --count 2 page-fault",
						 getpid());

	expect_within(20, vm_svmctl_says(&running, "SECONDS"));
	expect_touches(vm.gpu[0], WRITE, memory + PAGE, 1);
	svmctl_finish(&running, 0);
	snprintf(place, sizeof(place), "page-fault-start  %p+4K 0x%x, write",
		 (void *)(memory + PAGE), vm.gpu[0]);
	expect_text(outcome.out, place);
	expect_text(outcome.out, "page-fault-end ");
}
END_TEST

static bool moved_there_and_back(void)
{
	expect_prefetch(memory, SIZE, vm.gpu[1], 0, .moved = NPAGES);
	expect_prefetch(memory, SIZE, vm.gpu[0], 0, .moved = NPAGES);
	return true;
}

/* From one device to the other is one move, though both tell it. */
START_TEST(events_of_moves)
{
	struct json_object *events, *event;
	unsigned int starts = 0, i;
	struct running running;

	needs_device_memory();
	expect_prefetch(memory, SIZE, vm.gpu[0], 0, .moved = NPAGES);
	running = vm_svmctl_start("events --json --pid %d --count 4 migrate", getpid());
	/* Nothing says that it has begun. */
	expect_within(30, moved_there_and_back() && vm_svmctl_ended(&running));
	svmctl_finish(&running, 0);
	events = documents();
	expect_eq(json_object_array_length(events), 4);
	event = element(events, 0);
	/* It may have begun in the middle of a move. */
	if (!strcmp(string(event, "event"), "migrate-end"))
		event = element(events, 1);
	expect(!strcmp(string(event, "event"), "migrate-start"));
	expect_eq(number(event, "pid"), getpid());
	expect_eq(address(event, "start"), (uintptr_t)memory);
	expect_eq(number(event, "size"), SIZE);
	expect(location(event, "from") != location(event, "to"));
	/* Of four in a row, two begin moves and two end them. */
	for (i = 0; i < 4; i++)
		starts += !strcmp(string(element(events, i), "event"), "migrate-start");
	expect_eq(starts, 2);
	expect(!strcmp(string(event, "trigger"), "prefetch"));
}
END_TEST

static void use_the_device(void)
{
	struct peer peer;

	if (vm_fork(&peer)) {
		close(vm.fd);
		vm.fd = vm_open();
		vm_done();
	}
	expect_joined(&peer);
}

START_TEST(events_of_all_processes)
{
	struct running running = vm_svmctl_start("events --all --count 2 process");

	expect_within(20, vm_svmctl_says(&running, "SECONDS"));
	use_the_device();
	svmctl_finish(&running, 0);
	expect_text(outcome.out, "process-start");
	expect_text(outcome.out, "process-end");

	vm_svmctl(HERE, NOBODY, 1, "events --all");
	expect_text(outcome.err, "CAP_SYS_ADMIN");
	vm_svmctl(HERE, NOBODY, 1, "events --pid %d", getpid());
	expect_text(outcome.err, "no right");
}
END_TEST

START_TEST(events_end_with_the_process)
{
	struct running running;
	struct peer peer;

	if (vm_fork(&peer)) {
		close(vm.fd);
		vm.fd = vm_open();
		vm_tell(&peer);
		vm_await(&peer);
		vm_done();
	}
	vm_await(&peer);
	running = vm_svmctl_start("events --pid %d", peer.pid);
	expect_within(20, vm_svmctl_says(&running, "SECONDS"));
	vm_tell(&peer);
	expect_joined(&peer);
	svmctl_finish(&running, 0);
	expect_text(outcome.out, "process-end");
}
END_TEST

START_TEST(events_end_by_a_signal)
{
	struct running running = vm_svmctl_start("events --pid %d", getpid());

	expect_within(20, vm_svmctl_says(&running, "SECONDS"));
	kill(running.pid, SIGINT);
	svmctl_finish(&running, 0);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("svmctl_watch");
	TCase *t = vm_case_with(s, "svmctl_watch", setup, NULL);

	tcase_add_test(t, stat_of_a_process);
	tcase_add_test(t, stat_of_all_processes);
	tcase_add_test(t, stat_of_others);
	tcase_add_test(t, stat_by_intervals);
	tcase_add_test(t, stat_ends_with_the_process);
	tcase_add_test(t, events_of_a_process);
	tcase_add_test(t, events_of_moves);
	tcase_add_test(t, events_of_all_processes);
	tcase_add_test(t, events_end_with_the_process);
	tcase_add_test(t, events_end_by_a_signal);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
