// SPDX-License-Identifier: MIT
/*
 * The model, random operations on it, and its comparison with the map. Changes
 * are worked out here attribute by attribute, without the code under test.
 */
#include "unit_world.h"

struct world world;

void world_fail(const char *file, int line, const char *what)
{
	ck_abort_msg("%s:%d: %s (AMDSVM_SEED=%#llx, operation %lu)", file, line,
		     what, (unsigned long long)unit_seed, world.step);
}

unsigned long world_page(size_t cell)
{
	return world.base + cell * world.stride;
}

unsigned long world_last_page(size_t cell)
{
	return world_page(cell) + world.stride - 1;
}

void world_init(unsigned long base, unsigned long stride, size_t cells)
{
	size_t i;

	world.base = base;
	world.stride = stride;
	world.cells = cells;
	for (i = 0; i < cells; i++)
		world.cell[i] = map.defaults;
}

/* Mostly short, so that ranges split; at times over many, so that they join. */
void world_random_stretch(size_t *first, size_t *last)
{
	unsigned int kind = unit_random(512);
	size_t most = kind < 320 ? 4 : kind < 496 ? 32 : kind < 510 ? 256 : world.cells;

	*first = unit_random(world.cells);
	*last = min(*first + (size_t)unit_random(most), world.cells - 1);
}

/* Few different values, or nothing would ever be equal to its neighbour. */
static struct amdsvm_ioctl_svm_attribute few_attribute(void)
{
	switch (unit_random(6)) {
	case 0:
		return (struct amdsvm_ioctl_svm_attribute){
			ATTR(PREFERRED_LOC), unit_random(3) ? UNDEFINED : GPU(0) };
	case 1:
		return (struct amdsvm_ioctl_svm_attribute){
			ATTR(ACCESS) + (unit_random(3) ? 0 : 2), GPU(0) };
	case 2:
		return (struct amdsvm_ioctl_svm_attribute){
			ATTR(SET_FLAGS), FLAG(GPU_RO) };
	case 3:
		return (struct amdsvm_ioctl_svm_attribute){
			ATTR(CLR_FLAGS), FLAG(GPU_RO) };
	default:
		return (struct amdsvm_ioctl_svm_attribute){
			ATTR(GRANULARITY), unit_random(2) ? 9 : 3 };
	}
}

static struct amdsvm_ioctl_svm_attribute any_attribute(void)
{
	static const u32 places[] = { SYSMEM, GPU(0), GPU(1), UNDEFINED };
	u32 type = unit_random(ATTR(GRANULARITY) + 1);
	u32 value;

	if (type == ATTR(PREFERRED_LOC))
		value = places[unit_random(4)];
	else if (type == ATTR(PREFETCH_LOC))
		value = places[unit_random(3)];
	else if (type <= ATTR(NO_ACCESS))
		value = GPU(unit_random(3));
	else if (type == ATTR(GRANULARITY))
		value = unit_random(70);
	else
		value = 1u << unit_random(8);
	return (struct amdsvm_ioctl_svm_attribute){ type, value };
}

void world_random_operation(struct operation *op)
{
	unsigned int i;
	bool few = unit_random(8);

	world_random_stretch(&op->first, &op->last);
	op->clear = !unit_random(4);
	op->nattr = 1 + unit_random(ARRAY_SIZE(op->attr));
	for (i = 0; i < op->nattr; i++)
		op->attr[i] = few ? few_attribute() : any_attribute();
}

int world_do_map(const struct operation *op)
{
	unsigned long first = world_page(op->first);
	unsigned long last = world_last_page(op->last);

	if (op->clear)
		return svm_range_map_clear(&map, first, last);
	return map_apply(first, last, op->attr, op->nattr);
}

static void set_access(struct svm_attrs *cell, u32 type, u32 gpu_id)
{
	u64 bit = 1ULL << (gpu_id - GPU(0)) / (GPU(1) - GPU(0));

	cell->access &= ~bit;
	cell->access_in_place &= ~bit;
	if (type == ATTR(ACCESS))
		cell->access |= bit;
	if (type == ATTR(ACCESS_IN_PLACE))
		cell->access_in_place |= bit;
}

static void set_one(struct svm_attrs *cell,
		    const struct amdsvm_ioctl_svm_attribute *attr)
{
	switch (attr->type) {
	case ATTR(PREFERRED_LOC):
		cell->preferred_loc = attr->value;
		break;
	case ATTR(PREFETCH_LOC):
		cell->prefetch_loc = attr->value;
		break;
	case ATTR(SET_FLAGS):
		cell->flags |= attr->value;
		break;
	case ATTR(CLR_FLAGS):
		cell->flags &= ~attr->value;
		break;
	case ATTR(GRANULARITY):
		cell->granularity = attr->value > 63 ? 63 : attr->value;
		break;
	default:
		set_access(cell, attr->type, attr->value);
	}
}

void world_do_model(const struct operation *op)
{
	unsigned int i;
	size_t cell;

	for (cell = op->first; cell <= op->last; cell++) {
		if (op->clear) {
			world.cell[cell] = map.defaults;
			continue;
		}
		for (i = 0; i < op->nattr; i++)
			set_one(&world.cell[cell], &op->attr[i]);
	}
}

/* Every cell of @first..@last has in the map what it has in the model. */
void world_compare(size_t first, size_t last)
{
	struct svm_range range;
	size_t cell = first;

	while (cell <= last) {
		svm_range_map_at(&map, world_page(cell), &range);
		world_expect(range.first <= world_page(cell));
		world_expect(range.last >= world_last_page(cell));
		while (cell <= last && world_last_page(cell) <= range.last) {
			world_expect(!memcmp(&range.attrs, &world.cell[cell],
					     sizeof(range.attrs)));
			cell++;
		}
		/* Never ends within a cell: none was ever set in part. */
		world_expect(cell > last || world_page(cell) == range.last + 1);
	}
}

static void expect_defaults(unsigned long page, unsigned long last)
{
	struct svm_range range;

	for (;;) {
		svm_range_map_at(&map, page, &range);
		world_expect(!memcmp(&range.attrs, &map.defaults,
				     sizeof(range.attrs)));
		if (range.last >= last)
			return;
		page = range.last + 1;
	}
}

void world_compare_all(void)
{
	world_compare(0, world.cells - 1);
	if (world.base)
		expect_defaults(0, world.base - 1);
	expect_defaults(world_last_page(world.cells - 1) + 1, ULONG_MAX);
	map_check_interned();
}

/* All content, and that the listing has the longest runs there are. */
void world_compare_merged(void)
{
	struct svm_range range;
	size_t cell = 0, end;

	world_compare_all();
	map_check_merged();
	while (cell < world.cells) {
		for (end = cell + 1; end < world.cells; end++)
			if (memcmp(&world.cell[end], &world.cell[cell],
				   sizeof(range.attrs)))
				break;
		if (memcmp(&world.cell[cell], &map.defaults, sizeof(range.attrs))) {
			world_expect(svm_range_map_next(&map, world_page(cell),
							ULONG_MAX, &range));
			world_expect(range.first == world_page(cell));
			world_expect(range.last == world_last_page(end - 1));
		}
		cell = end;
	}
}
