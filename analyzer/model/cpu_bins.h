/*
 * On which CPU a thread ran when, summed into a bounded number of bins: when a time lies outside,
 * the bins double in width and merge in pairs. Of each bin is known how long the thread ran, and
 * which CPU it ran on most.
 */
#ifndef CTRACE_CPU_BINS_H
#define CTRACE_CPU_BINS_H

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
struct ct_cpu_bins {
    uint64_t first;
    unsigned shift;
    uint32_t limit;
    uint32_t count;           /* of them in use, from the first */
    struct ct_cpu_vote *bins; /* owned; `limit`; NULL while there is no time */
};

/* `limit` is at least 2. */
void ct_cpu_bins_init(struct ct_cpu_bins *bins, uint32_t limit);
void ct_cpu_bins_clear(struct ct_cpu_bins *bins);

/* The thread ran on `cpu` in [begin_ns, end_ns), which must not be empty. */
void ct_cpu_bins_add(struct ct_cpu_bins *bins, uint32_t cpu, uint64_t begin_ns, uint64_t end_ns);

#endif
