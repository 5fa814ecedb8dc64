// SPDX-License-Identifier: MIT
/*
 * svmctl query --pages: each page as the CPU's page table and the driver see it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "location.h"
#include "output.h"
#include "pagemap.h"
#include "query.h"

/* What the CPU's page table holds for a page. */
static const char *cpu_state(uint64_t entry, const struct amdsvm_page_info *page)
{
	if (pagemap_present(entry))
		return "present";
	if (!pagemap_swap(entry))
		return "none";
	/* Private device memory is a kind of swap entry to the CPU. */
	return page->flags & AMDSVM_PAGE_DEVICE ? "device" : "swap";
}

/* Where the driver says the page is. */
static const char *page_place(const struct amdsvm_page_info *page, char *text)
{
	if (!(page->flags & AMDSVM_PAGE_PRESENT))
		return "-";
	if (!(page->flags & AMDSVM_PAGE_DEVICE))
		return "system";
	return format_location(page->gpu_id, text);
}

enum { ADDRESS, CPU, FRAME, LOCATION, WRITE, MAPPED, NCOLUMNS };

static const struct output_column columns[NCOLUMNS] = {
	[ADDRESS] = { "ADDRESS", ALIGN_RIGHT },
	[CPU] = { "CPU", ALIGN_LEFT },
	[FRAME] = { "FRAME", ALIGN_RIGHT },
	[LOCATION] = { "LOCATION", ALIGN_LEFT },
	[WRITE] = { "WRITE", ALIGN_LEFT },
	[MAPPED] = { "MAPPED-BY", ALIGN_LEFT },
};

static void print_table(uint64_t start, size_t npages, const struct amdsvm_page_info *pages,
			const uint64_t *entries)
{
	struct libscols_table *table = table_new(columns, NCOLUMNS);
	const uint64_t page_size = sysconf(_SC_PAGESIZE);
	char mask[DEVICE_MASK_TEXT], place[LOCATION_TEXT];
	struct libscols_line *line;
	uint64_t frame;
	size_t i;

	for (i = 0; i < npages; i++) {
		frame = pagemap_frame(entries[i]);
		line = table_line(table);
		table_cell(line, ADDRESS, "0x%jx", (uintmax_t)(start + i * page_size));
		table_cell(line, CPU, "%s", cpu_state(entries[i], &pages[i]));
		if (frame)
			table_cell(line, FRAME, "0x%jx", (uintmax_t)frame);
		else
			table_cell(line, FRAME, "-");
		table_cell(line, LOCATION, "%s", page_place(&pages[i], place));
		table_cell(line, WRITE, "%s", pages[i].flags & AMDSVM_PAGE_WRITE ? "yes" : "no");
		table_cell(line, MAPPED, "%s", format_device_mask(pages[i].mapped_devices, mask));
	}
	table_print(table);
}

static void print_json(uint64_t start, size_t npages, const struct amdsvm_page_info *pages,
		       const uint64_t *entries, pid_t pid)
{
	struct json_object *document = json_document(), *array = json_new_array(), *object;
	const uint64_t page_size = sysconf(_SC_PAGESIZE);
	char place[LOCATION_TEXT];
	size_t i;

	for (i = 0; i < npages; i++) {
		object = json_new_object();
		json_set_string(object, "address", "0x%jx", (uintmax_t)(start + i * page_size));
		json_set_string(object, "cpu", "%s", cpu_state(entries[i], &pages[i]));
		json_set_u64(object, "frame", pagemap_frame(entries[i]));
		json_set_string(object, "location", "%s", page_place(&pages[i], place));
		json_set_bool(object, "write", pages[i].flags & AMDSVM_PAGE_WRITE);
		json_set_mask(object, "mapped_by", pages[i].mapped_devices);
		json_add(array, object);
	}
	json_set_u64(document, "pid", pid);
	json_set_u64(document, "page_size", page_size);
	json_set(document, "pages", array);
	json_print(document);
}

static int read_pagemap(pid_t pid, const struct range *range, size_t npages, uint64_t *entries)
{
	int fd = pagemap_open(pid), ret;

	if (fd < 0)
		return fd;
	ret = pagemap_read(fd, range->start, npages, entries);
	close(fd);
	return ret;
}

int query_pages(struct amdsvm_context *ctx, pid_t pid, const struct range *range, bool json)
{
	size_t npages = range->size / sysconf(_SC_PAGESIZE);
	struct amdsvm_page_info *pages;
	uint64_t *entries;
	int ret;

	if (npages > QUERY_MAX_PAGES)
		return failed("%zu pages are too many to print: ask for at most %u at a time",
			      npages, QUERY_MAX_PAGES);

	pages = calloc(npages, sizeof(*pages));
	entries = calloc(npages, sizeof(*entries));
	if (!pages || !entries) {
		ret = failed("no memory left for %zu pages", npages);
		goto out;
	}

	ret = amdsvm_residency(ctx, range->start, range->size, pages, NULL);
	if (ret) {
		ret = call_failed("query", pid, ret);
		goto out;
	}
	ret = read_pagemap(pid, range, npages, entries);
	if (ret) {
		ret = failed("cannot read /proc/%d/pagemap: %s; run as its user or as root", pid,
			     strerror(-ret));
		goto out;
	}

	if (json)
		print_json(range->start, npages, pages, entries, pid);
	else
		print_table(range->start, npages, pages, entries);
out:
	free(entries);
	free(pages);
	return ret;
}
