// SPDX-License-Identifier: MIT
/*
 * LOCATION and DEVICE on the command line.
 */
#include <stdio.h>
#include <string.h>

#include "location.h"
#include "units.h"

const char *parse_location(const char *text, struct location *location)
{
	const char *end;
	uint64_t value;

	location->value = 0;
	if (!strcmp(text, "system")) {
		location->kind = LOCATION_SYSTEM;
		return NULL;
	}
	if (!strcmp(text, "all")) {
		location->kind = LOCATION_ALL;
		return NULL;
	}

	if (!parse_number(text, &end, &value) || *end || value > UINT32_MAX)
		return "is neither system, a device's index nor its gpu_id (0x...)";

	location->kind = !strncmp(text, "0x", 2) ? LOCATION_GPU_ID : LOCATION_INDEX;
	if (location->kind == LOCATION_GPU_ID && !value)
		return "is no gpu_id; system memory is called system";
	location->value = value;
	return NULL;
}

const char *parse_device(const char *text, struct location *location)
{
	const char *why = parse_location(text, location);

	if (!why && (location->kind == LOCATION_SYSTEM || location->kind == LOCATION_ALL))
		return "is no device; 'svmctl devices' lists them";
	return why;
}

const struct amdsvm_device_info *find_device(const struct location *location,
					     const struct amdsvm_device_info *devices,
					     size_t count)
{
	uint32_t value;
	size_t i;

	for (i = 0; i < count; i++) {
		value = location->kind == LOCATION_INDEX ? devices[i].index : devices[i].gpu_id;
		if (value == location->value)
			return &devices[i];
	}
	return NULL;
}

char *format_location(uint32_t gpu_id, char *text)
{
	if (gpu_id == AMDSVM_IOCTL_SVM_LOCATION_SYSMEM)
		strcpy(text, "system");
	else if (gpu_id == AMDSVM_IOCTL_SVM_LOCATION_UNDEFINED)
		strcpy(text, "undefined");
	else
		snprintf(text, LOCATION_TEXT, "0x%x", gpu_id);
	return text;
}

char *format_device_mask(uint64_t mask, char *text)
{
	unsigned int bit;
	size_t used = 0;

	strcpy(text, "-");
	for (bit = 0; bit < 64; bit++)
		if (mask & (1ULL << bit))
			used += snprintf(text + used, DEVICE_MASK_TEXT - used, "%s%u",
					 used ? "," : "", bit);
	return text;
}
