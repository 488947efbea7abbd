/*
 * Who held what a thread waited for. A lock is held by whoever is the next to let go of it: from
 * the release before to its own.
 */
#ifndef CTRACE_HOLDERS_H
#define CTRACE_HOLDERS_H

#include "model/sink.h"

/* A part of the interval, and who held the lock in it. */
struct ct_hold {
    uint64_t begin_ns;
    uint64_t end_ns;
    uint64_t since_ns;        /* it was let go by the one before; 0: not in the wait's time */
    struct ct_thread *holder; /* borrowed; NULL: unknown */
    uint32_t stack_id;        /* that let go, in the holder's process; 0: unknown */
    enum ct_op op;            /* by which; NONE: unknown */
    gboolean is_released;     /* it had let go by then: the waiter was yet to take it */
};

/* Did it end without the lock, or does it go on? */
gboolean ct_interval_is_in_vain(const struct ct_interval *interval);

/* The first release that is not before that time; their number, if there is none. */
size_t ct_interval_find_release(const struct ct_interval *interval, uint64_t time_ns);

/*
 * Visits the parts of an interval that is for a lock, in order of time: together they are the
 * interval, and there is at least one. The time from the last release to the end of the wait that
 * it ended, which the hand-off took, belongs to that release.
 */
void ct_interval_visit_holds(const struct ct_interval *interval,
                             void (*visit)(void *user, const struct ct_hold *hold), void *user);

#endif
