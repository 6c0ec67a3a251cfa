/*
 * QuickJS 2025-04-26 counts the leading zeros of a BigInt's highest limb, which is 0 for a number from 2^63 up to 2^64 (its sign needs the next
 * bit), when it makes a string of it: undefined (GCC's manual, "Bit Operation Builtins"), and with gcc 14 on x86 a length from somewhere. Included
 * before each part of the engine.
 */
#define __builtin_clz(value) ((value) == 0 ? 32 : __builtin_clz(value))
#define __builtin_clzll(value) ((value) == 0 ? 64 : __builtin_clzll(value))
