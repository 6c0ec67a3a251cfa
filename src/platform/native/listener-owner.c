/* Who listens at an abstract name of unix sockets, and whether they could serve an interface. */
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

/* @return 0 or an error number */
static int ask(const void *name, size_t length, struct ucred *holder) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  socklen_t size = sizeof *holder;
  int error = 0;
  if (length > sizeof address.sun_path) return ENAMETOOLONG;
  memcpy(address.sun_path, name, length);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return errno;
  if (connect(fd, (struct sockaddr *)&address, offsetof(struct sockaddr_un, sun_path) + length) < 0 ||
      getsockopt(fd, SOL_SOCKET, SO_PEERCRED, holder, &size) < 0)
    error = errno;
  close(fd);
  return error;
}

struct listener_owner listener_owner(const void *name, size_t length) {
  struct ucred holder = {0};
  int error = ask(name, length, &holder);
  return (struct listener_owner){
      .error = error, .pid = holder.pid, .uid = holder.uid, .net_admin = error == 0 && has_net_admin(holder.pid)};
}
