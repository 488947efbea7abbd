/* Findings, and what it takes to ask the recording once more for them. */
#ifndef CTRACE_COMMANDS_REPORT_FINDINGS_H
#define CTRACE_COMMANDS_REPORT_FINDINGS_H

#include "store/store.h"
#include "summary/report.h"

/* How much of the CPUs was used in that time, which the caller owns. FALSE: an error. */
gboolean ct_report_ask_cpu_use(const char *directory, struct ct_activity *activity,
                               const struct ct_window *window, struct ct_cpu_use **use,
                               GError **error);

/* Looks for findings, and at the locks that they name. FALSE: an error. */
gboolean ct_report_ask_findings(const char *directory, struct ct_activity *activity,
                                struct ct_report *report, const struct ct_store_scope *scope,
                                GError **error);

#endif
