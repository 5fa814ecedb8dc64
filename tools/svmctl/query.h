/* SPDX-License-Identifier: MIT */
/*
 * What svmctl query (query.c) and its view of single pages (query_pages.c) share.
 */
#ifndef SVMCTL_QUERY_H
#define SVMCTL_QUERY_H

#include <stdbool.h>
#include <sys/types.h>

#include "range.h"
#include "svmctl.h"

/* A page takes a line: 256 MiB of them is what a person can still search. */
#define QUERY_MAX_PAGES 65536

/* query_pages() - print each page of a range; an exit code. */
int query_pages(struct amdsvm_context *ctx, pid_t pid, const struct range *range, bool json);

#endif /* SVMCTL_QUERY_H */
