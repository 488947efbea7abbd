/* The locks of a report, in its JSON. */
#ifndef CTRACE_JSON_LOCKS_H
#define CTRACE_JSON_LOCKS_H

#include "export/json_document.h"
#include "summary/report.h"

/* The member "locks"; nothing, where they were not asked for. */
void ct_json_write_locks(struct ct_json_document *document, const struct ct_report *report);

#endif
