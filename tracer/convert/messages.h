/* The kernel's records as messages of babeltrace2: packets, events and losses, in order of time. */
#ifndef CTRACE_CONVERT_MESSAGES_H
#define CTRACE_CONVERT_MESSAGES_H

#include "clock.h"
#include "convert.h"
#include "event_classes.h"
#include "samples.h"

#include <babeltrace2/babeltrace.h>

/* One CPU's stream on its way into babeltrace2. */
struct ct_conversion_stream {
    bt_stream *stream; /* owned */
    bt_packet *packet; /* owned; NULL between packets */
    uint64_t last_ns;
    uint32_t packet_events;
    gboolean is_begun;
};

/* Where the next item comes from. */
struct ct_conversion_input {
    struct ct_kernel_item item;
    gboolean has_item;
};

struct ct_conversion {
    struct ct_kernel_events *events;   /* borrowed; NULL: there are none */
    struct ct_kernel_samples *samples; /* the same */
    struct ct_conversion_input next_event;
    struct ct_conversion_input next_sample;
    guint sample_stream;        /* the first of the samples' streams, which come last */
    uint64_t deserted_until_ns; /* of the scope; 0 also once it was told */
    struct ct_trace_clock clock;
    struct ct_kernel_totals *totals;      /* borrowed */
    struct ct_event_classes *classes;     /* owned */
    struct ct_conversion_stream *streams; /* owned; for each CPU, of each kind */
    guint stream_count;
    guint next_end; /* the stream to be ended next, once all events are written */
    bt_self_message_iterator *iterator; /* borrowed; while messages are made */
    GQueue messages;                    /* owned are the messages */
};

/* Adds the next messages to those that wait, maybe none. FALSE once everything was made. */
gboolean ct_messages_make(struct ct_conversion *conversion);

#endif
