/*
 * How long things took: a distribution in bounded memory, of weighted durations. What it says of a
 * share of them is the mean of those that differ by no more than four thousandths; count, sum and
 * the longest are exact.
 */
#ifndef CTRACE_PASSES_DURATIONS_H
#define CTRACE_PASSES_DURATIONS_H

#include <glib.h>
#include <stdint.h>

struct ct_durations {
    double count;
    double total_ns;
    uint64_t longest_ns;
    GArray *bins; /* owned; by duration; NULL: nothing yet */
};

void ct_durations_clear(struct ct_durations *durations);
void ct_durations_add(struct ct_durations *durations, uint64_t duration_ns, double weight);

/* How long took that of which `share` took no longer; 0: there is none. */
uint64_t ct_durations_quantile_ns(const struct ct_durations *durations, double share);

#endif
