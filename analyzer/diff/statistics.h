/*
 * What two small samples of runs prove of each other: exact, by counting, without any assumption of
 * how the values are spread.
 */
#ifndef CTRACE_DIFF_STATISTICS_H
#define CTRACE_DIFF_STATISTICS_H

#include <glib.h>

/* A side's runs, at most. */
#define CT_VALUES_MAX 50

/* What is called proven is wrong that often, where nothing changed. */
#define CT_ALPHA 0.05

struct ct_values {
    guint count;
    double values[CT_VALUES_MAX];
};

/* 0 of none. */
double ct_values_median(const struct ct_values *sample);

/* Mann and Whitney's test. How likely it is, if both sides are alike, that the second one has
 * values that stand as high among all as they do, or higher; as low or lower; and the double of the
 * smaller one. All ways to divide the values are counted, values that are equal share their ranks.
 */
struct ct_rank_test {
    double p_higher;
    double p_lower;
    double p;
};

struct ct_rank_test ct_rank_test(const struct ct_values *old, const struct ct_values *new);

/* The least that `p`, or with `is_one_sided` one of the other two, can be with so many values. */
double ct_rank_test_least(guint old_count, guint new_count, gboolean is_one_sided);

/* Hodges and Lehmann's estimate of how much higher the second side is, and the interval that has
 * the truth with a confidence of at least 1 - CT_ALPHA: the exact one; where values are equal it is
 * wider than need be. */
struct ct_shift {
    double estimate;
    gboolean has_interval; /* there are values enough for one */
    double low;
    double high;
};

struct ct_shift ct_shift_estimate(const struct ct_values *old, const struct ct_values *new);

/* The sign test: how likely it is that so many of the values lie beyond a limit that is their
 * median: above it, or below. */
double ct_sign_test(const struct ct_values *sample, double limit, gboolean is_above);

/*
 * Holm's procedure, with weights: of many tests at once, which are proven such that the chance of
 * any wrong one is no more than CT_ALPHA. `p` and `weights` have `count` elements; weights may not
 * depend on which run is on which side. What is proven is TRUE in `is_proven`.
 */
void ct_holm(const double *p, const double *weights, guint count, gboolean *is_proven);

#endif
