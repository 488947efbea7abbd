/* How much of what a report has is idle. */
#ifndef CTRACE_IDLE_TIMES_H
#define CTRACE_IDLE_TIMES_H

#include "summary/report.h"

/* Tells it of threads, places and single waits, and sorts the lists anew: what is idle comes last.
 * Call once, after ct_report_finish() and before places are folded. */
void ct_report_tell_idle(struct ct_report *report);

/* Makes the longest waits those that are not idle: asks the store for all in the scope once more.
 * Places are not folded yet. */
gboolean ct_report_find_delays(struct ct_report *report, struct ct_store *store,
                               const struct ct_store_scope *scope, GError **error);

#endif
