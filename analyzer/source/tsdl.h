/* What the metadata of a trace says of its streams and events, if all of it is understood. */
#ifndef CTRACE_SOURCE_TSDL_H
#define CTRACE_SOURCE_TSDL_H

#include "source/packets.h"

/* Layouts are texts as of tsdl_types.h, of the fields of a struct; owned; NULL: there is none. */

struct ct_tsdl_event {
    char *name; /* owned */
    guint64 stream_id;
    guint64 id;
    char *fields;
};

struct ct_tsdl_stream {
    guint64 id;
    char *packet_context;
    char *event_header;
    char *event_context;
};

struct ct_tsdl {
    guint8 uuid[CT_UUID_SIZE];
    char *packet_header;
    char *domain; /* owned, as is the next; of the environment; NULL: it does not say */
    char *tracer;
    guint64 tracer_major;
    guint64 tracer_minor;
    gint64 epoch_offset_ns; /* the clock counts nanoseconds from then on */
    GArray *streams;        /* owned; struct ct_tsdl_stream */
    GArray *events;         /* owned; struct ct_tsdl_event */
};

/* NULL if it is not all understood. */
struct ct_tsdl *ct_tsdl_new(const char *text);
void ct_tsdl_free(struct ct_tsdl *tsdl);

#endif
