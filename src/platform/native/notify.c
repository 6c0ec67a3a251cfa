/* What a service manager is told, as sd_notify(3) has it: one datagram, without libsystemd. */
#define _GNU_SOURCE /* SOCK_CLOEXEC */

#include "native.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int notify(const void *path, size_t length, const void *text, size_t text_length) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int error = 0;
  if (length == 0 || length > sizeof address.sun_path) return ENAMETOOLONG;
  memcpy(address.sun_path, path, length);
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return errno;
  if (sendto(fd, text, text_length, MSG_NOSIGNAL, (struct sockaddr *)&address,
             (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) < 0)
    error = errno;
  close(fd);
  return error;
}
