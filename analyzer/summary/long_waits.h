/* Single waits of a report: the longest of those that were offered. */
#ifndef CTRACE_REPORT_LONG_WAITS_H
#define CTRACE_REPORT_LONG_WAITS_H

#include "passes/findings/evidence.h"

/* One wait. Its descriptor is gone by now: `object` says what it was. */
struct ct_report_wait {
    struct ct_interval interval;         /* `fd` is NULL, or what ended it: the next but one */
    char *object;                        /* owned; NULL: it has no name yet */
    struct ct_fd *ended_by;              /* owned; or NULL */
    const struct ct_evidence_wait *kind; /* borrowed; those like it; NULL: unknown */
    gboolean is_idle;                    /* once that was told */
};

/* Owns struct ct_report_wait *: the shortest first, until it is sorted. */
GPtrArray *ct_report_waits_new(void);

/* Keeps it, if it is among the `limit` longest. */
void ct_report_waits_offer(GPtrArray *waits, guint limit, const struct ct_interval *interval,
                           const struct ct_evidence_wait *kind);
/* The same of all of `more`, which is empty then. */
void ct_report_waits_merge(GPtrArray *waits, guint limit, GPtrArray *more);

/* Says what they waited for. Call once, when the model is complete. */
void ct_report_waits_name(const GPtrArray *waits);

/* The longest first; or those first that are not idle. */
void ct_report_waits_sort(GPtrArray *waits);
void ct_report_waits_sort_idle_last(GPtrArray *waits);

/* What it waited for, as far as that is known while a trace is read; NULL: it is not. Free with
 * g_free(). */
char *ct_report_wait_early_object(const struct ct_interval *interval);

#endif
