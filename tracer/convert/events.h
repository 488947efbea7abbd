/*
 * Spool files -> the kernel events of the recorded program, in the order of their time. What
 * concerns none of its tasks is left out: a trace is not to tell of the rest of the machine.
 */
#ifndef CTRACE_CONVERT_EVENTS_H
#define CTRACE_CONVERT_EVENTS_H

#include "schema/kernel_events.h"
#include "spool/conversion.h"

#include <glib.h>

struct ct_kernel_events;

/* Reads the spool below a recording's `path`. NULL if there is none. */
struct ct_kernel_events *ct_kernel_events_open(const char *path,
                                               const struct ct_kernel_scope *scope);

/* How much there was so far of programs that no preload was in: images, and their threads. */
uint64_t ct_kernel_events_unpreloaded_images(const struct ct_kernel_events *events);
char **ct_kernel_events_unpreloaded_names(const struct ct_kernel_events *events);
uint64_t ct_kernel_events_unpreloaded_threads(const struct ct_kernel_events *events);

/* How many CPUs there are streams of, and which the stream at `index` is. */
guint ct_kernel_events_cpu_count(const struct ct_kernel_events *events);
uint32_t ct_kernel_events_cpu(const struct ct_kernel_events *events, guint index);

struct ct_kernel_item {
    guint index;                    /* of the CPU's stream */
    uint64_t lost;                  /* not 0: so many events of this CPU were lost; no event */
    uint64_t lost_since_ns;         /* the last event of this CPU before */
    gboolean has_happened;          /* then, and does not only tell how it was */
    struct ct_kernel_record record; /* strings are valid until the next call */
};

/* FALSE at the end. Times of one stream do not go back. */
gboolean ct_kernel_events_next(struct ct_kernel_events *events, struct ct_kernel_item *item);

void ct_kernel_events_free(struct ct_kernel_events *events);

#endif
