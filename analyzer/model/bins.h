/*
 * Time summed into a bounded number of bins, for a range that is not known
 * beforehand: when a time lies outside, the bins double in width and merge in
 * pairs. What was added stays, to the nanosecond; only where it lies blurs to
 * the width of a bin. Of times on CPUs, each bin has how long they were, and
 * which CPU had most of them.
 */
#ifndef CTRACE_BINS_H
#define CTRACE_BINS_H

#include "schema/operations.h"

#include <stdint.h>

/* Times on several CPUs, of which one is told: the majority vote of Boyer and Moore, by time. The
 * one that has more than half of the time is found; its lead is what no other offsets. */
struct ct_cpu_vote {
    double run_ns; /* on all of them */
    double lead_ns;
    uint32_t cpu; /* means nothing while run_ns is 0 */
};

void ct_cpu_vote_add(struct ct_cpu_vote *vote, const struct ct_cpu_vote *other);

/* Bin i is [(first + i) << shift, (first + i + 1) << shift). */
struct ct_bins {
    uint64_t first;
    unsigned shift;
    uint32_t limit;                    /* how many bins there may be; 0: nothing was added yet */
    uint32_t count;                    /* of them in use, from the first */
    uint64_t *time_ns[CT_CLASS_COUNT]; /* owned; `limit` each, NULL while a class has no time */
    struct ct_cpu_vote *cpus;          /* owned; `limit`, NULL while there is no time on a CPU */
};

/* `limit` is at least 2. */
void ct_bins_init(struct ct_bins *bins, uint32_t limit);
void ct_bins_clear(struct ct_bins *bins);

/* Spreads `amount_ns` evenly over [begin_ns, end_ns), which must not be empty. */
void ct_bins_add(struct ct_bins *bins, enum ct_class class, uint64_t begin_ns, uint64_t end_ns,
                 uint64_t amount_ns);

/* Time on `cpu` in [begin_ns, end_ns), which must not be empty. */
void ct_bins_add_run(struct ct_bins *bins, uint32_t cpu, uint64_t begin_ns, uint64_t end_ns);

static inline uint64_t ct_bins_width_ns(const struct ct_bins *bins)
{
    return UINT64_C(1) << bins->shift;
}

static inline uint64_t ct_bins_begin_ns(const struct ct_bins *bins, uint32_t bin)
{
    return (bins->first + bin) << bins->shift;
}

#endif
