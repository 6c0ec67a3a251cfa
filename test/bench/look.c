/*
 * The questions of a look at the connection, asked by a program that does nothing else: the device (WG_CMD_GET_DEVICE), and the route
 * to each address (RTM_GETROUTE with RTM_F_FIB_MATCH). What it costs is what any program pays. Prints the microseconds of CPU of one
 * look.
 *
 *   look IFNAME COUNT ADDRESS…
 *   look IFNAME /SECONDS ADDRESS…     a look every so many seconds, for ever, as an idle daemon looks
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <limits.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BEFORE = 50, GET_DEVICE = 0, DEVICE_IFNAME = 2, FIB_MATCH = 0x2000, LOOKUP_TABLE = 0x1000 };

struct message {
  struct nlmsghdr header;
  char body[256];
};

static char answer[32 * 1024];

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void add(struct message *message, unsigned short type, const void *data, size_t length) {
  struct nlattr *attribute = (struct nlattr *)((char *)message + NLMSG_ALIGN(message->header.nlmsg_len));
  attribute->nla_type = type;
  attribute->nla_len = (unsigned short)(NLA_HDRLEN + length);
  memcpy((char *)attribute + NLA_HDRLEN, data, length);
  message->header.nlmsg_len = NLMSG_ALIGN(message->header.nlmsg_len) + NLA_ALIGN(attribute->nla_len);
}

/* Asks, and reads the answer; of a dump to its end. */
static void ask(int fd, struct message *message) {
  const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
  message->header.nlmsg_seq++;
  if (sendto(fd, message, message->header.nlmsg_len, 0, (const struct sockaddr *)&kernel, sizeof kernel) < 0) fail("send");
  for (;;) {
    ssize_t size = recv(fd, answer, sizeof answer, 0);
    if (size < 0) fail("receive");
    struct nlmsghdr *header = (struct nlmsghdr *)answer;
    for (; NLMSG_OK(header, size); header = NLMSG_NEXT(header, size)) {
      if (header->nlmsg_type == NLMSG_ERROR) {
        fprintf(stderr, "refused: %s\n", strerror(-((struct nlmsgerr *)NLMSG_DATA(header))->error));
        exit(1);
      }
      if (header->nlmsg_type == NLMSG_DONE || (header->nlmsg_flags & NLM_F_MULTI) == 0) return;
    }
  }
}

/* The number of the family, from the answer to CTRL_CMD_GETFAMILY. */
static unsigned short family(int fd) {
  struct message message = {.header = {.nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN), .nlmsg_type = GENL_ID_CTRL, .nlmsg_flags = NLM_F_REQUEST}};
  message.body[0] = CTRL_CMD_GETFAMILY;
  add(&message, CTRL_ATTR_FAMILY_NAME, "wireguard", sizeof "wireguard");
  ask(fd, &message);
  const char *at = answer + NLMSG_LENGTH(GENL_HDRLEN), *end = answer + ((struct nlmsghdr *)answer)->nlmsg_len;
  while (at < end) {
    const struct nlattr *attribute = (const struct nlattr *)at;
    if (attribute->nla_type == CTRL_ATTR_FAMILY_ID) return *(const unsigned short *)(at + NLA_HDRLEN);
    at += NLA_ALIGN(attribute->nla_len);
  }
  fprintf(stderr, "no WireGuard\n");
  exit(1);
}

static double used(void) {
  struct timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

int main(int argc, char **argv) {
  if (argc < 3) return 64;
  int wireguard = socket(AF_NETLINK, SOCK_RAW, NETLINK_GENERIC), routes = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
  int strict = 1, questions = argc - 3;
  int pause = argv[2][0] == '/' ? atoi(argv[2] + 1) : 0, count = pause > 0 ? INT_MAX : atoi(argv[2]);
  if (wireguard < 0 || routes < 0 || setsockopt(routes, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &strict, sizeof strict) < 0)
    fail("socket");
  struct message device = {.header = {.nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN), .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP}};
  device.header.nlmsg_type = family(wireguard);
  device.body[0] = GET_DEVICE;
  device.body[1] = 1;
  add(&device, DEVICE_IFNAME, argv[1], strlen(argv[1]) + 1);
  struct message *lookups = calloc((size_t)questions + 1, sizeof *lookups);
  uint32_t index = if_nametoindex(argv[1]);
  for (int i = 0; i < questions; i++) {
    struct message *lookup = &lookups[i];
    struct rtmsg *header = (struct rtmsg *)lookup->body;
    unsigned char address[16];
    bool ipv6 = strchr(argv[3 + i], ':') != NULL;
    size_t length = ipv6 ? 16 : 4;
    lookup->header = (struct nlmsghdr){.nlmsg_len = NLMSG_LENGTH(sizeof *header), .nlmsg_type = RTM_GETROUTE, .nlmsg_flags = NLM_F_REQUEST};
    *header = (struct rtmsg){.rtm_family = ipv6 ? AF_INET6 : AF_INET, .rtm_dst_len = (unsigned char)(8 * length)};
    header->rtm_flags = FIB_MATCH | (ipv6 ? 0 : LOOKUP_TABLE);
    if (inet_pton(header->rtm_family, argv[3 + i], address) != 1) return 64;
    add(lookup, RTA_DST, address, length);
    add(lookup, RTA_OIF, &index, sizeof index);
  }
  double before = 0;
  for (int i = -BEFORE; i < count; i++) {
    if (i == 0) before = used();
    ask(wireguard, &device);
    for (int j = 0; j < questions; j++) ask(routes, &lookups[j]);
    if (pause > 0) sleep((unsigned)pause);
  }
  printf("%.2f\n", (used() - before) / count);
  return 0;
}
