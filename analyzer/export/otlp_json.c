#include "export/otlp_json.h"

#include "export/json_document.h"

static void add_long(JsonBuilder *json, const char *name, uint64_t value)
{
    g_autofree char *digits = g_strdup_printf("%" G_GUINT64_FORMAT, value);

    ct_json_add_string(json, name, digits);
}

static void add_id(JsonBuilder *json, const char *name, const ProtobufCBinaryData *id)
{
    g_autoptr(GString) digits = g_string_new(NULL);

    for (size_t i = 0; i < id->len; i++)
        g_string_append_printf(digits, "%02x", id->data[i]);
    ct_json_add_string(json, name, digits->str);
}

static void add_value(JsonBuilder *json, const Otlp__AnyValue *value)
{
    g_autofree char *digits = NULL;

    switch (value->value_case) {
    case OTLP__ANY_VALUE__VALUE_STRING_VALUE:
        ct_json_add_string(json, "stringValue", value->string_value);
        break;
    case OTLP__ANY_VALUE__VALUE_INT_VALUE:
        digits = g_strdup_printf("%" G_GINT64_FORMAT, value->int_value);
        ct_json_add_string(json, "intValue", digits);
        break;
    case OTLP__ANY_VALUE__VALUE_DOUBLE_VALUE:
        json_builder_set_member_name(json, "doubleValue");
        json_builder_add_double_value(json, value->double_value);
        break;
    default:
        break;
    }
}

static void add_attributes(JsonBuilder *json, Otlp__KeyValue *const *attributes, size_t count)
{
    json_builder_set_member_name(json, "attributes");
    json_builder_begin_array(json);
    for (size_t i = 0; i < count; i++) {
        json_builder_begin_object(json);
        ct_json_add_string(json, "key", attributes[i]->key);
        json_builder_set_member_name(json, "value");
        json_builder_begin_object(json);
        add_value(json, attributes[i]->value);
        json_builder_end_object(json);
        json_builder_end_object(json);
    }
    json_builder_end_array(json);
}

static void add_span(JsonBuilder *json, const Otlp__Span *span)
{
    json_builder_begin_object(json);
    add_id(json, "traceId", &span->trace_id);
    add_id(json, "spanId", &span->span_id);
    if (span->has_parent_span_id)
        add_id(json, "parentSpanId", &span->parent_span_id);
    ct_json_add_string(json, "name", span->name);
    ct_json_add_signed(json, "kind", span->kind);
    add_long(json, "startTimeUnixNano", span->start_time_unix_nano);
    add_long(json, "endTimeUnixNano", span->end_time_unix_nano);
    add_attributes(json, span->attributes, span->n_attributes);
    json_builder_end_object(json);
}

static void add_scope(JsonBuilder *json, const Otlp__ScopeSpans *spans)
{
    json_builder_begin_object(json);
    json_builder_set_member_name(json, "scope");
    json_builder_begin_object(json);
    ct_json_add_string(json, "name", spans->scope->name);
    ct_json_add_string(json, "version", spans->scope->version);
    json_builder_end_object(json);
    json_builder_set_member_name(json, "spans");
    json_builder_begin_array(json);
    for (size_t i = 0; i < spans->n_spans; i++)
        add_span(json, spans->spans[i]);
    json_builder_end_array(json);
    json_builder_end_object(json);
}

void ct_otlp_json_add(JsonBuilder *json, const Otlp__ResourceSpans *spans)
{
    json_builder_set_member_name(json, "resource");
    json_builder_begin_object(json);
    add_attributes(json, spans->resource->attributes, spans->resource->n_attributes);
    json_builder_end_object(json);
    json_builder_set_member_name(json, "scopeSpans");
    json_builder_begin_array(json);
    for (size_t i = 0; i < spans->n_scope_spans; i++)
        add_scope(json, spans->scope_spans[i]);
    json_builder_end_array(json);
}
