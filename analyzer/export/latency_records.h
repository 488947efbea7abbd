/* The latencies of a report for programs: as JSON, and as CSV. */
#ifndef CTRACE_LATENCY_RECORDS_H
#define CTRACE_LATENCY_RECORDS_H

#include "export/json_document.h"
#include "summary/report.h"

#include <stdio.h>

/* A member "latency" of the document; nothing, where it was not asked for. */
void ct_json_write_latency(struct ct_json_document *document, const struct ct_report *report);

/* A line for each row of all three tables; lines end in CR LF. */
void ct_csv_write_latency(const struct ct_report *report, FILE *out);

#endif
