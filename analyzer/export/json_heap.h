/* The members of a JSON report that tell of heaps. */
#ifndef CTRACE_JSON_HEAP_H
#define CTRACE_JSON_HEAP_H

#include "export/json_document.h"
#include "summary/report.h"

/* Nothing, where that was not asked for. */
void ct_json_write_heap(struct ct_json_document *document, const struct ct_report *report);

#endif
