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

bool netlink_is_fatal(int error) {
  /* ENOBUFS: the buffer overflowed and messages are lost. ENOMEM: one was. */
  return error != ENOBUFS && error != ENOMEM;
}
