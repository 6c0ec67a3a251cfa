/*
 * What Node cannot do for wgpeerselector with the clocks:
 *
 *     setRealtime(seconds, nanoseconds) -> 0, or the errno that says why not
 *     bootTime() -> milliseconds since boot, time asleep included (CLOCK_BOOTTIME); NaN where the kernel has no such clock
 *     isSynchronised() -> 1 or 0, or -errno where the kernel may not be asked
 *     setMaxError(microseconds) -> 0, or the errno that says why not
 *
 * Built by scripts/build-native.mjs, loaded by addon.ts. Only symbols of POSIX, Node-API and adjtimex(2), so it links on any
 * libc of Linux.
 */

/* 32-bit glibc keeps a time_t that ends in 2038 unless asked; elsewhere (musl, 64 bits) these two change nothing. */
#define _FILE_OFFSET_BITS 64
#define _TIME_BITS 64
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <math.h>
#include <node_api.h>
#include <sys/timex.h>
#include <time.h>

/* NTP_PHASE_LIMIT of include/linux/timex.h, in microseconds: the error bound of a clock that nobody vouches for. */
#define NO_BOUND 16000000

static int set_realtime(int64_t seconds, int32_t nanoseconds) {
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
static int is_synchronised(void) {
  struct timex state = {0};
  if (adjtimex(&state) < 0) return -errno;
  return !(state.status & STA_UNSYNC) || state.maxerror < NO_BOUND;
}

static int set_max_error(int32_t microseconds) {
  struct timex state = {0};
  state.modes = ADJ_MAXERROR;
  state.maxerror = microseconds;
  return adjtimex(&state) < 0 ? errno : 0;
}

static napi_value number(napi_env env, double value) {
  napi_value result;
  return napi_create_double(env, value, &result) == napi_ok ? result : NULL;
}

static napi_value call_set_realtime(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value argument[2];
  int64_t seconds;
  int32_t nanoseconds;
  if (napi_get_cb_info(env, info, &count, argument, NULL, NULL) != napi_ok || count < 2 ||
      napi_get_value_int64(env, argument[0], &seconds) != napi_ok ||
      napi_get_value_int32(env, argument[1], &nanoseconds) != napi_ok) {
    napi_throw_type_error(env, NULL, "setRealtime: two numbers expected");
    return NULL;
  }
  return number(env, set_realtime(seconds, nanoseconds));
}

static napi_value call_boot_time(napi_env env, napi_callback_info info) {
  struct timespec now;
  (void)info;
  if (clock_gettime(CLOCK_BOOTTIME, &now) != 0) return number(env, NAN);
  return number(env, (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6);
}

static napi_value call_is_synchronised(napi_env env, napi_callback_info info) {
  (void)info;
  return number(env, is_synchronised());
}

static napi_value call_set_max_error(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument[1];
  int32_t microseconds;
  if (napi_get_cb_info(env, info, &count, argument, NULL, NULL) != napi_ok || count < 1 ||
      napi_get_value_int32(env, argument[0], &microseconds) != napi_ok) {
    napi_throw_type_error(env, NULL, "setMaxError: a number expected");
    return NULL;
  }
  return number(env, set_max_error(microseconds));
}

static bool add(napi_env env, napi_value exports, const char *name, napi_callback callback) {
  napi_value function;
  return napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, NULL, &function) == napi_ok &&
         napi_set_named_property(env, exports, name, function) == napi_ok;
}

NAPI_MODULE_INIT() {
  bool added = add(env, exports, "setRealtime", call_set_realtime) && add(env, exports, "bootTime", call_boot_time) &&
               add(env, exports, "isSynchronised", call_is_synchronised) &&
               add(env, exports, "setMaxError", call_set_max_error);
  return added ? exports : NULL;
}
