/* Tables of the report as CSV, as the report's JSON has them: a row for each of its entries. */
#ifndef CTRACE_CSV_TABLES_H
#define CTRACE_CSV_TABLES_H

#include "summary/report.h"

#include <stdio.h>

void ct_csv_write_calls(const struct ct_report *report, FILE *out);
void ct_csv_write_locks(const struct ct_report *report, FILE *out);
/* The places that allocate. */
void ct_csv_write_heap(const struct ct_report *report, FILE *out);
/* The places that waited. */
void ct_csv_write_sites(const struct ct_report *report, FILE *out);

#endif
