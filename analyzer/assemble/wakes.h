/*
 * Who woke whom. Keeps the wakes of each object, holds intervals back for a moment so that a wake
 * written late still finds them, and then hands them on in the order in which they came. Memory is
 * bounded: of too many objects or wakes, the objects not touched for longest are forgotten.
 */
#ifndef CTRACE_ASSEMBLE_WAKES_H
#define CTRACE_ASSEMBLE_WAKES_H

#include "model/sink.h"

struct ct_wakes;

struct ct_wakes *ct_wakes_new(const struct ct_sink *sinks, size_t sink_count);
void ct_wakes_free(struct ct_wakes *wakes);

/* `now_ns` is the time of the event at hand; it never goes back. */
void ct_wakes_add_interval(struct ct_wakes *wakes, uint64_t now_ns,
                           const struct ct_interval *interval);

/* `object` is that of the waits; the thread's id for those of the kind FD_SET. */
void ct_wakes_add_wake(struct ct_wakes *wakes, enum ct_object kind, uint64_t object,
                       const struct ct_wake *wake);

/* Hands on everything that is held back. */
void ct_wakes_flush(struct ct_wakes *wakes);

#endif
