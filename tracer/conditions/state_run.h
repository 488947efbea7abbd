/* Since when a thread is in one state, by what looks at it tell. No I/O. */
#ifndef CTRACE_CONDITIONS_STATE_RUN_H
#define CTRACE_CONDITIONS_STATE_RUN_H

#include "schema/operations.h"

#include <glib.h>
#include <stdint.h>

struct ct_state_run {
    enum ct_class state; /* UNKNOWN: in none for long */
    uint64_t since_ns;
    uint64_t looked_ns; /* 0: it was not looked at yet */
    uint64_t running_ns;
};

/* What a look shows. */
struct ct_state_look {
    uint64_t now_ns;
    uint64_t running_ns; /* that it has had a CPU in all its life */
    enum ct_class class; /* as in struct ct_wait */
    gboolean is_starved; /* as in struct ct_seen_thread */
};

/*
 * A thread is running that had a CPU nine tenths of the time since the last look, runnable that was
 * in line for one all that time, and in a state of waiting that is seen in it at both and had a CPU
 * for a hundredth of the time at most.
 */
void ct_state_run_update(struct ct_state_run *run, const struct ct_state_look *look);

#endif
