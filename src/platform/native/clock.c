/* The clocks of the kernel. */

/* 32-bit glibc keeps a time_t that ends in 2038 unless asked; elsewhere (musl, 64 bits) these two change nothing. */
#define _FILE_OFFSET_BITS 64
#define _TIME_BITS 64
#define _POSIX_C_SOURCE 200809L

#include "native.h"

#include <errno.h>
#include <math.h>
#include <sys/timex.h>
#include <time.h>

/* NTP_PHASE_LIMIT of include/linux/timex.h, in microseconds: the error bound of a clock that nobody vouches for. */
#define NO_BOUND 16000000

int set_realtime(int64_t seconds, int32_t nanoseconds) {
  struct timespec date = {0};
  date.tv_sec = (time_t)seconds;
  date.tv_nsec = nanoseconds;
  /* An old libc with 32 bits: better no date than the wrong one of 1901. */
  if ((int64_t)date.tv_sec != seconds) return EOVERFLOW;
  return clock_settime(CLOCK_REALTIME, &date) == 0 ? 0 : errno;
}

/*
 * STA_UNSYNC alone does not tell: chrony without `rtcsync` leaves it set, since it also keeps the kernel from writing to the RTC.
 * The error bound does. Both are as at boot again after clock_settime(2), and 9 hours after the last word of an NTP client.
 */
int is_synchronised(void) {
  struct timex state = {0};
  if (adjtimex(&state) < 0) return -errno;
  return !(state.status & STA_UNSYNC) || state.maxerror < NO_BOUND;
}

int set_max_error(int32_t microseconds) {
  struct timex state = {0};
  state.modes = ADJ_MAXERROR;
  state.maxerror = microseconds;
  return adjtimex(&state) < 0 ? errno : 0;
}

double boot_time(void) {
  struct timespec now;
  if (clock_gettime(CLOCK_BOOTTIME, &now) != 0) return NAN;
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

int64_t monotonic(void) {
  struct timespec now = {0};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}
