/*
 * What the end of a thread would have been, had some of what threads did taken another time. All
 * threads go on again, each through what it did: where one was let go on, it goes on as long after
 * that as it did, but no earlier than it comes there; what others did not end takes the time that
 * it took. Memory grows with threads alone.
 */
#ifndef CTRACE_PASSES_REPLAY_H
#define CTRACE_PASSES_REPLAY_H

#include "passes/path_walk.h"

/* What a thread did at one moment: it began or ended a wait, let another go on, began or ended. */
struct ct_replay_event {
    enum ct_op op; /* NONE: it began or ended */
    uint32_t stack_id;
    uint64_t object; /* of a wait, or of that of whom it let go on */
    gboolean is_wake;
};

/* A time for which a thread ran, from one event to the next. */
struct ct_replay_run {
    struct ct_thread *thread; /* borrowed */
    uint64_t begin_ns;
    uint64_t end_ns;
    struct ct_replay_event begin;
    struct ct_replay_event end;
};

/* By how much it is changed: 1 leaves it as it was. Either may be NULL. */
struct ct_replay_change {
    void *user;
    gboolean has_pieces; /* what runs is told in pieces, from one wake that it gives to the next */
    double (*scale_run)(void *user, const struct ct_replay_run *run);
    /* Of what nobody ended; of a wait that somebody did, 0: it is for nothing now, else it stays.
     */
    double (*scale_wait)(void *user, const struct ct_interval *wait);
};

/* How long the question's window is then, from its begin to where its thread is at its end. FALSE:
 * an error. */
gboolean ct_replay(const struct ct_path_question *question, const struct ct_replay_change *change,
                   uint64_t *length_ns, GError **error);

#endif
