// SPDX-License-Identifier: MIT
/*
 * svmctl demo: the steps as a table or as JSON, and the verdict.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "demo.h"
#include "output.h"
#include "pagemap.h"
#include "svmctl.h"
#include "units.h"

/* GB/s of what the step went over; 0 when nothing was timed. */
static double speed(const struct demo *demo, const struct demo_step *step)
{
	return step->timed && step->seconds > 0 ? demo->bytes / step->seconds * 1e-9 : 0;
}

static bool same_bytes(const struct demo *demo)
{
	return demo->sha_after[0] && !strcmp(demo->sha_before, demo->sha_after);
}

/* Columns of a device each follow SYSTEM, then those of the watched page. */
enum { STEP, SECONDS, SPEED, MOVED, SYSTEM, FIRST_DEVICE };
enum { PRESENT, SWAP, FRAME, NPAGE_COLUMNS };

static struct libscols_table *new_table(const struct demo *demo)
{
	static const struct output_column left[FIRST_DEVICE] = {
		[STEP] = { "STEP", ALIGN_LEFT },
		[SECONDS] = { "SECONDS", ALIGN_RIGHT },
		[SPEED] = { "GB/S", ALIGN_RIGHT },
		[MOVED] = { "MOVED", ALIGN_RIGHT },
		[SYSTEM] = { "SYSTEM", ALIGN_RIGHT },
	};
	static const struct output_column right[NPAGE_COLUMNS] = {
		[PRESENT] = { "PRESENT", ALIGN_RIGHT },
		[SWAP] = { "SWAP", ALIGN_RIGHT },
		[FRAME] = { "FRAME", ALIGN_RIGHT },
	};
	struct output_column columns[FIRST_DEVICE + 64 + NPAGE_COLUMNS];
	char names[64][16];
	size_t i;

	memcpy(columns, left, sizeof(left));
	for (i = 0; i < demo->ndevices; i++) {
		snprintf(names[i], sizeof(names[i]), "DEVICE%u", demo->devices[i].index);
		columns[FIRST_DEVICE + i] = (struct output_column){ names[i], ALIGN_RIGHT };
	}
	memcpy(&columns[FIRST_DEVICE + i], right, sizeof(right));
	return table_new(columns, FIRST_DEVICE + i + NPAGE_COLUMNS);
}

static void step_line(struct libscols_table *table, const struct demo *demo,
		      const struct demo_step *step)
{
	const size_t page = FIRST_DEVICE + demo->ndevices;
	struct libscols_line *line = table_line(table);
	uint64_t frame = pagemap_frame(step->pagemap);
	uint64_t moved;
	size_t i;

	moved = step->counters.pages_in + step->counters.pages_out + step->counters.pages_peer;
	table_cell(line, STEP, "%s", step->name);
	if (step->timed) {
		table_cell(line, SECONDS, "%.3f", step->seconds);
		table_cell(line, SPEED, "%.2f", speed(demo, step));
	}
	table_cell(line, MOVED, "%" PRIu64, moved);
	table_cell(line, SYSTEM, "%" PRIu64, step->pages_system);
	for (i = 0; i < demo->ndevices; i++)
		table_cell(line, FIRST_DEVICE + i, "%" PRIu64, step->pages_device[i]);
	table_cell(line, page + PRESENT, "%d", pagemap_present(step->pagemap));
	table_cell(line, page + SWAP, "%d", pagemap_swap(step->pagemap));
	if (frame)
		table_cell(line, page + FRAME, "0x%" PRIx64, frame);
	else
		table_cell(line, page + FRAME, "-");
}

static void print_table(const struct demo *demo)
{
	struct libscols_table *table = new_table(demo);
	char text[UNITS_TEXT];
	size_t i;

	printf("%s: %s in %" PRIu64 " pages of malloc()ed memory\n", demo->path,
	       format_bytes(demo->file_bytes, text), demo->npages);
	for (i = 0; i < demo->nsteps; i++)
		step_line(table, demo, &demo->steps[i]);
	table_print(table);
	printf("MOVED, SYSTEM and DEVICE are pages; PRESENT, SWAP and FRAME are what\n"
	       "/proc/self/pagemap says of the page at 0x%" PRIx64 ".\n", demo->watched);

	if (!demo->sha_after[0])
		return;
	printf("\nSHA-256 before  %s\nSHA-256 after   %s\n", demo->sha_before, demo->sha_after);
	printf("%s\n", same_bytes(demo) ? "All bytes are the same." : "BYTES WERE LOST.");
}

static struct json_object *step_json(const struct demo *demo, const struct demo_step *step)
{
	struct json_object *object = json_new_object(), *page = json_new_object();
	struct json_object *devices = json_new_array();
	size_t i;

	json_set_string(object, "name", "%s", step->name);
	if (step->timed) {
		json_set_double(object, "seconds", step->seconds);
		json_set_double(object, "gb_per_second", speed(demo, step));
	}
	json_set_u64(object, "prefetch_moved", step->moved.pages_moved);
	json_set_u64(object, "prefetch_already", step->moved.pages_already);
	json_set_u64(object, "prefetch_busy", step->moved.pages_busy);
	json_set_u64(object, "counted_in", step->counters.pages_in);
	json_set_u64(object, "counted_out", step->counters.pages_out);
	json_set_u64(object, "counted_peer", step->counters.pages_peer);
	json_set_u64(object, "counted_cpu_faults", step->counters.cpu_faults);
	json_set_u64(object, "pages_system", step->pages_system);
	json_set_u64(object, "pages_absent", step->pages_absent);
	for (i = 0; i < demo->ndevices; i++)
		json_add(devices, json_object_new_uint64(step->pages_device[i]));
	json_set(object, "pages_device", devices);
	json_set_bool(page, "present", pagemap_present(step->pagemap));
	json_set_bool(page, "swap", pagemap_swap(step->pagemap));
	json_set_u64(page, "frame", pagemap_frame(step->pagemap));
	json_set(object, "watched_page", page);
	return object;
}

static void print_json(const struct demo *demo)
{
	struct json_object *document = json_document(), *steps = json_new_array();
	size_t i;

	json_set_string(document, "file", "%s", demo->path);
	json_set_u64(document, "bytes", demo->file_bytes);
	json_set_u64(document, "pages", demo->npages);
	json_set_u64(document, "page_size", sysconf(_SC_PAGESIZE));
	json_set_string(document, "memory", "%s",
			memory_kind_name(demo->devices[0].memory_kind));
	json_set_string(document, "watched_address", "0x%" PRIx64, demo->watched);
	for (i = 0; i < demo->nsteps; i++)
		json_add(steps, step_json(demo, &demo->steps[i]));
	json_set(document, "steps", steps);
	json_set_string(document, "sha256_before", "%s", demo->sha_before);
	json_set_string(document, "sha256_after", "%s", demo->sha_after);
	json_set_bool(document, "same_bytes", same_bytes(demo));
	json_print(document);
}

void demo_report(const struct demo *demo, bool json)
{
	if (json)
		print_json(demo);
	else
		print_table(demo);
}
