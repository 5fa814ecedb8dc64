/* SPDX-License-Identifier: MIT */
/*
 * A machine of a test's own making, for what svmctl doctor asks the system: files,
 * programs, kernel release, user and groups. From the environment:
 *
 * FAKE_ROOT     the directory that stands for /, for files and programs
 * FAKE_RELEASE, FAKE_MACHINE
 *               what uname() says; 6.12.1-amd64 and x86_64 otherwise
 * FAKE_UID      the user; he is called "user"
 * FAKE_MEMBER   a group that the user has by the system's books
 * FAKE_NODE     MODE:GID of /dev/amdsvm; group 992 is called "render"
 */
#ifndef FAKE_ROOT_H
#define FAKE_ROOT_H

#include <sys/types.h>

/* fake_path() - where a file of that name is; valid until the next call. */
const char *fake_path(const char *path);

/* fake_node() - mode and group of /dev/amdsvm, where FAKE_NODE has them. */
void fake_node(mode_t *mode, gid_t *gid);

#endif /* FAKE_ROOT_H */
