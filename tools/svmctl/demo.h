/* SPDX-License-Identifier: MIT */
/*
 * What the parts of svmctl demo share: demo.c has the plan, demo_file.c the
 * file and its hash, demo_step.c one step, demo_report.c the output.
 */
#ifndef SVMCTL_DEMO_H
#define SVMCTL_DEMO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sha2.h>

#include <amdsvm/amdsvm.h>

/* Less would not show what moving memory costs. */
#define DEMO_MIN_BYTES (64ULL << 20)

/* Memory moves in slices of this size, so that the progress bar moves too. */
#define DEMO_SLICE (8ULL << 20)

#define DEMO_MAX_STEPS 8

/* What one step did, and what was seen after it. */
struct demo_step {
	char name[48];
	bool timed;
	double seconds;
	struct amdsvm_prefetch_result moved;
	/* Where all pages are: system memory, absent, or a device by index. */
	uint64_t pages_system;
	uint64_t pages_absent;
	uint64_t pages_device[64];
	/* The page table entry of the page that is watched. */
	uint64_t pagemap;
	struct amdsvm_ioctl_get_counters_args counters;	/* change in this step */
};

struct demo {
	struct amdsvm_context *ctx;
	struct amdsvm_device_info *devices;
	size_t ndevices;

	const char *path;
	char *found;		/* path, when it was not named */
	void *allocation;	/* of malloc(); memory is inside of it */
	unsigned char *memory;	/* page aligned */
	uint64_t file_bytes;
	uint64_t bytes;		/* of whole pages that hold the file */
	uint64_t npages;
	struct amdsvm_page_info *pages;
	int pagemap_fd;
	uint64_t watched;	/* address of the page whose frame is shown */

	char sha_before[SHA256_DIGEST_STRING_LENGTH];
	char sha_after[SHA256_DIGEST_STRING_LENGTH];

	struct demo_step steps[DEMO_MAX_STEPS];
	size_t nsteps;
	struct amdsvm_ioctl_get_counters_args counters;	/* after the last step */
	uint32_t location;	/* of all pages, after the last step; 0 is system memory */
};

/* ---- demo_file.c; exit codes, with a sentence ---- */

/* demo_find_file() - a large file of this system, to be freed, or NULL. */
char *demo_find_file(void);

/* demo_read_file() - demo->path into new memory. */
int demo_read_file(struct demo *demo);

/* demo_hash() - SHA-256 of the file in memory, in hexadecimal. */
void demo_hash(const struct demo *demo, char *text);

/* demo_touch() - the CPU reads every cache line. */
void demo_touch(const struct demo *demo, const char *what);

/* ---- demo_step.c; exit codes, with a sentence ---- */

/* demo_seconds() - a clock. */
double demo_seconds(void);

/* demo_begin() - start a step; the caller does its work, then demo_end(). */
struct demo_step *demo_begin(struct demo *demo, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * demo_end() - record what is seen after a step, and fail unless all pages are
 * where they must be, the CPU's page table agrees, and the driver has counted
 * each page that went there from where the step before left them.
 * @gpu_id: a device, or AMDSVM_IOCTL_SVM_LOCATION_SYSMEM.
 */
int demo_end(struct demo *demo, struct demo_step *step, uint32_t gpu_id);

/* demo_move() - one step: all memory to a location. */
int demo_move(struct demo *demo, uint32_t gpu_id, const char *name);

/* ---- demo_report.c ---- */

/* demo_report() - print the steps and the verdict. */
void demo_report(const struct demo *demo, bool json);

#endif /* SVMCTL_DEMO_H */
