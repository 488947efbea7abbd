/* The sums and critical paths that a file keeps: of all that it
 * shows, of its parts, and of the longest
 * waits. */
#ifndef CTRACE_HTML_SUMS_H
#define CTRACE_HTML_SUMS_H

#include "view/html/keeper.h"
#include "view/html/span.h"

/* One sum, if there is room; `lanes` "": of all threads. FALSE: an error. */
gboolean ct_html_keep_area(struct ct_html_keeper *keeper, const struct ct_html_span *span,
                           const char *lanes, const char *flame, GError **error);

/* Of all of it and all threads, each only if there is room. FALSE: an error. */
gboolean ct_html_keep_whole_sums(struct ct_html_keeper *keeper, JsonObject *overview,
                                 GError **error);

/* The others, while there is room for them, but for `reserve` of it. `seen`: struct ct_html_seen,
 * the longest first. FALSE: an error. */
gboolean ct_html_keep_part_sums(struct ct_html_keeper *keeper, JsonObject *overview,
                                const GArray *seen, uint64_t reserve, GError **error);

#endif
