/* The end of a recording, as the user reads it on standard error. */
#ifndef CTRACE_RECORD_SUMMARY_H
#define CTRACE_RECORD_SUMMARY_H

#include "recording.h"

/*
 * Cuts the trace and says what became of it. `exit_status` is the program's, or -1. TRUE if at
 * least one process was recorded.
 */
gboolean ct_summary_finish(struct ct_recording *recording, int exit_status);

/* Of one that was cut: only says that. */
void ct_summary_print(const struct ct_recording *recording, gboolean is_complete);

#endif
