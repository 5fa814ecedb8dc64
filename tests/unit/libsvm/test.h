/* SPDX-License-Identifier: MIT */
/*
 * Tests of libamdsvm with the fake device. Each file is one test case; Check
 * runs every test in a process of its own, so each begins with a fresh fake.
 */
#ifndef LIBAMDSVM_TEST_H
#define LIBAMDSVM_TEST_H

#include <check.h>
#include <errno.h>
#include <string.h>

#include <amdsvm/amdsvm.h>

#include "fake.h"

#define PAGE 4096ULL
#define GIB (1ULL << 30)

TCase *attr_case(void);
TCase *context_case(void);
TCase *device_case(void);
TCase *event_case(void);
TCase *migrate_case(void);
TCase *packets_case(void);
TCase *pid_case(void);
TCase *queue_case(void);
TCase *range_case(void);

/* open_fake() - a context that must open; the counts of the fake start at 0. */
static inline struct amdsvm_context *open_fake(void)
{
	struct amdsvm_context *ctx;

	ck_assert_int_eq(amdsvm_open(&ctx), 0);
	fake.calls = 0;
	return ctx;
}

/* arguments() - what the last call came in with. */
#define arguments(type) ((const type *)fake.args)

#endif /* LIBAMDSVM_TEST_H */
