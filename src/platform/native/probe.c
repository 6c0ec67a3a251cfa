/* Small packets out of one interface, whatever the routes say, and whether something answers. */
#define _GNU_SOURCE

#include "native.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* RFC 863: whoever has no such service says so, and that is an answer. */
#define DISCARD "9"

/* An ICMP echo as it is sent (RFC 792, RFC 4443): type, code, checksum, identifier, sequence. */
struct echo {
  uint8_t type, code;
  uint16_t checksum, id, sequence;
};

/* Of the echo's own kind of socket, which the kernel gives to the groups of ping_group_range, or of the one for CAP_NET_RAW. */
static int open_socket(enum probe_kind kind, int family) {
  const int flags = SOCK_CLOEXEC | SOCK_NONBLOCK;
  if (kind == PROBE_DATAGRAM) return socket(family, SOCK_DGRAM | flags, IPPROTO_UDP);
  const int protocol = family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6;
  int fd = socket(family, SOCK_DGRAM | flags, protocol);
  return fd >= 0 ? fd : socket(family, SOCK_RAW | flags, protocol);
}

int probe_open(enum probe_kind kind, const char *device, const char *source, const char *target) {
  int fd = -1, error = EINVAL;
  struct addrinfo *from = literal_address(source, NULL), *to = literal_address(target, DISCARD);
  if (from != NULL && to != NULL && from->ai_family == to->ai_family) {
    fd = open_socket(kind, to->ai_family);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, (socklen_t)strlen(device)) < 0 ||
        bind(fd, from->ai_addr, from->ai_addrlen) < 0 || connect(fd, to->ai_addr, to->ai_addrlen) < 0) {
      error = errno;
      if (fd >= 0) close(fd);
      fd = -1;
    }
  }
  if (from != NULL) freeaddrinfo(from);
  if (to != NULL) freeaddrinfo(to);
  return fd < 0 ? -error : fd;
}

static int option(int fd, int name) {
  int value = 0;
  socklen_t size = sizeof value;
  return getsockopt(fd, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

/* A raw socket's own number, in place of the one that the kernel gives to an echo socket. */
static uint16_t identifier(int fd) { return htons((uint16_t)(getpid() ^ fd)); }

static uint16_t checksum(const struct echo *echo) {
  uint16_t words[sizeof *echo / 2];
  uint32_t sum = 0;
  memcpy(words, echo, sizeof words);
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) sum += words[i];
  return (uint16_t)~((sum & 0xffff) + (sum >> 16));
}

int probe_send(int fd) {
  struct echo echo = {.id = identifier(fd), .sequence = htons(1)};
  size_t length = sizeof echo;
  const int protocol = option(fd, SO_PROTOCOL);
  if (protocol == IPPROTO_UDP) length = 0;
  echo.type = protocol == IPPROTO_ICMP ? ICMP_ECHO : ICMP6_ECHO_REQUEST;
  if (protocol == IPPROTO_ICMP) echo.checksum = checksum(&echo); /* of ICMPv6 the kernel makes it */
  ssize_t sent;
  int tries = 0; /* the first may find the answer to the probe before, and send nothing */
  do sent = send(fd, &echo, length, MSG_NOSIGNAL);
  while (sent < 0 && (errno == EINTR || (errno == ECONNREFUSED && ++tries < 2)));
  return sent < 0 ? errno : 0;
}

/* Whether a packet that an ICMP socket has received is the answer to our echo. */
static bool is_reply(const uint8_t *data, size_t length, bool raw, int protocol, uint16_t id) {
  struct echo echo;
  if (raw && protocol == IPPROTO_ICMP) { /* the packet begins with its IP header */
    const size_t header = length == 0 ? 0 : (size_t)(data[0] & 0xf) * 4;
    if (length < header) return false;
    data += header;
    length -= header;
  }
  if (length < sizeof echo) return false;
  memcpy(&echo, data, sizeof echo);
  return echo.type == (protocol == IPPROTO_ICMP ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY) && (!raw || echo.id == id);
}

bool probe_heard(int fd) {
  uint8_t data[256];
  const int protocol = option(fd, SO_PROTOCOL);
  const bool raw = option(fd, SO_TYPE) == SOCK_RAW;
  bool heard = false;
  /* Bounded: who sends faster than we read has been heard. */
  for (int packets = 0; packets < 64; packets++) {
    const ssize_t count = recv(fd, data, sizeof data, MSG_DONTWAIT);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && (errno == EAGAIN || protocol != IPPROTO_UDP)) break;
    /*
     * A connected UDP socket has an error only where an ICMP message says that the other end refuses the packet (port unreachable,
     * administratively prohibited). "No way there", which WireGuard itself says of a packet that it cannot send, is none.
     */
    if (protocol == IPPROTO_UDP || is_reply(data, (size_t)count, raw, protocol, identifier(fd))) heard = true;
  }
  return heard;
}
