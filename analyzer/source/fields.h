/*
 * The events of the schema as tables, for readers that find out how a trace lays them out: names
 * and types of the fields, in the order in which they are written.
 */
#ifndef CTRACE_SOURCE_FIELDS_H
#define CTRACE_SOURCE_FIELDS_H

#include "schema/kernel_events.h"

#include <glib.h>

enum ct_field_type {
    CT_FIELD_U8,
    CT_FIELD_U32,
    CT_FIELD_U64,
    CT_FIELD_I16,
    CT_FIELD_I32,
    CT_FIELD_I64,
    CT_FIELD_STRING,
    /* At most CT_SEQUENCE_LENGTH_MAX of: */
    CT_FIELD_SEQUENCE, /* u64 */
    CT_FIELD_I32_COLUMN,
    CT_FIELD_U32_COLUMN,
    CT_FIELD_HEX64_COLUMN,
    CT_FIELD_I16_COLUMN,
    CT_FIELD_U8_COLUMN,
};

struct ct_field_row {
    const char *name;
    enum ct_field_type type;
};

struct ct_field_list {
    const struct ct_field_row *rows;
    size_t count;
};

#define CT_FIELDS_MAX 16

struct ct_event_row {
    const char *name;
    struct ct_field_list source; /* before the fields, in the payload: whose event it is */
    struct ct_field_list fields;
};

const struct ct_event_row *ct_event_row(enum ct_event event);
/* Not for those of system calls. */
const struct ct_event_row *ct_kernel_event_row(enum ct_kernel_event event);

/* Of every event of the kernel. */
struct ct_field_list ct_kernel_context_fields(void);

/* FALSE if the schema has none of that name. */
gboolean ct_event_find(const char *name, enum ct_event *event);
gboolean ct_kernel_event_find(const char *name, enum ct_kernel_event *event);

/* The system call that an event of this name is of, if it is one of a system call. The call's name
 * is borrowed from the event's. */
gboolean ct_syscall_event_find(const char *name, enum ct_kernel_event *event,
                               struct ct_kernel_syscall *syscall);

/* TRUE if a trace of an older version may lack the field. */
gboolean ct_field_is_later(const char *name);

/* What an event tells of its stream, in which the kernel's events of one CPU are. */
gboolean ct_kernel_event_is_of_calls(enum ct_kernel_event event);
gboolean ct_kernel_event_is_of_switches(enum ct_kernel_event event);

#endif
