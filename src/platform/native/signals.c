/* The signals that end or reload a program, as something to read. */
#define _GNU_SOURCE

#include "native.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

static sigset_t ours(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGHUP);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

void signals_hold(void) {
  const sigset_t set = ours();
  sigprocmask(SIG_BLOCK, &set, NULL);
}

int signals_open(void) {
  const sigset_t set = ours();
  signals_hold();
  int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  return fd < 0 ? -errno : fd;
}

int signals_next(int fd) {
  struct signalfd_siginfo info;
  ssize_t count = read_some(fd, &info, sizeof info);
  if (count < 0) return (int)count;
  return count == sizeof info ? (int)info.ssi_signo : -EIO;
}

void signals_release(void) {
  const sigset_t set = ours();
  sigprocmask(SIG_UNBLOCK, &set, NULL);
}
