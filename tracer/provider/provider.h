/*
 * The LTTng tracepoints of the `ctrace` provider, generated from the schema: each takes a pointer
 * to its struct ct_event_*, and before it one to the struct ct_source of a traced program's event.
 */
#undef LTTNG_UST_TRACEPOINT_PROVIDER
#define LTTNG_UST_TRACEPOINT_PROVIDER ctrace

#undef LTTNG_UST_TRACEPOINT_INCLUDE
#define LTTNG_UST_TRACEPOINT_INCLUDE "provider.h"

#if !defined(CTRACE_PROVIDER_H) || defined(LTTNG_UST_TRACEPOINT_HEADER_MULTI_READ)
#define CTRACE_PROVIDER_H

#include "writer.h"

#include <lttng/tracepoint.h>

/* How each field type of the schema is written. */
#define CT_TP_FIELD(type, name) CT_TP_##type(name)
#define CT_TP_U8(name)          lttng_ust_field_integer(uint8_t, name, event->name)
#define CT_TP_U32(name)         lttng_ust_field_integer(uint32_t, name, event->name)
#define CT_TP_U64(name)         lttng_ust_field_integer(uint64_t, name, event->name)
#define CT_TP_I16(name)         lttng_ust_field_integer(int16_t, name, event->name)
#define CT_TP_I32(name)         lttng_ust_field_integer(int32_t, name, event->name)
#define CT_TP_HEX64(name)       lttng_ust_field_integer_hex(uint64_t, name, event->name)
#define CT_TP_OP(name)          lttng_ust_field_enum(ctrace, op, uint8_t, name, event->name)
#define CT_TP_CLASS(name)       lttng_ust_field_enum(ctrace, class, uint8_t, name, event->name)
#define CT_TP_FD_KIND(name)     lttng_ust_field_enum(ctrace, fd_kind, uint8_t, name, event->name)
#define CT_TP_STRING(name)      lttng_ust_field_string(name, ct_string_to_write(event->name))
#define CT_TP_ADDRESSES(name) \
    lttng_ust_field_sequence_hex(uint64_t, name, event->name.values, uint8_t, event->name.count)
#define CT_TP_HISTOGRAM(name) \
    lttng_ust_field_sequence(uint64_t, name, event->name.values, uint8_t, event->name.count)
#define CT_TP_COLUMN(type, name)                                                    \
    lttng_ust_field_sequence(type, name, (const type *)event->name.values, uint8_t, \
                             event->name.count)
#define CT_TP_I32_COLUMN(name) CT_TP_COLUMN(int32_t, name)
#define CT_TP_U32_COLUMN(name) CT_TP_COLUMN(uint32_t, name)
#define CT_TP_HEX64_COLUMN(name)                                                                \
    lttng_ust_field_sequence_hex(uint64_t, name, (const uint64_t *)event->name.values, uint8_t, \
                                 event->name.count)
#define CT_TP_I16_COLUMN(name) CT_TP_COLUMN(int16_t, name)
#define CT_TP_U8_COLUMN(name)  CT_TP_COLUMN(uint8_t, name)

#define CT_TP_OP_VALUE(symbol, name, class, object) lttng_ust_field_enum_value(name, CT_OP_##symbol)
#define CT_TP_CLASS_VALUE(symbol, name)             lttng_ust_field_enum_value(name, CT_CLASS_##symbol)
#define CT_TP_FD_KIND_VALUE(symbol, name, class) \
    lttng_ust_field_enum_value(name, CT_FD_KIND_##symbol)

LTTNG_UST_TRACEPOINT_ENUM(ctrace, op, LTTNG_UST_TP_ENUM_VALUES(CT_OPS(CT_TP_OP_VALUE)))
LTTNG_UST_TRACEPOINT_ENUM(ctrace, class, LTTNG_UST_TP_ENUM_VALUES(CT_CLASSES(CT_TP_CLASS_VALUE)))
LTTNG_UST_TRACEPOINT_ENUM(ctrace, fd_kind,
                          LTTNG_UST_TP_ENUM_VALUES(CT_FD_KINDS(CT_TP_FD_KIND_VALUE)))

#define CT_TP_SOURCE_FIELD(type, name) lttng_ust_field_integer(CT_TYPE_##type, name, source->name)
#define CT_TP_PROGRAM_EVENT(symbol, name, source_fields)                                    \
    LTTNG_UST_TRACEPOINT_EVENT(                                                             \
        ctrace, name,                                                                       \
        LTTNG_UST_TP_ARGS(const struct ct_source *, source, const struct ct_event_##name *, \
                          event),                                                           \
        LTTNG_UST_TP_FIELDS(source_fields(CT_TP_SOURCE_FIELD) CT_EVENT_##symbol(CT_TP_FIELD)))
#define CT_TP_LAGGING_EVENT(symbol, name, channel) CT_TP_PROGRAM_EVENT(symbol, name, CT_SOURCE)
#define CT_TP_PROMPT_EVENT(symbol, name, channel) \
    CT_TP_PROGRAM_EVENT(symbol, name, CT_PROMPT_SOURCE)
CT_LAGGING_EVENTS(CT_TP_LAGGING_EVENT)
CT_PROMPT_EVENTS(CT_TP_PROMPT_EVENT)

#define CT_TP_RECORDER_EVENT(symbol, name, channel)                                      \
    LTTNG_UST_TRACEPOINT_EVENT(ctrace, name,                                             \
                               LTTNG_UST_TP_ARGS(const struct ct_event_##name *, event), \
                               LTTNG_UST_TP_FIELDS(CT_EVENT_##symbol(CT_TP_FIELD)))
CT_RECORDER_EVENTS(CT_TP_RECORDER_EVENT)

#endif

#include <lttng/tracepoint-event.h>
