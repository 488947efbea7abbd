/*
 * What a thread did with its connections in a window, in order: whose requests it read and
 * answered, what it asked of peers and for whom, and its waits.
 */
#ifndef CTRACE_PASSES_LOOP_LANE_H
#define CTRACE_PASSES_LOOP_LANE_H

#include "store/store.h"

#define CT_LOOP_NOBODY  (-1)
#define CT_LOOP_SEVERAL (-2) /* one of those that it had read, and not answered */

struct ct_loop_turn {
    enum ct_turn_kind kind;
    uint64_t begin_ns;
    uint64_t end_ns;
    int32_t fd_number;
    double weight;
    const char *peer; /* borrowed from the lane */
    int request;      /* a call: the request that it is part of, by its place; or NOBODY */
};

enum ct_loop_step_kind {
    CT_LOOP_REQUEST_READ,
    CT_LOOP_REQUEST_ANSWERED,
    CT_LOOP_CALL_OPENED, /* its connection was */
    CT_LOOP_CALL_ASKED,
    CT_LOOP_CALL_ANSWERED,
};

struct ct_loop_step {
    uint64_t time_ns;
    uint32_t round;
    enum ct_loop_step_kind kind;
    guint turn; /* its place */
    int owner;  /* the request that the thread works on from then on, by its place; NOBODY; or
                   SEVERAL */
};

struct ct_loop_wait {
    uint64_t begin_ns;
    uint64_t end_ns;
    gboolean is_round; /* for any of several: it is one that has ended, or a piece of it */
    uint64_t
        round_end_ns; /* when the whole wait for any of several ended; 0: it is none, or has not */
    enum ct_class class;
    enum ct_op op;
    const char *object; /* borrowed from the lane; as a text */
    const char *peer;   /* the same: the other end of a connection; or "" */
    uint64_t object_id;
    uint32_t stack_id;
};

struct ct_loop_lane {
    GArray *turns;        /* owned; struct ct_loop_turn, in order of their ends */
    GArray *steps;        /* owned; struct ct_loop_step, in order of time */
    GArray *waits;        /* owned; struct ct_loop_wait, in order of time */
    GStringChunk *texts;  /* owned */
    gboolean is_complete; /* FALSE: there was too much, or the recording tells of no rounds */
    gboolean is_sampled;  /* short turns may be missing */
};

/* NULL: an error. */
struct ct_loop_lane *ct_loop_lane_new(struct ct_store *store, const struct ct_thread *thread,
                                      const struct ct_window *window, GError **error);
void ct_loop_lane_free(struct ct_loop_lane *lane);
typedef struct ct_loop_lane ct_loop_lane; /* for g_autoptr(ct_loop_lane) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ct_loop_lane, ct_loop_lane_free)

#endif
