/*
 * What 32-bit processors have in libatomic: QuickJS calls it for JavaScript's Atomics, on memory that threads share. Here is one thread
 * that runs JavaScript, so plain operations do, and a router needs no package for it.
 */
#include <stdbool.h>
#include <stdint.h>

#define NAMED(name) __asm__("__atomic_" #name "_8")
#define FETCH(name, operator)                                                       \
  uint64_t fetch_##name(volatile uint64_t *, uint64_t, int) NAMED(fetch_##name);    \
  uint64_t fetch_##name(volatile uint64_t *place, uint64_t value, int order) {      \
    (void)order;                                                                    \
    uint64_t before = *place;                                                       \
    *place = before operator value;                                                 \
    return before;                                                                  \
  }

FETCH(add, +)
FETCH(sub, -)
FETCH(and, &)
FETCH(or, |)
FETCH(xor, ^)

uint64_t load(const volatile uint64_t *, int) NAMED(load);
uint64_t load(const volatile uint64_t *place, int order) {
  (void)order;
  return *place;
}

void store(volatile uint64_t *, uint64_t, int) NAMED(store);
void store(volatile uint64_t *place, uint64_t value, int order) {
  (void)order;
  *place = value;
}

uint64_t exchange(volatile uint64_t *, uint64_t, int) NAMED(exchange);
uint64_t exchange(volatile uint64_t *place, uint64_t value, int order) {
  (void)order;
  uint64_t before = *place;
  *place = value;
  return before;
}

bool compare_exchange(volatile uint64_t *, uint64_t *, uint64_t, int, int) NAMED(compare_exchange);
bool compare_exchange(volatile uint64_t *place, uint64_t *expected, uint64_t value, int order, int other_order) {
  (void)order, (void)other_order;
  uint64_t before = *place;
  bool equal = before == *expected;
  if (equal)
    *place = value;
  else
    *expected = before;
  return equal;
}
