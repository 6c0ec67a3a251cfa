/* An event loop over poll(2). There are some ten descriptors and as many timers, so lists do. One for each process. */
#define _GNU_SOURCE /* ppoll */

#include "native.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>

enum { SECOND = 1000000000 };

/* Side by side: what poll(2) wants and whose it is. A watch that was removed leaves a NULL until the next turn. */
static struct pollfd *polled;
static struct watch **watches;
static size_t count, room;

static struct timer *timers; /* soonest first; of those at the same time, the one added first */

int loop_add_watch(struct watch *watch) {
  if (count == room) {
    size_t more = room + 8;
    struct pollfd *larger = realloc(polled, more * sizeof *polled);
    if (larger == NULL) return ENOMEM;
    polled = larger;
    struct watch **wider = realloc(watches, more * sizeof *watches);
    if (wider == NULL) return ENOMEM;
    watches = wider;
    room = more;
  }
  watch->slot = count;
  polled[count] = (struct pollfd){.fd = -1};
  watches[count++] = watch;
  return 0;
}

void loop_remove_watch(struct watch *watch) { watches[watch->slot] = NULL; }

void loop_add_timer(struct timer *timer) {
  struct timer **place = &timers;
  while (*place != NULL && (*place)->deadline <= timer->deadline) place = &(*place)->next;
  timer->next = *place;
  *place = timer;
}

void loop_remove_timer(struct timer *timer) {
  struct timer **place = &timers;
  while (*place != NULL && *place != timer) place = &(*place)->next;
  if (*place != NULL) *place = timer->next;
}

void loop_close(void (*drop_watch)(struct watch *), void (*drop_timer)(struct timer *)) {
  for (size_t i = 0; i < count; i++)
    if (watches[i] != NULL) drop_watch(watches[i]);
  free(polled);
  free(watches);
  while (timers != NULL) {
    struct timer *timer = timers;
    timers = timer->next;
    drop_timer(timer);
  }
}

/* Not those that are added meanwhile: they are for later. */
static void call_due(void) {
  int64_t now = monotonic();
  while (timers != NULL && timers->deadline <= now) {
    struct timer *timer = timers;
    timers = timer->next;
    timer->due(timer);
  }
}

/* Fills `polled` with what is wanted now. @return whether anything of it keeps the loop running */
static bool prepare(void) {
  bool referenced = false;
  size_t kept = 0;
  for (size_t i = 0; i < count; i++) {
    struct watch *watch = watches[i];
    if (watch == NULL) continue;
    watch->slot = kept;
    watches[kept] = watch;
    /* A negative descriptor is passed over: poll(2) would tell of an error even where nothing is wanted. */
    polled[kept++] = (struct pollfd){.fd = watch->events == 0 ? -1 : watch->fd, .events = watch->events};
    referenced |= watch->referenced;
  }
  count = kept;
  for (const struct timer *timer = timers; timer != NULL && !referenced; timer = timer->next) referenced = timer->referenced;
  return referenced;
}

static struct timespec until(int64_t deadline) {
  int64_t wait = deadline - monotonic();
  if (wait < 0) wait = 0;
  return (struct timespec){.tv_sec = (time_t)(wait / SECOND), .tv_nsec = (long)(wait % SECOND)};
}

bool loop_turn(bool (*busy)(void), void (*after)(void)) {
  call_due();
  bool idle = !busy();
  if (!prepare() && idle) return false;
  struct timespec wait = {0};
  if (idle && timers != NULL) wait = until(timers->deadline);
  size_t asked = count; /* what is added meanwhile is for the next turn */
  int found = ppoll(polled, (nfds_t)asked, idle && timers == NULL ? NULL : &wait, NULL);
  for (size_t i = 0; i < asked && found > 0; i++) {
    if (polled[i].revents == 0) continue;
    found--;
    if (watches[i] != NULL) watches[i]->ready(watches[i], polled[i].revents);
  }
  after();
  return true;
}
