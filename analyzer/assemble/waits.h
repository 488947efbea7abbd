/*
 * A wait as it is told of -> the intervals of its thread: each nanosecond goes to the innermost
 * wait, and within one, what the thread was in the run queue for is a piece of its own.
 */
#ifndef CTRACE_ASSEMBLE_WAITS_H
#define CTRACE_ASSEMBLE_WAITS_H

#include "assemble/binding.h"
#include "assemble/extent.h"
#include "assemble/nesting.h"

/* Of a thread's waits, by class. */
struct ct_wait_sums {
    double estimated_ns[CT_CLASS_COUNT];          /* from the intervals and their weights */
    uint64_t nested_ns[CT_CLASS_COUNT];           /* that waits inside them took */
    uint64_t recorded_ns[CT_CLASS_COUNT];         /* of those that were recorded, each once */
    struct ct_task_times covered[CT_CLASS_COUNT]; /* what the thread did meanwhile */
};

struct ct_thread_waits {
    uint64_t last_end_ns;
    struct ct_nesting nesting; /* what it waited for of late */
    struct ct_wait_sums sums;
};

struct ct_waits;

/* All are borrowed. */
struct ct_waits *ct_waits_new(struct ct_binding *binding, struct ct_output *output,
                              struct ct_extent *extent);
void ct_waits_free(struct ct_waits *waits);

void ct_waits_begin_thread(struct ct_thread_state *thread, uint64_t start_ns);
/* It waits no more. */
void ct_waits_end_thread(struct ct_thread_state *thread);

/* A wait that the event of `now_ns` tells of: the last of its thread's to end, by now. All but the
 * interval's thread, whole wait and descriptor must be set. */
void ct_waits_add(struct ct_waits *waits, uint64_t now_ns, struct ct_thread_state *thread,
                  struct ct_interval *interval);
/* Nobody knows what the thread was blocked for meanwhile. */
void ct_waits_add_unknown(struct ct_waits *waits, struct ct_thread_state *thread, uint64_t begin_ns,
                          uint64_t end_ns);

/* When the last of them ended; its start, if there is none. */
uint64_t ct_waits_last_end_ns(const struct ct_thread_state *thread);
const struct ct_wait_sums *ct_waits_sums(const struct ct_thread_state *thread);

/* How many waits one of this duration, which was sampled, stands for. */
double ct_sampled_weight(uint64_t duration_ns, uint64_t rate_ns);

#endif
