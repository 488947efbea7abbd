/* Points in time and durations as people type them. */
#ifndef CTRACE_WINDOW_H
#define CTRACE_WINDOW_H

#include <glib.h>
#include <stdint.h>

/* "1.5s", "200ms", "10us", "50ns", "2m", "1h" or a plain 0. */
gboolean ct_window_parse_duration(const char *text, uint64_t *duration_ns, GError **error);

/* A time since the recording's begin: a duration, or a part of the whole as in "25%". */
gboolean ct_window_parse_time(const char *text, uint64_t whole_ns, uint64_t *time_ns,
                              GError **error);

#endif
