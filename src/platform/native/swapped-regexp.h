/*
 * QuickJS's bytecode has one byte order for all processors, but not what it makes of regular expressions: that has the order of the
 * machine that compiles. Included before libregexp.c of the compiler when the program is for a machine of the other order.
 */
#include "cutils.h"

static inline uint16_t swapped_get_u16(const uint8_t *place) { return bswap16(get_u16(place)); }
static inline uint32_t swapped_get_u32(const uint8_t *place) { return bswap32(get_u32(place)); }
static inline void swapped_put_u16(uint8_t *place, uint16_t value) { put_u16(place, bswap16(value)); }
static inline void swapped_put_u32(uint8_t *place, uint32_t value) { put_u32(place, bswap32(value)); }
static inline int swapped_append_u16(DynBuf *buffer, uint16_t value) { return dbuf_put_u16(buffer, bswap16(value)); }
static inline int swapped_append_u32(DynBuf *buffer, uint32_t value) { return dbuf_put_u32(buffer, bswap32(value)); }

#define get_u16 swapped_get_u16
#define get_u32 swapped_get_u32
#define put_u16 swapped_put_u16
#define put_u32 swapped_put_u32
#define dbuf_put_u16 swapped_append_u16
#define dbuf_put_u32 swapped_append_u32
