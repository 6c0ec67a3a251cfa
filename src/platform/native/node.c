/*
 * The Node-API front, dist/native/native.node (src/platform/node has the types):
 *
 *   socket = new NetlinkSocket(family, handlers, groups, receiveBufferBytes)
 *   socket.port, socket.extendedAck, socket.cappedAck, socket.strictDump
 *   socket.send(bytes), socket.receive(), socket.repeat(bytes, answer, varying), socket.setRef(on), socket.close()
 *
 *   lookups = new Lookups(finished)            finished(id, failure, addresses)
 *   lookups.start(id, name, family, milliseconds), lookups.close()
 *
 *   listenerOwner(name), credentials(fd) -> { errno, pid, uid, netAdmin }
 *   openProbe(kind, device, source, target), sendProbe(fd), probeHeard(fd), closeProbe(fd)
 *   groupId(name), setGroup(number), exit(code)
 *   setRealtime(seconds, nanoseconds), bootTime(), isSynchronised(), setMaxError(microseconds)
 *   notify(path, bytes)
 *
 * Life of an object that watches a descriptor: libuv wants the memory of a handle until it has told that the handle is closed, which
 * is one turn of the loop after uv_close(). Until then the JavaScript object is held by a strong reference, so an open one is never
 * collected, as with every handle of Node's. After that the garbage collector decides, and finalize() frees the memory.
 * When a worker or the process ends with some of them open, a cleanup hook closes them first.
 */
#define NAPI_VERSION 8 /* since Node 12.22, 14.17, 15.12 */

#include "native.h"

#include <errno.h>
#include <node_api.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * The part of uv.h used here. The node program exports these functions, but the package node-api-headers has no uv.h.
 * libuv keeps its ABI in all versions 1.x; of its structures only the size matters, and that is asked for.
 */
typedef struct uv_handle_s uv_handle_t;
enum { UV_POLL = 8 };     /* enum uv_handle_type */
enum { UV_READABLE = 1 }; /* enum uv_poll_event */
int uv_poll_init(struct uv_loop_s *loop, uv_handle_t *poll, int fd);
int uv_poll_start(uv_handle_t *poll, int events, void (*callback)(uv_handle_t *, int status, int events));
void uv_close(uv_handle_t *handle, void (*callback)(uv_handle_t *));
void uv_ref(uv_handle_t *handle);
void uv_unref(uv_handle_t *handle);
void uv_handle_set_data(uv_handle_t *handle, void *data);
void *uv_handle_get_data(const uv_handle_t *handle);
size_t uv_handle_size(int type);
char *uv_err_name_r(int error, char *name, size_t size);
char *uv_strerror_r(int error, char *text, size_t size);

/* Datagrams read in one turn of the loop: the rest of the program has its turn too. */
enum { BATCH = 32 };

/* An object that watches a descriptor: a netlink socket, or look-ups. */
struct watcher {
  napi_env env;
  napi_ref self;      /* strong while the handle is open */
  napi_ref listener;  /* the object or function that is told */
  napi_async_cleanup_hook_handle cleanup;
  void (*readable)(struct watcher *);
  void (*close)(struct watcher *); /* what is behind the descriptor, and the descriptor */
  bool open;
  struct netlink netlink;
  struct lookups *lookups;
  _Alignas(max_align_t) char poll[]; /* uv_poll_t, of the size libuv says */
};

static uv_handle_t *handle_of(struct watcher *watcher) { return (uv_handle_t *)watcher->poll; }

/* Closing: in the order of what happens. Each step is safe inside a handler, and close_watcher() any number of times. */

static void on_closed(uv_handle_t *handle) {
  struct watcher *watcher = uv_handle_get_data(handle);
  napi_delete_reference(watcher->env, watcher->listener);
  napi_delete_reference(watcher->env, watcher->self);
  /* Last, because until then it keeps the environment alive. finalize() is now free to run, at any later time. */
  napi_remove_async_cleanup_hook(watcher->cleanup);
}

static void close_watcher(struct watcher *watcher) {
  if (!watcher->open) return;
  watcher->open = false;
  uv_close(handle_of(watcher), on_closed); /* first: it takes the descriptor out of epoll */
  watcher->close(watcher);
}

static void on_environment_end(napi_async_cleanup_hook_handle hook, void *data) {
  (void)hook; /* on_closed() removes it, also when close() had been called already */
  close_watcher(data);
}

static void finalize(napi_env env, void *data, void *hint) {
  (void)env, (void)hint;
  free(data);
}

/* Opening */

static void on_readable(uv_handle_t *handle, int status, int events) {
  (void)events;
  struct watcher *watcher = uv_handle_get_data(handle);
  watcher->readable(watcher);
  /* An error waiting in a socket (ENOBUFS) shows as EPOLLERR, at which libuv stops the handle. It was read above. */
  if (status < 0 && watcher->open) uv_poll_start(handle, UV_READABLE, on_readable);
}

/* @return NULL with ENOMEM */
static struct watcher *new_watcher(void) { return calloc(1, sizeof(struct watcher) + uv_handle_size(UV_POLL)); }

/* Begins to watch, as `self`. @return 0 or an error number; the watcher is not open then */
static int watch(napi_env env, struct watcher *watcher, int fd, napi_value self, napi_value listener) {
  struct uv_loop_s *loop;
  napi_get_uv_event_loop(env, &loop);
  int error = -uv_poll_init(loop, handle_of(watcher), fd);
  if (error != 0) return error;
  watcher->env = env;
  watcher->open = true;
  uv_handle_set_data(handle_of(watcher), watcher);
  uv_poll_start(handle_of(watcher), UV_READABLE, on_readable);
  napi_wrap(env, self, watcher, finalize, NULL, NULL);
  napi_create_reference(env, self, 1, &watcher->self);
  napi_create_reference(env, listener, 1, &watcher->listener);
  napi_add_async_cleanup_hook(env, on_environment_end, watcher, &watcher->cleanup);
  return 0;
}

/* `this` is one of ours, V8 sees to that. @return NULL when its constructor threw */
static struct watcher *this_watcher(napi_env env, napi_callback_info info, size_t *argc, napi_value *argv) {
  napi_value self;
  void *watcher = NULL;
  napi_get_cb_info(env, info, argc, argv, &self, NULL);
  napi_unwrap(env, self, &watcher);
  return watcher;
}

static napi_value js_close(napi_env env, napi_callback_info info) {
  struct watcher *watcher = this_watcher(env, info, NULL, NULL);
  if (watcher != NULL) close_watcher(watcher);
  return NULL;
}

/* Values */

static napi_value number(napi_env env, double value) {
  napi_value result;
  return napi_create_double(env, value, &result) == napi_ok ? result : NULL;
}

static void set_number(napi_env env, napi_value object, const char *name, double value) {
  napi_set_named_property(env, object, name, number(env, value));
}

static void set_boolean(napi_env env, napi_value object, const char *name, bool value) {
  napi_value boolean;
  napi_get_boolean(env, value, &boolean);
  napi_set_named_property(env, object, name, boolean);
}

/* @return NULL, for the callback to return; so do the next two */
static napi_value throw_type(napi_env env, const char *text) {
  napi_throw_type_error(env, NULL, text);
  return NULL;
}

static napi_value throw_errno(napi_env env, const char *step, int error) {
  char name[64], reason[128], text[256];
  napi_value code, message, exception;
  uv_err_name_r(-error, name, sizeof name);
  snprintf(text, sizeof text, "%s: %s, %s", name, uv_strerror_r(-error, reason, sizeof reason), step);
  napi_create_string_utf8(env, name, NAPI_AUTO_LENGTH, &code);
  napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &message);
  napi_create_error(env, code, message, &exception);
  set_number(env, exception, "errno", error);
  napi_throw(env, exception);
  return NULL;
}

static bool get_bytes(napi_env env, napi_value value, void **data, size_t *length) {
  napi_typedarray_type type;
  return napi_get_typedarray_info(env, value, &type, length, data, NULL, NULL) == napi_ok && type == napi_uint8_array;
}

/*
 * Calls a function, and what it left to be done in this turn (promises, nextTick). An error that leaves it
 * becomes an uncaughtException, as from any callback of Node's.
 */
static bool call(napi_env env, napi_value receiver, napi_value function, size_t argc, const napi_value *argv) {
  napi_value error;
  bool thrown = false;
  if (napi_make_callback(env, NULL, receiver, function, argc, argv, NULL) == napi_ok) return true;
  napi_is_exception_pending(env, &thrown);
  if (thrown && napi_get_and_clear_last_exception(env, &error) == napi_ok) napi_fatal_exception(env, error);
  return false;
}

/* NetlinkSocket */

static bool call_handler(struct watcher *sock, const char *method, size_t argc, const napi_value *argv) {
  napi_value handlers, function;
  return napi_get_reference_value(sock->env, sock->listener, &handlers) == napi_ok &&
         napi_get_named_property(sock->env, handlers, method, &function) == napi_ok &&
         call(sock->env, handlers, function, argc, argv);
}

/* @return whether there may be more to receive; so does receive() */
static bool report(struct watcher *sock, int error) {
  if (error == EAGAIN) return false;
  if (netlink_is_fatal(error)) close_watcher(sock);
  napi_value argv[2];
  napi_create_int32(sock->env, error, &argv[0]);
  napi_get_boolean(sock->env, !sock->open, &argv[1]);
  return call_handler(sock, "error", 2, argv);
}

/* Receives a datagram right into the memory of a Uint8Array. */
static bool receive(struct watcher *sock) {
  napi_value buffer, argv[2];
  void *data;
  uint32_t sender = 0;
  ssize_t size = netlink_next(&sock->netlink);
  if (size < 0) return report(sock, (int)-size);
  if (napi_create_arraybuffer(sock->env, (size_t)size, &data, &buffer) != napi_ok ||
      napi_create_typedarray(sock->env, napi_uint8_array, (size_t)size, buffer, 0, &argv[0]) != napi_ok)
    return false; /* JavaScript is being stopped */
  size = netlink_receive(&sock->netlink, data, (size_t)size, &sender);
  if (size < 0) return report(sock, (int)-size);
  if (napi_create_uint32(sock->env, sender, &argv[1]) != napi_ok) return false;
  return call_handler(sock, "message", 2, argv);
}

/* Hands on what has come, up to a batch. */
static void drain(struct watcher *sock) {
  bool more = true;
  for (int i = 0; i < BATCH && more && sock->open; i++) {
    napi_handle_scope scope;
    napi_open_handle_scope(sock->env, &scope);
    more = receive(sock);
    napi_close_handle_scope(sock->env, scope);
  }
}

static void close_netlink(struct watcher *sock) { close(sock->netlink.fd); }

/* send(bytes: Uint8Array): number, 0 or an error number. The kernel has dealt with the message when this returns. */
static napi_value js_send(napi_env env, napi_callback_info info) {
  napi_value bytes;
  size_t argc = 1, length = 0;
  void *data = NULL;
  struct watcher *sock = this_watcher(env, info, &argc, &bytes);
  if (!get_bytes(env, bytes, &data, &length)) return throw_type(env, "send: not a Uint8Array");
  return number(env, sock == NULL || !sock->open ? EBADF : netlink_send(&sock->netlink, data, length));
}

/* receive(): hands on what has come already, as a turn of the loop would. The handlers are called before it returns. */
static napi_value js_receive(napi_env env, napi_callback_info info) {
  struct watcher *sock = this_watcher(env, info, NULL, NULL);
  if (sock != NULL) drain(sock);
  return NULL;
}

/* repeat(bytes: Uint8Array, answer: Uint8Array, varying: Uint8Array): number, see netlink_repeat() */
static napi_value js_repeat(napi_env env, napi_callback_info info) {
  napi_value argv[3];
  size_t argc = 3, lengths[3] = {0};
  void *data[3] = {NULL};
  struct watcher *sock = this_watcher(env, info, &argc, argv);
  for (int i = 0; i < 3; i++)
    if (!get_bytes(env, argv[i], &data[i], &lengths[i])) return throw_type(env, "repeat: not a Uint8Array");
  if (lengths[1] != lengths[2]) return throw_type(env, "repeat: as many bytes expected in varying as in answer");
  enum netlink_repeat found = NETLINK_OTHER;
  if (sock != NULL && sock->open) found = netlink_repeat(&sock->netlink, data[0], lengths[0], data[1], data[2], lengths[1]);
  return number(env, found);
}

/* setRef(on: boolean): whether an open socket keeps the process alive. It does from the start. */
static napi_value js_set_ref(napi_env env, napi_callback_info info) {
  size_t argc = 1;
  bool on = true;
  napi_value argument;
  struct watcher *sock = this_watcher(env, info, &argc, &argument);
  napi_get_value_bool(env, argument, &on);
  if (sock != NULL && sock->open) (on ? uv_ref : uv_unref)(handle_of(sock));
  return NULL;
}

/* @return NULL or the step that failed, with errno set */
static const char *join_all(napi_env env, const struct netlink *sock, napi_value groups) {
  uint32_t count = 0, group;
  napi_value element;
  const char *failed = NULL;
  napi_get_array_length(env, groups, &count);
  for (uint32_t i = 0; i < count && failed == NULL; i++) {
    if (napi_get_element(env, groups, i, &element) != napi_ok ||
        napi_get_value_uint32(env, element, &group) != napi_ok)
      group = 0; /* there is none of that number: EINVAL */
    failed = netlink_join(sock, group);
  }
  return failed;
}

/* new NetlinkSocket(family: number, handlers: object, groups: number[], receiveBufferBytes: number) */
static napi_value js_open_netlink(napi_env env, napi_callback_info info) {
  napi_value argv[4], self, new_target;
  size_t argc = 4;
  int32_t family;
  uint32_t buffer_bytes;
  bool is_array = false;
  napi_valuetype type = napi_undefined;
  napi_get_cb_info(env, info, &argc, argv, &self, NULL);
  napi_get_new_target(env, info, &new_target);
  napi_typeof(env, argv[1], &type);
  napi_is_array(env, argv[2], &is_array);
  if (new_target == NULL || type != napi_object || !is_array || napi_get_value_int32(env, argv[0], &family) != napi_ok ||
      napi_get_value_uint32(env, argv[3], &buffer_bytes) != napi_ok)
    return throw_type(env, "new NetlinkSocket(family, handlers, groups, receiveBufferBytes)");
  struct watcher *sock = new_watcher();
  if (sock == NULL) return throw_errno(env, "open a netlink socket", ENOMEM);
  sock->readable = drain;
  sock->close = close_netlink;
  const char *failed = netlink_open(&sock->netlink, family, buffer_bytes);
  int error = errno;
  if (failed == NULL) {
    failed = join_all(env, &sock->netlink, argv[2]);
    error = failed != NULL ? errno : watch(env, sock, sock->netlink.fd, self, argv[1]);
    if (failed == NULL && error != 0) failed = "watch a netlink socket";
    if (failed != NULL) close(sock->netlink.fd);
  }
  if (failed != NULL) {
    free(sock);
    return throw_errno(env, failed, error);
  }
  set_boolean(env, self, "extendedAck", sock->netlink.extended_ack);
  set_boolean(env, self, "cappedAck", sock->netlink.capped_ack);
  set_boolean(env, self, "strictDump", sock->netlink.strict_dump);
  set_number(env, self, "port", sock->netlink.port);
  return self;
}

/* Lookups. They do not keep the process alive; timers of the caller do while an answer is waited for. */

static void tell(struct watcher *watcher, const struct lookup *lookup) {
  napi_env env = watcher->env;
  napi_value function, receiver, argv[3], text;
  char addresses[LOOKUP_ADDRESSES][INET6_ADDRSTRLEN];
  size_t count = lookup_addresses(lookup, addresses);
  const char *failure = lookup_failure(lookup);
  napi_create_uint32(env, lookup_id(lookup), &argv[0]);
  if (failure == NULL)
    napi_get_undefined(env, &argv[1]);
  else
    napi_create_string_utf8(env, failure, NAPI_AUTO_LENGTH, &argv[1]);
  napi_create_array(env, &argv[2]);
  for (size_t i = 0; i < count; i++) {
    napi_create_string_utf8(env, addresses[i], NAPI_AUTO_LENGTH, &text);
    napi_set_element(env, argv[2], (uint32_t)i, text);
  }
  if (napi_get_global(env, &receiver) == napi_ok &&
      napi_get_reference_value(env, watcher->listener, &function) == napi_ok)
    call(env, receiver, function, 3, argv);
}

static void take_lookups(struct watcher *watcher) {
  struct lookup *lookup = lookups_take(watcher->lookups);
  while (lookup != NULL) {
    struct lookup *next = lookup_next(lookup);
    napi_handle_scope scope;
    if (watcher->open && napi_open_handle_scope(watcher->env, &scope) == napi_ok) { /* not closed by the last */
      tell(watcher, lookup);
      napi_close_handle_scope(watcher->env, scope);
    }
    lookup_free(lookup);
    lookup = next;
  }
}

static void close_lookups(struct watcher *watcher) { lookups_close(watcher->lookups); }

/* start(id: number, name: string, family: 4 | 6, milliseconds: number): number, 0 or an error number */
static napi_value js_start(napi_env env, napi_callback_info info) {
  napi_value argv[4];
  size_t argc = 4, length = 0;
  uint32_t id, family, milliseconds;
  char name[LOOKUP_NAME + 2]; /* longer than the longest, so that too long a name shows */
  struct watcher *watcher = this_watcher(env, info, &argc, argv);
  if (napi_get_value_uint32(env, argv[0], &id) != napi_ok ||
      napi_get_value_string_utf8(env, argv[1], name, sizeof name, &length) != napi_ok ||
      napi_get_value_uint32(env, argv[2], &family) != napi_ok || (family != 4 && family != 6) ||
      napi_get_value_uint32(env, argv[3], &milliseconds) != napi_ok)
    return throw_type(env, "start(id, name, family, milliseconds)");
  if (strlen(name) != length) return number(env, EINVAL); /* a NUL in it */
  if (watcher == NULL || !watcher->open) return number(env, EBADF);
  return number(env, lookups_start(watcher->lookups, id, name, family == 4 ? AF_INET : AF_INET6, milliseconds));
}

/* new Lookups(finished: function) */
static napi_value js_open_lookups(napi_env env, napi_callback_info info) {
  napi_value finished, self, new_target;
  size_t argc = 1;
  napi_valuetype type = napi_undefined;
  napi_get_cb_info(env, info, &argc, &finished, &self, NULL);
  napi_get_new_target(env, info, &new_target);
  napi_typeof(env, finished, &type);
  if (new_target == NULL || type != napi_function) return throw_type(env, "new Lookups(finished)");
  struct watcher *watcher = new_watcher();
  if (watcher == NULL) return throw_errno(env, "look up names", ENOMEM);
  watcher->readable = take_lookups;
  watcher->close = close_lookups;
  watcher->lookups = lookups_open();
  int error = errno;
  if (watcher->lookups != NULL) {
    error = watch(env, watcher, lookups_descriptor(watcher->lookups), self, finished);
    if (error == 0) {
      uv_unref(handle_of(watcher));
      return self;
    }
    lookups_close(watcher->lookups);
  }
  free(watcher);
  return throw_errno(env, "look up names", error);
}

/* Functions */

static napi_value new_credentials(napi_env env, struct credentials whose) {
  napi_value result;
  napi_create_object(env, &result);
  set_number(env, result, "errno", whose.error);
  set_number(env, result, "pid", whose.pid);
  set_number(env, result, "uid", whose.uid);
  set_boolean(env, result, "netAdmin", whose.net_admin);
  return result;
}

static napi_value js_listener_owner(napi_env env, napi_callback_info info) {
  napi_value name;
  size_t argc = 1, length = 0;
  void *data = NULL;
  napi_get_cb_info(env, info, &argc, &name, NULL, NULL);
  if (!get_bytes(env, name, &data, &length)) return throw_type(env, "listenerOwner: not a Uint8Array");
  return new_credentials(env, listener_owner(data, length));
}

static napi_value js_credentials(napi_env env, napi_callback_info info) {
  napi_value argument;
  size_t argc = 1;
  int32_t fd;
  napi_get_cb_info(env, info, &argc, &argument, NULL, NULL);
  if (napi_get_value_int32(env, argument, &fd) != napi_ok) return throw_type(env, "credentials: not a descriptor");
  return new_credentials(env, credentials_of(fd));
}

static napi_value js_group_id(napi_env env, napi_callback_info info) {
  char name[256];
  napi_value argument;
  size_t argc = 1, length = 0;
  napi_get_cb_info(env, info, &argc, &argument, NULL, NULL);
  if (napi_get_value_string_utf8(env, argument, name, sizeof name, &length) != napi_ok)
    return throw_type(env, "groupId: not a string");
  /* A longer name was cut off; no group has one. */
  return number(env, length < sizeof name - 1 ? (double)group_id(name) : -1);
}

static napi_value js_exit(napi_env env, napi_callback_info info) {
  int32_t code;
  napi_value argument;
  size_t argc = 1;
  napi_get_cb_info(env, info, &argc, &argument, NULL, NULL);
  if (napi_get_value_int32(env, argument, &code) != napi_ok) return throw_type(env, "exit: not a number");
  _exit(code);
}

static napi_value js_set_group(napi_env env, napi_callback_info info) {
  uint32_t group;
  napi_value argument;
  size_t argc = 1;
  napi_get_cb_info(env, info, &argc, &argument, NULL, NULL);
  if (napi_get_value_uint32(env, argument, &group) != napi_ok) return throw_type(env, "setGroup: not a number");
  return number(env, set_group(group));
}

static napi_value js_set_realtime(napi_env env, napi_callback_info info) {
  size_t argc = 2;
  napi_value argv[2];
  int64_t seconds;
  int32_t nanoseconds;
  napi_get_cb_info(env, info, &argc, argv, NULL, NULL);
  if (napi_get_value_int64(env, argv[0], &seconds) != napi_ok || napi_get_value_int32(env, argv[1], &nanoseconds) != napi_ok)
    return throw_type(env, "setRealtime: two numbers expected");
  return number(env, set_realtime(seconds, nanoseconds));
}

static napi_value js_boot_time(napi_env env, napi_callback_info info) {
  (void)info;
  return number(env, boot_time());
}

static napi_value js_is_synchronised(napi_env env, napi_callback_info info) {
  (void)info;
  return number(env, is_synchronised());
}

static napi_value js_set_max_error(napi_env env, napi_callback_info info) {
  size_t argc = 1;
  napi_value argument;
  int32_t microseconds;
  napi_get_cb_info(env, info, &argc, &argument, NULL, NULL);
  if (napi_get_value_int32(env, argument, &microseconds) != napi_ok)
    return throw_type(env, "setMaxError: a number expected");
  return number(env, set_max_error(microseconds));
}

/* notify(path: Uint8Array, text: Uint8Array): number, 0 or an error number */
static napi_value js_notify(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  size_t argc = 2, lengths[2] = {0};
  void *data[2] = {NULL};
  napi_get_cb_info(env, info, &argc, argv, NULL, NULL);
  for (int i = 0; i < 2; i++)
    if (!get_bytes(env, argv[i], &data[i], &lengths[i])) return throw_type(env, "notify: not a Uint8Array");
  return number(env, notify(data[0], lengths[0], data[1], lengths[1]));
}

/* openProbe(kind: number, device: string, source: string, target: string): a descriptor, or an error number negated */
static napi_value js_open_probe(napi_env env, napi_callback_info info) {
  napi_value argv[4];
  size_t argc = 4;
  uint32_t kind;
  char texts[3][ADDRESS_TEXT + 2]; /* longer than the longest, so that too long a one shows */
  bool cut = false;
  napi_get_cb_info(env, info, &argc, argv, NULL, NULL);
  bool valid = napi_get_value_uint32(env, argv[0], &kind) == napi_ok && kind < PROBE_KINDS;
  for (size_t i = 0; i < 3 && valid; i++) {
    size_t length = 0;
    valid = napi_get_value_string_utf8(env, argv[i + 1], texts[i], sizeof texts[i], &length) == napi_ok;
    cut = cut || length > ADDRESS_TEXT || (valid && strlen(texts[i]) != length);
  }
  if (!valid) return throw_type(env, "openProbe(kind, device, source, target)");
  return number(env, cut ? -EINVAL : probe_open((enum probe_kind)kind, texts[0], texts[1], texts[2]));
}

/* @return a descriptor, or -1 with an exception */
static int probe_descriptor(napi_env env, napi_callback_info info) {
  napi_value argument;
  size_t argc = 1;
  int32_t fd;
  napi_get_cb_info(env, info, &argc, &argument, NULL, NULL);
  if (napi_get_value_int32(env, argument, &fd) == napi_ok && fd >= 0) return fd;
  throw_type(env, "expected the descriptor of a probe");
  return -1;
}

static napi_value js_send_probe(napi_env env, napi_callback_info info) {
  int fd = probe_descriptor(env, info);
  return fd < 0 ? NULL : number(env, probe_send(fd));
}

static napi_value js_probe_heard(napi_env env, napi_callback_info info) {
  napi_value result;
  int fd = probe_descriptor(env, info);
  if (fd < 0) return NULL;
  napi_get_boolean(env, probe_heard(fd), &result);
  return result;
}

static napi_value js_close_probe(napi_env env, napi_callback_info info) {
  int fd = probe_descriptor(env, info);
  if (fd >= 0) close(fd);
  return NULL;
}

static void export_class(napi_env env, napi_value exports, const char *name, napi_callback open, size_t count,
                         const napi_property_descriptor *methods) {
  napi_value constructor;
  napi_define_class(env, name, NAPI_AUTO_LENGTH, open, NULL, count, methods, &constructor);
  napi_set_named_property(env, exports, name, constructor);
}

NAPI_MODULE_INIT() {
  const napi_property_descriptor netlink_methods[] = {
      {.utf8name = "send", .method = js_send},
      {.utf8name = "receive", .method = js_receive},
      {.utf8name = "repeat", .method = js_repeat},
      {.utf8name = "setRef", .method = js_set_ref},
      {.utf8name = "close", .method = js_close},
  };
  const napi_property_descriptor lookups_methods[] = {
      {.utf8name = "start", .method = js_start},
      {.utf8name = "close", .method = js_close},
  };
  const napi_property_descriptor functions[] = {
      {.utf8name = "listenerOwner", .method = js_listener_owner, .attributes = napi_enumerable},
      {.utf8name = "credentials", .method = js_credentials, .attributes = napi_enumerable},
      {.utf8name = "openProbe", .method = js_open_probe, .attributes = napi_enumerable},
      {.utf8name = "sendProbe", .method = js_send_probe, .attributes = napi_enumerable},
      {.utf8name = "probeHeard", .method = js_probe_heard, .attributes = napi_enumerable},
      {.utf8name = "closeProbe", .method = js_close_probe, .attributes = napi_enumerable},
      {.utf8name = "groupId", .method = js_group_id, .attributes = napi_enumerable},
      {.utf8name = "setGroup", .method = js_set_group, .attributes = napi_enumerable},
      {.utf8name = "exit", .method = js_exit, .attributes = napi_enumerable},
      {.utf8name = "setRealtime", .method = js_set_realtime, .attributes = napi_enumerable},
      {.utf8name = "bootTime", .method = js_boot_time, .attributes = napi_enumerable},
      {.utf8name = "isSynchronised", .method = js_is_synchronised, .attributes = napi_enumerable},
      {.utf8name = "setMaxError", .method = js_set_max_error, .attributes = napi_enumerable},
      {.utf8name = "notify", .method = js_notify, .attributes = napi_enumerable},
  };
  export_class(env, exports, "NetlinkSocket", js_open_netlink, sizeof netlink_methods / sizeof *netlink_methods,
               netlink_methods);
  export_class(env, exports, "Lookups", js_open_lookups, sizeof lookups_methods / sizeof *lookups_methods, lookups_methods);
  napi_define_properties(env, exports, sizeof functions / sizeof *functions, functions);
  return exports;
}
