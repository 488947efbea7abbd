/*
 * How far the reading of a trace has come, as one line on stderr: only on a terminal, only when
 * it takes more than half a second, and erased at the end. For programs' mains.
 */
#ifndef CTRACE_INGEST_PROGRESS_H
#define CTRACE_INGEST_PROGRESS_H

#include "model/sink.h"

struct ct_progress {
    int64_t next_us; /* the line changes no sooner */
    gboolean is_terminal;
    gboolean is_shown;
};

void ct_progress_begin(struct ct_progress *progress);
struct ct_sink ct_progress_sink(struct ct_progress *progress);
/* Erases the line: before anything else is written. */
void ct_progress_end(struct ct_progress *progress);

#endif
