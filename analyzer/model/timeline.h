/*
 * What a picture of a recording needs, gathered in one pass: per thread the
 * longest waits exactly, and all others summed by class into bins. Memory grows
 * with threads, never with waits.
 *
 * Per thread and class, the bins and the kept waits together are the time waited
 * inside the window, to the nanosecond. Sampled waits count with their weight.
 */
#ifndef CTRACE_TIMELINE_H
#define CTRACE_TIMELINE_H

#include "model/bins.h"
#include "model/cpu_runs.h"
#include "model/sink.h"

/* [begin_ns, end_ns) in the model's time. */
struct ct_window {
    uint64_t begin_ns;
    uint64_t end_ns;
};

/* Makes it reach over that, too; one that is all zero reaches nowhere yet. */
void ct_window_stretch(struct ct_window *window, uint64_t begin_ns, uint64_t end_ns);

/* A wait that was kept, or one part of it, cut to the window. */
struct ct_timeline_wait {
    uint64_t begin_ns;
    uint64_t end_ns;
    struct ct_window whole; /* of the call, with what lies outside the window; RUNNABLE: the time
                               in the run queue */
    uint64_t object;
    const char *call_name;         /* borrowed from the model; as an interval's */
    const char *place;             /* owned by the timeline; a descriptor's path or peer, or NULL */
    const struct ct_thread *waker; /* borrowed from the model; NULL: unknown */
    uint64_t wake_ns;              /* may lie outside the window */
    int32_t owner_tid;             /* held the lock when the wait began; 0 unknown */
    const char *preempted_by;      /* owned by the timeline; who took its CPU, or NULL */
    uint32_t stack_id;             /* in the process of the thread that waited */
    uint8_t op;                    /* enum ct_op */
    uint8_t class;                 /* enum ct_class */
    gboolean is_open;              /* it never returned */
    gboolean is_for_lock;          /* as an interval's */
    /* Of the descriptor that it was for, or that ended it: see ct_fd_find_ends(). */
    gboolean has_fd;
    gboolean is_ended_by_fd;
    uint8_t fd_kind;   /* enum ct_fd_kind */
    uint8_t fd_role;   /* enum ct_fd_role */
    const char *local; /* owned by the timeline, or NULL, as is the next */
    const char *peer;
};

struct ct_timeline_thread {
    const struct ct_thread *thread; /* borrowed from the model */
    uint64_t wait_ns[CT_CLASS_COUNT];
    struct ct_timeline_wait *waits; /* owned; by begin once the timeline is finished */
    uint32_t wait_count;
    uint32_t wait_limit;
    uint32_t wait_capacity;
    uint64_t least_kept_ns; /* a wait must be longer than this to be kept */
    struct ct_window open;  /* the wait that never returned; as long as 0: there is none */
    struct ct_bins bins;
    struct ct_bins cpus; /* empty without a kernel layer */
};

struct ct_timeline;

/* `window` NULL: everything. */
struct ct_timeline *ct_timeline_new(const struct ct_window *window);
void ct_timeline_free(struct ct_timeline *timeline);
typedef struct ct_timeline ct_timeline; /* for g_autoptr(ct_timeline) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ct_timeline, ct_timeline_free)

/* The timeline must outlive the sink's use. */
struct ct_sink ct_timeline_sink(struct ct_timeline *timeline);

/* Call once, after the last interval and before anything is read. */
void ct_timeline_finish(struct ct_timeline *timeline);

/* NULL if the thread is not known to have waited or run inside the window. Borrowed. */
const struct ct_timeline_thread *ct_timeline_find(const struct ct_timeline *timeline,
                                                  const struct ct_thread *thread);

/* struct ct_cpu *, by number: which thread ran where inside the window. Borrowed; empty without a
 * kernel layer. */
const GPtrArray *ct_timeline_cpus(const struct ct_timeline *timeline);

/* How many waits there were, inside the window or not. */
uint64_t ct_timeline_wait_count(const struct ct_timeline *timeline);

#endif
