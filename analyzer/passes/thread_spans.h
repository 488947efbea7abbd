/*
 * What threads did at some time, asked again and again. What lies around the times that were asked
 * of late is kept of each: questions that mostly move on read what is stored once, and memory does
 * not grow with it.
 */
#ifndef CTRACE_PASSES_THREAD_SPANS_H
#define CTRACE_PASSES_THREAD_SPANS_H

#include "store/store.h"

/* A time for which a thread did one thing. */
struct ct_thread_span {
    uint64_t begin_ns; /* when it was asked for; it may have begun before */
    uint64_t end_ns;
    gboolean is_known;           /* the thread was there, and what it did was recorded */
    struct ct_interval interval; /* without `fd` and `releases`; no thread: it was in none, and ran
                                    as far as is known */
    struct ct_store_id id;       /* of that */
};

struct ct_thread_spans;

/* The store is borrowed. */
struct ct_thread_spans *ct_thread_spans_new(struct ct_store *store);
void ct_thread_spans_free(struct ct_thread_spans *spans);

/* What the thread did at `at_ns`, up to when it did something else, or to `end_ns`, which is later.
 * FALSE: an error. */
gboolean ct_thread_span_at(struct ct_thread_spans *spans, struct ct_thread *thread, uint64_t at_ns,
                           uint64_t end_ns, struct ct_thread_span *span, GError **error);

#endif
