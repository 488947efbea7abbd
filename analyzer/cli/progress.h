/*
 * How far something that takes long has come, as one line on stderr: only on a terminal, only when
 * it takes more than half a second, and erased at the end. For programs' mains.
 */
#ifndef CTRACE_CLI_PROGRESS_H
#define CTRACE_CLI_PROGRESS_H

#include <glib.h>
#include <stdint.h>

struct ct_progress {
    int64_t next_us; /* the line changes no sooner */
    gboolean is_terminal;
    gboolean is_shown;
};

void ct_progress_begin(struct ct_progress *progress);
/* How much of `what` is done: 0 to 1. */
void ct_progress_show(struct ct_progress *progress, const char *what, double share);
/* Erases the line: before anything else is written. */
void ct_progress_end(struct ct_progress *progress);

#endif
