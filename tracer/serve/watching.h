/* Watches whether conditions hold of what an agent serves: see conditions/condition.h. For one
 * thread, which has a main loop. */
#ifndef CTRACE_SERVE_WATCHING_H
#define CTRACE_SERVE_WATCHING_H

#include "serve/living_heap.h"
#include "serve/served.h"

struct ct_watching;

/* `condition` holds, as it was typed; of whom, was said on standard error. */
typedef void ct_watching_fired(void *user, const char *condition);

/* If nothing else asks for another one. */
#define CT_WATCHING_GAP_NS UINT64_C(60000000000)

struct ct_watching_request {
    const struct ct_served *served; /* borrowed until the end, as are the conditions here */
    const char *const *conditions;
    struct ct_living_heap *heap; /* borrowed until the end; or NULL */
    guint64 gap_ns;              /* each is told of once in that time at most */
    ct_watching_fired *fired;    /* or NULL */
    void *user;
};

/* What such a condition is, and that it can be had, of a program whose heap is seen or not. FALSE:
 * an error. */
gboolean ct_watching_check(const char *const *conditions, gboolean has_heap, GError **error);

/* NULL: an error. */
struct ct_watching *ct_watching_new(const struct ct_watching_request *request, GError **error);
void ct_watching_free(struct ct_watching *watching);

#endif
