/* When something is to be done: microseconds of GLib's monotonic clock; 0: it is not. */
#ifndef CTRACE_RECORD_DEADLINES_H
#define CTRACE_RECORD_DEADLINES_H

#include <glib.h>
#include <stdint.h>

static inline gint64 ct_deadline_after(uint64_t ns)
{
    return g_get_monotonic_time() + (gint64)(ns / 1000);
}

/* Milliseconds from now to the earliest one; -1: there is none. */
static inline int ct_deadlines_timeout_ms(const gint64 *deadlines, size_t count)
{
    gint64 now = g_get_monotonic_time();
    gint64 timeout_us = -1;

    for (size_t i = 0; i < count; i++) {
        if (deadlines[i] == 0)
            continue;
        gint64 left = MAX(deadlines[i] - now, 0);
        if (timeout_us < 0 || left < timeout_us)
            timeout_us = left;
    }
    return timeout_us < 0 ? -1 : (int)MIN((timeout_us + 999) / 1000, 3600 * 1000);
}

/* It has come; there is none any more then. */
static inline gboolean ct_deadline_is_due(gint64 *deadline)
{
    if (*deadline == 0 || g_get_monotonic_time() < *deadline)
        return FALSE;
    *deadline = 0;
    return TRUE;
}

#endif
