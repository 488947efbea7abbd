/* Looks at the threads of what an agent serves, from the first time on that somebody asks for
 * metrics. For one thread, which has a main loop. */
#ifndef CTRACE_SERVE_LOOKING_H
#define CTRACE_SERVE_LOOKING_H

#include "serve/living_heap.h"
#include "serve/served.h"

struct ct_looking;

/* What is served is borrowed until the end, and copied once somebody asks; so is the heap, which
 * may be NULL. */
struct ct_looking *ct_looking_new(const struct ct_served *served, struct ct_living_heap *heap);
void ct_looking_free(struct ct_looking *looking);

/* What /metrics answers, as CT_METRICS_TYPE. NULL: an error, see status.h. Caller frees. */
char *ct_looking_metrics(struct ct_looking *looking, GError **error);

#endif
