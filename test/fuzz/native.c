/*
 * The readers of outside bytes among the native parts, for libFuzzer under the sanitizers (`npm run fuzz -- native`), and for the replay of the
 * corpus by any compiler (test/unit/sanitizers.test.ts). The first byte of an input chooses the reader.
 *
 * The kernel's side of a netlink socket is played by functions of this file, so that the very code of netlink.c runs, without a socket.
 */
#define _GNU_SOURCE
#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <linux/netlink.h>

/* What the socket gives next: datagrams, each with two bytes of length and one that says who has sent it. */
static struct {
  const uint8_t *bytes;
  size_t left;
} incoming;

static ssize_t fake_sendto(int fd, const void *message, size_t length, int flags, const struct sockaddr *to, socklen_t to_size) {
  (void)fd, (void)flags, (void)to, (void)to_size;
  return message == NULL ? -1 : (ssize_t)length;
}

static ssize_t fake_recvfrom(int fd, void *data, size_t size, int flags, struct sockaddr *from, socklen_t *from_size) {
  (void)fd, (void)flags, (void)from_size;
  if (incoming.left < 3) return errno = EAGAIN, -1;
  size_t length = (size_t)incoming.bytes[0] << 8 | incoming.bytes[1];
  ((struct sockaddr_nl *)(void *)from)->nl_pid = incoming.bytes[2];
  size_t there = length < incoming.left - 3 ? length : incoming.left - 3;
  memcpy(data, incoming.bytes + 3, there < size ? there : size);
  incoming.bytes += 3 + there;
  incoming.left -= 3 + there;
  return (ssize_t)length; /* MSG_TRUNC: the true one */
}

/* Each file defines what it needs of the C library for itself. */
#undef _DEFAULT_SOURCE
#define sendto fake_sendto
#define recvfrom fake_recvfrom
#include "../../src/platform/native/netlink.c"
#undef sendto
#undef recvfrom
#undef _GNU_SOURCE
#include "../../src/platform/native/lookup.c"
#undef _GNU_SOURCE
#include "../../src/platform/native/probe.c"
#include "../../src/platform/native/text.c"

/* An answer of before, what may vary in it, and what comes now. */
static void repeat(const uint8_t *bytes, size_t size) {
  const struct netlink sock = {.fd = -1};
  const uint8_t message[4] = {0};
  if (size == 0) return;
  size_t length = bytes[0] < size - 1 ? bytes[0] : size - 1;
  uint8_t before[UINT8_MAX];
  uint8_t *answer = calloc(1, length), *varying = calloc(1, length); /* each of its own, so that a byte too far is seen */
  assert(length == 0 || (answer != NULL && varying != NULL));
  for (size_t i = 0; i < length; i++) {
    answer[i] = before[i] = bytes[1 + i] & 0x7f;
    varying[i] = bytes[1 + i] >> 7;
  }
  incoming.bytes = bytes + 1 + length;
  incoming.left = size - 1 - length;
  enum netlink_repeat found = netlink_repeat(&sock, message, sizeof message, answer, varying, length);
  for (size_t i = 0; i < length; i++) assert(varying[i] != 0 || answer[i] == before[i]);
  if (found == NETLINK_SAME) assert(length == 0 || memcmp(answer, before, length) == 0);
  free(answer);
  free(varying);
}

static void utf8(const uint8_t *bytes, size_t size) {
  uint8_t *repaired = malloc(3 * size + 1), *again = malloc(9 * size + 1);
  assert(repaired != NULL && again != NULL);
  size_t length = utf8_repair(repaired, bytes, size);
  assert(length <= 3 * size && utf8_is_valid(repaired, length));
  if (utf8_is_valid(bytes, size)) assert(length == size && memcmp(repaired, bytes, size) == 0);
  assert(utf8_repair(again, repaired, length) == length);
  memcpy(again, bytes, size);
  utf8_without_surrogates(again, size);
  length = utf8_of_latin1(again, bytes, size);
  assert(length >= size && length <= 2 * size && utf8_is_valid(again, length));
  free(repaired);
  free(again);
}

/* Whoever is told a family can make an address of the text. */
static void literal(const uint8_t *bytes, size_t size) {
  char *text = strndup((const char *)bytes, size);
  assert(text != NULL);
  int family = ip_family(text);
  assert(family == 0 || family == 4 || family == 6);
  struct addrinfo *found = literal_address(text, "9");
  if (family != 0 && strchr(text, '%') == NULL) assert(found != NULL && found->ai_family == (family == 4 ? AF_INET : AF_INET6));
  if (found != NULL) freeaddrinfo(found);
  free(text);
}

static void reply(const uint8_t *bytes, size_t size) {
  if (size == 0) return;
  const int protocol = bytes[0] & 1 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
  uint8_t *packet = malloc(size - 1); /* of its own, so that a byte too far is seen */
  assert(packet != NULL || size == 1);
  memcpy(packet, bytes + 1, size - 1);
  const bool heard = is_reply(packet, size - 1, (bytes[0] & 2) != 0, protocol, 0x4142);
  if (heard) assert(size - 1 >= sizeof(struct echo));
  free(packet);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  static void (*const readers[])(const uint8_t *, size_t) = {repeat, utf8, literal, reply};
  if (size > 0) readers[bytes[0] % (sizeof readers / sizeof *readers)](bytes + 1, size - 1);
  return 0;
}

#ifdef REPLAY
/* Reads inputs from standard input, a line of hexadecimal digits each. */
int main(void) {
  static char line[16384];
  static uint8_t bytes[sizeof line / 2];
  int inputs = 0;
  while (fgets(line, sizeof line, stdin) != NULL) {
    size_t size = 0;
    unsigned byte;
    for (const char *at = line; sscanf(at, "%2x", &byte) == 1; at += 2) bytes[size++] = (uint8_t)byte;
    uint8_t *input = malloc(size + 1);
    assert(input != NULL);
    memcpy(input, bytes, size);
    LLVMFuzzerTestOneInput(input, size);
    free(input);
    inputs++;
  }
  printf("%d inputs\n", inputs);
  return 0;
}
#endif
