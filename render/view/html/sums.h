/* The sums and critical paths that a file keeps: of the whole run, of its parts, and of the longest
 * waits. */
#ifndef CTRACE_HTML_SUMS_H
#define CTRACE_HTML_SUMS_H

#include "view/html/keeper.h"

/* Moments of the recording. */
struct ct_html_span {
    uint64_t from;
    uint64_t to;
};

/* From the first thread's begin to the last one's end. */
struct ct_html_span ct_html_lives(JsonObject *overview);

/* One sum, if there is room; `lanes` "": of all threads. FALSE: an error. */
gboolean ct_html_keep_area(struct ct_html_keeper *keeper, const struct ct_html_span *span,
                           const char *lanes, const char *flame, GError **error);

/* Of the whole run and all threads, each only if there is room. FALSE: an error. */
gboolean ct_html_keep_whole_sums(struct ct_html_keeper *keeper, JsonObject *overview,
                                 GError **error);

/* The others, while there is room for them, but for `reserve` of it. `seen`: struct ct_html_seen,
 * the longest first. FALSE: an error. */
gboolean ct_html_keep_part_sums(struct ct_html_keeper *keeper, JsonObject *overview,
                                const GArray *seen, uint64_t reserve, GError **error);

#endif
