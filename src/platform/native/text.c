/* Text and bytes. */
#include "native.h"

#include <arpa/inet.h>
#include <string.h>

/*
 * The length of the character that the bytes begin with, or, negated, of the part of them that is none (Unicode 15.0, table 3-7).
 */
static int utf8_next(const uint8_t *bytes, size_t length) {
  uint8_t first = bytes[0], low = 0x80, high = 0xbf;
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return -1;
  int wanted = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (first == 0xe0) low = 0xa0;  /* overlong */
  if (first == 0xed) high = 0x9f; /* surrogates */
  if (first == 0xf0) low = 0x90;  /* overlong */
  if (first == 0xf4) high = 0x8f; /* beyond U+10FFFF */
  for (int i = 1; i < wanted; i++) {
    if ((size_t)i >= length || bytes[i] < low || bytes[i] > high) return -i;
    low = 0x80;
    high = 0xbf;
  }
  return wanted;
}

bool utf8_is_valid(const uint8_t *bytes, size_t length) {
  for (size_t i = 0; i < length;) {
    int count = utf8_next(bytes + i, length - i);
    if (count < 0) return false;
    i += (size_t)count;
  }
  return true;
}

size_t utf8_repair(uint8_t *to, const uint8_t *from, size_t length) {
  size_t written = 0;
  for (size_t i = 0; i < length;) {
    int count = utf8_next(from + i, length - i);
    size_t taken = (size_t)(count < 0 ? -count : count);
    if (count < 0) {
      memcpy(to + written, "\xef\xbf\xbd", 3);
      written += 3;
    } else {
      memcpy(to + written, from + i, taken);
      written += taken;
    }
    i += taken;
  }
  return written;
}

size_t utf8_of_latin1(uint8_t *to, const uint8_t *from, size_t length) {
  size_t written = 0;
  for (size_t i = 0; i < length; i++) {
    if (from[i] >= 0x80) to[written++] = 0xc0 | from[i] >> 6;
    to[written++] = from[i] < 0x80 ? from[i] : 0x80 | (from[i] & 0x3f);
  }
  return written;
}

void utf8_without_surrogates(uint8_t *bytes, size_t length) {
  for (size_t i = 0; i + 2 < length; i++)
    if (bytes[i] == 0xed && bytes[i + 1] >= 0xa0) memcpy(bytes + i, "\xef\xbf\xbd", 3);
}

int ip_family(const char *text) {
  static const char zone_letters[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-.:";
  struct in6_addr address;
  char bare[INET6_ADDRSTRLEN];
  if (inet_pton(AF_INET, text, &address) == 1) return 4;
  size_t length = strcspn(text, "%");
  const char *zone = text + length;
  if (length >= sizeof bare) return 0;
  if (*zone == '%' && (zone[1] == '\0' || zone[1 + strspn(zone + 1, zone_letters)] != '\0')) return 0;
  memcpy(bare, text, length);
  bare[length] = '\0';
  return inet_pton(AF_INET6, bare, &address) == 1 ? 6 : 0;
}
