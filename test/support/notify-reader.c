/*
 * Reads what sd_notify(3) sends, at each of the addresses that are given: a path, or @ and an abstract name. Writes `listening` when it
 * does, and a line for each datagram: the process that has sent it, as the kernel knows it, and the text, its lines set apart by spaces.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { MOST = 4 };

static int open_at(const char *text) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  const int on = 1;
  size_t length = strlen(text);
  if (length > sizeof address.sun_path) return -1;
  memcpy(address.sun_path, text, length);
  if (*text == '@') address.sun_path[0] = '\0';
  int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
  if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) < 0 ||
      bind(fd, (struct sockaddr *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) < 0)
    return -1;
  return fd;
}

static void tell_next(int fd) {
  char text[4096];
  union {
    struct cmsghdr head;
    char room[CMSG_SPACE(sizeof(struct ucred))];
  } control;
  struct iovec part = {.iov_base = text, .iov_len = sizeof text};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  struct ucred sender = {0};
  ssize_t length = recvmsg(fd, &message, 0);
  struct cmsghdr *head = CMSG_FIRSTHDR(&message);
  if (head != NULL && head->cmsg_type == SCM_CREDENTIALS) memcpy(&sender, CMSG_DATA(head), sizeof sender);
  for (ssize_t i = 0; i < length; i++)
    if (text[i] == '\n') text[i] = ' ';
  printf("%d %.*s\n", (int)sender.pid, (int)length, text);
}

int main(int argc, char **argv) {
  struct pollfd sockets[MOST];
  int count = argc - 1 < MOST ? argc - 1 : MOST;
  setvbuf(stdout, NULL, _IOLBF, 0);
  for (int i = 0; i < count; i++) {
    sockets[i] = (struct pollfd){.fd = open_at(argv[i + 1]), .events = POLLIN};
    if (sockets[i].fd < 0) {
      perror(argv[i + 1]);
      return 1;
    }
  }
  puts("listening");
  while (poll(sockets, (nfds_t)count, -1) >= 0)
    for (int i = 0; i < count; i++)
      if (sockets[i].revents != 0) tell_next(sockets[i].fd);
  return 1;
}
