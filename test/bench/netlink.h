/* What the programs in C that we compare with have in common: asking the kernel over netlink, and no more. They include all that it takes. */
#define _GNU_SOURCE
#include <arpa/inet.h>
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

struct message {
  struct nlmsghdr header;
  char body[512];
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

/* Asks, and reads the answer; of a dump to its end. What is changed is asked for with NLM_F_ACK. */
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
        int error = ((struct nlmsgerr *)NLMSG_DATA(header))->error;
        if (error == 0) return;
        fprintf(stderr, "refused: %s\n", strerror(-error));
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
