/* Findings, and what it takes to ask the recording once more for them. */
#ifndef CTRACE_COMMANDS_REPORT_FINDINGS_H
#define CTRACE_COMMANDS_REPORT_FINDINGS_H

#include "store/store.h"
#include "summary/report.h"

/* Looks for findings, and at the locks that they name. FALSE: an error. */
gboolean ct_report_ask_findings(const char *directory, struct ct_activity *activity,
                                struct ct_report *report, const struct ct_store_scope *scope,
                                GError **error);

#endif
