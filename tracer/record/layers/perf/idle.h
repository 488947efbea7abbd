/*
 * Does a CPU's idle task tell of its switches? On some virtual machines its tracepoints are silent,
 * but whoever follows it can tell that he came: at some cost for every switch, so only there.
 */
#ifndef CTRACE_RECORD_LAYERS_PERF_IDLE_H
#define CTRACE_RECORD_LAYERS_PERF_IDLE_H

#include "rings.h"

/* Looks at what is in the ring of a CPU, until it is clear. TRUE, once: its idle task is silent. */
gboolean ct_idle_is_silent(struct ct_ring *ring, const struct ct_formats *formats);

#endif
