#include "summary/histogram.h"

#include <math.h>
#include <stdlib.h>

#define SUB_BITS  6
#define SUB_COUNT (1U << SUB_BITS)

/* Below it each duration has a bucket of its own. */
#define LINEAR_END SUB_COUNT

struct entry {
    uint64_t duration_ns;
    double count;
};

struct ct_histogram {
    double count;
    double total_ns;
    uint64_t min_ns;
    uint64_t max_ns;
    GArray *exact; /* owned; struct entry, in no order; NULL: they were too many */
    double *buckets[CT_HISTOGRAM_OCTAVES]; /* owned; SUB_COUNT each; NULL: none there */
};

struct ct_histogram *ct_histogram_new(void)
{
    struct ct_histogram *histogram = g_new0(struct ct_histogram, 1);

    histogram->min_ns = UINT64_MAX;
    histogram->exact = g_array_new(FALSE, FALSE, sizeof(struct entry));
    return histogram;
}

void ct_histogram_free(struct ct_histogram *histogram)
{
    if (!histogram)
        return;
    if (histogram->exact)
        g_array_unref(histogram->exact);
    for (size_t i = 0; i < CT_HISTOGRAM_OCTAVES; i++)
        g_free(histogram->buckets[i]);
    g_free(histogram);
}

/* ---- Buckets ---- */

static unsigned octave_of(uint64_t duration_ns)
{
    return duration_ns > 0 ? 63U - (unsigned)__builtin_clzll(duration_ns) : 0;
}

static unsigned sub_of(uint64_t duration_ns)
{
    unsigned octave = octave_of(duration_ns);

    if (duration_ns < LINEAR_END)
        return (unsigned)duration_ns;
    return (unsigned)(duration_ns >> (octave - SUB_BITS)) & (SUB_COUNT - 1);
}

/* Durations in the linear part share the buckets of octave 0. */
static unsigned row_of(uint64_t duration_ns)
{
    return duration_ns < LINEAR_END ? 0 : octave_of(duration_ns);
}

static void bucket_range(unsigned row, unsigned sub, uint64_t *first_ns, uint64_t *last_ns)
{
    if (row < SUB_BITS) { /* the linear part */
        *first_ns = *last_ns = sub;
        return;
    }
    uint64_t width_ns = UINT64_C(1) << (row - SUB_BITS);

    *first_ns = (UINT64_C(1) << row) + sub * width_ns;
    *last_ns = *first_ns + (width_ns - 1);
}

static void add_to_bucket(struct ct_histogram *histogram, uint64_t duration_ns, double count)
{
    unsigned row = row_of(duration_ns);

    if (!histogram->buckets[row])
        histogram->buckets[row] = g_new0(double, SUB_COUNT);
    histogram->buckets[row][sub_of(duration_ns)] += count;
}

/* ---- Exact ones ---- */

static int compare_entries(const void *a, const void *b)
{
    const struct entry *first = a, *second = b;

    return (first->duration_ns > second->duration_ns) - (first->duration_ns < second->duration_ns);
}

/* Puts them in order, and those that are the same together. */
static void settle(GArray *exact)
{
    struct entry *entries = (struct entry *)(void *)exact->data;
    guint kept = 0;

    g_array_sort(exact, compare_entries);
    for (guint i = 1; i < exact->len; i++) {
        if (entries[i].duration_ns == entries[kept].duration_ns)
            entries[kept].count += entries[i].count;
        else
            entries[++kept] = entries[i];
    }
    g_array_set_size(exact, exact->len > 0 ? kept + 1 : 0);
}

static void spill(struct ct_histogram *histogram)
{
    for (guint i = 0; i < histogram->exact->len; i++) {
        const struct entry *entry = &g_array_index(histogram->exact, struct entry, i);

        add_to_bucket(histogram, entry->duration_ns, entry->count);
    }
    g_array_unref(histogram->exact);
    histogram->exact = NULL;
}

static void add_exact(struct ct_histogram *histogram, uint64_t duration_ns, double count)
{
    const struct entry entry = {duration_ns, count};

    g_array_append_val(histogram->exact, entry);
    if (histogram->exact->len < 2 * CT_HISTOGRAM_EXACT)
        return;
    settle(histogram->exact);
    if (histogram->exact->len > CT_HISTOGRAM_EXACT)
        spill(histogram);
}

void ct_histogram_add(struct ct_histogram *histogram, uint64_t duration_ns, double count)
{
    if (!(count > 0) || !isfinite(count))
        return;
    histogram->count += count;
    histogram->total_ns += count * (double)duration_ns;
    histogram->min_ns = MIN(histogram->min_ns, duration_ns);
    histogram->max_ns = MAX(histogram->max_ns, duration_ns);
    if (histogram->exact)
        add_exact(histogram, duration_ns, count);
    else
        add_to_bucket(histogram, duration_ns, count);
}

void ct_histogram_merge(struct ct_histogram *histogram, const struct ct_histogram *more)
{
    if (histogram->exact && !more->exact)
        spill(histogram);
    for (guint i = 0; more->exact && i < more->exact->len; i++) {
        const struct entry *entry = &g_array_index(more->exact, struct entry, i);

        if (histogram->exact)
            add_exact(histogram, entry->duration_ns, entry->count);
        else
            add_to_bucket(histogram, entry->duration_ns, entry->count);
    }
    for (unsigned row = 0; row < CT_HISTOGRAM_OCTAVES; row++) {
        for (unsigned sub = 0; more->buckets[row] && sub < SUB_COUNT; sub++) {
            uint64_t first_ns, last_ns;

            bucket_range(row, sub, &first_ns, &last_ns);
            if (more->buckets[row][sub] > 0)
                add_to_bucket(histogram, first_ns, more->buckets[row][sub]);
        }
    }
    histogram->count += more->count;
    histogram->total_ns += more->total_ns;
    histogram->min_ns = MIN(histogram->min_ns, more->min_ns);
    histogram->max_ns = MAX(histogram->max_ns, more->max_ns);
}

/* ---- What they say ---- */

double ct_histogram_count(const struct ct_histogram *histogram)
{
    return histogram->count;
}

double ct_histogram_total_ns(const struct ct_histogram *histogram)
{
    return histogram->total_ns;
}

double ct_histogram_mean_ns(const struct ct_histogram *histogram)
{
    return histogram->count > 0 ? histogram->total_ns / histogram->count : 0;
}

uint64_t ct_histogram_min_ns(const struct ct_histogram *histogram)
{
    return histogram->count > 0 ? histogram->min_ns : 0;
}

uint64_t ct_histogram_max_ns(const struct ct_histogram *histogram)
{
    return histogram->max_ns;
}

gboolean ct_histogram_is_exact(const struct ct_histogram *histogram)
{
    return histogram->exact != NULL;
}

/* A bucket, or one exact duration. */
struct step {
    uint64_t first_ns;
    uint64_t last_ns;
};

/* Sums of weights differ in their last digits from what they should be. */
static gboolean is_reached(double sum, double wanted)
{
    return sum >= wanted - wanted * 1e-12;
}

static struct step exact_step(const struct ct_histogram *histogram, double wanted)
{
    struct step step = {histogram->max_ns, histogram->max_ns};
    GArray *exact = histogram->exact;
    double sum = 0;

    settle(exact);
    for (guint i = 0; i < exact->len; i++) {
        const struct entry *entry = &g_array_index(exact, struct entry, i);

        sum += entry->count;
        if (is_reached(sum, wanted))
            return (struct step){entry->duration_ns, entry->duration_ns};
    }
    return step;
}

static struct step bucket_step(const struct ct_histogram *histogram, double wanted)
{
    struct step step = {histogram->max_ns, histogram->max_ns};
    double sum = 0;

    for (unsigned row = 0; row < CT_HISTOGRAM_OCTAVES; row++) {
        for (unsigned sub = 0; histogram->buckets[row] && sub < SUB_COUNT; sub++) {
            double count = histogram->buckets[row][sub];

            sum += count;
            if (count > 0 && is_reached(sum, wanted)) {
                bucket_range(row, sub, &step.first_ns, &step.last_ns);
                return step;
            }
        }
    }
    return step;
}

static struct step step_of(const struct ct_histogram *histogram, double share)
{
    double wanted = CLAMP(share, 0, 1) * histogram->count;

    return histogram->exact ? exact_step(histogram, wanted) : bucket_step(histogram, wanted);
}

uint64_t ct_histogram_quantile_ns(const struct ct_histogram *histogram, double share)
{
    if (!(histogram->count > 0))
        return 0;
    const struct step step = step_of(histogram, share);
    uint64_t middle_ns = step.first_ns + (step.last_ns - step.first_ns) / 2;

    return CLAMP(middle_ns, histogram->min_ns, histogram->max_ns);
}

uint64_t ct_histogram_quantile_floor_ns(const struct ct_histogram *histogram, double share)
{
    return histogram->count > 0 ? step_of(histogram, share).first_ns : 0;
}

static double sum_row(const struct ct_histogram *histogram, unsigned row, uint64_t first_ns,
                      uint64_t end_ns)
{
    double sum = 0;

    for (unsigned sub = 0; histogram->buckets[row] && sub < SUB_COUNT; sub++) {
        uint64_t begin_ns, last_ns;

        bucket_range(row, sub, &begin_ns, &last_ns);
        if (begin_ns >= first_ns && begin_ns <= end_ns)
            sum += histogram->buckets[row][sub];
    }
    return sum;
}

double ct_histogram_octave(const struct ct_histogram *histogram, unsigned octave)
{
    uint64_t first_ns = octave > 0 ? UINT64_C(1) << octave : 0;
    uint64_t last_ns = octave < 63 ? (UINT64_C(2) << octave) - 1 : UINT64_MAX;
    double sum = 0;

    if (!histogram->exact)
        return sum_row(histogram, first_ns < LINEAR_END ? 0 : octave, first_ns, last_ns);
    for (guint i = 0; i < histogram->exact->len; i++) {
        const struct entry *entry = &g_array_index(histogram->exact, struct entry, i);

        if (entry->duration_ns >= first_ns && entry->duration_ns <= last_ns)
            sum += entry->count;
    }
    return sum;
}
