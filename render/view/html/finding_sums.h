/* The sums that a file keeps of its findings: each leads to when and of whom it is. */
#ifndef CTRACE_HTML_FINDING_SUMS_H
#define CTRACE_HTML_FINDING_SUMS_H

#include "view/html/keeper.h"

/* The report as ctrace report writes it. What there is no room for is left out. FALSE: an error. */
gboolean ct_html_keep_finding_sums(struct ct_html_keeper *keeper, JsonObject *overview,
                                   GBytes *report, GError **error);

#endif
