/* Stacks in a report's JSON. */
#ifndef CTRACE_JSON_STACK_H
#define CTRACE_JSON_STACK_H

#include "summary/report.h"

#include <json-glib/json-glib.h>

/* A member of the builder's object, of that name: a list of frames, leaf first. */
void ct_json_add_stack(JsonBuilder *json, const struct ct_report *report, const char *name,
                       const struct ct_process *process, uint32_t stack_id);

#endif
