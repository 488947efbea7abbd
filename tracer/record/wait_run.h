/*
 * Waits on their way to LTTng. What an event costs there does not depend on its size, so where they
 * come fast, many are written as one: those that follow each other closely, in their order.
 */
#ifndef CTRACE_RECORD_WAIT_RUN_H
#define CTRACE_RECORD_WAIT_RUN_H

#include "provider/writer.h"

#include <glib.h>

struct ct_wait_run;

/* `writer` is borrowed. */
struct ct_wait_run *ct_wait_run_new(const struct ct_writer *writer);
void ct_wait_run_free(struct ct_wait_run *run);

/* A wait that its program wrote at source->time_ns. TRUE: those before it went out. */
gboolean ct_wait_run_add(struct ct_wait_run *run, const struct ct_source *source,
                         const struct ct_event_wait *event);

/* Writes all that was added; to be called before anything that is later is written. TRUE: there was
 * something. */
gboolean ct_wait_run_flush(struct ct_wait_run *run);

#endif
