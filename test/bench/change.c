/*
 * A peer with two routes is installed and removed by a program that does nothing else: one request for the peer (WG_CMD_SET_DEVICE), one for
 * each route, and the same again to remove them. What that costs is what any program pays. Prints the microseconds of CPU of one installation
 * with its removal.
 *
 *   change IFNAME COUNT KEY ENDPOINT PORT PREFIX…     the key in hexadecimal, an endpoint of IPv4
 */
#include "netlink.h"

enum { BEFORE = 20, SET_DEVICE = 1, DEVICE_IFNAME = 2, DEVICE_PEERS = 8, PROTOCOL = 99, MOST = 8 };
enum { PEER_KEY = 1, PEER_FLAGS = 3, PEER_ENDPOINT = 4, PEER_KEEPALIVE = 5, PEER_ALLOWED_IPS = 9 };
enum { REMOVE_ME = 1, REPLACE_ALLOWED_IPS = 2, IP_FAMILY = 1, IP_ADDRESS = 2, IP_BITS = 3 };

struct prefix {
  unsigned short family;
  unsigned char address[16], bits;
};

static struct nlattr *begin(struct message *message, unsigned short type) {
  struct nlattr *nest = (struct nlattr *)((char *)message + NLMSG_ALIGN(message->header.nlmsg_len));
  add(message, type | NLA_F_NESTED, "", 0);
  return nest;
}

static void end(struct message *message, struct nlattr *nest) {
  nest->nla_len = (unsigned short)((char *)message + message->header.nlmsg_len - (char *)nest);
}

static size_t size_of(const struct prefix *prefix) { return prefix->family == AF_INET ? 4 : 16; }

/* A request about one peer; `peer` is its nest, which is still open. */
static struct nlattr *begin_peer(struct message *message, unsigned short type, const char *ifname, const unsigned char *key, uint32_t flags,
                                 struct nlattr **peers) {
  *message = (struct message){.header = {.nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN), .nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK}};
  message->body[0] = SET_DEVICE;
  message->body[1] = 1;
  add(message, DEVICE_IFNAME, ifname, strlen(ifname) + 1);
  *peers = begin(message, DEVICE_PEERS);
  struct nlattr *peer = begin(message, 0);
  add(message, PEER_KEY, key, 32);
  add(message, PEER_FLAGS, &flags, sizeof flags);
  return peer;
}

static void route(struct message *message, unsigned short type, const struct prefix *prefix, uint32_t index) {
  unsigned short flags = type == RTM_NEWROUTE ? NLM_F_CREATE | NLM_F_EXCL : 0;
  struct rtmsg *header = (struct rtmsg *)message->body;
  *message = (struct message){.header = {.nlmsg_len = NLMSG_LENGTH(sizeof *header), .nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags}};
  *header = (struct rtmsg){.rtm_family = (unsigned char)prefix->family, .rtm_dst_len = prefix->bits, .rtm_table = RT_TABLE_MAIN, .rtm_protocol = PROTOCOL};
  header->rtm_scope = prefix->family == AF_INET ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
  header->rtm_type = RTN_UNICAST;
  add(message, RTA_DST, prefix->address, size_of(prefix));
  add(message, RTA_OIF, &index, sizeof index);
}

int main(int argc, char **argv) {
  if (argc < 7 || argc - 6 > MOST || strlen(argv[3]) != 64) return 64;
  int wireguard = socket(AF_NETLINK, SOCK_RAW, NETLINK_GENERIC), routes = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
  if (wireguard < 0 || routes < 0) fail("socket");
  int count = atoi(argv[2]), prefixes = argc - 6;
  unsigned char key[32];
  for (int i = 0; i < 32; i++) sscanf(&argv[3][2 * i], "%2hhx", &key[i]);
  struct sockaddr_in endpoint = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[5]))};
  if (inet_pton(AF_INET, argv[4], &endpoint.sin_addr) != 1) return 64;
  unsigned short type = family(wireguard), keepalive = 25;
  uint32_t index = if_nametoindex(argv[1]);

  struct message install, removal, added[MOST], deleted[MOST];
  struct nlattr *peers, *peer = begin_peer(&install, type, argv[1], key, REPLACE_ALLOWED_IPS, &peers);
  add(&install, PEER_ENDPOINT, &endpoint, sizeof endpoint);
  add(&install, PEER_KEEPALIVE, &keepalive, sizeof keepalive);
  struct nlattr *ips = begin(&install, PEER_ALLOWED_IPS);
  for (int i = 0; i < prefixes; i++) {
    char *slash = strchr(argv[6 + i], '/');
    if (slash == NULL) return 64;
    *slash = '\0';
    struct prefix prefix = {.family = strchr(argv[6 + i], ':') != NULL ? AF_INET6 : AF_INET, .bits = (unsigned char)atoi(slash + 1)};
    if (inet_pton(prefix.family, argv[6 + i], prefix.address) != 1) return 64;
    struct nlattr *ip = begin(&install, 0);
    add(&install, IP_FAMILY, &prefix.family, sizeof prefix.family);
    add(&install, IP_ADDRESS, prefix.address, size_of(&prefix));
    add(&install, IP_BITS, &prefix.bits, sizeof prefix.bits);
    end(&install, ip);
    route(&added[i], RTM_NEWROUTE, &prefix, index);
    route(&deleted[i], RTM_DELROUTE, &prefix, index);
  }
  end(&install, ips);
  end(&install, peer);
  end(&install, peers);
  peer = begin_peer(&removal, type, argv[1], key, REMOVE_ME, &peers);
  end(&removal, peer);
  end(&removal, peers);

  double before = 0;
  for (int i = -BEFORE; i < count; i++) {
    if (i == 0) before = used();
    ask(wireguard, &install);
    for (int j = 0; j < prefixes; j++) ask(routes, &added[j]);
    ask(wireguard, &removal);
    for (int j = 0; j < prefixes; j++) ask(routes, &deleted[j]);
  }
  printf("%.2f\n", (used() - before) / count);
  return 0;
}
