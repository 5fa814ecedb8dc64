/* SPDX-License-Identifier: MIT */
#ifndef SHIM_LINUX_BITS_H
#define SHIM_LINUX_BITS_H

#define BIT_ULL(nr) (1ULL << (nr))

#endif /* SHIM_LINUX_BITS_H */
