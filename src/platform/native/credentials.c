/* Who is at the other end of a unix socket, and whether they could serve an interface. */
#define _GNU_SOURCE /* struct ucred */

#include "native.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/capability.h>

/* capget(2) asks of any process, where /proc may be mounted with hidepid, or not at all. */
static bool has_net_admin(pid_t pid) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = pid};
  struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
  if (pid == 0) return true; /* to capget(2) that is ourselves */
  if (syscall(SYS_capget, &header, data) < 0) return errno != ESRCH;
  return (data[CAP_TO_INDEX(CAP_NET_ADMIN)].effective & CAP_TO_MASK(CAP_NET_ADMIN)) != 0;
}

struct credentials credentials_of(int fd) {
  struct ucred other;
  socklen_t size = sizeof other;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &other, &size) < 0) return (struct credentials){.error = errno};
  return (struct credentials){.pid = other.pid, .uid = other.uid, .net_admin = has_net_admin(other.pid)};
}

struct credentials listener_owner(const void *name, size_t length) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  struct credentials owner = {0};
  if (length > sizeof address.sun_path) return (struct credentials){.error = ENAMETOOLONG};
  memcpy(address.sun_path, name, length);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return (struct credentials){.error = errno};
  if (connect(fd, (struct sockaddr *)&address, offsetof(struct sockaddr_un, sun_path) + length) < 0)
    owner.error = errno;
  else
    owner = credentials_of(fd);
  close(fd);
  return owner;
}
