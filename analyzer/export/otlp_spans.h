/*
 * The spans of OpenTelemetry's protocol, of requests: one for each, with one below it for each
 * piece of its time. Times are of the epoch. Whatever is asked for, ids of the same request of the
 * same recording are the same.
 */
#ifndef CTRACE_OTLP_SPANS_H
#define CTRACE_OTLP_SPANS_H

#include "export/event_text.h"
#include "otlp.pb-c.h"
#include "passes/request.h"

/* Those of one process. Whatever is in it is its own: free it with
 * otlp__resource_spans__free_unpacked(). */
Otlp__ResourceSpans *ct_otlp_spans_new(const struct ct_process *process);
size_t ct_otlp_spans_count(const Otlp__ResourceSpans *spans);

/* What spans are made with; borrowed, all of it. */
struct ct_otlp_source {
    const struct ct_model *model;
    struct ct_symbolizer *symbolizer;
    struct ct_event_texts *texts;
};

/* The request was taken apart, with its stretches, and is of that process. */
void ct_otlp_spans_add(Otlp__ResourceSpans *spans, const struct ct_otlp_source *source,
                       const struct ct_request *request);

#endif
