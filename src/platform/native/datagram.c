/* UDP sockets, not connected, so that answers from elsewhere are seen. */
#define _GNU_SOURCE

#include "native.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int udp_open(int family) {
  const int on = 1;
  struct sockaddr_storage any = {.ss_family = family == 4 ? AF_INET : AF_INET6};
  socklen_t size = family == 4 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
  int fd = socket(any.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -errno;
  if ((family == 6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) < 0) ||
      bind(fd, (struct sockaddr *)&any, size) < 0) {
    int error = errno;
    close(fd);
    return -error;
  }
  return fd;
}

int udp_send(int fd, const void *data, size_t length, const char *address, uint16_t port) {
  char service[8];
  int error = 0;
  snprintf(service, sizeof service, "%u", (unsigned)port);
  struct addrinfo *found = literal_address(address, service);
  if (found == NULL) return EINVAL;
  ssize_t sent;
  do sent = sendto(fd, data, length, MSG_NOSIGNAL, found->ai_addr, found->ai_addrlen);
  while (sent < 0 && errno == EINTR);
  if (sent < 0) error = errno;
  freeaddrinfo(found);
  return error;
}

ssize_t udp_receive(int fd, void *data, size_t size, char address[static ADDRESS_TEXT], uint16_t *port) {
  union {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
  } from = {.v6 = {0}};
  socklen_t length = sizeof from;
  ssize_t count;
  do count = recvfrom(fd, data, size, 0, &from.any, &length);
  while (count < 0 && errno == EINTR);
  if (count < 0) return -errno;
  if (getnameinfo(&from.any, length, address, ADDRESS_TEXT, NULL, 0, NI_NUMERICHOST | NI_DGRAM) != 0) address[0] = '\0';
  *port = ntohs(from.any.sa_family == AF_INET6 ? from.v6.sin6_port : from.v4.sin_port);
  return count;
}
