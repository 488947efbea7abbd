/* Stretches of time that the overview tells of. */
#ifndef CTRACE_HTML_SPAN_H
#define CTRACE_HTML_SPAN_H

#include <json-glib/json-glib.h>
#include <stdint.h>

/* Moments of the recording. */
struct ct_html_span {
    uint64_t from;
    uint64_t to;
};

/* From the first thread's begin to the last one's end, or the window that is told of. */
struct ct_html_span ct_html_lives(JsonObject *overview);

/* All of the recording, or that window. */
struct ct_html_span ct_html_shown(JsonObject *overview);

#endif
