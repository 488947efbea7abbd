/*
 * Events of processes that run already: each of their threads has its own, on each CPU, and all
 * that a CPU's tell goes into one ring.
 */
#ifndef CTRACE_RECORD_LAYERS_PERF_ATTACH_H
#define CTRACE_RECORD_LAYERS_PERF_ATTACH_H

#include "rings.h"
#include "system/running.h"

/* Events that each of some threads gets on each CPU. */
struct ct_thread_events {
    struct perf_event_attr attributes[3];
    guint count;
    guint needed; /* the first of them; the others may be refused */
};

/*
 * Opens rings of `size`, and those events of each thread of these processes, of a tree with their
 * present descendants if `follows_children`, with all children to come: from ct_rings_begin() on.
 * From the main thread. FALSE and why not.
 */
gboolean ct_rings_attach(struct ct_rings *rings, size_t size, const struct ct_thread_events *events,
                         struct ct_running *running, gboolean follows_children, char **why_not);

#endif
