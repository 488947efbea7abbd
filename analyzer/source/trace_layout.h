/*
 * How a trace that ctrace wrote lays out its packets and events: LTTng's of our provider, and the
 * kernel layer's. Taken from the metadata and checked against the schema; a trace of which anything
 * is otherwise has none.
 */
#ifndef CTRACE_SOURCE_TRACE_LAYOUT_H
#define CTRACE_SOURCE_TRACE_LAYOUT_H

#include "schema/kernel_events.h"
#include "source/packets.h"

/* Where things stand in a packet's beginning; in bytes. All but two are 64 bits. */
struct ct_packet_shape {
    guint size; /* the first event comes then */
    guint stream_id;
    guint stream_id_size;
    guint instance;
    guint begin_ns;
    guint end_ns;
    guint content_bits;
    guint packet_bits;
    guint sequence;
    guint discarded;
    guint cpu; /* 32 bits */
};

enum ct_event_header {
    CT_EVENT_HEADER_COMPACT, /* LTTng's: id of 5 bits and time of 27, or a long one */
    CT_EVENT_HEADER_LARGE,   /* LTTng's: id of 16 bits and time of 32, or a long one */
    CT_EVENT_HEADER_PLAIN,   /* babeltrace2's: both of 64 bits */
};

/* An argument of a system call, as wide as it is written. */
struct ct_argument_layout {
    guint8 size;
    gboolean is_signed;
};

struct ct_event_layout {
    gboolean is_known;   /* else there is no event of this id */
    enum ct_event event; /* CT_EVENT_COUNT: of the kernel */
    gboolean has_source; /* whose it is, and how long ago it was, comes before the fields */
    gboolean has_lag;    /* and how long ago it was */
    enum ct_kernel_event kernel_event;
    struct ct_kernel_syscall syscall; /* of a system call's event */
    guint argument_count;
    struct ct_argument_layout arguments[CT_SYSCALL_ARGUMENTS];
    char *name; /* owned */
};

struct ct_stream_layout {
    guint64 id;
    enum ct_event_header header;
    gboolean is_kernels; /* events have the kernel's context */
    gboolean is_ours;    /* events of our provider are in it */
    gboolean has_samples;
    GArray *events; /* owned; struct ct_event_layout, by id */
};

struct ct_trace_layout {
    const struct ct_packet_shape *packets;
    guint8 uuid[CT_UUID_SIZE];
    gint64 epoch_offset_ns;
    GArray *streams; /* owned; struct ct_stream_layout */
};

/* NULL if it is none of ours, or of another version. */
struct ct_trace_layout *ct_trace_layout_new(const struct ct_metadata *metadata);
void ct_trace_layout_free(struct ct_trace_layout *layout);
/* NULL if there is no such stream. */
const struct ct_stream_layout *ct_trace_layout_find_stream(const struct ct_trace_layout *layout,
                                                           guint64 id);

#endif
