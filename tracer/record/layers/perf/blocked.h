/* What a thread does that is blocked: looked up from outside, while it goes on to do that. */
#ifndef CTRACE_RECORD_LAYERS_PERF_BLOCKED_H
#define CTRACE_RECORD_LAYERS_PERF_BLOCKED_H

#include "spool/spool_format.h"

#include <glib.h>

/*
 * Sets the system call that the thread is in, and appends what its stack holds to `stack`: from the
 * stack pointer on, as much as a record takes. Whatever is not known, or not of one moment, is left
 * out. `task` says which thread that is.
 */
void ct_blocked_read(struct ct_spool_task *task, GByteArray *stack);

#endif
