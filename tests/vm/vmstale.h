/* SPDX-License-Identifier: MIT */
/*
 * R2: a call that changes memory returns when no device uses the old page any
 * more. A device uses one page without a pause, each access held up between
 * translation and memory; the CPU takes the page away and marks it. A device that
 * still had the translation writes over the mark, or brings it to where what it
 * reads is collected.
 *
 * A round is one change of memory under a device that was seen to use it since
 * the change before.
 */
#ifndef AMDSVM_TESTS_VMSTALE_H
#define AMDSVM_TESTS_VMSTALE_H

#include "vmloop.h"

/* What the device does with the page. */
enum { WRITES, READS };

/* Words of the page: what is written, what is read. */
enum { WRITTEN, READ };

/*
 * Microseconds. Longer than what calls do after their notifier, under emulation
 * and with a processor that is shared.
 */
#define STALE_DELAY 200

#define FRESH	0xf0000000u	/* not used by the device so far */
#define OURS	0xf1000000u	/* no device may write or read this */

extern volatile uint32_t *page;	/* at this address the device uses memory */
extern volatile uint32_t *seen;	/* what it read there */

void stale_setup(void);
int stale_file(size_t size);
/* One page of it, anywhere or at the address. */
void *stale_map(void *where, int fd, size_t offset);

/* Before the device has the page, and when it must not have it any more. */
void mark(volatile uint32_t *words, uint32_t round);
void mark_ours(volatile uint32_t *words);
void expect_ours(volatile uint32_t *words, uint32_t round);

void stale_body(struct vm_packets *p, int kind);
/* The device uses the page as it is since mark(). */
void await_use(int job, int kind, volatile uint32_t *words, uint32_t round);
void await_loop(struct vm_loop *loop, int kind, volatile uint32_t *words, uint32_t round);

/*
 * Two spinning processors of a guest on two that are shared need 20 times as long
 * as on their own. A test that has run for so many seconds ends, and the suite says
 * that there were fewer rounds than there should be: as a test that was skipped.
 */
#define STALE_SECONDS 20

/* Another round? The first is 1. */
bool stale_more(uint32_t round, uint32_t rounds, uint64_t start);
/* At the end of a test. */
void stale_count(uint32_t rounds, uint64_t start);
/* Before and after all: were there so many rounds in the suite. */
void stale_count_all(void);
void stale_expect_rounds(int index, uint32_t rounds);

#endif
