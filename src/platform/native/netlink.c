/* A netlink socket. Node has none; what the npm package of that name lacks is told in docs/dependencies.md. */
#define _DEFAULT_SOURCE /* SO_RCVBUFFORCE */

#include "native.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/netlink.h> /* after sys/socket.h, which old kernel headers need before them */

#ifndef NETLINK_GET_STRICT_CHK /* Linux 4.20 */
#define NETLINK_GET_STRICT_CHK 12
#endif

/* The kernel fills the datagrams of a dump up to the largest buffer it was ever offered, but never beyond this. */
enum { DUMP_DATAGRAM = 32 * 1024 };

/* Switches on what older kernels do not have. @return whether it is */
static bool enable(int fd, int option) {
  const int on = 1;
  return setsockopt(fd, SOL_NETLINK, option, &on, sizeof on) == 0;
}

/* @return NULL or the step that failed */
static const char *set_up(struct netlink *sock, uint32_t buffer_bytes) {
  struct sockaddr_nl address = {.nl_family = AF_NETLINK}; /* port 0: the kernel chooses a free one */
  socklen_t size = sizeof address;
  /* The kernel doubles it. Beyond net.core.rmem_max needs CAP_NET_ADMIN. Without it, the kernel quietly gives what it allows. */
  if (buffer_bytes > 0 && setsockopt(sock->fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer_bytes, sizeof buffer_bytes) < 0 &&
      setsockopt(sock->fd, SOL_SOCKET, SO_RCVBUF, &buffer_bytes, sizeof buffer_bytes) < 0)
    return "set the receive buffer of a netlink socket";
  if (bind(sock->fd, (struct sockaddr *)&address, sizeof address) < 0 ||
      getsockname(sock->fd, (struct sockaddr *)&address, &size) < 0)
    return "bind a netlink socket";
  sock->port = address.nl_pid;
  sock->extended_ack = enable(sock->fd, NETLINK_EXT_ACK);
  sock->capped_ack = enable(sock->fd, NETLINK_CAP_ACK);
  sock->strict_dump = enable(sock->fd, NETLINK_GET_STRICT_CHK);
  return NULL;
}

const char *netlink_open(struct netlink *sock, int family, uint32_t receive_buffer_bytes) {
  sock->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, family);
  if (sock->fd < 0) return "open a netlink socket";
  const char *failed = set_up(sock, receive_buffer_bytes);
  if (failed == NULL) return NULL;
  int error = errno;
  close(sock->fd);
  errno = error;
  return failed;
}

const char *netlink_join(const struct netlink *sock, uint32_t group) {
  if (setsockopt(sock->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) == 0) return NULL;
  return "join a netlink multicast group";
}

int netlink_send(const struct netlink *sock, const void *message, size_t length) {
  const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
  ssize_t sent;
  do sent = sendto(sock->fd, message, length, 0, (const struct sockaddr *)&kernel, sizeof kernel);
  while (sent < 0 && errno == EINTR);
  /* EAGAIN is an error like others: nothing queues towards the kernel, so there is nothing to wait for. */
  return sent < 0 ? errno : 0;
}

ssize_t netlink_next(const struct netlink *sock) {
  ssize_t size;
  do size = recv(sock->fd, NULL, 0, MSG_PEEK | MSG_TRUNC);
  while (size < 0 && errno == EINTR);
  return size < 0 ? -errno : size;
}

ssize_t netlink_receive(const struct netlink *sock, void *data, size_t length, uint32_t *sender) {
  /*
   * Offered to the kernel so that it makes the datagrams of dumps as large as it can. Nothing is ever written to it,
   * because the datagram fits into the part before it; so threads may share it, and it takes no memory.
   */
  static char spare[DUMP_DATAGRAM];
  struct sockaddr_nl from = {0};
  struct iovec parts[2] = {{.iov_base = data, .iov_len = length}, {.iov_base = spare, .iov_len = sizeof spare}};
  struct msghdr header = {.msg_name = &from, .msg_namelen = sizeof from, .msg_iov = parts, .msg_iovlen = 2};
  ssize_t size;
  do size = recvmsg(sock->fd, &header, 0);
  while (size < 0 && errno == EINTR);
  if (size < 0) return -errno;
  *sender = from.nl_pid;
  return (size_t)size < length ? size : (ssize_t)length;
}

/* Takes the datagram that is next. @return its true length, or an error negated */
static ssize_t take(const struct netlink *sock, uint8_t *data, size_t size, bool *from_kernel) {
  struct sockaddr_nl from = {0};
  socklen_t from_size = sizeof from;
  ssize_t length;
  do length = recvfrom(sock->fd, data, size, MSG_TRUNC, (struct sockaddr *)&from, &from_size);
  while (length < 0 && errno == EINTR);
  *from_kernel = from.nl_pid == 0;
  return length < 0 ? -errno : length;
}

/* Compares, and takes over what may differ. */
static enum netlink_repeat compare(uint8_t *before, const uint8_t *varying, const uint8_t *now, size_t length) {
  enum netlink_repeat found = NETLINK_SAME;
  for (size_t i = 0; i < length; i++) {
    if (before[i] == now[i]) continue;
    if (varying[i] == 0) return NETLINK_OTHER;
    before[i] = now[i];
    found = NETLINK_VARIED;
  }
  return found;
}

/* Until nothing is left: the kernel goes on with a dump as it is read, and refuses the next one meanwhile. */
static void throw_away(const struct netlink *sock, uint8_t *data, size_t size) {
  enum { MOST = 4096 }; /* datagrams; of a dump that is longer the rest comes later, and answers nothing */
  bool from_kernel;
  for (int i = 0; i < MOST && take(sock, data, size, &from_kernel) >= 0; i++) continue;
}

enum netlink_repeat netlink_repeat(const struct netlink *sock, const void *message, size_t length, uint8_t *answer,
                                   const uint8_t *varying, size_t answer_length) {
  uint8_t data[DUMP_DATAGRAM];
  enum netlink_repeat found = NETLINK_SAME;
  if (netlink_send(sock, message, length) != 0) return NETLINK_OTHER;
  for (size_t at = 0; at < answer_length;) {
    bool from_kernel;
    ssize_t size = take(sock, data, sizeof data, &from_kernel);
    if (size == -EAGAIN) return NETLINK_OTHER;
    enum netlink_repeat part = NETLINK_OTHER;
    if (size > 0 && (size_t)size <= sizeof data && (size_t)size <= answer_length - at && from_kernel)
      part = compare(answer + at, varying + at, data, (size_t)size);
    if (part == NETLINK_OTHER) {
      throw_away(sock, data, sizeof data);
      return NETLINK_OTHER;
    }
    if (part == NETLINK_VARIED) found = NETLINK_VARIED;
    at += (size_t)size;
  }
  return found;
}

bool netlink_is_fatal(int error) {
  /* ENOBUFS: the buffer overflowed and messages are lost. ENOMEM: one was. */
  return error != ENOBUFS && error != ENOMEM;
}
