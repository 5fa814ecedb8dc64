// SPDX-License-Identifier: MIT
/*
 * Out of memory: a change that fails has changed nothing, loses nothing, and
 * leaves a map that goes on working. Every allocation of random operations
 * fails once, alone and with all that follow it.
 */
#include "unit_world.h"

#define CELLS 64
#define SCENARIOS 400
#define BUILD_OPERATIONS 32
#define UNRELIABLE_OPERATIONS 60000

static struct svm_attrs kept[CELLS];

/* Over many pieces: what is in one piece takes two allocations at most. */
static void long_operation(struct operation *op)
{
	world_random_operation(op);
	op->first = unit_random(CELLS / 2);
	op->last = op->first + unit_random(CELLS / 2);
	op->clear = !unit_random(16);
}

/* The map again as the model says, from nothing and with memory. */
static void rebuild(void)
{
	struct amdsvm_ioctl_svm_attribute attr[4];
	const struct svm_attrs *cell;
	struct svm_attr_change change;
	size_t i;

	shim_fail(0, 0);
	svm_range_map_reset(&map);
	for (i = 0; i < world.cells; i++) {
		cell = &world.cell[i];
		attr[0] = (struct amdsvm_ioctl_svm_attribute){ ATTR(CLR_FLAGS), 0xff };
		attr[1] = (struct amdsvm_ioctl_svm_attribute){ ATTR(SET_FLAGS), cell->flags };
		attr[2] = (struct amdsvm_ioctl_svm_attribute){ ATTR(GRANULARITY),
							       cell->granularity };
		attr[3] = (struct amdsvm_ioctl_svm_attribute){ ATTR(PREFERRED_LOC),
							       cell->preferred_loc };
		ck_assert_int_eq(svm_attr_change_parse(&change, attr, 4), 0);
		/* Masks and locations that no array of attributes leads to at once. */
		change.has_prefetch = true;
		change.prefetch_loc = cell->prefetch_loc;
		change.access = cell->access;
		change.access_in_place = cell->access_in_place;
		change.no_access = ~(cell->access | cell->access_in_place);
		world_expect(!svm_range_map_apply(&map, world_page(i),
						  world_last_page(i), &change));
	}
	world_compare_merged();
}

static void random_content(void)
{
	struct operation op;
	int i;

	world_init(world.base, world.stride, CELLS);
	for (i = 0; i < BUILD_OPERATIONS; i++) {
		world_random_operation(&op);
		op.last = min(op.last, op.first + 3);
		world_do_model(&op);
	}
}

/* A change that says nothing, of more than there is: joins what is in pieces. */
static void heal(void)
{
	shim_fail(0, 0);
	world_expect(!map_set(world.base - 2, world_last_page(CELLS - 1) + 2,
			      ATTR(SET_FLAGS), 0));
	world_compare_merged();
}

/*
 * @op with @count allocations failing from the @nth on. False when it needed
 * fewer than that, so that the sweep is over.
 */
/* Explicit defaults may stay in the tree; nobody is to see them. */
static void expect_no_default_listed(void)
{
	unsigned long page = 0;
	struct svm_range range;

	while (svm_range_map_next(&map, page, ULONG_MAX - 1, &range)) {
		world_expect(!svm_attrs_equal(&range.attrs, &map.defaults));
		page = range.last + 1;
	}
}

static bool attempt(const struct operation *op, unsigned long nth,
		    unsigned long count)
{
	bool reached;
	int ret;

	rebuild();
	memcpy(kept, world.cell, sizeof(kept));
	shim_fail(nth, count);
	ret = world_do_map(op);
	reached = shim.failed;
	shim_fail(0, 0);

	world_expect(ret == 0 || ret == -ENOMEM);
	world_expect(reached || ret == 0);
	if (!ret)
		world_do_model(op);
	world_compare_all();
	expect_no_default_listed();
	/* One failure of the change itself leaves memory to tidy up with. */
	if (ret && count == 1)
		world_compare_merged();

	if (ret) {
		world_expect(!world_do_map(op));
		world_do_model(op);
		world_compare_merged();
	} else {
		heal();
	}
	memcpy(world.cell, kept, sizeof(kept));
	return reached;
}

static void sweep(unsigned long count)
{
	unsigned long scenario, nth, failures = 0;
	struct operation op;

	for (scenario = 0; scenario < SCENARIOS; scenario++) {
		world.step = scenario;
		random_content();
		long_operation(&op);
		for (nth = 1; attempt(&op, nth, count);)
			nth++;
		failures += nth - 1;
	}
	/* Or the operations are not what this test is about. */
	world_expect(failures > 4 * SCENARIOS);
}

START_TEST(one_allocation_fails)
{
	unit_random_from(100);
	world_init(1000, 1, CELLS);
	sweep(1);
}
END_TEST

START_TEST(memory_is_out_from_there_on)
{
	unit_random_from(101);
	world_init(1000, 1UL << 20, CELLS);
	sweep(ULONG_MAX);
}
END_TEST

/* Any allocation may fail at any time: many failures on one map. */
START_TEST(memory_comes_and_goes)
{
	unsigned long failures = 0;
	struct operation op;
	int ret;

	unit_random_from(102);
	world_init(1000, 1, CELLS);
	for (world.step = 0; world.step < UNRELIABLE_OPERATIONS; world.step++) {
		world_random_operation(&op);
		shim_fail(1 + unit_random(12), unit_random(4) ? 1 : 6);
		ret = world_do_map(&op);
		shim_fail(0, 0);
		world_expect(ret == 0 || ret == -ENOMEM);
		failures += ret != 0;
		if (!ret)
			world_do_model(&op);
		world_compare_all();
		if (world.step % 64 == 0)
			heal();
	}
	world_expect(failures > UNRELIABLE_OPERATIONS / 20);
}
END_TEST

/* Clearing is one store: with no memory it works or leaves all as it was. */
START_TEST(clear_without_memory)
{
	struct operation op = { .clear = true };
	int ret;

	unit_random_from(103);
	world_init(1000, 1, CELLS);
	for (world.step = 0; world.step < 5000; world.step++) {
		random_content();
		rebuild();
		world_random_stretch(&op.first, &op.last);
		shim_fail(1, ULONG_MAX);
		ret = world_do_map(&op);
		world_expect(shim.allocations <= 1);
		world_expect(ret == (shim.failed ? -ENOMEM : 0));
		shim_fail(0, 0);
		if (!ret)
			world_do_model(&op);
		/* Nothing is in pieces, whichever it was. */
		world_compare_merged();
	}
}
END_TEST

Suite *unit_suite(void)
{
	Suite *suite = suite_create("unit_range_nomem");
	TCase *tc = tcase_create("nomem");

	tcase_add_checked_fixture(tc, map_setup, map_teardown);
	tcase_set_timeout(tc, 600);
	tcase_add_test(tc, one_allocation_fails);
	tcase_add_test(tc, memory_is_out_from_there_on);
	tcase_add_test(tc, memory_comes_and_goes);
	tcase_add_test(tc, clear_without_memory);
	suite_add_tcase(suite, tc);
	return suite;
}
