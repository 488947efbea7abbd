/* Which tasks ran instead of threads that could have run, and for how long. */
#ifndef CTRACE_RIVALS_H
#define CTRACE_RIVALS_H

#include "model/sink.h"

/* A set of them. */
GHashTable *ct_rivals_new(void);

/* Adds a time in the run queue of who was preempted. */
void ct_rivals_add(GHashTable *rivals, const struct ct_interval *interval);

/* The task that took the CPUs of these threads (a set of struct ct_thread *) for the longest time
 * in sum; NULL if none is known. */
const char *ct_rivals_first(GHashTable *rivals, GHashTable *threads);

#endif
