/* The members of a JSON report that tell of peers and requests. */
#ifndef CTRACE_JSON_PEERS_H
#define CTRACE_JSON_PEERS_H

#include "export/json_document.h"
#include "summary/report.h"

void ct_json_write_peers(struct ct_json_document *document, const struct ct_report *report);
void ct_json_write_requests(struct ct_json_document *document, const struct ct_report *report);

#endif
