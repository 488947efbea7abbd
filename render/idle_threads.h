/* Which threads of a timeline did nothing but wait for work. */
#ifndef CTRACE_IDLE_THREADS_H
#define CTRACE_IDLE_THREADS_H

#include "model/timeline.h"
#include "passes/idle.h"

/* struct ct_thread * as a set, which the caller owns: those that waited all the time that they have
 * in the window, idly by the rule of ct_idle_has(); or for one condition all the time. */
GHashTable *ct_idle_threads_find(const struct ct_model *model, const struct ct_timeline *timeline,
                                 const struct ct_window *window, struct ct_idle *idle);

#endif
