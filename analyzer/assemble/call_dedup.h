/*
 * Waits that a preload could not see, in a process that has one: the kernel tells of all its system
 * calls, and the preload of most, a moment later, or earlier as far as clocks differ. What it tells
 * of is not counted twice: a call is held until it is clear that the preload does not.
 */
#ifndef CTRACE_ASSEMBLE_CALL_DEDUP_H
#define CTRACE_ASSEMBLE_CALL_DEDUP_H

#include "assemble/waits.h"

struct ct_thread_dedup {
    GArray *held;        /* owned; struct ct_interval; or NULL */
    struct ct_span seen; /* the preload's last wait */
};

struct ct_call_dedup;

/* All are borrowed. */
struct ct_call_dedup *ct_call_dedup_new(struct ct_waits *waits, const struct ct_binding *binding,
                                        const struct ct_output *output);
void ct_call_dedup_free(struct ct_call_dedup *dedup);
void ct_call_dedup_clear_thread(struct ct_thread_state *thread);

/* The kernel tells of it, and the preload perhaps too. */
void ct_call_dedup_hold(struct ct_call_dedup *dedup, struct ct_thread_state *thread,
                        const struct ct_interval *interval);
/* The preload tells of none that ended by then. */
void ct_call_dedup_release(struct ct_call_dedup *dedup, struct ct_thread_state *thread,
                           uint64_t time_ns);
/* The preload tells of that time. */
void ct_call_dedup_drop(struct ct_thread_state *thread, uint64_t begin_ns, uint64_t end_ns);

#endif
