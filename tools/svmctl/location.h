/* SPDX-License-Identifier: MIT */
/*
 * LOCATION and DEVICE on the command line.
 */
#ifndef SVMCTL_LOCATION_H
#define SVMCTL_LOCATION_H

#include <stddef.h>
#include <stdint.h>

#include <amdsvm/amdsvm.h>

enum location_kind {
	LOCATION_SYSTEM,
	LOCATION_ALL,
	LOCATION_INDEX,
	LOCATION_GPU_ID,
};

struct location {
	enum location_kind kind;
	uint32_t value;	/* index or gpu_id */
};

/*
 * parse_location() - "system", "all", a device's index, or its gpu_id with 0x.
 *
 * Return: NULL, or what is wrong, as the rest of a sentence that begins with
 * the text given.
 */
const char *parse_location(const char *text, struct location *location);

/* parse_device() - the same, for a single device only. */
const char *parse_device(const char *text, struct location *location);

/*
 * find_device() - the device that a location of kind INDEX or GPU_ID names.
 *
 * Return: the device in @devices, or NULL.
 */
const struct amdsvm_device_info *find_device(const struct location *location,
					     const struct amdsvm_device_info *devices,
					     size_t count);

/*
 * format_location() - a gpu_id, or a word for the values that are none.
 * @text: at least LOCATION_TEXT characters.
 *
 * Return: @text.
 */
#define LOCATION_TEXT 16
char *format_location(uint32_t gpu_id, char *text);

/*
 * format_device_mask() - indices of the devices in a mask, as "0,1"; "-" for none.
 * @text: at least DEVICE_MASK_TEXT characters.
 *
 * Return: @text.
 */
#define DEVICE_MASK_TEXT 192
char *format_device_mask(uint64_t mask, char *text);

#endif /* SVMCTL_LOCATION_H */
