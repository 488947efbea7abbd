/* The critical path in the JSON report. */
#ifndef CTRACE_EXPORT_JSON_PATH_H
#define CTRACE_EXPORT_JSON_PATH_H

#include "export/json_document.h"
#include "summary/report.h"

/* Nothing where it was not asked. */
void ct_json_write_path(struct ct_json_document *document, const struct ct_report *report);

#endif
