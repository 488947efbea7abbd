/* perf's ring buffers, one for each CPU, of the whole machine or of some tasks. */
#ifndef CTRACE_RECORD_LAYERS_PERF_RINGS_H
#define CTRACE_RECORD_LAYERS_PERF_RINGS_H

#include "formats.h"
#include "ring.h"
#include "spool/spool_format.h"

#include <glib.h>
#include <sys/types.h>

struct ct_rings {
    enum ct_rings_kind kind;
    struct ct_formats formats;
    struct ct_ring *rings; /* owned */
    guint count;
    guint capacity;
    GArray *task_fds; /* owned; int; events of running threads, whose records the rings get */
};

/* For those who open their own events: no rings yet. */
struct ct_rings *ct_rings_new(enum ct_rings_kind kind);

/*
 * Adds a ring for each CPU that is there, and opens it by `open`, which says FALSE and errno if it
 * cannot. That errno, or 0.
 */
int ct_rings_open_each(struct ct_rings *rings, gboolean (*open)(void *user, struct ct_ring *ring),
                       void *user);

/* What a task's life is, with that of its children to come: forks, names, execs and exits. */
struct perf_event_attr ct_rings_life_event(gboolean on_exec);

/* The same; the rings, or NULL, with them freed, and why not as one of the following says it. */
struct ct_rings *ct_rings_open_or_explain(struct ct_rings *rings,
                                          gboolean (*open)(void *user, struct ct_ring *ring),
                                          void *user, char *(*explain)(int code), char **why_not);

/* Why the events of the whole machine, or tracepoints, cannot be opened: what errno `code` means
 * there. */
char *ct_rings_explain(int code);

/* Why a task's own events, or a ring of them, cannot be opened. */
char *ct_rings_explain_task(int code);

/* The ring of the CPU; without events, if there was none. NULL: there can be none. */
struct ct_ring *ct_rings_find_or_add(struct ct_rings *rings, uint32_t cpu);

void ct_rings_begin(struct ct_rings *rings);
void ct_rings_end(struct ct_rings *rings);

/* May take a tenth of a second: the kernel waits until nobody is in its tracepoints. */
void ct_rings_free(struct ct_rings *rings);

/* The same, but it is a process of its own that takes the time, and nobody waits for it. */
void ct_rings_free_aside(struct ct_rings *rings);

#endif
