/*
 * Accounts of threads in Prometheus' text format, version 0.0.4: what a server answers to GET
 * /metrics, as CT_METRICS_TYPE. Who serves it looks at the threads by ct_accounts_look() meanwhile,
 * after each ct_accounts_pause_ns().
 */
#ifndef CTRACE_SERVE_METRICS_H
#define CTRACE_SERVE_METRICS_H

#include "accounts/accounts.h"
#include "schema/control.h"

#define CT_METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Programs may have names without end: the first kinds of threads are told of one by one, and the
 * rest together, as kind "other" of process "other". */
#define CT_METRICS_KINDS_MAX 256

/* With what is live in heaps; NULL: that is not seen. Caller frees. */
char *ct_metrics_text(struct ct_accounts *accounts, const struct ct_heap_sum *heap);

/* The same of kinds (struct ct_kind *) and sums that are given. */
char *ct_metrics_write(const GPtrArray *kinds, const struct ct_accounts_totals *totals,
                       const struct ct_heap_sum *heap);

#endif
