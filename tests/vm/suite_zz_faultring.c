// SPDX-License-Identifier: MIT
/*
 * Rings that are too small and lanes of other numbers: faults that find the ring
 * full are raised again, and nobody waits for ever.
 */
#include "vmmodule.h"
#include "vmqueue.h"

#define QUEUES 32
#define SIZE (QUEUES * BLOCK)

static char *memory;
static uint32_t queues[QUEUES];

static uint32_t place(void)
{
	return vm.lane == LANE_MIRROR ? SYSMEM : vm.gpu[0];
}

static void reload(const char *arguments)
{
	int i;

	expect_eq(vm_module_reload(arguments), 0);
	vm_use_all_processors();
	memory = vm_anon_small(SIZE);
	vm_fill(memory, SIZE, 1);
	for (i = 0; i < QUEUES; i++)
		queues[i] = vm_queue(vm.gpu[0]);
}

/* Pages on a device keep the module. */
static void restore(void)
{
	munmap(memory, SIZE);
	vm_module_restore();
}

/* Each queue in memory of its own: so many faults as there are blocks, at least. */
static void touch_all_at_once(void)
{
	struct vm_packets p = { 0 };
	int fds[QUEUES], i;

	for (i = 0; i < QUEUES; i++) {
		p.n = 0;
		pk_touch(&p, AMDSVM_TOUCH_WRITE, memory + i * BLOCK, BLOCK / PAGE, PAGE);
		pk_fill(&p, memory + i * BLOCK, i, 64);
		fds[i] = vm_submit(queues[i], &p);
		expect(fds[i] >= 0);
	}
	for (i = 0; i < QUEUES; i++)
		expect_status(vm_finish(fds[i]), 0);
	expect_location(memory, SIZE, place());
	expect_mapped(memory, SIZE, 1);
	for (i = 0; i < QUEUES; i++) {
		uint32_t *words = (uint32_t *)(memory + i * BLOCK);

		expect_eq(words[0], i);
		expect_eq(words[15], i);
		expect_eq(*(uint64_t *)(words + 16), vm_word(1, i * BLOCK / 8 + 8));
	}
}

#define RINGS 4

static const char *const rings[RINGS] = {
	"fault_ring=1 lanes=1", "fault_ring=1 lanes=16", "fault_ring=2 lanes=4", "fault_ring=7 lanes=8",
};

START_TEST(a_full_ring_loses_nothing)
{
	struct amdsvm_ioctl_get_device_counters_args counters;
	int round, rounds = vm_in_full() ? 3 : 1;

	reload(rings[_i]);
	for (round = 0; round < rounds; round++) {
		vm_fill(memory, SIZE, 1);
		touch_all_at_once();
	}
	counters = vm_device_counters(vm.gpu[0]);
	expect(counters.faults >= QUEUES);
	/* Else this was no test of it. */
	expect(counters.overflows > 0);
	expect(counters.overflows < counters.faults);
	expect_eq(counters.bad_accesses, 0);
}
END_TEST

/* The ring is the device's: another process gets its place in it. */
START_TEST(processes_share_a_ring)
{
	struct peer peer;
	bool child;
	int i;

	/* Room for both. */
	reload(vm_lane() == LANE_COHERENT ? "fault_ring=1 lanes=4 coherent_size=0x10000000" :
					    "fault_ring=1 lanes=4 vram_mb=256");
	child = vm_fork(&peer);
	if (child) {
		close(vm.fd);
		vm.fd = vm_open();
		for (i = 0; i < QUEUES; i++)
			queues[i] = vm_queue(vm.gpu[0]);
	}
	/* Not what the other has, too: that is suite_reclaim's subject. */
	memory = vm_anon_small(SIZE);
	vm_fill(memory, SIZE, 1);
	if (child)
		vm_await(&peer);
	else
		vm_tell(&peer);
	touch_all_at_once();
	if (child)
		vm_done();
	expect_joined(&peer);
}
END_TEST

/* Bad accesses among those that overflow: each stops its own queue. */
START_TEST(errors_are_told_through_a_full_ring)
{
	struct vm_packets p = { 0 };
	int fds[QUEUES], i;

	reload("fault_ring=1 lanes=16");
	expect(!munmap(memory + 8 * BLOCK, BLOCK));
	for (i = 0; i < QUEUES; i++) {
		p.n = 0;
		pk_touch(&p, AMDSVM_TOUCH_WRITE, memory + i % 16 * BLOCK + i * PAGE, 1, 0);
		fds[i] = vm_submit(queues[i], &p);
		expect(fds[i] >= 0);
	}
	for (i = 0; i < QUEUES; i++) {
		struct amdsvm_result result = vm_finish(fds[i]);

		expect_status(result, i % 16 == 8 ? -EFAULT : 0);
		if (result.status)
			expect_eq(result.address, (uintptr_t)memory + 8 * BLOCK + i * PAGE);
	}
	expect_eq(vm_device_counters(vm.gpu[0]).bad_accesses, 2);
}
END_TEST

START_TEST(sixteen_lanes_make_one_migration)
{
	struct amdsvm_ioctl_get_device_counters_args counters;
	struct vm_packets p = { 0 };
	int fds[16], i;

	reload("lanes=16");
	for (i = 0; i < 16; i++) {
		p.n = 0;
		pk_touch(&p, AMDSVM_TOUCH_WRITE, memory + i * PAGE, BLOCK / PAGE - i, PAGE);
		fds[i] = vm_submit(queues[i], &p);
		expect(fds[i] >= 0);
	}
	for (i = 0; i < 16; i++)
		expect_status(vm_finish(fds[i]), 0);
	counters = vm_device_counters(vm.gpu[0]);
	expect_eq(counters.migrations, vm.lane != LANE_MIRROR);
	expect_eq(counters.pages_in, vm.lane == LANE_MIRROR ? 0 : BLOCK / PAGE);
	expect(counters.faults <= 16);
	expect_location(memory, BLOCK, place());
	expect_location(memory + BLOCK, BLOCK, SYSMEM);
	expect_bytes(memory, SIZE, 1);
}
END_TEST

START_TEST(parameters_out_of_range_are_einval)
{
	static const char *const wrong[] = { "lanes=0", "lanes=4294967295", "fault_ring=0",
					     "fault_ring=4294967295" };
	char all[VM_MODULE_PARAMETERS_SIZE + 128];
	unsigned int i;

	close(vm.fd);
	vm.fd = -1;
	expect_within(10, vm_module_unload() == 0);
	for (i = 0; i < 4; i++) {
		snprintf(all, sizeof(all), "%s%s", vm_module_parameters, wrong[i]);
		expect_eq(vm_module_load(all), -EINVAL);
		expect(!vm_module_loaded());
	}
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("zz_faultring");
	TCase *t = vm_case_with(s, "ring", vm_module_setup, restore);

	tcase_add_unchecked_fixture(t, vm_module_remember, vm_module_restore);
	tcase_add_loop_test(t, a_full_ring_loses_nothing, vm_is_debug_kernel() ? RINGS - 1 : 0, RINGS);
	tcase_add_test(t, processes_share_a_ring);
	tcase_add_test(t, errors_are_told_through_a_full_ring);
	tcase_add_test(t, sixteen_lanes_make_one_migration);
	tcase_add_test(t, parameters_out_of_range_are_einval);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
