/* What main.c has of the QuickJS front. */
#ifndef WGPEERSELECTOR_FRONT_H
#define WGPEERSELECTOR_FRONT_H

#include <quickjs.h>

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
