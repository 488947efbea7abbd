/* A window of a recorder in standby, from the side of who orders it. */
#ifndef CTRACE_RECORD_WINDOW_H
#define CTRACE_RECORD_WINDOW_H

#include <glib.h>
#include <signal.h>

struct ct_window_order {
    const char *socket; /* borrowed; of the recorder */
    guint64 duration_ns;
    const sigset_t *endings; /* borrowed; blocked: any of them ends it early, and is taken */
};

/* How it ended. */
enum ct_window_end {
    CT_WINDOW_NONE,   /* it did not begin: an error */
    CT_WINDOW_RESTS,  /* the recorder has it until the next one begins */
    CT_WINDOW_WRITTEN /* the recorder has ended within it: then it is the recording */
};

/* Waits for its end. */
enum ct_window_end ct_window_record(const struct ct_window_order *order, GError **error);

#endif
