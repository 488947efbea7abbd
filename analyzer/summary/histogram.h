/*
 * How durations are spread: their count, sum, extremes and percentiles, in bounded memory.
 *
 * Up to CT_HISTOGRAM_EXACT different durations are kept as they are, and percentiles are exact. Of
 * more, each is counted in a bucket, of which there are 64 between a power of two and the next:
 * then a percentile is off by at most one part in 128. Count, sum and extremes are always exact.
 */
#ifndef CTRACE_HISTOGRAM_H
#define CTRACE_HISTOGRAM_H

#include <glib.h>
#include <stdint.h>

#define CT_HISTOGRAM_EXACT 256

/* Powers of two. */
#define CT_HISTOGRAM_OCTAVES 64

struct ct_histogram;

struct ct_histogram *ct_histogram_new(void);
void ct_histogram_free(struct ct_histogram *histogram);
typedef struct ct_histogram ct_histogram; /* for g_autoptr(ct_histogram) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ct_histogram, ct_histogram_free)

/* So many of that duration: of what is sampled, as many as it stands for. */
void ct_histogram_add(struct ct_histogram *histogram, uint64_t duration_ns, double count);
void ct_histogram_merge(struct ct_histogram *histogram, const struct ct_histogram *more);

double ct_histogram_count(const struct ct_histogram *histogram);
double ct_histogram_total_ns(const struct ct_histogram *histogram);
double ct_histogram_mean_ns(const struct ct_histogram *histogram);
uint64_t ct_histogram_min_ns(const struct ct_histogram *histogram);
uint64_t ct_histogram_max_ns(const struct ct_histogram *histogram);
gboolean ct_histogram_is_exact(const struct ct_histogram *histogram);

/* The least duration that this share of all did not exceed: 0.99 is the 99th percentile. 0 of none.
 */
uint64_t ct_histogram_quantile_ns(const struct ct_histogram *histogram, double share);

/* No longer than the quantile, and nothing that is told apart from it lies between. */
uint64_t ct_histogram_quantile_floor_ns(const struct ct_histogram *histogram, double share);

/* How many lasted from 2^octave ns to less than twice that; with octave 0 also those of 0 ns. */
double ct_histogram_octave(const struct ct_histogram *histogram, unsigned octave);

#endif
