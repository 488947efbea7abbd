/* The sums and critical paths that a file keeps: of the whole run, of its parts, and of the longest
 * waits. */
#ifndef CTRACE_HTML_SUMS_H
#define CTRACE_HTML_SUMS_H

#include "view/html/keeper.h"

/* Of the whole run and all threads, each only if there is room. FALSE: an error. */
gboolean ct_html_keep_whole_sums(struct ct_html_keeper *keeper, JsonObject *overview,
                                 GError **error);

/* The others, while there is room for them, but for `reserve` of it. `seen`: struct ct_html_seen,
 * the longest first. FALSE: an error. */
gboolean ct_html_keep_part_sums(struct ct_html_keeper *keeper, JsonObject *overview,
                                const GArray *seen, uint64_t reserve, GError **error);

#endif
