/* What main.c has of the QuickJS front. */
#ifndef WGPEERSELECTOR_FRONT_H
#define WGPEERSELECTOR_FRONT_H

#include <quickjs.h>

/*
 * Written by QuickJS's compiler, see Makefile: the module that begins, and, where a program has them, the one that all stand on and those that
 * are loaded when they are asked for.
 */
#define qjsc_chunk qjsc_AggregateError /* see Makefile */
#define qjsc_chunk_size qjsc_AggregateError_size
extern const uint32_t program_size, qjsc_chunk_size;
extern const uint8_t program[], qjsc_chunk[];
#pragma weak qjsc_AggregateError
#pragma weak qjsc_AggregateError_size

/* The last has no name. */
struct part {
  const char *name;
  const uint8_t *bytecode;
  size_t size;
};
extern const struct part parts[];

/* Gives the context a global object `native`. @param words the arguments behind the program's name */
void front_open(JSContext *context, int count, char **words);

/* Does what promises have left to be done. Whatever nobody catches ends the process, or goes to who asked for it. */
void front_settle(void);

/* Deals with the exception that is pending. */
void front_uncaught(void);

/* Runs until nothing is left that keeps the process alive. @return the exit code */
int front_run(void);

/* Lets go of whatever would have been called back. */
void front_close(void);

#endif
