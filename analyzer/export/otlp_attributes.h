/* What OpenTelemetry's protocol says of spans and of whose they are: names and values. */
#ifndef CTRACE_OTLP_ATTRIBUTES_H
#define CTRACE_OTLP_ATTRIBUTES_H

#include "otlp.pb-c.h"

#include <glib.h>

/* A message's own list, as protobuf-c has it. */
struct ct_otlp_attributes {
    Otlp__KeyValue ***list;
    size_t *count;
};

/* A text that is NULL or "" is left out. */
void ct_otlp_add_text(const struct ct_otlp_attributes *attributes, const char *key,
                      const char *text);
void ct_otlp_add_int(const struct ct_otlp_attributes *attributes, const char *key, int64_t value);
void ct_otlp_add_double(const struct ct_otlp_attributes *attributes, const char *key, double value);

/* An end of a connection, as `key`.address and `key`.port; the path of a socket has no port. */
void ct_otlp_add_end(const struct ct_otlp_attributes *attributes, const char *key, const char *end);

#endif
