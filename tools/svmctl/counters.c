// SPDX-License-Identifier: MIT
/*
 * The counters that the driver keeps for each process and device.
 */
#include "counters.h"

const struct counter counters[NCOUNTERS] = {
	/* name, title, now, shown */
	{ "faults", "FAULTS", false, true },
	{ "duplicates", "DUPS", false, true },
	{ "services", "SERVICES", false, false },
	{ "overflows", "OVERFLOWS", false, false },
	{ "bad_accesses", "BAD", false, false },
	{ "pages_in", "IN", false, true },
	{ "pages_out", "OUT", false, true },
	{ "migrations", "MIGRATIONS", false, false },
	{ "pages_mapped", "MAPPED", false, true },
	{ "pages_unmapped", "UNMAPPED", false, false },
	{ "invalidations", "INVALS", false, true },
	{ "map_retries", "RETRIES", false, true },
	{ "tlb_flushes", "FLUSHES", false, true },
	{ "evictions", "EVICTIONS", false, false },
	{ "restores", "RESTORES", false, false },
	{ "packets", "PACKETS", false, true },
	{ "tables", "TABLES", true, false },
	{ "leaves", "LEAVES", true, false },
	{ "thrash_pins", "PINS", false, false },
	{ "clears_saved", "SAVED", false, false },
};

#define FIELD(name) (offsetof(struct amdsvm_ioctl_get_device_counters_args, name) / \
		     sizeof(uint64_t))

/* The first and the last stand for those between. */
_Static_assert(FIELD(clears_saved) - FIELD(faults) == NCOUNTERS - 1, "a counter has no name");

const uint64_t *counter_values(const struct amdsvm_ioctl_get_device_counters_args *args)
{
	return (const uint64_t *)args + FIELD(faults);
}
