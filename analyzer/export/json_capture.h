/* What was recorded and what was not, as JSON. */
#ifndef CTRACE_JSON_CAPTURE_H
#define CTRACE_JSON_CAPTURE_H

#include "export/json_document.h"
#include "model/model.h"

/* The member "capture". */
void ct_json_write_capture(struct ct_json_document *document, const struct ct_model *model);

#endif
