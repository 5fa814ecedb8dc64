// SPDX-License-Identifier: MIT
/*
 * Attributes: say where memory should live and who may use it, ask what holds,
 * list the ranges, and give them up.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <amdsvm/amdsvm.h>

#define SIZE (4UL << 20)

static int set(struct amdsvm_context *ctx, void *memory, uint32_t gpu_id)
{
	const struct amdsvm_ioctl_svm_attribute attrs[] = {
		{ AMDSVM_IOCTL_SVM_ATTR_PREFERRED_LOC, gpu_id },
		{ AMDSVM_IOCTL_SVM_ATTR_ACCESS, gpu_id },
		{ AMDSVM_IOCTL_SVM_ATTR_SET_FLAGS, AMDSVM_IOCTL_SVM_FLAG_GPU_READ_MOSTLY },
		{ AMDSVM_IOCTL_SVM_ATTR_GRANULARITY, 9 },
	};

	return amdsvm_set_attr(ctx, (uintptr_t)memory, SIZE, attrs,
			       sizeof(attrs) / sizeof(attrs[0]));
}

static int get(struct amdsvm_context *ctx, void *memory, uint32_t gpu_id)
{
	struct amdsvm_ioctl_svm_attribute attrs[] = {
		{ AMDSVM_IOCTL_SVM_ATTR_PREFERRED_LOC, 0 },
		{ AMDSVM_IOCTL_SVM_ATTR_ACCESS, gpu_id },
	};
	int ret = amdsvm_get_attr(ctx, (uintptr_t)memory, SIZE, attrs, 2);

	if (ret)
		return ret;

	/* For ACCESS the answer is in the type. */
	printf("prefers 0x%x; device 0x%x has %s\n", attrs[0].value, gpu_id,
	       attrs[1].type == AMDSVM_IOCTL_SVM_ATTR_NO_ACCESS ? "no access" : "access");
	return 0;
}

static int print_range(const struct amdsvm_range_info *range, void *data)
{
	(void)data;
	printf("0x%llx+0x%llx flags 0x%x granularity %u\n", range->start, range->size,
	       range->flags, range->granularity);
	return 0;
}

static int run(struct amdsvm_context *ctx, void *memory)
{
	struct amdsvm_device_info *devices;
	size_t count;
	int ret = amdsvm_get_devices(ctx, &devices, &count);

	if (ret || !count)
		return ret;

	ret = set(ctx, memory, devices[0].gpu_id);
	if (!ret)
		ret = get(ctx, memory, devices[0].gpu_id);
	if (!ret)
		ret = amdsvm_for_each_range(ctx, 0, 0, print_range, NULL);
	if (!ret)
		ret = amdsvm_unset_range(ctx, (uintptr_t)memory, SIZE);

	amdsvm_free_devices(devices);
	return ret;
}

int main(void)
{
	void *memory = aligned_alloc(SIZE, SIZE);
	struct amdsvm_context *ctx;
	int ret = amdsvm_open(&ctx);

	if (!ret) {
		ret = run(ctx, memory);
		amdsvm_close(ctx);
	}
	if (ret)
		fprintf(stderr, "%s: %s\n", AMDSVM_DEVICE_PATH, strerror(-ret));

	free(memory);
	return ret ? 1 : 0;
}
