/*
 * Changing the group where Node itself will not: with a libuv that is not its own (Debian 13, OpenWrt), Node 20 takes for granted
 * that io_uring may be at work and refuses every setgid (CVE-2024-22017).
 */
#define _POSIX_C_SOURCE 200809L

#include "native.h"

#include <errno.h>
#include <grp.h>
#include <unistd.h>

int64_t group_id(const char *name) {
  struct group *found = getgrnam(name);
  return found == NULL ? -1 : (int64_t)found->gr_gid;
}

/* The C library changes the group of every thread. */
int set_group(uint32_t group) { return setgid((gid_t)group) == 0 ? 0 : errno; }
