/* Looks at the threads of what an agent serves, from the first time on that somebody asks for
 * metrics. For one thread, which has a main loop. */
#ifndef CTRACE_SERVE_LOOKING_H
#define CTRACE_SERVE_LOOKING_H

#include <glib.h>

struct ct_looking;

/* `words` are as served.h has them, and are copied once somebody asks. Borrowed until the end. */
struct ct_looking *ct_looking_new(const GPtrArray *words);
void ct_looking_free(struct ct_looking *looking);

/* What /metrics answers, as CT_METRICS_TYPE. NULL: an error. Caller frees. */
char *ct_looking_metrics(struct ct_looking *looking, GError **error);

#endif
