// SPDX-License-Identifier: MIT
/*
 * A million random operations on the map and on the model, compared after each
 * around the place of the change and every so often as a whole.
 */
#include "unit_world.h"

/* Operations per world; all worlds together are 10^6. */
static const struct {
	const char *name;
	unsigned long base;
	unsigned long stride;
	size_t cells;
	unsigned long operations;
	unsigned long whole_every;
} worlds[] = {
	{ "pages", 0x7f1234567UL, 1, WORLD_CELLS, 500000, 1024 },
	{ "from page 0", 0, 1, 48, 200000, 16 },
	{ "huge ranges", 0, 1UL << 26, 1024, 200000, 512 },
	{ "up to the top", ULONG_MAX - 96, 1, 96, 100000, 32 },
};

static void change(void)
{
	struct operation op;

	world_random_operation(&op);
	world_expect(!world_do_map(&op));
	world_do_model(&op);
	world_compare(op.first > 1 ? op.first - 2 : 0,
		      min(op.last + 2, world.cells - 1));
}

/* The longest run of equal cells around one, clipped to nothing. */
static void run_around(size_t cell, size_t *first, size_t *last)
{
	const size_t size = sizeof(world.cell[0]);

	*first = cell;
	while (*first && !memcmp(&world.cell[*first - 1], &world.cell[cell], size))
		--*first;
	*last = cell;
	while (*last < world.cells - 1 &&
	       !memcmp(&world.cell[*last + 1], &world.cell[cell], size))
		++*last;
}

/* at(), of a page anywhere in a cell. */
static void look_at_page(void)
{
	size_t cell = unit_random(world.cells), low, high;
	unsigned long page = world_page(cell) + unit_random(world.stride);
	u32 order = min(world.cell[cell].granularity, 9u);
	struct svm_range range;

	rcu_read_lock();
	svm_range_map_at(&map, page, &range);
	rcu_read_unlock();
	world_expect(svm_attrs_granule(&range.attrs) == 1UL << order);

	/* A run of defaults goes on outside of the world. */
	run_around(cell, &low, &high);
	world_expect(low ? range.first == world_page(low) : range.first <= world.base);
	world_expect(high < world.cells - 1 ? range.last == world_last_page(high) :
		     range.last >= world_last_page(high));
}

static bool is_default(size_t cell)
{
	return !memcmp(&world.cell[cell], &map.defaults, sizeof(map.defaults));
}

/* next() and overlaps(), over a stretch. */
static void look_for_ranges(void)
{
	struct svm_range range;
	size_t first, last, cell;
	bool found;

	world_random_stretch(&first, &last);
	for (cell = first; cell <= last && is_default(cell);)
		cell++;
	rcu_read_lock();
	found = svm_range_map_overlaps(&map, world_page(first), world_last_page(last));
	rcu_read_unlock();
	world_expect(found == (cell <= last));
	world_expect(found == svm_range_map_next(&map, world_page(first),
						 world_last_page(last), &range));
	if (!found)
		return;
	world_expect(range.first <= world_page(cell) && range.last >= world_page(cell));
	world_expect(cell == first || range.first == world_page(cell));
	world_expect(!memcmp(&range.attrs, &world.cell[cell], sizeof(range.attrs)));
}

static u32 common(const u32 *location, size_t first, size_t last)
{
	const size_t step = sizeof(struct svm_attrs) / sizeof(u32);
	size_t cell;

	for (cell = 1; cell <= last - first; cell++)
		if (location[cell * step] != location[0])
			return UNDEFINED;
	return location[0];
}

/* The answer for one device, from every cell. */
static u32 common_access(size_t first, size_t last, u64 bit)
{
	bool access = true, in_place = true;
	size_t cell;

	for (cell = first; cell <= last; cell++) {
		access &= !!(world.cell[cell].access & bit);
		in_place &= !!(world.cell[cell].access_in_place & bit);
	}
	return access ? ATTR(ACCESS) : in_place ? ATTR(ACCESS_IN_PLACE) : ATTR(NO_ACCESS);
}

/* GET_ATTR as the driver puts it together, over a stretch. */
static void query(void)
{
	struct amdsvm_ioctl_svm_attribute attr[] = {
		{ ATTR(PREFERRED_LOC), 0 }, { ATTR(PREFETCH_LOC), 0 },
		{ ATTR(SET_FLAGS), 0 }, { ATTR(CLR_FLAGS), 0 },
		{ ATTR(GRANULARITY), 0 }, { ATTR(ACCESS), GPU(0) },
	};
	u32 all = ~0u, some = 0, smallest = ~0u;
	struct svm_attr_query answer = {};
	size_t first, last, cell;
	struct svm_range range;

	world_random_stretch(&first, &last);
	range.last = world_page(first) - 1;
	do {
		svm_range_map_at(&map, range.last + 1, &range);
		svm_attr_query_add(&answer, &range.attrs);
	} while (range.last < world_last_page(last));
	svm_attr_query_answer(&answer, attr, ARRAY_SIZE(attr));

	for (cell = first; cell <= last; cell++) {
		all &= world.cell[cell].flags;
		some |= world.cell[cell].flags;
		smallest = min(smallest, world.cell[cell].granularity);
	}
	world_expect(attr[0].value == common(&world.cell[first].preferred_loc, first, last));
	world_expect(attr[1].value == common(&world.cell[first].prefetch_loc, first, last));
	world_expect(attr[2].value == all);
	world_expect(attr[3].value == ~some);
	world_expect(attr[4].value == smallest);
	world_expect(attr[5].type == common_access(first, last, 1));
}

static void reset(void)
{
	svm_range_map_reset(&map);
	world_init(world.base, world.stride, world.cells);
}

static void operate(void)
{
	unsigned long what = unit_random(4096);

	if (!what)
		reset();
	else if (what < 2816)
		change();
	else if (what < 3328)
		look_at_page();
	else if (what < 3840)
		look_for_ranges();
	else
		query();
}

START_TEST(random_operations)
{
	unit_random_from(_i);
	world_init(worlds[_i].base, worlds[_i].stride, worlds[_i].cells);
	for (world.step = 0; world.step < worlds[_i].operations; world.step++) {
		operate();
		if (world.step % worlds[_i].whole_every == 0)
			world_compare_merged();
	}
	world_compare_merged();
}
END_TEST

Suite *unit_suite(void)
{
	Suite *suite = suite_create("unit_range_model");
	TCase *tc = tcase_create("model");

	tcase_add_checked_fixture(tc, map_setup, map_teardown);
	tcase_set_timeout(tc, 600);
	tcase_add_loop_test(tc, random_operations, 0, ARRAY_SIZE(worlds));
	suite_add_tcase(suite, tc);
	return suite;
}
