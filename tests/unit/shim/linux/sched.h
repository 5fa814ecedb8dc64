/* SPDX-License-Identifier: MIT */
#ifndef SHIM_LINUX_SCHED_H
#define SHIM_LINUX_SCHED_H

void cond_resched(void);

#endif /* SHIM_LINUX_SCHED_H */
