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

/* A point in a recording: a duration from its beginning, a share of its length, "25%", or a time of
 * day. */
enum ct_moment_kind { CT_MOMENT_OFFSET, CT_MOMENT_SHARE, CT_MOMENT_CLOCK };

struct ct_moment {
    enum ct_moment_kind kind;
    double share;       /* 0 to 1 */
    uint64_t offset_ns; /* of a time of day, the part of its second */
    /* A time of day, in the local time zone. */
    int year; /* 0: any day */
    int month;
    int day;
    int hour;
    int minute;
    int second;
};

gboolean ct_moment_parse(const char *text, struct ct_moment *moment, GError **error);

/* FALSE: it is known without any recording that `from` is not before `to`. */
gboolean ct_moment_may_precede(const struct ct_moment *from, const struct ct_moment *to);

/* When a recording was, on its own clock and on the wall. */
struct ct_recorded_time {
    struct ct_window extent;
    int64_t epoch_offset_ns; /* what makes times since 1970 of the others */
};

/* `from` and `to` may be NULL: the beginning and the end. A `to` past the end is cut to it, but a
 * time of day must lie in the recording. */
gboolean ct_window_resolve(const struct ct_moment *from, const struct ct_moment *to,
                           const struct ct_recorded_time *recorded, struct ct_window *window,
                           GError **error);

/* "2026-11-29 14:03:22.500", here; "unknown" of what no date is of. Free with g_free(). */
char *ct_window_format_clock(uint64_t time_ns, int64_t epoch_offset_ns);

#endif
