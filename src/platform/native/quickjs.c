/*
 * The QuickJS front: a global object `native`, whose functions and classes src/platform/quickjs/native.ts declares. They throw a
 * TypeError for arguments of a wrong type, and give an error number negated for what the system refuses.
 *
 * Life of a Watch, a Timer, a Lookups: while it may call back, C holds its JavaScript object and callback. After that the garbage
 * collector decides.
 */
#define _GNU_SOURCE

#include "native.h"
#include "front.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
  LONGEST_READ = 1 << 20,
  /* How often a descriptor may call back in one turn of the loop: the rest of the program has its turn too. */
  BATCH = 32,
  TRACE_LINES = 10,
  EX_SOFTWARE = 70,
};

static JSContext *context;
static JSClassID watch_class, timer_class, lookups_class;
static JSValue uncaught_listener; /* undefined, or a function */
static JSValue loaded_parts;      /* undefined, or an object: what each exports, by its name */
static int exit_code;
static bool ended; /* by exit(), where that returns: FREE_AT_END in main.c */

/* Calling back */

/* A promise that was rejected, and nobody has said what is to be done then. */
static struct rejection {
  struct rejection *next;
  JSValue promise, reason;
} *rejections;

static void on_rejection(JSContext *ctx, JSValueConst promise, JSValueConst reason, JS_BOOL is_handled, void *opaque) {
  struct rejection **place = &rejections;
  (void)opaque;
  while (*place != NULL && JS_VALUE_GET_PTR((*place)->promise) != JS_VALUE_GET_PTR(promise)) place = &(*place)->next;
  struct rejection *found = *place;
  if (is_handled && found != NULL) {
    *place = found->next;
    JS_FreeValue(ctx, found->promise);
    JS_FreeValue(ctx, found->reason);
    free(found);
  } else if (!is_handled && found == NULL && (found = malloc(sizeof *found)) != NULL) {
    *found = (struct rejection){.promise = JS_DupValue(ctx, promise), .reason = JS_DupValue(ctx, reason)};
    *place = found;
  }
}

/* Prints a value, of a text of more than so many lines the first. */
static void print(JSValueConst value, int lines) {
  const char *text = JS_ToCString(context, value), *end = text;
  while (end != NULL && lines-- > 0 && *end != '\0') end += strcspn(end, "\n") + (strchr(end, '\n') != NULL);
  if (text != NULL) fprintf(stderr, "%.*s%s", (int)(end - text), text, end > text && end[-1] == '\n' ? "" : "\n");
  JS_FreeCString(context, text);
}

static void uncaught(JSValue error) {
  if (ended) {
    JS_FreeValue(context, error);
    return;
  }
  if (!JS_IsUndefined(uncaught_listener)) {
    JSValue listener = JS_DupValue(context, uncaught_listener); /* it may name another */
    JSValue result = JS_Call(context, listener, JS_UNDEFINED, 1, &error);
    JS_FreeValue(context, listener);
    JS_FreeValue(context, error);
    if (!JS_IsException(result)) {
      JS_FreeValue(context, result);
      return;
    }
    error = JS_GetException(context);
  }
  fputs("uncaught: ", stderr);
  print(error, TRACE_LINES);
  JSValue stack = JS_IsObject(error) ? JS_GetPropertyStr(context, error, "stack") : JS_UNDEFINED;
  if (JS_IsString(stack)) print(stack, TRACE_LINES);
  _exit(EX_SOFTWARE);
}

void front_uncaught(void) { uncaught(JS_GetException(context)); }

void front_settle(void) {
  while (!ended) {
    JSContext *unused;
    int done;
    while (!ended && (done = JS_ExecutePendingJob(JS_GetRuntime(context), &unused)) != 0)
      if (done < 0) front_uncaught();
    struct rejection *first = rejections;
    if (first == NULL) return;
    rejections = first->next;
    JSValue reason = first->reason;
    JS_FreeValue(context, first->promise);
    free(first);
    uncaught(reason);
  }
}

/* Calls a function without arguments, or with one, which is freed. @return whether it returned true */
static bool call(JSValueConst function, JSValue argument) {
  JSValue result = ended ? JS_UNDEFINED : JS_Call(context, function, JS_UNDEFINED, 1, &argument);
  JS_FreeValue(context, argument);
  bool more = JS_IsBool(result) && JS_ToBool(context, result) > 0;
  if (JS_IsException(result)) front_uncaught();
  JS_FreeValue(context, result);
  front_settle();
  return more;
}

/* Arguments. Those that find a wrong type throw and return false, or NULL. */

struct bytes {
  uint8_t *data;
  size_t length;
};

static bool get_bytes(JSContext *ctx, JSValueConst value, struct bytes *bytes) {
  size_t offset, length, element, size;
  JSValue buffer = JS_GetTypedArrayBuffer(ctx, value, &offset, &length, &element);
  if (JS_IsException(buffer)) return false;
  uint8_t *data = JS_GetArrayBuffer(ctx, &size, buffer);
  JS_FreeValue(ctx, buffer); /* the typed array holds it */
  if (element != 1 || (data == NULL && length > 0) || offset > size || length > size - offset) {
    JS_ThrowTypeError(ctx, "not a Uint8Array");
    return false;
  }
  *bytes = (struct bytes){length > 0 ? data + offset : NULL, length};
  return true;
}

static bool get_integer(JSContext *ctx, JSValueConst value, int64_t low, int64_t high, int64_t *number) {
  if (JS_IsNumber(value) && JS_ToInt64(ctx, number, value) == 0 && *number >= low && *number <= high) return true;
  JS_ThrowTypeError(ctx, "not a number between %lld and %lld", (long long)low, (long long)high);
  return false;
}

static bool get_descriptor(JSContext *ctx, JSValueConst value, int *fd) {
  int64_t number;
  if (!get_integer(ctx, value, 0, INT32_MAX, &number)) return false;
  *fd = (int)number;
  return true;
}

static bool get_function(JSContext *ctx, JSValueConst value) {
  if (JS_IsFunction(ctx, value)) return true;
  JS_ThrowTypeError(ctx, "not a function");
  return false;
}

/* A text without NUL bytes, of whatever length: the system has its own bounds. @return to be freed with JS_FreeCString */
static const char *get_text(JSContext *ctx, JSValueConst value) {
  size_t length;
  const char *text = JS_IsString(value) ? JS_ToCStringLen(ctx, &length, value) : NULL;
  if (text != NULL && strlen(text) == length) return text;
  JS_FreeCString(ctx, text);
  JS_ThrowTypeError(ctx, "not a text without NUL bytes");
  return NULL;
}

/* Results */

static void free_bytes(JSRuntime *rt, void *opaque, void *data) {
  (void)opaque;
  js_free_rt(rt, data);
}

/* @param data of js_malloc; it goes over to the array */
static JSValue new_bytes(JSContext *ctx, uint8_t *data, size_t length) {
  JSValue buffer = JS_NewArrayBuffer(ctx, data, length, free_bytes, NULL, false);
  if (JS_IsException(buffer)) {
    js_free(ctx, data);
    return buffer;
  }
  JSValue array = JS_NewTypedArray(ctx, 3, (JSValue[]){buffer, JS_UNDEFINED, JS_UNDEFINED}, JS_TYPED_ARRAY_UINT8);
  JS_FreeValue(ctx, buffer);
  return array;
}

/* @param count an error negated, or how much of `room` is filled */
static JSValue filled(JSContext *ctx, uint8_t *data, ssize_t count, size_t room) {
  if (count < 0) {
    js_free(ctx, data);
    return JS_NewInt32(ctx, (int32_t)count);
  }
  /* Much less than there is room for: the rest goes back. */
  uint8_t *smaller = (size_t)count < room / 2 ? js_realloc(ctx, data, count > 0 ? (size_t)count : 1) : data;
  return new_bytes(ctx, smaller != NULL ? smaller : data, (size_t)count);
}

static JSValue text_or_undefined(JSContext *ctx, const char *text) {
  return text == NULL ? JS_UNDEFINED : JS_NewString(ctx, text);
}

/* An array of values, which are freed where that fails. */
static JSValue new_array(JSContext *ctx, uint32_t count, JSValue *values) {
  JSValue array = JS_NewArray(ctx);
  for (uint32_t i = 0; i < count; i++) {
    if (JS_IsException(array))
      JS_FreeValue(ctx, values[i]);
    else
      JS_DefinePropertyValueUint32(ctx, array, i, values[i], JS_PROP_C_W_E);
  }
  return array;
}

/* Watch: new by watch(fd, callback). The descriptor stays the caller's, to be closed after stop(). */

struct js_watch {
  struct watch base; /* the first, so that one is the other */
  JSValue self, callback;
  bool watched;
};

static void watch_ready(struct watch *base, short events) {
  struct js_watch *watch = (struct js_watch *)base;
  /* They live until this returns. */
  JSValue self = JS_DupValue(context, watch->self), callback = JS_DupValue(context, watch->callback);
  bool more = true;
  for (int i = 0; i < BATCH && more && watch->watched; i++) more = call(callback, JS_NewInt32(context, events));
  JS_FreeValue(context, callback);
  JS_FreeValue(context, self);
}

static JSValue js_watch(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  int fd;
  (void)self, (void)argc;
  if (!get_descriptor(ctx, argv[0], &fd) || !get_function(ctx, argv[1])) return JS_EXCEPTION;
  JSValue object = JS_NewObjectClass(ctx, (int)watch_class);
  struct js_watch *watch = JS_IsException(object) ? NULL : js_mallocz(ctx, sizeof *watch);
  if (watch == NULL) {
    JS_FreeValue(ctx, object);
    return JS_EXCEPTION;
  }
  JS_SetOpaque(object, watch);
  watch->base = (struct watch){.fd = fd, .referenced = true, .ready = watch_ready};
  if (loop_add_watch(&watch->base) != 0) {
    JS_FreeValue(ctx, object);
    return JS_ThrowOutOfMemory(ctx);
  }
  watch->watched = true;
  watch->self = JS_DupValue(ctx, object);
  watch->callback = JS_DupValue(ctx, argv[1]);
  return object;
}

static void watch_finalize(JSRuntime *rt, JSValue value) { js_free_rt(rt, JS_GetOpaque(value, watch_class)); }

/* want(events): which of poll(2)'s events it calls back for; none at the start. */
static JSValue js_watch_want(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  struct js_watch *watch = JS_GetOpaque2(ctx, self, watch_class);
  int64_t events;
  (void)argc;
  if (watch == NULL || !get_integer(ctx, argv[0], 0, POLLIN | POLLOUT, &events)) return JS_EXCEPTION;
  watch->base.events = (short)(events & (POLLIN | POLLOUT));
  return JS_UNDEFINED;
}

static JSValue js_watch_set_ref(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  struct js_watch *watch = JS_GetOpaque2(ctx, self, watch_class);
  (void)argc;
  if (watch == NULL) return JS_EXCEPTION;
  watch->base.referenced = JS_ToBool(ctx, argv[0]) > 0;
  return JS_UNDEFINED;
}

static JSValue js_watch_stop(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  struct js_watch *watch = JS_GetOpaque2(ctx, self, watch_class);
  (void)argc, (void)argv;
  if (watch == NULL) return JS_EXCEPTION;
  if (!watch->watched) return JS_UNDEFINED;
  watch->watched = false;
  loop_remove_watch(&watch->base);
  JS_FreeValue(ctx, watch->callback);
  JS_FreeValue(ctx, watch->self); /* last: nobody else may hold it */
  return JS_UNDEFINED;
}

/* Timer: new by startTimer(callback, milliseconds) */

struct js_timer {
  struct timer base; /* the first, so that one is the other */
  JSValue self, callback;
  bool running;
};

static void timer_due(struct timer *base) {
  struct js_timer *timer = (struct js_timer *)base;
  JSValue self = timer->self, callback = timer->callback;
  timer->running = false;
  call(callback, JS_UNDEFINED);
  JS_FreeValue(context, callback);
  JS_FreeValue(context, self);
}

static JSValue js_start_timer(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  double milliseconds;
  (void)self, (void)argc;
  if (!get_function(ctx, argv[0]) || JS_ToFloat64(ctx, &milliseconds, argv[1]) < 0) return JS_EXCEPTION;
  if (!(milliseconds >= 1 && milliseconds <= INT32_MAX)) milliseconds = 1; /* as everywhere */
  JSValue object = JS_NewObjectClass(ctx, (int)timer_class);
  struct js_timer *timer = JS_IsException(object) ? NULL : js_mallocz(ctx, sizeof *timer);
  if (timer == NULL) {
    JS_FreeValue(ctx, object);
    return JS_EXCEPTION;
  }
  JS_SetOpaque(object, timer);
  timer->base = (struct timer){.deadline = monotonic() + (int64_t)(milliseconds * 1e6), .referenced = true, .due = timer_due};
  timer->running = true;
  timer->self = JS_DupValue(ctx, object);
  timer->callback = JS_DupValue(ctx, argv[0]);
  loop_add_timer(&timer->base);
  return object;
}

static void timer_finalize(JSRuntime *rt, JSValue value) { js_free_rt(rt, JS_GetOpaque(value, timer_class)); }

/* ref() and unref(), told apart by `referenced` */
static JSValue js_timer_ref(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv, int referenced) {
  struct js_timer *timer = JS_GetOpaque2(ctx, self, timer_class);
  (void)argc, (void)argv;
  if (timer == NULL) return JS_EXCEPTION;
  timer->base.referenced = referenced != 0;
  return JS_DupValue(ctx, self);
}

static JSValue js_timer_stop(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  struct js_timer *timer = JS_GetOpaque2(ctx, self, timer_class);
  (void)argc, (void)argv;
  if (timer == NULL) return JS_EXCEPTION;
  if (!timer->running) return JS_UNDEFINED;
  timer->running = false;
  loop_remove_timer(&timer->base);
  JS_FreeValue(ctx, timer->callback);
  JS_FreeValue(ctx, timer->self); /* last: nobody else may hold it */
  return JS_UNDEFINED;
}

/* setImmediate(callback) and queueMicrotask(callback) */

static struct immediate {
  struct immediate *next;
  JSValue callback;
} *immediates, **last_immediate = &immediates;

static JSValue js_set_immediate(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  (void)self, (void)argc;
  if (!get_function(ctx, argv[0])) return JS_EXCEPTION;
  struct immediate *immediate = js_malloc(ctx, sizeof *immediate);
  if (immediate == NULL) return JS_EXCEPTION;
  *immediate = (struct immediate){.callback = JS_DupValue(ctx, argv[0])};
  *last_immediate = immediate;
  last_immediate = &immediate->next;
  return JS_UNDEFINED;
}

static bool has_immediates(void) { return immediates != NULL; }

static void call_immediates(void) {
  struct immediate *immediate = immediates; /* what they add is for the next turn */
  immediates = NULL;
  last_immediate = &immediates;
  while (immediate != NULL) {
    struct immediate *next = immediate->next;
    call(immediate->callback, JS_UNDEFINED);
    JS_FreeValue(context, immediate->callback);
    js_free(context, immediate);
    immediate = next;
  }
}

static JSValue microtask(JSContext *ctx, int argc, JSValueConst *argv) {
  (void)argc;
  return JS_Call(ctx, argv[0], JS_UNDEFINED, 0, NULL);
}

static JSValue js_queue_microtask(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  (void)self, (void)argc;
  if (!get_function(ctx, argv[0]) || JS_EnqueueJob(ctx, microtask, 1, argv) < 0) return JS_EXCEPTION;
  return JS_UNDEFINED;
}

int front_run(void) {
  front_settle();
  while (!ended && loop_turn(has_immediates, call_immediates)) continue;
  return exit_code;
}

static void drop_watch(struct watch *base) {
  struct js_watch *watch = (struct js_watch *)base;
  JS_FreeValue(context, watch->callback);
  JS_FreeValue(context, watch->self);
}

static void drop_timer(struct timer *base) {
  struct js_timer *timer = (struct js_timer *)base;
  JS_FreeValue(context, timer->callback);
  JS_FreeValue(context, timer->self);
}

void front_close(void) {
  ended = true;
  loop_close(drop_watch, drop_timer);
  call_immediates();
  while (rejections != NULL) {
    struct rejection *first = rejections;
    rejections = first->next;
    JS_FreeValue(context, first->promise);
    JS_FreeValue(context, first->reason);
    free(first);
  }
  JS_FreeValue(context, uncaught_listener);
  JS_FreeValue(context, loaded_parts);
}

/* Netlink */

/* Joins the groups of an array. @return NULL, the step that failed, or "" with an exception pending */
static const char *join_all(JSContext *ctx, const struct netlink *sock, JSValueConst groups) {
  JSValue length = JS_GetPropertyStr(ctx, groups, "length");
  int64_t count = 0, group;
  const char *failed = get_integer(ctx, length, 0, 32, &count) ? NULL : "";
  JS_FreeValue(ctx, length);
  for (int64_t i = 0; i < count && failed == NULL; i++) {
    JSValue element = JS_GetPropertyUint32(ctx, groups, (uint32_t)i);
    failed = get_integer(ctx, element, 0, UINT32_MAX, &group) ? netlink_join(sock, (uint32_t)group) : "";
    JS_FreeValue(ctx, element);
  }
  return failed;
}

/* openNetlink(family, groups, receiveBufferBytes): [fd, port, extendedAck, cappedAck, strictDump], or [step, -errno] */
static JSValue js_open_netlink(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  struct netlink sock;
  int64_t family, buffer_bytes;
  (void)self, (void)argc;
  if (!get_integer(ctx, argv[0], 0, INT32_MAX, &family) || !get_integer(ctx, argv[2], 0, INT32_MAX, &buffer_bytes))
    return JS_EXCEPTION;
  const char *failed = netlink_open(&sock, (int)family, (uint32_t)buffer_bytes);
  int error = errno;
  if (failed == NULL) {
    failed = join_all(ctx, &sock, argv[1]);
    error = errno;
    if (failed != NULL) close(sock.fd);
  }
  if (failed != NULL && *failed == '\0') return JS_EXCEPTION;
  if (failed != NULL) return new_array(ctx, 2, (JSValue[]){JS_NewString(ctx, failed), JS_NewInt32(ctx, -error)});
  return new_array(ctx, 5,
                   (JSValue[]){JS_NewInt32(ctx, sock.fd), JS_NewInt64(ctx, sock.port), JS_NewBool(ctx, sock.extended_ack),
                               JS_NewBool(ctx, sock.capped_ack), JS_NewBool(ctx, sock.strict_dump)});
}

/* netlinkSend(fd, bytes): 0 or an error negated */
static JSValue js_netlink_send(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  struct netlink sock = {0};
  struct bytes bytes;
  (void)self, (void)argc;
  if (!get_descriptor(ctx, argv[0], &sock.fd) || !get_bytes(ctx, argv[1], &bytes)) return JS_EXCEPTION;
  return JS_NewInt32(ctx, -netlink_send(&sock, bytes.data, bytes.length));
}

/* netlinkReceive(fd): [bytes, sender], or an error negated */
static JSValue js_netlink_receive(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  struct netlink sock = {0};
  uint32_t sender = 0;
  (void)self, (void)argc;
  if (!get_descriptor(ctx, argv[0], &sock.fd)) return JS_EXCEPTION;
  ssize_t size = netlink_next(&sock);
  if (size < 0) return JS_NewInt32(ctx, (int32_t)size);
  uint8_t *data = js_malloc(ctx, size > 0 ? (size_t)size : 1);
  if (data == NULL) return JS_EXCEPTION;
  ssize_t count = netlink_receive(&sock, data, (size_t)size, &sender);
  JSValue bytes = filled(ctx, data, count, (size_t)size);
  return count < 0 || JS_IsException(bytes) ? bytes : new_array(ctx, 2, (JSValue[]){bytes, JS_NewInt64(ctx, sender)});
}

/* netlinkRepeat(fd, bytes, answer, varying): see netlink_repeat() */
static JSValue js_netlink_repeat(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  struct netlink sock = {0};
  struct bytes message, answer, varying;
  (void)self, (void)argc;
  if (!get_descriptor(ctx, argv[0], &sock.fd) || !get_bytes(ctx, argv[1], &message) || !get_bytes(ctx, argv[2], &answer) ||
      !get_bytes(ctx, argv[3], &varying))
    return JS_EXCEPTION;
  if (answer.length != varying.length) return JS_ThrowTypeError(ctx, "as many bytes expected in varying as in answer");
  return JS_NewInt32(ctx, netlink_repeat(&sock, message.data, message.length, answer.data, varying.data, answer.length));
}

static JSValue js_netlink_is_fatal(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  int64_t error;
  (void)self, (void)argc;
  if (!get_integer(ctx, argv[0], 0, INT32_MAX, &error)) return JS_EXCEPTION;
  return JS_NewBool(ctx, netlink_is_fatal((int)error));
}

/* Lookups: new by openLookups(), which gives -errno where that cannot be. Its descriptor is to be watched, until close(). */

static JSValue js_open_lookups(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  (void)self, (void)argc, (void)argv;
  JSValue object = JS_NewObjectClass(ctx, (int)lookups_class);
  if (JS_IsException(object)) return object;
  struct lookups *lookups = lookups_open();
  if (lookups == NULL) {
    JS_FreeValue(ctx, object);
    return JS_NewInt32(ctx, -errno);
  }
  JS_SetOpaque(object, lookups);
  return object;
}

static void lookups_finalize(JSRuntime *rt, JSValue value) {
  struct lookups *lookups = JS_GetOpaque(value, lookups_class);
  (void)rt;
  if (lookups != NULL) lookups_close(lookups);
}

static JSValue js_lookups_close(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  struct lookups *lookups = JS_GetOpaque(self, lookups_class);
  (void)ctx, (void)argc, (void)argv;
  if (lookups == NULL) return JS_UNDEFINED;
  JS_SetOpaque(self, NULL);
  lookups_close(lookups);
  return JS_UNDEFINED;
}

static JSValue js_lookups_descriptor(JSContext *ctx, JSValueConst self) {
  struct lookups *lookups = JS_GetOpaque2(ctx, self, lookups_class);
  return lookups == NULL ? JS_EXCEPTION : JS_NewInt32(ctx, lookups_descriptor(lookups));
}

/* start(id, name, family, milliseconds): 0 or an error negated */
static JSValue js_lookups_start(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  struct lookups *lookups = JS_GetOpaque2(ctx, self, lookups_class);
  int64_t id, family, milliseconds;
  size_t length;
  (void)argc;
  if (lookups == NULL || !get_integer(ctx, argv[0], 0, UINT32_MAX, &id) || !get_integer(ctx, argv[2], 4, 6, &family) ||
      !get_integer(ctx, argv[3], 0, UINT32_MAX, &milliseconds))
    return JS_EXCEPTION;
  const char *name = JS_ToCStringLen(ctx, &length, argv[1]);
  if (name == NULL) return JS_EXCEPTION;
  int error = strlen(name) != length ? EINVAL /* a NUL in it */
                                     : lookups_start(lookups, (uint32_t)id, name, family == 4 ? AF_INET : AF_INET6,
                                                     (uint32_t)milliseconds);
  JS_FreeCString(ctx, name);
  return JS_NewInt32(ctx, -error);
}

static JSValue new_answer(JSContext *ctx, const struct lookup *lookup) {
  char texts[LOOKUP_ADDRESSES][INET6_ADDRSTRLEN];
  JSValue addresses[LOOKUP_ADDRESSES];
  size_t count = lookup_addresses(lookup, texts);
  for (size_t i = 0; i < count; i++) addresses[i] = JS_NewString(ctx, texts[i]);
  return new_array(ctx, 3,
                   (JSValue[]){JS_NewInt64(ctx, lookup_id(lookup)), text_or_undefined(ctx, lookup_failure(lookup)),
                               new_array(ctx, (uint32_t)count, addresses)});
}

/* take(): an array of [id, failure or undefined, addresses] */
static JSValue js_lookups_take(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  struct lookups *lookups = JS_GetOpaque2(ctx, self, lookups_class);
  (void)argc, (void)argv;
  if (lookups == NULL) return JS_EXCEPTION;
  JSValue answers = JS_NewArray(ctx);
  if (JS_IsException(answers)) return answers;
  struct lookup *lookup = lookups_take(lookups);
  for (uint32_t i = 0; lookup != NULL; i++) {
    struct lookup *next = lookup_next(lookup);
    JS_DefinePropertyValueUint32(ctx, answers, i, new_answer(ctx, lookup), JS_PROP_C_W_E);
    lookup_free(lookup);
    lookup = next;
  }
  return answers;
}

/* Streams, datagrams */

enum unix_use { UNIX_CONNECT, UNIX_LISTEN };

/* connectUnix(path), listenUnix(path): a descriptor or an error negated */
static JSValue js_unix(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv, int use) {
  struct bytes path;
  (void)self, (void)argc;
  if (!get_bytes(ctx, argv[0], &path)) return JS_EXCEPTION;
  return JS_NewInt32(ctx, (use == UNIX_CONNECT ? unix_connect : unix_listen)(path.data, path.length));
}

static JSValue js_accept(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  int fd;
  (void)self, (void)argc;
  if (!get_descriptor(ctx, argv[0], &fd)) return JS_EXCEPTION;
  return JS_NewInt32(ctx, unix_accept(fd));
}

static JSValue js_close(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  int fd;
  (void)self, (void)argc;
  if (!get_descriptor(ctx, argv[0], &fd)) return JS_EXCEPTION;
  close(fd);
  return JS_UNDEFINED;
}

/* read(fd, most): bytes, none at the end, or an error negated */
static JSValue js_read(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  int fd;
  int64_t most;
  (void)self, (void)argc;
  if (!get_descriptor(ctx, argv[0], &fd) || !get_integer(ctx, argv[1], 1, LONGEST_READ, &most)) return JS_EXCEPTION;
  uint8_t *data = js_malloc(ctx, (size_t)most);
  if (data == NULL) return JS_EXCEPTION;
  return filled(ctx, data, read_some(fd, data, (size_t)most), (size_t)most);
}

/* write(fd, bytes, start), writeOutput(fd, bytes, start): how many bytes of those from `start` on were taken, or an error negated */
static JSValue js_write(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv, int is_output) {
  struct bytes bytes;
  int fd;
  int64_t start;
  (void)self, (void)argc;
  if (!get_descriptor(ctx, argv[0], &fd) || !get_bytes(ctx, argv[1], &bytes) ||
      !get_integer(ctx, argv[2], 0, (int64_t)bytes.length, &start))
    return JS_EXCEPTION;
  if ((size_t)start == bytes.length) return JS_NewInt32(ctx, 0);
  return JS_NewInt64(ctx, (is_output ? output_some : write_some)(fd, bytes.data + start, bytes.length - (size_t)start));
}

/* notify(path, bytes): 0 or an error negated */
static JSValue js_notify(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  struct bytes path, text;
  (void)self, (void)argc;
  if (!get_bytes(ctx, argv[0], &path) || !get_bytes(ctx, argv[1], &text)) return JS_EXCEPTION;
  return JS_NewInt32(ctx, -notify(path.data, path.length, text.data, text.length));
}

static JSValue js_open_udp(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  int64_t family;
  (void)self, (void)argc;
  if (!get_integer(ctx, argv[0], 4, 6, &family)) return JS_EXCEPTION;
  return JS_NewInt32(ctx, udp_open((int)family));
}

/* sendUdp(fd, bytes, address, port): 0 or an error negated */
static JSValue js_send_udp(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  struct bytes bytes;
  int fd;
  int64_t port;
  (void)self, (void)argc;
  if (!get_descriptor(ctx, argv[0], &fd) || !get_bytes(ctx, argv[1], &bytes) ||
      !get_integer(ctx, argv[3], 0, UINT16_MAX, &port))
    return JS_EXCEPTION;
  const char *address = get_text(ctx, argv[2]);
  if (address == NULL) return JS_EXCEPTION;
  int error = udp_send(fd, bytes.data, bytes.length, address, (uint16_t)port);
  JS_FreeCString(ctx, address);
  return JS_NewInt32(ctx, -error);
}

/* receiveUdp(fd): [bytes, address, port], or an error negated */
static JSValue js_receive_udp(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  enum { LARGEST = 65536 }; /* of a datagram */
  char address[ADDRESS_TEXT];
  uint16_t port = 0;
  int fd;
  (void)self, (void)argc;
  if (!get_descriptor(ctx, argv[0], &fd)) return JS_EXCEPTION;
  uint8_t *data = js_malloc(ctx, LARGEST);
  if (data == NULL) return JS_EXCEPTION;
  ssize_t count = udp_receive(fd, data, LARGEST, address, &port);
  JSValue bytes = filled(ctx, data, count, LARGEST);
  if (count < 0 || JS_IsException(bytes)) return bytes;
  return new_array(ctx, 3, (JSValue[]){bytes, JS_NewString(ctx, address), JS_NewInt32(ctx, port)});
}

/* openProbe(kind, device, source, target): a descriptor or an error negated */
static JSValue js_open_probe(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  int64_t kind;
  const char *texts[3] = {NULL, NULL, NULL};
  JSValue result = JS_EXCEPTION;
  (void)self, (void)argc;
  if (!get_integer(ctx, argv[0], 0, PROBE_KINDS - 1, &kind)) return JS_EXCEPTION;
  size_t count = 0;
  while (count < 3 && (texts[count] = get_text(ctx, argv[count + 1])) != NULL) count++;
  if (count == 3) result = JS_NewInt32(ctx, probe_open((enum probe_kind)kind, texts[0], texts[1], texts[2]));
  while (count > 0) JS_FreeCString(ctx, texts[--count]);
  return result;
}

/* sendProbe(fd): 0 or an error negated */
static JSValue js_send_probe(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  int fd;
  (void)self, (void)argc;
  if (!get_descriptor(ctx, argv[0], &fd)) return JS_EXCEPTION;
  return JS_NewInt32(ctx, -probe_send(fd));
}

static JSValue js_probe_heard(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  int fd;
  (void)self, (void)argc;
  if (!get_descriptor(ctx, argv[0], &fd)) return JS_EXCEPTION;
  return JS_NewBool(ctx, probe_heard(fd));
}

static JSValue new_credentials(JSContext *ctx, struct credentials whose) {
  return new_array(ctx, 4,
                   (JSValue[]){JS_NewInt32(ctx, whose.error), JS_NewInt64(ctx, whose.pid), JS_NewInt64(ctx, whose.uid),
                               JS_NewBool(ctx, whose.net_admin)});
}

/* credentials(fd): [errno, pid, uid, netAdmin] */
static JSValue js_credentials(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  int fd;
  (void)self, (void)argc;
  if (!get_descriptor(ctx, argv[0], &fd)) return JS_EXCEPTION;
  return new_credentials(ctx, credentials_of(fd));
}

/* listenerOwner(name): the same */
static JSValue js_listener_owner(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  struct bytes name;
  (void)self, (void)argc;
  if (!get_bytes(ctx, argv[0], &name)) return JS_EXCEPTION;
  return new_credentials(ctx, listener_owner(name.data, name.length));
}

/* terminalRows(fd): -1 for what is no terminal */
static JSValue js_terminal_rows(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  int fd;
  (void)self, (void)argc;
  if (!get_descriptor(ctx, argv[0], &fd)) return JS_EXCEPTION;
  return JS_NewInt32(ctx, terminal_rows(fd));
}

/* Files */

/* openFile(path, mode): a descriptor or an error negated */
static JSValue js_open_file(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  int64_t mode;
  (void)self, (void)argc;
  if (!get_integer(ctx, argv[1], 0, FILE_MODES - 1, &mode)) return JS_EXCEPTION;
  const char *path = get_text(ctx, argv[0]);
  if (path == NULL) return JS_EXCEPTION;
  int fd = file_open(path, (enum file_mode)mode);
  JS_FreeCString(ctx, path);
  return JS_NewInt32(ctx, fd);
}

/* descriptorKind(fd): a kind or an error negated */
static JSValue js_descriptor_kind(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  int fd;
  (void)self, (void)argc;
  if (!get_descriptor(ctx, argv[0], &fd)) return JS_EXCEPTION;
  return JS_NewInt32(ctx, descriptor_kind(fd));
}

/* fileKind(path): [kind, uid, mode], or an error negated */
static JSValue js_file_kind(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  uid_t owner = 0;
  mode_t mode = 0;
  (void)self, (void)argc;
  const char *path = get_text(ctx, argv[0]);
  if (path == NULL) return JS_EXCEPTION;
  int kind = file_kind(path, &owner, &mode);
  JS_FreeCString(ctx, path);
  if (kind < 0) return JS_NewInt32(ctx, kind);
  return new_array(ctx, 3, (JSValue[]){JS_NewInt32(ctx, kind), JS_NewInt64(ctx, owner), JS_NewInt32(ctx, mode)});
}

struct listing {
  JSContext *ctx;
  JSValue names;
  uint32_t count;
};

static bool add_name(void *data, const char *name) {
  struct listing *listing = data;
  JSValue text = JS_NewString(listing->ctx, name);
  return JS_DefinePropertyValueUint32(listing->ctx, listing->names, listing->count++, text, JS_PROP_C_W_E) >= 0;
}

/* listDirectory(path): names, or an error negated */
static JSValue js_list_directory(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  (void)self, (void)argc;
  const char *path = get_text(ctx, argv[0]);
  if (path == NULL) return JS_EXCEPTION;
  struct listing listing = {.ctx = ctx, .names = JS_NewArray(ctx)};
  int error = JS_IsException(listing.names) ? 0 : directory_read(path, add_name, &listing);
  JS_FreeCString(ctx, path);
  if (error == 0) return listing.names;
  JS_FreeValue(ctx, listing.names);
  return JS_NewInt32(ctx, -error);
}

/* unlink(path): 0 or an error negated */
static JSValue js_unlink(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  (void)self, (void)argc;
  const char *path = get_text(ctx, argv[0]);
  if (path == NULL) return JS_EXCEPTION;
  int error = unlink(path) < 0 ? errno : 0;
  JS_FreeCString(ctx, path);
  return JS_NewInt32(ctx, -error);
}

/* randomBytes(count): bytes, or an error negated */
static JSValue js_random_bytes(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  int64_t count;
  (void)self, (void)argc;
  if (!get_integer(ctx, argv[0], 1, 256, &count)) return JS_EXCEPTION;
  uint8_t *data = js_malloc(ctx, (size_t)count);
  if (data == NULL) return JS_EXCEPTION;
  int error = random_bytes(data, (size_t)count);
  return filled(ctx, data, error != 0 ? -error : (ssize_t)count, (size_t)count);
}

/* Text */

static JSValue js_encode_utf8(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  size_t length;
  (void)self, (void)argc;
  const char *text = JS_ToCStringLen(ctx, &length, argv[0]);
  if (text == NULL) return JS_EXCEPTION;
  uint8_t *data = js_malloc(ctx, length > 0 ? length : 1);
  if (data != NULL) memcpy(data, text, length);
  JS_FreeCString(ctx, text);
  if (data == NULL) return JS_EXCEPTION;
  utf8_without_surrogates(data, length);
  return new_bytes(ctx, data, length);
}

/* decodeUtf8(bytes, start, end) */
static JSValue js_decode_utf8(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  struct bytes bytes;
  int64_t start, end;
  (void)self, (void)argc;
  if (!get_bytes(ctx, argv[0], &bytes) || !get_integer(ctx, argv[2], 0, (int64_t)bytes.length, &end) ||
      !get_integer(ctx, argv[1], 0, end, &start))
    return JS_EXCEPTION;
  size_t length = (size_t)(end - start);
  if (length == 0) return JS_NewStringLen(ctx, "", 0);
  const uint8_t *from = bytes.data + start;
  if (utf8_is_valid(from, length)) return JS_NewStringLen(ctx, (const char *)from, length);
  uint8_t *repaired = js_malloc(ctx, 3 * length);
  if (repaired == NULL) return JS_EXCEPTION;
  JSValue text = JS_NewStringLen(ctx, (const char *)repaired, utf8_repair(repaired, from, length));
  js_free(ctx, repaired);
  return text;
}

static JSValue js_decode_latin1(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  struct bytes bytes;
  (void)self, (void)argc;
  if (!get_bytes(ctx, argv[0], &bytes)) return JS_EXCEPTION;
  uint8_t *text = js_malloc(ctx, 2 * bytes.length + 1);
  if (text == NULL) return JS_EXCEPTION;
  JSValue made = JS_NewStringLen(ctx, (const char *)text, utf8_of_latin1(text, bytes.data, bytes.length));
  js_free(ctx, text);
  return made;
}

static JSValue js_ip_family(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  size_t length;
  (void)self, (void)argc;
  const char *text = JS_ToCStringLen(ctx, &length, argv[0]);
  if (text == NULL) return JS_EXCEPTION;
  int family = strlen(text) == length ? ip_family(text) : 0;
  JS_FreeCString(ctx, text);
  return JS_NewInt32(ctx, family);
}

/* Errors */

/* errnoName(number): undefined for one that is not known */
static JSValue js_errno_name(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  int64_t number;
  (void)self, (void)argc;
  if (!get_integer(ctx, argv[0], INT32_MIN, INT32_MAX, &number)) return JS_EXCEPTION;
  return text_or_undefined(ctx, errno_name((int)number));
}

/* errnoNumber(name): undefined for one that is not known */
static JSValue js_errno_number(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  (void)self, (void)argc;
  const char *name = JS_ToCString(ctx, argv[0]);
  if (name == NULL) return JS_EXCEPTION;
  int number = errno_number(name);
  JS_FreeCString(ctx, name);
  return number == 0 ? JS_UNDEFINED : JS_NewInt32(ctx, number);
}

/* The process */

static JSValue js_exit(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  int64_t code;
  (void)self, (void)argc;
  if (!get_integer(ctx, argv[0], 0, 255, &code)) return JS_EXCEPTION;
#ifdef FREE_AT_END
  ended = true;
  exit_code = (int)code;
  return JS_ThrowInternalError(ctx, "the process ends");
#else
  _exit((int)code); /* threads of look-ups may be at work */
#endif
}

static JSValue js_set_exit_code(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  int64_t code;
  (void)self, (void)argc;
  if (!get_integer(ctx, argv[0], 0, 255, &code)) return JS_EXCEPTION;
  exit_code = (int)code;
  return JS_UNDEFINED;
}

static JSValue js_on_uncaught(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  (void)self, (void)argc;
  if (!get_function(ctx, argv[0])) return JS_EXCEPTION;
  JS_FreeValue(ctx, uncaught_listener);
  uncaught_listener = JS_DupValue(ctx, argv[0]);
  return JS_UNDEFINED;
}

/* environment(name): undefined where it is not set */
static JSValue js_environment(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  (void)self, (void)argc;
  const char *name = get_text(ctx, argv[0]);
  if (name == NULL) return JS_EXCEPTION;
  JSValue value = text_or_undefined(ctx, getenv(name));
  JS_FreeCString(ctx, name);
  return value;
}

/* importPart(name): what the part exports; it is loaded when it is first asked for */
static JSValue js_import_part(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  (void)self, (void)argc;
  const char *name = get_text(ctx, argv[0]);
  if (name == NULL) return JS_EXCEPTION;
  const struct part *part = parts;
  while (part->name != NULL && strcmp(part->name, name) != 0) part++;
  JS_FreeCString(ctx, name);
  if (part->name == NULL) return JS_ThrowReferenceError(ctx, "no such part");
  JSValue known = JS_IsUndefined(loaded_parts) ? JS_UNDEFINED : JS_GetPropertyStr(ctx, loaded_parts, part->name);
  if (!JS_IsUndefined(known)) return known;
  JSValue module = JS_ReadObject(ctx, part->bytecode, part->size, JS_READ_OBJ_BYTECODE);
  if (JS_IsException(module)) return module;
  JSModuleDef *definition = JS_VALUE_GET_PTR(module);
  JSValue ran = JS_ResolveModule(ctx, module) < 0 ? JS_EXCEPTION : JS_EvalFunction(ctx, module);
  if (JS_IsException(ran)) return ran;
  JS_FreeValue(ctx, ran);
  JSValue names = JS_GetModuleNamespace(ctx, definition);
  if (JS_IsUndefined(loaded_parts)) loaded_parts = JS_NewObjectProto(ctx, JS_NULL);
  if (JS_IsException(names) || JS_SetPropertyStr(ctx, loaded_parts, part->name, JS_DupValue(ctx, names)) < 0) {
    JS_FreeValue(ctx, names);
    return JS_EXCEPTION;
  }
  return names;
}

static JSValue js_effective_user(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  (void)self, (void)argc, (void)argv;
  return JS_NewInt64(ctx, geteuid());
}

static JSValue js_open_signals(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  (void)self, (void)argc, (void)argv;
  return JS_NewInt32(ctx, signals_open());
}

/* nextSignal(fd): its name, or an error negated */
static JSValue js_next_signal(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  int fd;
  (void)self, (void)argc;
  if (!get_descriptor(ctx, argv[0], &fd)) return JS_EXCEPTION;
  int number = signals_next(fd);
  if (number < 0) return JS_NewInt32(ctx, number);
  return JS_NewString(ctx, number == SIGHUP ? "SIGHUP" : number == SIGINT ? "SIGINT" : "SIGTERM");
}

static JSValue js_release_signals(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  (void)ctx, (void)self, (void)argc, (void)argv;
  signals_release();
  return JS_UNDEFINED;
}

static JSValue js_raise(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  (void)self, (void)argc;
  const char *name = JS_ToCString(ctx, argv[0]);
  if (name == NULL) return JS_EXCEPTION;
  int number = strcmp(name, "SIGHUP") == 0 ? SIGHUP : strcmp(name, "SIGINT") == 0 ? SIGINT : SIGTERM;
  JS_FreeCString(ctx, name);
  kill(getpid(), number);
  return JS_UNDEFINED;
}

/* groupId(name): -1 when there is no such group */
static JSValue js_group_id(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  size_t length;
  (void)self, (void)argc;
  const char *name = JS_ToCStringLen(ctx, &length, argv[0]);
  if (name == NULL) return JS_EXCEPTION;
  int64_t id = strlen(name) == length ? group_id(name) : -1;
  JS_FreeCString(ctx, name);
  return JS_NewInt64(ctx, id);
}

static JSValue js_set_group(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  int64_t group;
  (void)self, (void)argc;
  if (!get_integer(ctx, argv[0], 0, UINT32_MAX, &group)) return JS_EXCEPTION;
  return JS_NewInt32(ctx, set_group((uint32_t)group));
}

/* The clocks: as node.c has them, with errors that are not negated where it has them so. */

static JSValue js_set_realtime(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  int64_t seconds, nanoseconds;
  (void)self, (void)argc;
  if (!get_integer(ctx, argv[0], INT64_MIN, INT64_MAX, &seconds) || !get_integer(ctx, argv[1], INT32_MIN, INT32_MAX, &nanoseconds))
    return JS_EXCEPTION;
  return JS_NewInt32(ctx, set_realtime(seconds, (int32_t)nanoseconds));
}

static JSValue js_set_max_error(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  int64_t microseconds;
  (void)self, (void)argc;
  if (!get_integer(ctx, argv[0], 0, INT32_MAX, &microseconds)) return JS_EXCEPTION;
  return JS_NewInt32(ctx, set_max_error((int32_t)microseconds));
}

static JSValue js_is_synchronised(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  (void)self, (void)argc, (void)argv;
  return JS_NewInt32(ctx, is_synchronised());
}

static JSValue js_boot_time(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  (void)self, (void)argc, (void)argv;
  return JS_NewFloat64(ctx, boot_time());
}

static JSValue js_monotonic(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  (void)self, (void)argc, (void)argv;
  return JS_NewFloat64(ctx, (double)monotonic() / 1e6);
}

/* The object */

static const JSCFunctionListEntry watch_methods[] = {
    JS_CFUNC_DEF("want", 1, js_watch_want),
    JS_CFUNC_DEF("setRef", 1, js_watch_set_ref),
    JS_CFUNC_DEF("stop", 0, js_watch_stop),
};

static const JSCFunctionListEntry timer_methods[] = {
    JS_CFUNC_MAGIC_DEF("ref", 0, js_timer_ref, true),
    JS_CFUNC_MAGIC_DEF("unref", 0, js_timer_ref, false),
    JS_CFUNC_DEF("stop", 0, js_timer_stop),
};

static const JSCFunctionListEntry lookups_methods[] = {
    JS_CGETSET_DEF("descriptor", js_lookups_descriptor, NULL),
    JS_CFUNC_DEF("start", 4, js_lookups_start),
    JS_CFUNC_DEF("take", 0, js_lookups_take),
    JS_CFUNC_DEF("close", 0, js_lookups_close),
};

static const JSCFunctionListEntry functions[] = {
    JS_CFUNC_DEF("watch", 2, js_watch),
    JS_CFUNC_DEF("startTimer", 2, js_start_timer),
    JS_CFUNC_DEF("setImmediate", 1, js_set_immediate),
    JS_CFUNC_DEF("queueMicrotask", 1, js_queue_microtask),
    JS_CFUNC_DEF("monotonic", 0, js_monotonic),
    JS_CFUNC_DEF("openNetlink", 3, js_open_netlink),
    JS_CFUNC_DEF("netlinkSend", 2, js_netlink_send),
    JS_CFUNC_DEF("netlinkReceive", 1, js_netlink_receive),
    JS_CFUNC_DEF("netlinkRepeat", 4, js_netlink_repeat),
    JS_CFUNC_DEF("netlinkIsFatal", 1, js_netlink_is_fatal),
    JS_CFUNC_DEF("openLookups", 0, js_open_lookups),
    JS_CFUNC_MAGIC_DEF("connectUnix", 1, js_unix, UNIX_CONNECT),
    JS_CFUNC_MAGIC_DEF("listenUnix", 1, js_unix, UNIX_LISTEN),
    JS_CFUNC_DEF("accept", 1, js_accept),
    JS_CFUNC_DEF("close", 1, js_close),
    JS_CFUNC_DEF("read", 2, js_read),
    JS_CFUNC_MAGIC_DEF("write", 3, js_write, false),
    JS_CFUNC_MAGIC_DEF("writeOutput", 3, js_write, true),
    JS_CFUNC_DEF("notify", 2, js_notify),
    JS_CFUNC_DEF("openUdp", 1, js_open_udp),
    JS_CFUNC_DEF("sendUdp", 4, js_send_udp),
    JS_CFUNC_DEF("receiveUdp", 1, js_receive_udp),
    JS_CFUNC_DEF("openProbe", 4, js_open_probe),
    JS_CFUNC_DEF("sendProbe", 1, js_send_probe),
    JS_CFUNC_DEF("probeHeard", 1, js_probe_heard),
    JS_CFUNC_DEF("credentials", 1, js_credentials),
    JS_CFUNC_DEF("listenerOwner", 1, js_listener_owner),
    JS_CFUNC_DEF("terminalRows", 1, js_terminal_rows),
    JS_CFUNC_DEF("openFile", 2, js_open_file),
    JS_CFUNC_DEF("descriptorKind", 1, js_descriptor_kind),
    JS_CFUNC_DEF("fileKind", 1, js_file_kind),
    JS_CFUNC_DEF("listDirectory", 1, js_list_directory),
    JS_CFUNC_DEF("unlink", 1, js_unlink),
    JS_CFUNC_DEF("randomBytes", 1, js_random_bytes),
    JS_CFUNC_DEF("encodeUtf8", 1, js_encode_utf8),
    JS_CFUNC_DEF("decodeUtf8", 3, js_decode_utf8),
    JS_CFUNC_DEF("decodeLatin1", 1, js_decode_latin1),
    JS_CFUNC_DEF("ipFamily", 1, js_ip_family),
    JS_CFUNC_DEF("errnoName", 1, js_errno_name),
    JS_CFUNC_DEF("errnoNumber", 1, js_errno_number),
    JS_CFUNC_DEF("exit", 1, js_exit),
    JS_CFUNC_DEF("setExitCode", 1, js_set_exit_code),
    JS_CFUNC_DEF("onUncaught", 1, js_on_uncaught),
    JS_CFUNC_DEF("effectiveUser", 0, js_effective_user),
    JS_CFUNC_DEF("environment", 1, js_environment),
    JS_CFUNC_DEF("importPart", 1, js_import_part),
    JS_CFUNC_DEF("openSignals", 0, js_open_signals),
    JS_CFUNC_DEF("nextSignal", 1, js_next_signal),
    JS_CFUNC_DEF("releaseSignals", 0, js_release_signals),
    JS_CFUNC_DEF("raise", 1, js_raise),
    JS_CFUNC_DEF("groupId", 1, js_group_id),
    JS_CFUNC_DEF("setGroup", 1, js_set_group),
    JS_CFUNC_DEF("setRealtime", 2, js_set_realtime),
    JS_CFUNC_DEF("setMaxError", 1, js_set_max_error),
    JS_CFUNC_DEF("isSynchronised", 0, js_is_synchronised),
    JS_CFUNC_DEF("bootTime", 0, js_boot_time),
};

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

static void new_class(JSClassID *id, const JSClassDef *definition, const JSCFunctionListEntry *methods, int count) {
  JSValue prototype = JS_NewObject(context);
  JS_NewClassID(id);
  JS_NewClass(JS_GetRuntime(context), *id, definition);
  JS_SetPropertyFunctionList(context, prototype, methods, count);
  JS_SetClassProto(context, *id, prototype);
}

void front_open(JSContext *ctx, int count, char **words) {
  static const JSClassDef watch_definition = {.class_name = "Watch", .finalizer = watch_finalize};
  static const JSClassDef timer_definition = {.class_name = "Timer", .finalizer = timer_finalize};
  static const JSClassDef lookups_definition = {.class_name = "Lookups", .finalizer = lookups_finalize};
  context = ctx;
  uncaught_listener = JS_UNDEFINED;
  loaded_parts = JS_UNDEFINED;
  JS_SetHostPromiseRejectionTracker(JS_GetRuntime(ctx), on_rejection, NULL);
  new_class(&watch_class, &watch_definition, watch_methods, COUNT(watch_methods));
  new_class(&timer_class, &timer_definition, timer_methods, COUNT(timer_methods));
  new_class(&lookups_class, &lookups_definition, lookups_methods, COUNT(lookups_methods));
  JSValue native = JS_NewObject(ctx), arguments = JS_NewArray(ctx), global = JS_GetGlobalObject(ctx);
  JS_SetPropertyFunctionList(ctx, native, functions, COUNT(functions));
  for (int i = 0; i < count; i++)
    JS_DefinePropertyValueUint32(ctx, arguments, (uint32_t)i, JS_NewString(ctx, words[i]), JS_PROP_C_W_E);
  JS_DefinePropertyValueStr(ctx, native, "arguments", arguments, JS_PROP_C_W_E);
  JS_DefinePropertyValueStr(ctx, native, "pid", JS_NewInt64(ctx, getpid()), JS_PROP_C_W_E);
  JS_DefinePropertyValueStr(ctx, global, "native", native, JS_PROP_C_W_E);
  JS_FreeValue(ctx, global);
}
