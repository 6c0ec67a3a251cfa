/*
 * The one thing that Node cannot do for wgpeerselector: set the clock.
 *
 *     setRealtime(seconds, nanoseconds) -> 0, or the errno that says why not
 *
 * Built by scripts/build-native.mjs, loaded by set-clock.ts. Only symbols of POSIX and Node-API, so it links on any libc.
 */

/* 32-bit glibc keeps a time_t that ends in 2038 unless asked; elsewhere (musl, 64 bits) these two change nothing. */
#define _FILE_OFFSET_BITS 64
#define _TIME_BITS 64
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <node_api.h>
#include <time.h>

static int set_realtime(int64_t seconds, int32_t nanoseconds) {
  struct timespec date = {0};
  date.tv_sec = (time_t)seconds;
  date.tv_nsec = nanoseconds;
  /* An old libc with 32 bits: better no date than the wrong one of 1901. */
  if ((int64_t)date.tv_sec != seconds) return EOVERFLOW;
  return clock_settime(CLOCK_REALTIME, &date) == 0 ? 0 : errno;
}

static napi_value call(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value argument[2], result;
  int64_t seconds;
  int32_t nanoseconds;
  if (napi_get_cb_info(env, info, &count, argument, NULL, NULL) != napi_ok || count < 2 ||
      napi_get_value_int64(env, argument[0], &seconds) != napi_ok ||
      napi_get_value_int32(env, argument[1], &nanoseconds) != napi_ok) {
    napi_throw_type_error(env, NULL, "setRealtime: two numbers expected");
    return NULL;
  }
  return napi_create_int32(env, set_realtime(seconds, nanoseconds), &result) == napi_ok ? result : NULL;
}

NAPI_MODULE_INIT() {
  napi_value function;
  if (napi_create_function(env, "setRealtime", NAPI_AUTO_LENGTH, call, NULL, &function) != napi_ok) return NULL;
  return napi_set_named_property(env, exports, "setRealtime", function) == napi_ok ? exports : NULL;
}
