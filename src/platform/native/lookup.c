/*
 * Asks the system's own resolver, getaddrinfo(3), without waiting for it: /etc/hosts, resolv.conf with its search list and, with
 * glibc, nsswitch.conf count as they do for every other program.
 *
 * getaddrinfo blocks, so each look-up has a thread of its own, detached: nobody ever waits for it to end. Whoever loses interest in
 * an answer ignores it; the thread lives on until libc returns.
 */
#define _GNU_SOURCE /* EAI_NODATA */

#include "native.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <resolv.h>
#include <signal.h>
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
  char name[LOOKUP_NAME + 1];
};

/* Lives until its opener has closed it and its last thread has ended. */
struct lookups {
  pthread_mutex_t lock;
  unsigned holders; /* the opener and each thread */
  int event;        /* readable while there is something to take; -1 once closed */
  struct lookup *finished;
};

void lookup_free(struct lookup *lookup) {
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

struct lookups *lookups_open(void) {
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

int lookups_descriptor(const struct lookups *lookups) { return lookups->event; }

void lookups_close(struct lookups *lookups) {
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

int lookups_start(struct lookups *lookups, uint32_t id, const char *name, int family, uint32_t milliseconds) {
  size_t length = strlen(name);
  pthread_attr_t attributes;
  pthread_t thread;
  sigset_t all, before;
  if (length > LOOKUP_NAME) return ENAMETOOLONG;
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

struct lookup *lookups_take(struct lookups *lookups) {
  uint64_t count;
  pthread_mutex_lock(&lookups->lock);
  struct lookup *finished = lookups->finished;
  lookups->finished = NULL;
  if (finished != NULL && read(lookups->event, &count, sizeof count) < 0) abort(); /* written under the same lock */
  pthread_mutex_unlock(&lookups->lock);
  return finished;
}

struct lookup *lookup_next(const struct lookup *lookup) { return lookup->next; }

uint32_t lookup_id(const struct lookup *lookup) { return lookup->id; }

const char *lookup_failure(const struct lookup *lookup) {
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

size_t lookup_addresses(const struct lookup *lookup, char texts[static LOOKUP_ADDRESSES][INET6_ADDRSTRLEN]) {
  size_t count = 0;
  for (const struct addrinfo *info = lookup->found; info != NULL && count < LOOKUP_ADDRESSES; info = info->ai_next)
    if (address_text(info, texts[count]) != NULL) count++;
  return count;
}

struct addrinfo *literal_address(const char *address, const char *service) {
  const struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
  struct addrinfo *found;
  return getaddrinfo(address, service, &hints, &found) == 0 ? found : NULL;
}
