/* SPDX-License-Identifier: MIT */
/*
 * Event descriptors for suites: lines are parsed, and compared with what the
 * interface says that they look like.
 */
#ifndef AMDSVM_TESTS_VMEVENTS_H
#define AMDSVM_TESTS_VMEVENTS_H

#include "vmtest.h"

#define EVENT(name) AMDSVM_SMI_EVENT_##name
#define EVENT_BIT(name) AMDSVM_SMI_EVENT_MASK_FROM_INDEX(EVENT(name))
#define MOVES (EVENT_BIT(MIGRATE_START) | EVENT_BIT(MIGRATE_END))
#define PROCESSES (EVENT_BIT(PROCESS_START) | EVENT_BIT(PROCESS_END))
#define TRIGGER(name) AMDSVM_MIGRATE_TRIGGER_##name

struct event {
	unsigned int id, from, to, prefetch, preferred;
	int pid, trigger, error;
	long long ns;
	unsigned long page, pages, dropped;
	char command[32];
};

/* What was heard last. */
#define MAX_HEARD 2048
extern struct event heard[MAX_HEARD];

int listener(int fd, uint32_t gpu, uint64_t mask);
void choose(int listener, uint64_t mask);
/* Read all there is, by 4 KiB or another size; the number of lines. */
unsigned int hear(int listener);
unsigned int hear_by(int listener, size_t size);
/* The same, and only what is about this pid stays. */
unsigned int hear_of(int listener, int pid);

struct move {
	char *start;
	unsigned long pages;
	uint32_t from, to, prefetch, preferred;
	int trigger, error;
};

/* heard[index] and the next one are the start and the end of this move by us. */
void vm_expect_move(const char *file, int line, unsigned int index, struct move move);
#define expect_move(index, ...) vm_expect_move(HERE, index, (struct move){ __VA_ARGS__ })
#define NO_ATTRIBUTES .prefetch = UNDEFINED, .preferred = UNDEFINED

/* One touched page, never huge, and moving it. */
char *touched_page(void);
void move_page(char *page, uint32_t location);

#endif
