/* The rows of a report's latencies: made, freed and put in order. */
#ifndef CTRACE_LATENCY_ROWS_H
#define CTRACE_LATENCY_ROWS_H

#include "summary/latency.h"

/* Three empty tables. */
struct ct_latency *ct_latency_new(void);

/* Of struct ct_latency_slow *. */
GPtrArray *ct_latency_slow_list(void);

/* Those with the most time first. */
void ct_latency_sort(struct ct_latency *latency);

#endif
