// SPDX-License-Identifier: MIT
/*
 * The policy against an oracle: an array with the attributes of every page,
 * driven by the same random operations as the driver. AMDSVM_SEED repeats a run.
 * Some pages have bytes, which no operation on policy changes or moves.
 */
#include "vmtest.h"

#define PAGES 4096
#define SIZE (PAGES * PAGE)
/* Of new memory one page in so many is written. */
#define WRITTEN 16
#define OPERATIONS (vm_is_debug_kernel() ? 700 : 1500)

struct attributes {
	uint32_t preferred, prefetch, granularity, flags;
	uint64_t access, in_place;
};

static struct attributes model[PAGES];
static bool mapped[PAGES];
/* Seed of the bytes in each page, 0: zeroes. */
static uint64_t contents[PAGES], fills;
static char *region;
static uint64_t state, step;
static struct attributes defaults;

static uint64_t random_number(uint64_t below)
{
	/* splitmix64 */
	uint64_t z = state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return (z ^ (z >> 31)) % below;
}

#define expect_model(condition) \
	do { \
		if (!(condition)) \
			vm_fail(HERE, "%s (AMDSVM_SEED=%llu step %llu)", #condition, \
				(unsigned long long)vm_seed(), (unsigned long long)step); \
	} while (0)

/* Mostly short stretches, at times long ones, so that ranges split and merge. */
static void random_stretch(size_t *first, size_t *count)
{
	static const size_t lengths[] = { 4, 64, 600, PAGES };
	size_t most = lengths[random_number(16) < 14 ? random_number(2) : 2 + random_number(2)];

	*first = random_number(PAGES);
	*count = 1 + random_number(most);
	if (*first + *count > PAGES)
		*count = PAGES - *first;
}

static bool all_mapped(size_t first, size_t count)
{
	size_t i;

	for (i = first; i < first + count; i++)
		if (!mapped[i])
			return false;
	return true;
}

static uint32_t random_location(bool undefined)
{
	uint32_t place = random_number(vm.devices + (undefined ? 2 : 1));

	return place < vm.devices ? vm.gpu[place] : place == vm.devices ? SYSMEM : UNDEFINED;
}

/* Few different values, or nothing would ever merge. */
static struct amdsvm_ioctl_svm_attribute random_attribute(void)
{
	switch (random_number(8)) {
	case 0:
		return (struct amdsvm_ioctl_svm_attribute){ ATTR(PREFERRED_LOC), random_location(true) };
	case 1:
		/* To system memory: policy is the subject here, and nothing is on a device. */
		return (struct amdsvm_ioctl_svm_attribute){ ATTR(PREFETCH_LOC), SYSMEM };
	case 2:
	case 3:
		return (struct amdsvm_ioctl_svm_attribute){ ATTR(ACCESS) + random_number(3),
							    vm.gpu[random_number(vm.devices)] };
	case 4:
		return (struct amdsvm_ioctl_svm_attribute){ ATTR(SET_FLAGS), 1U << random_number(8) };
	case 5:
		return (struct amdsvm_ioctl_svm_attribute){ ATTR(CLR_FLAGS), 1U << random_number(8) };
	default:
		return (struct amdsvm_ioctl_svm_attribute){ ATTR(GRANULARITY),
							    random_number(2) ? 9 : 60 + random_number(8) };
	}
}

static uint32_t index_of(uint32_t gpu)
{
	return gpu == vm.gpu[0] ? 0 : 1;
}

static void apply(struct attributes *page, struct amdsvm_ioctl_svm_attribute attr)
{
	uint64_t bit;

	switch (attr.type) {
	case ATTR(PREFERRED_LOC):
		page->preferred = attr.value;
		break;
	case ATTR(PREFETCH_LOC):
		page->prefetch = attr.value;
		break;
	case ATTR(SET_FLAGS):
		page->flags |= attr.value;
		break;
	case ATTR(CLR_FLAGS):
		page->flags &= ~attr.value;
		break;
	case ATTR(GRANULARITY):
		page->granularity = attr.value > 0x3f ? 0x3f : attr.value;
		break;
	default:
		bit = 1ULL << index_of(attr.value);
		page->access &= ~bit;
		page->in_place &= ~bit;
		if (attr.type == ATTR(ACCESS))
			page->access |= bit;
		if (attr.type == ATTR(ACCESS_IN_PLACE))
			page->in_place |= bit;
	}
}

static void do_set(size_t first, size_t count)
{
	struct amdsvm_ioctl_svm_attribute attrs[3];
	uint32_t i, n = 1 + random_number(3);
	bool possible = all_mapped(first, count);
	size_t page;
	int result;

	for (i = 0; i < n; i++)
		attrs[i] = random_attribute();
	result = vm_attr_on(vm.fd, AMDSVM_IOCTL_SVM_OP_SET_ATTR, region + first * PAGE, count * PAGE,
			    attrs, n);
	expect_model(result == (possible ? 0 : -EFAULT));
	for (page = first; possible && page < first + count; page++)
		for (i = 0; i < n; i++)
			apply(&model[page], attrs[i]);
}

static void reset(size_t first, size_t count)
{
	while (count--)
		model[first++] = defaults;
}

static void do_unset(size_t first, size_t count)
{
	expect_model(!vm_unset_on(vm.fd, region + first * PAGE, count * PAGE));
	reset(first, count);
}

static bool page_holds(size_t page, uint64_t seed)
{
	const volatile uint64_t *words = (uint64_t *)(region + page * PAGE);
	size_t i;

	for (i = 0; i < PAGE / sizeof(*words); i++)
		if (words[i] != (seed ? vm_word(seed, i) : 0))
			return false;
	return true;
}

/* Each page once, before it goes: to read them all each time would take too long. */
static void compare_bytes(size_t first, size_t count)
{
	size_t page;

	for (page = first; page < first + count; page++)
		if (mapped[page] && (contents[page] || page % WRITTEN == 0))
			expect_model(page_holds(page, contents[page]));
}

/* New memory is zeroes, whatever was there before. */
static void write_new(size_t first, size_t count)
{
	size_t page;

	for (page = first; page < first + count; page++) {
		contents[page] = 0;
		if (page % WRITTEN)
			continue;
		expect_model(page_holds(page, 0));
		contents[page] = ++fills;
		vm_fill(region + page * PAGE, PAGE, contents[page]);
	}
}

static void do_unmap(size_t first, size_t count)
{
	if (count > 64)
		count = 64;
	compare_bytes(first, count);
	expect_model(!munmap(region + first * PAGE, count * PAGE));
	memset(mapped + first, false, count);
	reset(first, count);
}

static void do_map(size_t first, size_t count)
{
	compare_bytes(first, count);
	expect_model(mmap(region + first * PAGE, count * PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) ==
		     region + first * PAGE);
	memset(mapped + first, true, count);
	reset(first, count);
	write_new(first, count);
}

static void do_move(size_t first, size_t count)
{
	size_t to = random_number(PAGES);

	if (count > 32)
		count = 32;
	if (to + count > PAGES || (to < first + count && first < to + count) ||
	    !all_mapped(first, count))
		return;
	compare_bytes(to, count);
	/* Core refuses to move what is not one mapping, and has made room by then. */
	if (mremap(region + first * PAGE, count * PAGE, count * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		   region + to * PAGE) == MAP_FAILED) {
		expect_model(errno == EFAULT);
		memset(mapped + to, false, count);
		do_map(to, count);
		return;
	}
	memset(mapped + first, false, count);
	memset(mapped + to, true, count);
	memcpy(contents + to, contents + first, count * sizeof(*contents));
	reset(first, count);
	reset(to, count);
}

static struct attributes intersection(size_t first, size_t count, uint32_t *clear)
{
	struct attributes result = model[first];
	size_t i;

	*clear = ~result.flags;
	for (i = first + 1; i < first + count; i++) {
		if (model[i].preferred != result.preferred)
			result.preferred = UNDEFINED;
		if (model[i].prefetch != result.prefetch)
			result.prefetch = UNDEFINED;
		if (model[i].granularity < result.granularity)
			result.granularity = model[i].granularity;
		result.flags &= model[i].flags;
		result.access &= model[i].access;
		result.in_place &= model[i].in_place;
		*clear &= ~model[i].flags;
	}
	return result;
}

static void do_get(size_t first, size_t count)
{
	struct amdsvm_ioctl_svm_attribute attrs[] = {
		{ ATTR(PREFERRED_LOC), 0 }, { ATTR(PREFETCH_LOC), 0 },	{ ATTR(GRANULARITY), 0 },
		{ ATTR(SET_FLAGS), 0 },	    { ATTR(CLR_FLAGS), 0 },	{ ATTR(ACCESS), vm.gpu[0] },
		{ ATTR(ACCESS), vm.gpu[1] },
	};
	struct attributes wanted;
	uint32_t clear, i;
	int result;

	result = vm_attr_on(vm.fd, AMDSVM_IOCTL_SVM_OP_GET_ATTR, region + first * PAGE, count * PAGE,
			    attrs, 7);
	expect_model(result == (all_mapped(first, count) ? 0 : -EFAULT));
	if (result)
		return;
	wanted = intersection(first, count, &clear);
	expect_model(attrs[0].value == wanted.preferred);
	expect_model(attrs[1].value == wanted.prefetch);
	expect_model(attrs[2].value == wanted.granularity);
	expect_model(attrs[3].value == wanted.flags);
	expect_model((attrs[4].value & ALL_FLAGS) == (clear & ALL_FLAGS));
	for (i = 0; i < 2; i++)
		expect_model(attrs[5 + i].type ==
			     (wanted.access & 1ULL << i	    ? ATTR(ACCESS) :
			      wanted.in_place & 1ULL << i ? ATTR(ACCESS_IN_PLACE) :
							    ATTR(NO_ACCESS)));
}

static bool equal(const struct attributes *a, const struct attributes *b)
{
	return a->preferred == b->preferred && a->prefetch == b->prefetch &&
	       a->granularity == b->granularity && a->flags == b->flags &&
	       a->access == b->access && a->in_place == b->in_place;
}

/* The whole list: the right stretches, each as long as it can be. */
static void compare_list(void)
{
	static struct amdsvm_range_info ranges[PAGES];
	uint32_t count, i = 0;
	uint64_t next;
	size_t first, last;

	expect_model(!vm_list_on(vm.fd, (uintptr_t)region, SIZE, ranges, PAGES, &count, &next));
	expect_model(!next);
	for (first = 0; first < PAGES; first = last) {
		for (last = first + 1; last < PAGES && equal(&model[first], &model[last]); last++)
			;
		if (equal(&model[first], &defaults))
			continue;
		expect_model(i < count);
		expect_model(ranges[i].start == (uintptr_t)region + first * PAGE);
		expect_model(ranges[i].size == (last - first) * PAGE);
		expect_model(ranges[i].preferred_loc == model[first].preferred);
		expect_model(ranges[i].prefetch_loc == model[first].prefetch);
		expect_model(ranges[i].flags == model[first].flags);
		expect_model(ranges[i].granularity == model[first].granularity);
		expect_model(ranges[i].access == model[first].access);
		expect_model(ranges[i].access_in_place == model[first].in_place);
		i++;
	}
	expect_model(i == count);
	expect_model(vm_counters().ranges == count);
}

static void expect_at_home(void)
{
	struct amdsvm_ioctl_residency_args sums = vm_sums(region, SIZE);
	struct amdsvm_ioctl_get_counters_args counters = vm_counters();

	expect_model(sums.pages_system && !sums.pages_device);
	expect_model(!counters.pages_in && !counters.pages_cleared);
}

static void run(uint64_t seed)
{
	size_t first, count;

	state = seed;
	defaults = (struct attributes){ UNDEFINED, UNDEFINED, DEFAULT_GRANULARITY, DEFAULT_FLAGS,
					vm.device_mask, 0 };
	region = vm_reserve(SIZE);
	do_map(0, PAGES);
	for (step = 0; step < OPERATIONS; step++) {
		random_stretch(&first, &count);
		switch (random_number(20)) {
		case 0 ... 9:
			do_set(first, count);
			break;
		case 10 ... 11:
			do_unset(first, count);
			break;
		case 12:
			do_unmap(first, count);
			break;
		case 13 ... 14:
			do_map(first, count);
			break;
		case 15:
			do_move(first, count);
			break;
		default:
			do_get(first, count);
		}
		if (step % 25 == 0)
			compare_list();
	}
	compare_list();
	expect_at_home();
	compare_bytes(0, PAGES);
	expect_model(!munmap(region, SIZE));
	reset(0, PAGES);
	compare_list();
}

START_TEST(policy_is_that_of_the_model)
{
	expect_eq(vm.devices, 2);
	run(vm_seed() * 1000 + _i);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("model");
	TCase *t = vm_case(s, "policy");

	tcase_add_loop_test(t, policy_is_that_of_the_model, 0, 4);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
