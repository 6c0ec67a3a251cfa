/*
 * Who listens at an abstract name of unix sockets, and whether they could serve an interface; Node can ask neither.
 *
 *     lockHolder(name: Uint8Array) -> { errno, pid, uid, netAdmin }
 *
 * `name` is all of sun_path, its first NUL byte included. `errno` is 0, or why nobody is to be found: ECONNREFUSED when nobody listens,
 * EAGAIN when they do not accept. `pid` is 0 for a process that this PID namespace does not see. `netAdmin`: the process has
 * CAP_NET_ADMIN, or it cannot be known; false when it is gone, though it has left its socket to somebody.
 *
 * Built by scripts/build-native.mjs, loaded by lock-holder.ts.
 */
#define _GNU_SOURCE /* struct ucred */
#include <errno.h>
#include <node_api.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/capability.h>

/* capget(2) asks of any process, where /proc may be mounted with hidepid, or not at all. */
static int has_net_admin(pid_t pid) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = pid};
  struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
  if (pid == 0) return 1; /* to capget(2) that is ourselves */
  if (syscall(SYS_capget, &header, data) < 0) return errno != ESRCH;
  return (data[CAP_TO_INDEX(CAP_NET_ADMIN)].effective & CAP_TO_MASK(CAP_NET_ADMIN)) != 0;
}

/* @return 0 or an error number */
static int ask(const void *name, size_t length, struct ucred *holder) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  socklen_t size = sizeof *holder;
  int error = 0;
  if (length > sizeof address.sun_path) return ENAMETOOLONG;
  memcpy(address.sun_path, name, length);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return errno;
  if (connect(fd, (struct sockaddr *)&address, offsetof(struct sockaddr_un, sun_path) + length) < 0 ||
      getsockopt(fd, SOL_SOCKET, SO_PEERCRED, holder, &size) < 0)
    error = errno;
  close(fd);
  return error;
}

static void set(napi_env env, napi_value object, const char *name, int64_t number) {
  napi_value value;
  napi_create_int64(env, number, &value);
  napi_set_named_property(env, object, name, value);
}

static napi_value lock_holder(napi_env env, napi_callback_info info) {
  napi_value name, result, net_admin;
  napi_typedarray_type type;
  size_t argc = 1, length = 0;
  void *data = NULL;
  struct ucred holder = {0};
  napi_get_cb_info(env, info, &argc, &name, NULL, NULL);
  if (napi_get_typedarray_info(env, name, &type, &length, &data, NULL, NULL) != napi_ok || type != napi_uint8_array) {
    napi_throw_type_error(env, NULL, "lockHolder: not a Uint8Array");
    return NULL;
  }
  int error = ask(data, length, &holder);
  napi_create_object(env, &result);
  set(env, result, "errno", error);
  set(env, result, "pid", holder.pid);
  set(env, result, "uid", holder.uid);
  napi_get_boolean(env, error == 0 && has_net_admin(holder.pid), &net_admin);
  napi_set_named_property(env, result, "netAdmin", net_admin);
  return result;
}

NAPI_MODULE_INIT() {
  napi_value function;
  napi_create_function(env, "lockHolder", NAPI_AUTO_LENGTH, lock_holder, NULL, &function);
  napi_set_named_property(env, exports, "lockHolder", function);
  return exports;
}
