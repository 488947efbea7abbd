/* Spans as JSON, as OpenTelemetry's protocol has it: ids as hexadecimal digits, kinds as numbers,
 * and numbers of 64 bits as strings. */
#ifndef CTRACE_OTLP_JSON_H
#define CTRACE_OTLP_JSON_H

#include "otlp.pb-c.h"

#include <json-glib/json-glib.h>

/* Members of an object that the builder is in. */
void ct_otlp_json_add(JsonBuilder *json, const Otlp__ResourceSpans *spans);

#endif
