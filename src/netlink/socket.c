/*
 * A netlink socket on Node's event loop: the lowest layer of src/netlink, in C because Node has no netlink sockets.
 *
 * What JavaScript sees (native-socket.ts has the types):
 *
 *   socket = new NetlinkSocket(family, handlers, groups, receiveBufferBytes)
 *   socket.port, socket.extendedAck, socket.cappedAck, socket.strictDump
 *   socket.send(bytes), socket.receive(), socket.setRef(on), socket.close()
 *
 * Life of a socket: libuv wants the memory of a handle until it has told that the handle is closed, which is one turn of
 * the loop after uv_close(). Until then the JavaScript object is held by a strong reference, so an open socket is never
 * collected, as with every handle of Node's. After that the garbage collector decides, and finalize() frees the memory.
 * When a worker or the process ends with sockets open, a cleanup hook closes them first.
 */
#define NAPI_VERSION 8 /* since Node 12.22, 14.17, 15.12 */
#define _DEFAULT_SOURCE /* SO_RCVBUFFORCE */

#include <errno.h>
#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/netlink.h> /* after sys/socket.h, which old kernel headers need before them */

#ifndef NETLINK_GET_STRICT_CHK /* Linux 4.20 */
#define NETLINK_GET_STRICT_CHK 12
#endif

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
char *uv_strerror_r(int error, char *text, size_t size);

/* Datagrams read in one turn of the loop: the rest of the program has its turn too. */
enum { BATCH = 32 };

/* The kernel fills the datagrams of a dump up to the largest buffer it was ever offered, but never beyond this. */
enum { DUMP_DATAGRAM = 32 * 1024 };

struct netlink_socket {
  napi_env env;
  napi_ref self;     /* strong while the handle is open */
  napi_ref handlers; /* the object with message() and error() */
  napi_async_cleanup_hook_handle cleanup;
  int fd; /* -1 once closed */
  _Alignas(max_align_t) char poll[]; /* uv_poll_t, of the size libuv says */
};

static uv_handle_t *handle_of(struct netlink_socket *sock) { return (uv_handle_t *)sock->poll; }

/* Closing: in the order of what happens. Each step is safe inside a handler, and close_socket() any number of times. */

static void on_closed(uv_handle_t *handle) {
  struct netlink_socket *sock = uv_handle_get_data(handle);
  napi_delete_reference(sock->env, sock->handlers);
  napi_delete_reference(sock->env, sock->self);
  /* Last, because until then it keeps the environment alive. finalize() is now free to run, at any later time. */
  napi_remove_async_cleanup_hook(sock->cleanup);
}

static void close_socket(struct netlink_socket *sock) {
  if (sock->fd < 0) return;
  uv_close(handle_of(sock), on_closed); /* first: it takes the descriptor out of epoll */
  close(sock->fd);
  sock->fd = -1;
}

static void on_environment_end(napi_async_cleanup_hook_handle hook, void *data) {
  (void)hook; /* on_closed() removes it, also when close() had been called already */
  close_socket(data);
}

static void finalize(napi_env env, void *data, void *hint) {
  (void)env, (void)hint;
  free(data);
}

/* Receiving */

/*
 * Calls a method of the handlers, and what it left to be done in this turn (promises, nextTick). An error that leaves it
 * becomes an uncaughtException, as from any callback of Node's.
 */
static bool call_handler(struct netlink_socket *sock, const char *method, size_t argc, const napi_value *argv) {
  napi_env env = sock->env;
  napi_value handlers = NULL, function, error;
  bool thrown = false;
  napi_get_reference_value(env, sock->handlers, &handlers);
  if (napi_get_named_property(env, handlers, method, &function) == napi_ok &&
      napi_make_callback(env, NULL, handlers, function, argc, argv, NULL) == napi_ok)
    return true;
  napi_is_exception_pending(env, &thrown);
  if (thrown && napi_get_and_clear_last_exception(env, &error) == napi_ok) napi_fatal_exception(env, error);
  return false;
}

/* @return whether there may be more to receive; so do receive() and call_handler() */
static bool report(struct netlink_socket *sock, int error) {
  if (error == EAGAIN || error == EINTR) return error == EINTR;
  /* ENOBUFS: the buffer overflowed and messages are lost. ENOMEM: one was. What else there may be would come for ever. */
  if (error != ENOBUFS && error != ENOMEM) close_socket(sock);
  napi_value argv[2];
  napi_create_int32(sock->env, error, &argv[0]);
  napi_get_boolean(sock->env, sock->fd < 0, &argv[1]);
  return call_handler(sock, "error", 2, argv);
}

/* Receives a datagram of a known size right into the memory of a Uint8Array. */
static bool receive(struct netlink_socket *sock, size_t size) {
  /*
   * Offered to the kernel so that it makes the datagrams of dumps as large as it can. Nothing is ever written to it,
   * because the datagram fits into the part before it; so threads may share it, and it takes no memory.
   */
  static char spare[DUMP_DATAGRAM];
  struct sockaddr_nl from = {0};
  struct iovec parts[2] = {{.iov_len = size}, {.iov_base = spare, .iov_len = sizeof spare}};
  struct msghdr header = {.msg_name = &from, .msg_namelen = sizeof from, .msg_iov = parts, .msg_iovlen = 2};
  napi_value buffer, argv[2];
  if (napi_create_arraybuffer(sock->env, size, &parts[0].iov_base, &buffer) != napi_ok ||
      napi_create_typedarray(sock->env, napi_uint8_array, size, buffer, 0, &argv[0]) != napi_ok ||
      napi_create_uint32(sock->env, 0, &argv[1]) != napi_ok)
    return false; /* JavaScript is being stopped */
  if (recvmsg(sock->fd, &header, 0) < 0) return report(sock, errno);
  napi_create_uint32(sock->env, from.nl_pid, &argv[1]);
  return call_handler(sock, "message", 2, argv);
}

/* Hands on what has come, up to a batch. */
static void drain(struct netlink_socket *sock) {
  bool more = true;
  for (int i = 0; i < BATCH && more && sock->fd >= 0; i++) {
    napi_handle_scope scope;
    ssize_t size = recv(sock->fd, NULL, 0, MSG_PEEK | MSG_TRUNC);
    int error = errno;
    napi_open_handle_scope(sock->env, &scope);
    more = size < 0 ? report(sock, error) : receive(sock, (size_t)size);
    napi_close_handle_scope(sock->env, scope);
  }
}

static void on_readable(uv_handle_t *handle, int status, int events) {
  (void)events;
  struct netlink_socket *sock = uv_handle_get_data(handle);
  drain(sock);
  /* An error waiting in the socket (ENOBUFS) shows as EPOLLERR, at which libuv stops the handle. It was read above. */
  if (status < 0 && sock->fd >= 0) uv_poll_start(handle, UV_READABLE, on_readable);
}

/* The methods. `this` is one of ours, V8 sees to that; NULL: its constructor threw, so it has no socket. */

static struct netlink_socket *this_socket(napi_env env, napi_callback_info info, size_t *argc, napi_value *argv) {
  napi_value self;
  void *sock = NULL;
  napi_get_cb_info(env, info, argc, argv, &self, NULL);
  napi_unwrap(env, self, &sock);
  return sock;
}

/* send(bytes: Uint8Array): number, 0 or an error number. The kernel has dealt with the message when this returns. */
static napi_value js_send(napi_env env, napi_callback_info info) {
  const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
  napi_value bytes, result;
  size_t argc = 1, length = 0;
  void *data = NULL;
  napi_typedarray_type type;
  struct netlink_socket *sock = this_socket(env, info, &argc, &bytes);
  if (napi_get_typedarray_info(env, bytes, &type, &length, &data, NULL, NULL) != napi_ok || type != napi_uint8_array) {
    napi_throw_type_error(env, NULL, "send: not a Uint8Array");
    return NULL;
  }
  int error = sock == NULL || sock->fd < 0 ? EBADF : 0;
  if (error == 0) {
    ssize_t sent;
    do sent = sendto(sock->fd, data, length, 0, (const struct sockaddr *)&kernel, sizeof kernel);
    while (sent < 0 && errno == EINTR);
    /* EAGAIN is an error like others: nothing queues towards the kernel, so there is nothing to wait for. */
    if (sent < 0) error = errno;
  }
  napi_create_int32(env, error, &result);
  return result;
}

/* receive(): hands on what has come already, as a turn of the loop would. The handlers are called before it returns. */
static napi_value js_receive(napi_env env, napi_callback_info info) {
  struct netlink_socket *sock = this_socket(env, info, NULL, NULL);
  if (sock != NULL) drain(sock);
  return NULL;
}

/* setRef(on: boolean): whether an open socket keeps the process alive. It does from the start. */
static napi_value js_set_ref(napi_env env, napi_callback_info info) {
  size_t argc = 1;
  bool on = true;
  napi_value argument;
  struct netlink_socket *sock = this_socket(env, info, &argc, &argument);
  napi_get_value_bool(env, argument, &on);
  if (sock != NULL && sock->fd >= 0) (on ? uv_ref : uv_unref)(handle_of(sock));
  return NULL;
}

static napi_value js_close(napi_env env, napi_callback_info info) {
  struct netlink_socket *sock = this_socket(env, info, NULL, NULL);
  if (sock != NULL) close_socket(sock);
  return NULL;
}

/* Opening */

/* @return NULL, for the callback to return */
static napi_value throw_errno(napi_env env, const char *step, int error) {
  char reason[128], text[192];
  napi_value message, number, exception;
  snprintf(text, sizeof text, "%s: %s", step, uv_strerror_r(-error, reason, sizeof reason));
  napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &message);
  napi_create_error(env, NULL, message, &exception);
  napi_create_int32(env, error, &number);
  napi_set_named_property(env, exception, "errno", number);
  napi_throw(env, exception);
  return NULL;
}

/* Switches an option on that older kernels do not have, and tells JavaScript whether it is. */
static void enable(napi_env env, napi_value self, int fd, int option, const char *name) {
  const int on = 1;
  napi_value enabled;
  napi_get_boolean(env, setsockopt(fd, SOL_NETLINK, option, &on, sizeof on) == 0, &enabled);
  napi_set_named_property(env, self, name, enabled);
}

/* @return NULL or the step that failed, with errno set */
static const char *set_up(napi_env env, int fd, napi_value groups, uint32_t buffer_bytes, struct sockaddr_nl *address) {
  socklen_t size = sizeof *address;
  uint32_t count = 0, group;
  napi_value element;
  /* The kernel doubles it. Beyond net.core.rmem_max needs CAP_NET_ADMIN. Without it, the kernel quietly gives what it allows. */
  if (buffer_bytes > 0 && setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer_bytes, sizeof buffer_bytes) < 0 &&
      setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer_bytes, sizeof buffer_bytes) < 0)
    return "set the receive buffer of a netlink socket";
  /* Port 0: the kernel chooses a free one. */
  if (bind(fd, (struct sockaddr *)address, sizeof *address) < 0 ||
      getsockname(fd, (struct sockaddr *)address, &size) < 0)
    return "bind a netlink socket";
  napi_get_array_length(env, groups, &count);
  for (uint32_t i = 0; i < count; i++) {
    errno = EINVAL;
    if (napi_get_element(env, groups, i, &element) != napi_ok ||
        napi_get_value_uint32(env, element, &group) != napi_ok ||
        setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) < 0)
      return "join a netlink multicast group";
  }
  return NULL;
}

/* new NetlinkSocket(family: number, handlers: object, groups: number[], receiveBufferBytes: number) */
static napi_value js_open(napi_env env, napi_callback_info info) {
  struct sockaddr_nl address = {.nl_family = AF_NETLINK};
  napi_value argv[4], self, new_target, port;
  size_t argc = 4;
  int32_t family;
  uint32_t buffer_bytes;
  bool is_array = false;
  napi_valuetype type = napi_undefined;
  struct uv_loop_s *loop;
  napi_get_cb_info(env, info, &argc, argv, &self, NULL);
  napi_get_new_target(env, info, &new_target);
  napi_typeof(env, argv[1], &type);
  napi_is_array(env, argv[2], &is_array);
  if (new_target == NULL || type != napi_object || !is_array || napi_get_value_int32(env, argv[0], &family) != napi_ok ||
      napi_get_value_uint32(env, argv[3], &buffer_bytes) != napi_ok) {
    napi_throw_type_error(env, NULL, "new NetlinkSocket(family, handlers, groups, receiveBufferBytes)");
    return NULL;
  }
  struct netlink_socket *sock = calloc(1, sizeof *sock + uv_handle_size(UV_POLL));
  if (sock == NULL) return throw_errno(env, "open a netlink socket", ENOMEM);
  sock->env = env;
  sock->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, family);
  const char *failed = sock->fd < 0 ? "open a netlink socket" : set_up(env, sock->fd, argv[2], buffer_bytes, &address);
  int error = errno;
  if (failed == NULL) {
    napi_get_uv_event_loop(env, &loop);
    error = -uv_poll_init(loop, handle_of(sock), sock->fd);
    if (error != 0) failed = "watch a netlink socket";
  }
  if (failed != NULL) {
    if (sock->fd >= 0) close(sock->fd);
    free(sock);
    return throw_errno(env, failed, error);
  }
  uv_handle_set_data(handle_of(sock), sock);
  uv_poll_start(handle_of(sock), UV_READABLE, on_readable);
  napi_wrap(env, self, sock, finalize, NULL, NULL);
  napi_create_reference(env, self, 1, &sock->self);
  napi_create_reference(env, argv[1], 1, &sock->handlers);
  napi_add_async_cleanup_hook(env, on_environment_end, sock, &sock->cleanup);
  enable(env, self, sock->fd, NETLINK_EXT_ACK, "extendedAck");
  enable(env, self, sock->fd, NETLINK_CAP_ACK, "cappedAck");
  enable(env, self, sock->fd, NETLINK_GET_STRICT_CHK, "strictDump");
  napi_create_uint32(env, address.nl_pid, &port);
  napi_set_named_property(env, self, "port", port);
  return self;
}

NAPI_MODULE_INIT() {
  const napi_property_descriptor methods[] = {
      {.utf8name = "send", .method = js_send},
      {.utf8name = "receive", .method = js_receive},
      {.utf8name = "setRef", .method = js_set_ref},
      {.utf8name = "close", .method = js_close},
  };
  napi_value constructor;
  napi_define_class(env, "NetlinkSocket", NAPI_AUTO_LENGTH, js_open, NULL, 4, methods, &constructor);
  napi_set_named_property(env, exports, "NetlinkSocket", constructor);
  return exports;
}
