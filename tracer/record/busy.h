/*
 * Signals while the recorder is busy and waits for none: while it speaks to a session daemon, which
 * may never answer, and while it finishes a recording. A thread hands them on to the program, and
 * ends the recorder by those that are for it. A start has a deadline, too: see CT_ENDED_BY_TIME.
 */
#ifndef CTRACE_RECORD_BUSY_H
#define CTRACE_RECORD_BUSY_H

#include "launch.h"

enum ct_busy_with {
    CT_BUSY_STARTING,  /* what ends us sets launch->ended_by */
    CT_BUSY_TENDING,   /* it sets launch->is_told_to_end */
    CT_BUSY_FINISHING, /* there is nothing that would be in better order a moment later */
};

/* So long may CT_BUSY_STARTING take. */
#define CT_BUSY_START_TIMEOUT_S 30

struct ct_busy;

/*
 * Until ct_busy_end nobody else handles the launch's signals. There is a moment to end in good
 * order; `at_end` is called before we end otherwise, in that thread. NULL if there can be no
 * thread.
 */
struct ct_busy *ct_busy_begin(enum ct_busy_with with, struct ct_launch *launch,
                              void (*at_end)(void *user), void *user);

void ct_busy_end(struct ct_busy *busy);

#endif
