/*
 * Sends what is in a file to somebody's netlink socket, as no kernel would:
 *
 *   send-netlink PROTOCOL PORT FILE
 *
 * Fails where the socket is not there, or the kernel does not let us.
 */
#include <fcntl.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv) {
  static char message[4096];
  if (argc != 4) return 64;
  ssize_t length = read(open(argv[3], O_RDONLY), message, sizeof message);
  int fd = socket(AF_NETLINK, SOCK_RAW, atoi(argv[1]));
  const struct sockaddr_nl to = {.nl_family = AF_NETLINK, .nl_pid = (unsigned)strtoul(argv[2], NULL, 10)};
  if (length > 0 && fd >= 0 &&
      sendto(fd, message, (size_t)length, 0, (const struct sockaddr *)&to, sizeof to) == length)
    return 0;
  perror("send");
  return 1;
}
