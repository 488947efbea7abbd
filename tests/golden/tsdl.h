/* The CTF metadata of a golden trace: the events of the schema, laid out as LTTng lays them out. */
#ifndef CTRACE_GOLDEN_TSDL_H
#define CTRACE_GOLDEN_TSDL_H

#include "schema/events.h"

#include <glib.h>

/* How a field is written. */
enum field_kind {
    FIELD_U8,
    FIELD_U32,
    FIELD_U64,
    FIELD_I16,
    FIELD_I32,
    FIELD_HEX64,
    FIELD_OP,
    FIELD_CLASS,
    FIELD_FD_KIND,
    FIELD_STRING,
    FIELD_ADDRESSES,
    FIELD_HISTOGRAM,
#define COLUMN(type, value_type) FIELD_##type,
    CT_COLUMN_TYPES(COLUMN)
#undef COLUMN
};

/* Of a sequence's values; 0 bytes: it is none. */
struct element {
    unsigned size;
    gboolean is_signed;
    unsigned base; /* in which they are shown */
};

struct element tsdl_element(enum field_kind kind);

struct field_row {
    enum field_kind kind;
    const char *name;
};

struct event_row {
    const char *provider;
    const char *name;
    const char *channel;
    const struct field_row *fields;
    size_t field_count;
};

/* Those of the schema by their enum ct_event, then two that it does not have. */
extern const struct event_row event_rows[];
extern const size_t event_row_count;

/* The number of the value of that name ("sync", "pthread_mutex_lock"), or -1. */
int enum_value(enum field_kind kind, const char *name);

unsigned channel_id(const char *channel);

/* Metadata as text; free with g_free(). is_old: of the oldest version that is read. has_unknown:
 * the events that the schema does not have are there, too. */
char *tsdl_metadata(gboolean is_old, gboolean has_unknown);

/* FALSE: the field is not in a trace of the oldest version that is read. */
gboolean tsdl_is_first(const struct field_row *field);

#define TSDL_UUID "c7ace000-0001-4000-8000-00000000c7ac"
#define TSDL_UUID_BYTES                                                                           \
    {                                                                                             \
        0xc7, 0xac, 0xe0, 0x00, 0x00, 0x01, 0x40, 0x00, 0x80, 0x00, 0x00, 0x00, 0x00, 0x00, 0xc7, \
            0xac                                                                                  \
    }

/* 2023-11-14 22:13:20 UTC is zero of the traces' clock. */
#define TSDL_EPOCH_OFFSET_NS 1700000000000000000

#endif
