/* Times as people type them, and the window of a recording that they ask for. */
#ifndef CTRACE_CLI_WINDOW_H
#define CTRACE_CLI_WINDOW_H

#include "model/timeline.h"

#define CT_WINDOW_ERROR ct_window_error_quark()
GQuark ct_window_error_quark(void);

enum ct_window_error {
    CT_WINDOW_ERROR_SYNTAX, /* not a time, or no window of any recording */
    CT_WINDOW_ERROR_OUTSIDE /* not in this recording, or empty */
};

/* "1.5s", "200ms", "10us", "50ns", "2m", "1h", or a plain 0. */
gboolean ct_duration_parse(const char *text, uint64_t *duration_ns, GError **error);

/* A point in a recording: a duration from its beginning, or a share of its length, "25%". */
struct ct_moment {
    gboolean is_share;
    double share; /* 0 to 1 */
    uint64_t offset_ns;
};

gboolean ct_moment_parse(const char *text, struct ct_moment *moment, GError **error);

/* `from` and `to` may be NULL: the beginning and the end. A `to` past the end is cut to it. */
gboolean ct_window_resolve(const struct ct_moment *from, const struct ct_moment *to,
                           const struct ct_window *recording, struct ct_window *window,
                           GError **error);

#endif
