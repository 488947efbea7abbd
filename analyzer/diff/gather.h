/* Makes a run of a recording: in one pass over its store. */
#ifndef CTRACE_DIFF_GATHER_H
#define CTRACE_DIFF_GATHER_H

#include "diff/digest.h"
#include "summary/report.h"

/* Of what lies in the scope. The report is of the store's model, and was told nothing yet. NULL: an
 * error. */
struct ct_digest *ct_digest_gather(struct ct_report *report, struct ct_store *store,
                                   const struct ct_store_scope *scope, GError **error);

#endif
