/* Unix sockets, and standard output. */
#define _GNU_SOURCE /* accept4 */

#include "native.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Connections that wait to be accepted; the kernel cuts it to net.core.somaxconn. */
enum { BACKLOG = 511 };

/* @return the address's length, 0 for a path that does not fit */
static socklen_t set_path(struct sockaddr_un *address, const void *path, size_t length) {
  *address = (struct sockaddr_un){.sun_family = AF_UNIX};
  if (length == 0) return 0;
  /* All but an abstract one end with a NUL byte. */
  size_t room = sizeof address->sun_path - (*(const char *)path != '\0');
  if (length > room) return 0;
  memcpy(address->sun_path, path, length);
  return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
}

/* Opens a socket and does with its address what is to be done. */
static int with_socket(const void *path, size_t length, int (*use)(int, const struct sockaddr *, socklen_t)) {
  struct sockaddr_un address;
  socklen_t size = set_path(&address, path, length);
  if (size == 0) return -ENAMETOOLONG;
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -errno;
  if (use(fd, (const struct sockaddr *)&address, size) == 0) return fd;
  int error = errno;
  close(fd);
  return -error;
}

static int bind_and_listen(int fd, const struct sockaddr *address, socklen_t size) {
  return bind(fd, address, size) < 0 ? -1 : listen(fd, BACKLOG);
}

int unix_connect(const void *path, size_t length) { return with_socket(path, length, connect); }

int unix_listen(const void *path, size_t length) { return with_socket(path, length, bind_and_listen); }

int unix_accept(int listener) {
  int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  return fd < 0 ? -errno : fd;
}

ssize_t read_some(int fd, void *data, size_t length) {
  ssize_t count;
  do count = read(fd, data, length);
  while (count < 0 && errno == EINTR);
  return count < 0 ? -errno : count;
}

/* SIGPIPE is ignored (main.c). */
ssize_t write_some(int fd, const void *data, size_t length) {
  ssize_t count;
  do count = write(fd, data, length);
  while (count < 0 && errno == EINTR);
  return count < 0 ? -errno : count;
}

ssize_t output_some(int fd, const void *data, size_t length) {
  struct pollfd pipe = {.fd = fd, .events = POLLOUT};
  struct stat facts;
  if (fstat(fd, &facts) < 0) return -errno;
  if (S_ISSOCK(facts.st_mode)) {
    ssize_t count = send(fd, data, length, MSG_DONTWAIT | MSG_NOSIGNAL);
    return count < 0 ? -errno : count;
  }
  /* Files and terminals take it at once. A pipe that poll(2) says is writable has room for so much. */
  if (S_ISFIFO(facts.st_mode)) {
    if (poll(&pipe, 1, 0) == 0) return -EAGAIN;
    if (length > PIPE_BUF) length = PIPE_BUF;
  }
  return write_some(fd, data, length);
}

int terminal_rows(int fd) {
  struct winsize size = {0};
  if (isatty(fd) == 0) return -1;
  return ioctl(fd, TIOCGWINSZ, &size) < 0 ? 0 : size.ws_row;
}
