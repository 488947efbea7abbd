/*
 * Accounts of threads in Prometheus' text format, version 0.0.4: what a server answers to GET
 * /metrics, as CT_METRICS_TYPE. Who serves it looks at the threads by ct_accounts_look() meanwhile,
 * after each ct_accounts_pause_ns().
 */
#ifndef CTRACE_SERVE_METRICS_H
#define CTRACE_SERVE_METRICS_H

#include "accounts/accounts.h"

#define CT_METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Programs may have names without end: the first kinds of threads are told of one by one, and the
 * rest together, as kind "other" of process "other". */
#define CT_METRICS_KINDS_MAX 256

/* What the heap of a process has, where that is known. */
struct ct_metrics_heap {
    const char *process; /* borrowed; its name */
    uint64_t live_bytes;
};

/* What is known from elsewhere. */
struct ct_metrics_more {
    const struct ct_metrics_heap *heaps; /* borrowed; those of one name are summed up */
    size_t heap_count;
};

/* Caller frees. */
char *ct_metrics_text(struct ct_accounts *accounts);

/* The same with more. */
char *ct_metrics_text_with(struct ct_accounts *accounts, const struct ct_metrics_more *more);

/* The same of kinds (struct ct_kind *) and sums that are given. */
char *ct_metrics_write(const GPtrArray *kinds, const struct ct_accounts_totals *totals,
                       const struct ct_metrics_more *more);

#endif
