/*
 * Changing the group where Node itself will not: with a libuv that is not its own (Debian 13, OpenWrt), Node 20 takes for granted
 * that io_uring may be at work and refuses every setgid (CVE-2024-22017).
 *
 *     groupId(name) -> the group's number, or -1 when there is no such group
 *     setGroup(number) -> 0, or the errno that says why not
 *
 * Built by scripts/build-native.mjs, loaded by group.ts. Only symbols of POSIX and Node-API, so it links on any libc of Linux.
 */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <grp.h>
#include <node_api.h>
#include <unistd.h>

static napi_value number(napi_env env, int64_t value) {
  napi_value result;
  return napi_create_int64(env, value, &result) == napi_ok ? result : NULL;
}

static napi_value group_id(napi_env env, napi_callback_info info) {
  char name[256];
  napi_value argument;
  size_t argc = 1, length = 0;
  napi_get_cb_info(env, info, &argc, &argument, NULL, NULL);
  if (napi_get_value_string_utf8(env, argument, name, sizeof name, &length) != napi_ok) {
    napi_throw_type_error(env, NULL, "groupId: not a string");
    return NULL;
  }
  /* A longer name was cut off; no group has one. */
  struct group *found = length < sizeof name - 1 ? getgrnam(name) : NULL;
  return number(env, found == NULL ? -1 : (int64_t)found->gr_gid);
}

/* The C library changes the group of every thread. */
static napi_value set_group(napi_env env, napi_callback_info info) {
  uint32_t group;
  napi_value argument;
  size_t argc = 1;
  napi_get_cb_info(env, info, &argc, &argument, NULL, NULL);
  if (napi_get_value_uint32(env, argument, &group) != napi_ok) {
    napi_throw_type_error(env, NULL, "setGroup: not a number");
    return NULL;
  }
  return number(env, setgid((gid_t)group) == 0 ? 0 : errno);
}

NAPI_MODULE_INIT() {
  napi_value function;
  napi_create_function(env, "groupId", NAPI_AUTO_LENGTH, group_id, NULL, &function);
  napi_set_named_property(env, exports, "groupId", function);
  napi_create_function(env, "setGroup", NAPI_AUTO_LENGTH, set_group, NULL, &function);
  napi_set_named_property(env, exports, "setGroup", function);
  return exports;
}
