/* The router's program: QuickJS with no more of it than is used, our bytecode, an event loop. */
#define _GNU_SOURCE

#include "front.h"
#include "native.h"

#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * What the engine may allocate. Measured on x86_64, at the most: 0.7 MiB with 10 peers; 5.5 with 1,000, and 7 while they are read
 * again; 20 with 3,000. (10,000 need 44 to be read; no router has so many, nor that.) An ubusd that does not read makes answers wait, up
 * to what src/ubus/connection.ts says. Beyond, the program ends. A service manager starts it again, and meanwhile the kernel keeps the
 * connection.
 */
#ifndef HEAP_BYTES
#define HEAP_BYTES (24 * 1024 * 1024)
#endif

/*
 * Of the stack, which the kernel lets grow to 8 MiB; beyond, a RangeError is thrown. Measured on x86_64: 79 KiB for a message of ubus that
 * is as deep as is taken (MAX_DEPTH in src/ubus/blobmsg.ts), 41 for `check`, 25 for the daemon otherwise. Only what is touched takes memory,
 * so there is room for processors with larger frames.
 */
enum { STACK_BYTES = 512 * 1024 };

/*
 * Garbage that hangs together in circles is looked for when so much has been allocated; afterwards at half as much again as is left. Counted
 * references free all the rest at once, so there is little of it, and a simulated day takes the same time (1.6 s) with 64 KiB as with 4 MiB. Its
 * heap has 1.7 to 1.8 MiB after that with 512, 1024 and 1536 KiB; less needs more (half a megabyte with 64 to 256), as does 4 MiB. A daemon that
 * starts needs less than this, and looks for none.
 */
enum { GC_BYTES = 1536 * 1024 };

enum { EX_SOFTWARE = 70 };

/* What malloc itself needs for each block. */
enum { MALLOC_OVERHEAD = 8 };

static void no_memory(size_t wanted) {
  dprintf(STDERR_FILENO, "error: out of memory: %zu bytes more would be beyond the limit of %zu KiB\n", wanted,
          (size_t)HEAP_BYTES / 1024);
  _exit(EX_SOFTWARE);
}

static size_t usable(const void *block) { return malloc_usable_size((void *)(uintptr_t)block); }

static void *allocate(JSMallocState *state, size_t size) {
  if (size == 0) return NULL; /* the engine does not ask for it */
  void *block = state->malloc_size + size > state->malloc_limit ? NULL : malloc(size);
  if (block == NULL) no_memory(size);
  state->malloc_count++;
  state->malloc_size += usable(block) + MALLOC_OVERHEAD;
  return block;
}

static void release(JSMallocState *state, void *block) {
  if (block == NULL) return;
  state->malloc_count--;
  state->malloc_size -= usable(block) + MALLOC_OVERHEAD;
  free(block);
}

static void *resize(JSMallocState *state, void *block, size_t size) {
  if (block == NULL) return allocate(state, size);
  if (size == 0) {
    release(state, block);
    return NULL;
  }
  size_t before = usable(block);
  size_t more = size > before ? size - before : 0; /* what shrinks is never refused */
  void *moved = more > 0 && state->malloc_size + more > state->malloc_limit ? NULL : realloc(block, size);
  if (moved == NULL) no_memory(more);
  state->malloc_size += usable(moved) - before;
  return moved;
}

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
enum { READ_FLAGS = JS_READ_OBJ_BYTECODE | JS_READ_OBJ_ROM_DATA };
#else
/* Numbers in it are swapped, which takes a copy. */
enum { READ_FLAGS = JS_READ_OBJ_BYTECODE };
#endif

int main(int argc, char **argv) {
  static const JSMallocFunctions memory = {
      .js_malloc = allocate, .js_free = release, .js_realloc = resize, .js_malloc_usable_size = usable};
#ifdef M_ARENA_MAX
  mallopt(M_ARENA_MAX, 1); /* glibc would give each thread of a look-up memory of its own, and keep it */
#endif
  signal(SIGPIPE, SIG_IGN);
  signals_hold(); /* the program says what they are for, or leaves them to the system */
  JSRuntime *runtime = JS_NewRuntime2(&memory, NULL);
  if (runtime == NULL) return EX_SOFTWARE;
  JS_SetMemoryLimit(runtime, HEAP_BYTES);
  JS_SetMaxStackSize(runtime, STACK_BYTES);
  JS_SetGCThreshold(runtime, GC_BYTES);
  JSContext *context = JS_NewContextRaw(runtime);
  if (context == NULL) return EX_SOFTWARE;
  /*
   * Before anything else makes atoms: then those of the larger module have the numbers that they were compiled with, and its bytecode is run
   * where it lies in the executable. It is found by its name when the next one is resolved.
   */
  if (&qjsc_chunk_size != NULL) JS_FreeValue(context, JS_ReadObject(context, qjsc_chunk, qjsc_chunk_size, READ_FLAGS));
  JSValue function = JS_ReadObject(context, program, program_size, READ_FLAGS);
  /* No eval: with it the parser would be linked in. */
  JS_AddIntrinsicBaseObjects(context);
  JS_AddIntrinsicDate(context);
  JS_AddIntrinsicRegExp(context);
  JS_AddIntrinsicJSON(context);
  JS_AddIntrinsicMapSet(context);
  JS_AddIntrinsicTypedArrays(context);
  JS_AddIntrinsicPromise(context);
  front_open(context, argc > 0 ? argc - 1 : 0, argv + 1);
  /* A module, whose end is a promise: what it throws comes out of front_run() like everything that nobody catches. */
  if (JS_IsException(function) || JS_ResolveModule(context, function) < 0) front_uncaught();
  JSValue result = JS_EvalFunction(context, function);
  if (JS_IsException(result)) front_uncaught();
  JS_FreeValue(context, result);
  int code = front_run();
#ifdef FREE_AT_END
  /* For a leak detector: what is left after this is lost. */
  front_close();
  JS_FreeContext(context);
  JS_FreeRuntime(runtime);
  return code;
#else
  _exit(code); /* threads of look-ups may be at work */
#endif
}
