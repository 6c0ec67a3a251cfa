/*
 * Asks the system's own resolver, getaddrinfo(3), without waiting for it: /etc/hosts, resolv.conf with its search list and, with
 * glibc, nsswitch.conf count as they do for every other program.
 *
 * getaddrinfo blocks, so each look-up has a thread of its own, detached: nobody ever waits for it to end. Whoever loses interest in
 * an answer ignores it; the thread lives on until libc returns. How many there are at once is for the caller to bound.
 *
 * The first part knows nothing of JavaScript: lookups_open(), a descriptor to poll, lookups_start(), lookups_take(),
 * lookups_close(). The second is its Node-API front (native-lookup.ts has the types):
 *
 *   lookups = new Lookups(finished)            finished(id, failure, addresses)
 *   lookups.start(id, name, family, milliseconds), lookups.close()
 */
#define NAPI_VERSION 8 /* since Node 12.22, 14.17, 15.12 */
#define _GNU_SOURCE    /* EAI_NODATA */

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <node_api.h>
#include <pthread.h>
#include <resolv.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * Of a thread. Measured: glibc 2.36 touches 18 KiB of it, musl 1.2.3 7 (later ones 8 more, for longer answers); modules of
 * nsswitch.conf are others' code and may want more. Only what is touched takes memory.
 */
enum { STACK_BYTES = 256 * 1024 };

/* Addresses that are taken of one answer; an answer may be 64 KiB long, and nobody has so many gateways. */
enum { MOST_ADDRESSES = 32 };

/* The longest name that DNS has, in text with a dot at its end (RFC 1035 section 2.3.4). */
enum { LONGEST_NAME = 254 };

/* One look-up, from its start to the end of who took it. */
struct lookup {
  struct lookup *next;
  struct lookups *owner;
  uint32_t id;           /* the caller's */
  int family;            /* AF_INET, AF_INET6 */
  uint32_t milliseconds; /* that the caller will wait */
  int status;            /* 0 or EAI_… */
  int error;             /* errno, where status is EAI_SYSTEM */
  struct addrinfo *found;
  char name[LONGEST_NAME + 1];
};

/* Lives until its opener has closed it and its last thread has ended. */
struct lookups {
  pthread_mutex_t lock;
  unsigned holders; /* the opener and each thread */
  int event;        /* readable while there is something to take; -1 once closed */
  struct lookup *finished;
};

static void lookup_free(struct lookup *lookup) {
  if (lookup->found != NULL) freeaddrinfo(lookup->found);
  free(lookup);
}

static void lookup_free_all(struct lookup *lookup) {
  while (lookup != NULL) {
    struct lookup *next = lookup->next;
    lookup_free(lookup);
    lookup = next;
  }
}

/* Unlocks, and frees if the last holder has gone. */
static void unlock(struct lookups *lookups) {
  bool last = lookups->holders == 0;
  pthread_mutex_unlock(&lookups->lock);
  if (!last) return;
  pthread_mutex_destroy(&lookups->lock);
  free(lookups);
}

/* @return NULL with errno set */
static struct lookups *lookups_open(void) {
  struct lookups *lookups = calloc(1, sizeof *lookups);
  if (lookups == NULL) return NULL;
  lookups->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  int error = lookups->event < 0 ? errno : pthread_mutex_init(&lookups->lock, NULL);
  if (error != 0) {
    if (lookups->event >= 0) close(lookups->event);
    free(lookups);
    errno = error;
    return NULL;
  }
  lookups->holders = 1;
  return lookups;
}

/* At once, whatever is under way. */
static void lookups_close(struct lookups *lookups) {
  pthread_mutex_lock(&lookups->lock);
  close(lookups->event);
  lookups->event = -1;
  lookup_free_all(lookups->finished);
  lookups->finished = NULL;
  lookups->holders--;
  unlock(lookups);
}

/*
 * glibc waits 5 s for a silent server, twice, and that for each server and each domain of the search list. Nobody waits that
 * long for us, so the thread would only be in the way of other look-ups. The settings are the thread's own, made from
 * resolv.conf for it. musl has none, and gives up after 5 s.
 */
static void be_done_within(uint32_t milliseconds) {
#ifdef __GLIBC__
  /* Not res_init: it keeps what an earlier thread has left behind where glibc uses its stack again. */
  if (res_ninit(&_res) != 0) return; /* getaddrinfo will try again */
  int names = 1;
  while (names <= MAXDNSRCH && _res.dnsrch[names - 1] != NULL) names++;
  int questions = names * _res.retry * _res.nscount;
  int seconds = (int)(milliseconds / 1000) / (questions > 0 ? questions : 1);
  if (seconds < 1) seconds = 1;
  if (_res.retrans > seconds) _res.retrans = seconds;
#else
  (void)milliseconds;
#endif
}

static void *look_up(void *data) {
  struct lookup *lookup = data;
  struct lookups *owner = lookup->owner;
  const struct addrinfo hints = {.ai_family = lookup->family, .ai_socktype = SOCK_DGRAM};
  const uint64_t one = 1;
  be_done_within(lookup->milliseconds);
  lookup->status = getaddrinfo(lookup->name, NULL, &hints, &lookup->found);
  lookup->error = errno;
  if (lookup->status != 0) lookup->found = NULL; /* POSIX leaves it open */
  pthread_mutex_lock(&owner->lock);
  owner->holders--;
  if (owner->event < 0) {
    lookup_free(lookup);
  } else {
    lookup->next = owner->finished;
    owner->finished = lookup;
    /* Cannot fail: it would take 2^64 - 1 look-ups that nobody takes. */
    if (write(owner->event, &one, sizeof one) < 0) abort();
  }
  unlock(owner);
  return NULL;
}

/* Starts a look-up of one address family. @return 0 or an error number: ENAMETOOLONG, ENOMEM, EAGAIN (no more threads) */
static int lookups_start(struct lookups *lookups, uint32_t id, const char *name, int family, uint32_t milliseconds) {
  size_t length = strlen(name);
  pthread_attr_t attributes;
  pthread_t thread;
  sigset_t all, before;
  if (length > LONGEST_NAME) return ENAMETOOLONG;
  struct lookup *lookup = calloc(1, sizeof *lookup);
  if (lookup == NULL) return ENOMEM;
  lookup->owner = lookups;
  lookup->id = id;
  lookup->family = family;
  lookup->milliseconds = milliseconds;
  memcpy(lookup->name, name, length + 1);
  int error = pthread_attr_init(&attributes);
  if (error != 0) {
    free(lookup);
    return error;
  }
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, STACK_BYTES);
  pthread_mutex_lock(&lookups->lock);
  /* Signals are for the threads that wait for them. */
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  error = pthread_create(&thread, &attributes, look_up, lookup);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (error == 0) lookups->holders++;
  pthread_mutex_unlock(&lookups->lock);
  pthread_attr_destroy(&attributes);
  if (error != 0) free(lookup);
  return error;
}

/* @return what has finished, for the caller to free; the descriptor is not readable until there is more */
static struct lookup *lookups_take(struct lookups *lookups) {
  uint64_t count;
  pthread_mutex_lock(&lookups->lock);
  struct lookup *finished = lookups->finished;
  lookups->finished = NULL;
  if (finished != NULL && read(lookups->event, &count, sizeof count) < 0) abort(); /* written under the same lock */
  pthread_mutex_unlock(&lookups->lock);
  return finished;
}

/* A word for the usual failures, the C library's or the kernel's text for others, NULL when addresses were found. */
static const char *lookup_failure(const struct lookup *lookup) {
  switch (lookup->status) {
    case 0: return NULL;
    case EAI_NONAME: return "NONAME";
#ifdef EAI_NODATA
    case EAI_NODATA: return "NODATA";
#endif
#ifdef EAI_ADDRFAMILY
    case EAI_ADDRFAMILY: return "NODATA";
#endif
    case EAI_AGAIN: return "AGAIN"; /* silence, ICMP errors, SERVFAIL: libc tells nothing more of them */
    case EAI_SYSTEM: return strerror(lookup->error);
    default: return gai_strerror(lookup->status);
  }
}

/* @return NULL if it is of another family than was asked for */
static const char *address_text(const struct addrinfo *info, char text[static INET6_ADDRSTRLEN]) {
  if (info->ai_family == AF_INET && info->ai_addrlen >= sizeof(struct sockaddr_in))
    return inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)info->ai_addr)->sin_addr, text, INET6_ADDRSTRLEN);
  if (info->ai_family == AF_INET6 && info->ai_addrlen >= sizeof(struct sockaddr_in6))
    return inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)info->ai_addr)->sin6_addr, text, INET6_ADDRSTRLEN);
  return NULL;
}

/*
 * The Node-API front.
 *
 * The part of uv.h used here; see src/netlink/socket.c, which has the same life: libuv wants a handle's memory until it has told
 * that it is closed, and until then the JavaScript object is held. It does not keep the process alive; timers of the
 * caller do while an answer is waited for.
 */
typedef struct uv_handle_s uv_handle_t;
enum { UV_POLL = 8 };     /* enum uv_handle_type */
enum { UV_READABLE = 1 }; /* enum uv_poll_event */
int uv_poll_init(struct uv_loop_s *loop, uv_handle_t *poll, int fd);
int uv_poll_start(uv_handle_t *poll, int events, void (*callback)(uv_handle_t *, int status, int events));
void uv_close(uv_handle_t *handle, void (*callback)(uv_handle_t *));
void uv_unref(uv_handle_t *handle);
void uv_handle_set_data(uv_handle_t *handle, void *data);
void *uv_handle_get_data(const uv_handle_t *handle);
size_t uv_handle_size(int type);

struct front {
  napi_env env;
  napi_ref self; /* strong while the handle is open */
  napi_ref finished;
  napi_async_cleanup_hook_handle cleanup;
  struct lookups *lookups; /* NULL once closed */
  _Alignas(max_align_t) char poll[]; /* uv_poll_t, of the size libuv says */
};

static uv_handle_t *handle_of(struct front *front) { return (uv_handle_t *)front->poll; }

static void on_closed(uv_handle_t *handle) {
  struct front *front = uv_handle_get_data(handle);
  napi_delete_reference(front->env, front->finished);
  napi_delete_reference(front->env, front->self);
  napi_remove_async_cleanup_hook(front->cleanup); /* last: it keeps the environment alive */
}

static void close_front(struct front *front) {
  if (front->lookups == NULL) return;
  uv_close(handle_of(front), on_closed); /* first: it takes the descriptor out of epoll */
  lookups_close(front->lookups);
  front->lookups = NULL;
}

static void on_environment_end(napi_async_cleanup_hook_handle hook, void *data) {
  (void)hook;
  close_front(data);
}

static void finalize(napi_env env, void *data, void *hint) {
  (void)env, (void)hint;
  free(data);
}

/* Calls `finished`. An error that leaves it becomes an uncaughtException, as from any callback of Node's. */
static void tell(struct front *front, const struct lookup *lookup) {
  napi_env env = front->env;
  napi_value function, receiver, argv[3], text, error;
  uint32_t count = 0;
  bool thrown = false;
  char address[INET6_ADDRSTRLEN];
  const char *failure = lookup_failure(lookup);
  napi_create_uint32(env, lookup->id, &argv[0]);
  if (failure == NULL)
    napi_get_undefined(env, &argv[1]);
  else
    napi_create_string_utf8(env, failure, NAPI_AUTO_LENGTH, &argv[1]);
  napi_create_array(env, &argv[2]);
  for (const struct addrinfo *info = lookup->found; info != NULL && count < MOST_ADDRESSES; info = info->ai_next) {
    if (address_text(info, address) == NULL) continue;
    napi_create_string_utf8(env, address, NAPI_AUTO_LENGTH, &text);
    napi_set_element(env, argv[2], count++, text);
  }
  if (napi_get_global(env, &receiver) == napi_ok &&
      napi_get_reference_value(env, front->finished, &function) == napi_ok &&
      napi_make_callback(env, NULL, receiver, function, 3, argv, NULL) == napi_ok)
    return;
  napi_is_exception_pending(env, &thrown);
  if (thrown && napi_get_and_clear_last_exception(env, &error) == napi_ok) napi_fatal_exception(env, error);
}

static void on_readable(uv_handle_t *handle, int status, int events) {
  (void)status, (void)events;
  struct front *front = uv_handle_get_data(handle);
  struct lookup *lookup = lookups_take(front->lookups);
  while (lookup != NULL) {
    struct lookup *next = lookup->next;
    napi_handle_scope scope;
    if (front->lookups != NULL && napi_open_handle_scope(front->env, &scope) == napi_ok) { /* not closed by the last */
      tell(front, lookup);
      napi_close_handle_scope(front->env, scope);
    }
    lookup_free(lookup);
    lookup = next;
  }
}

static struct front *this_front(napi_env env, napi_callback_info info, size_t *argc, napi_value *argv) {
  napi_value self;
  void *front = NULL;
  napi_get_cb_info(env, info, argc, argv, &self, NULL);
  napi_unwrap(env, self, &front);
  return front;
}

/* start(id: number, name: string, family: 4 | 6, milliseconds: number): number, 0 or an error number */
static napi_value js_start(napi_env env, napi_callback_info info) {
  napi_value argv[4], result;
  size_t argc = 4, length = 0;
  uint32_t id, family, milliseconds;
  char name[LONGEST_NAME + 2]; /* longer than the longest, so that too long a name shows */
  struct front *front = this_front(env, info, &argc, argv);
  if (napi_get_value_uint32(env, argv[0], &id) != napi_ok ||
      napi_get_value_string_utf8(env, argv[1], name, sizeof name, &length) != napi_ok ||
      napi_get_value_uint32(env, argv[2], &family) != napi_ok || (family != 4 && family != 6) ||
      napi_get_value_uint32(env, argv[3], &milliseconds) != napi_ok) {
    napi_throw_type_error(env, NULL, "start(id, name, family, milliseconds)");
    return NULL;
  }
  int error = EBADF;
  if (strlen(name) != length)
    error = EINVAL; /* a NUL in it */
  else if (front != NULL && front->lookups != NULL)
    error = lookups_start(front->lookups, id, name, family == 4 ? AF_INET : AF_INET6, milliseconds);
  napi_create_int32(env, error, &result);
  return result;
}

static napi_value js_close(napi_env env, napi_callback_info info) {
  struct front *front = this_front(env, info, NULL, NULL);
  if (front != NULL) close_front(front);
  return NULL;
}

/* @return NULL, for the callback to return */
static napi_value throw_errno(napi_env env, int error) {
  napi_throw_error(env, NULL, strerror(error));
  return NULL;
}

/* new Lookups(finished: function) */
static napi_value js_open(napi_env env, napi_callback_info info) {
  napi_value finished, self, new_target;
  size_t argc = 1;
  napi_valuetype type = napi_undefined;
  struct uv_loop_s *loop;
  napi_get_cb_info(env, info, &argc, &finished, &self, NULL);
  napi_get_new_target(env, info, &new_target);
  napi_typeof(env, finished, &type);
  if (new_target == NULL || type != napi_function) {
    napi_throw_type_error(env, NULL, "new Lookups(finished)");
    return NULL;
  }
  struct front *front = calloc(1, sizeof *front + uv_handle_size(UV_POLL));
  if (front == NULL) return throw_errno(env, ENOMEM);
  front->env = env;
  front->lookups = lookups_open();
  int error = errno;
  if (front->lookups != NULL) {
    napi_get_uv_event_loop(env, &loop);
    error = -uv_poll_init(loop, handle_of(front), front->lookups->event);
    if (error != 0) lookups_close(front->lookups);
  }
  if (error != 0) {
    free(front);
    return throw_errno(env, error);
  }
  uv_handle_set_data(handle_of(front), front);
  uv_poll_start(handle_of(front), UV_READABLE, on_readable);
  uv_unref(handle_of(front));
  napi_wrap(env, self, front, finalize, NULL, NULL);
  napi_create_reference(env, self, 1, &front->self);
  napi_create_reference(env, finished, 1, &front->finished);
  napi_add_async_cleanup_hook(env, on_environment_end, front, &front->cleanup);
  return self;
}

NAPI_MODULE_INIT() {
  const napi_property_descriptor methods[] = {
      {.utf8name = "start", .method = js_start},
      {.utf8name = "close", .method = js_close},
  };
  napi_value constructor;
  napi_define_class(env, "Lookups", NAPI_AUTO_LENGTH, js_open, NULL, 2, methods, &constructor);
  napi_set_named_property(env, exports, "Lookups", constructor);
  return exports;
}
