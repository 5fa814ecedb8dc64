// SPDX-License-Identifier: MIT
/*
 * The shortest use: allocate memory, move it to the first device, use it.
 *
 *	cc first-use.c $(pkg-config --cflags --libs libamdsvm)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <amdsvm/amdsvm.h>

#define SIZE (4UL << 20)

int main(void)
{
	struct amdsvm_prefetch_result result;
	struct amdsvm_device_info *devices = NULL;
	struct amdsvm_context *ctx;
	size_t count;
	int ret;

	ret = amdsvm_open(&ctx);
	if (ret) {
		fprintf(stderr, "%s: %s\n", AMDSVM_DEVICE_PATH, strerror(-ret));
		return 1;
	}

	char *memory = aligned_alloc(SIZE, SIZE);

	if (!memory)
		return 1;
	memset(memory, 1, SIZE);
	ret = amdsvm_get_devices(ctx, &devices, &count);
	if (!ret && count)
		ret = amdsvm_prefetch(ctx, (uintptr_t)memory, SIZE, devices[0].gpu_id, &result);
	if (!ret && count)
		printf("moved %ju pages; the first byte is %d\n",
		       (uintmax_t)result.pages_moved, memory[0]);

	amdsvm_free_devices(devices);
	amdsvm_close(ctx);
	free(memory);
	return ret ? 1 : 0;
}
