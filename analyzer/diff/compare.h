/*
 * Two sides of runs compared, row by row. The run is what is sampled: each has one value of a row's
 * metric, and what is proven is so by the ranks of these values.
 */
#ifndef CTRACE_DIFF_COMPARE_H
#define CTRACE_DIFF_COMPARE_H

#include "diff/per.h"
#include "diff/statistics.h"

/* METRIC(symbol, name, it is a time, it is divided by what runs are compared per). */
#define CT_METRICS(METRIC)              \
    METRIC(COUNT, "count", FALSE, TRUE) \
    METRIC(DELAY, "delay", TRUE, TRUE)  \
    METRIC(MEAN, "mean", TRUE, FALSE)   \
    METRIC(P50, "p50", TRUE, FALSE)     \
    METRIC(P99, "p99", TRUE, FALSE)

enum ct_metric {
#define CT_METRIC_SYMBOL(symbol, name, is_time, is_divided) CT_METRIC_##symbol,
    CT_METRICS(CT_METRIC_SYMBOL)
#undef CT_METRIC_SYMBOL
        CT_METRIC_KIND_COUNT
};

const char *ct_metric_name(enum ct_metric metric);
gboolean ct_metric_is_time(enum ct_metric metric);
gboolean ct_metric_is_divided(enum ct_metric metric);

/* Of one metric of a row. */
struct ct_change {
    double medians[CT_SIDES];
    guint counts[CT_SIDES]; /* runs that have a value: of none, there are no percentiles */
    gboolean is_tested;     /* the next ones are there */
    struct ct_shift shift;
    double p;
    gboolean is_proven; /* among all that were tested with it */
};

struct ct_diff_row {
    enum ct_digest_kind kind;
    enum ct_class class;
    const char *name;         /* borrowed from a digest */
    const char *detail;       /* the same */
    double weight;            /* by the time it took on both sides, whichever run is on which */
    double *values[CT_SIDES]; /* owned; by metric, then by run; NAN: it has none */
    struct ct_change changes[CT_METRIC_KIND_COUNT];
};

struct ct_diff {
    GPtrArray *digests[CT_SIDES]; /* borrowed; struct ct_digest * */
    struct ct_per per;
    guint top;
    struct ct_values durations[CT_SIDES]; /* of the runs, in ns */
    struct ct_change duration;
    /* Owned; struct ct_diff_row *, those that weigh most first. The first `top` are tested. */
    GPtrArray *rows[CT_DIGEST_KIND_COUNT];
    GPtrArray *notes;      /* owned; what keeps runs from being compared, in words: char * */
    gboolean is_by_length; /* delays are whole waits: not every run knows who was runnable */
    double least_p;        /* that so many runs can have */
};

/* At least one run a side. NULL: they cannot be compared per that. */
struct ct_diff *ct_diff_new(GPtrArray *const digests[CT_SIDES], const struct ct_per *per, guint top,
                            GError **error);
void ct_diff_free(struct ct_diff *diff);
typedef struct ct_diff ct_diff; /* for g_autoptr(ct_diff) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ct_diff, ct_diff_free)

/* So many runs can prove something, if that is all that is asked. */
gboolean ct_diff_may_prove(const struct ct_diff *diff);

/* The values of a row's metric that there are. */
struct ct_values ct_diff_values(const struct ct_diff *diff, const struct ct_diff_row *row,
                                enum ct_metric metric, enum ct_side side);

/* The rows of a kind with these names; struct ct_diff_row *, borrowed. The caller frees the list.
 */
GPtrArray *ct_diff_find(const struct ct_diff *diff, enum ct_digest_kind kind, const char *name);

#endif
