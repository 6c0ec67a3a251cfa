/*
 * The questions of a look at the connection, asked by a program that does nothing else: the device (WG_CMD_GET_DEVICE), and the route
 * to each address (RTM_GETROUTE with RTM_F_FIB_MATCH). What it costs is what any program pays. Prints the microseconds of CPU of one
 * look.
 *
 *   look IFNAME COUNT ADDRESS…
 *   look IFNAME /SECONDS ADDRESS…     a look every so many seconds, for ever, as an idle daemon looks
 */
#include "netlink.h"

#include <limits.h>

enum { BEFORE = 50, GET_DEVICE = 0, DEVICE_IFNAME = 2, FIB_MATCH = 0x2000, LOOKUP_TABLE = 0x1000 };

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
