/* SPDX-License-Identifier: MIT */
/*
 * Events as people and programs read them, and names of events on the command
 * line; for svmctl events (events.c).
 */
#ifndef SVMCTL_EVENT_TEXT_H
#define SVMCTL_EVENT_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include <amdsvm/amdsvm.h>

/*
 * event_mask() - the events that a word means, to be chosen by this mask.
 * @word: a name as it is printed, or what several begin with: "migrate" is
 *        "migrate-start" and "migrate-end".
 *
 * Return: AMDSVM_SMI_EVENT_MASK_FROM_INDEX() of each; 0: there is none.
 */
uint64_t event_mask(const char *word);

/* event_all() - the mask of all events that there are. */
uint64_t event_all(void);

/* event_bit() - the mask of one kind. */
uint64_t event_bit(uint32_t kind);

/* event_print_header(), event_print() - a line to stdout. */
void event_print_header(void);
void event_print(const struct amdsvm_event *event);

/* event_print_json() - one line to stdout, with the members that the kind has. */
void event_print_json(const struct amdsvm_event *event);

#endif /* SVMCTL_EVENT_TEXT_H */
