/*
 * Events as ctrace wrote them -> structs of the schema: for each one a reader of its own, generated
 * from the schema, which takes its fields one after the other from where they stand.
 */
#ifndef CTRACE_SOURCE_DIRECT_EVENTS_H
#define CTRACE_SOURCE_DIRECT_EVENTS_H

#include "source/fields.h"
#include "source/record.h"
#include "source/trace_layout.h"

/* What is left of a packet's content. */
struct ct_wire {
    const guint8 *at;
    const guint8 *end;
};

/* Where the sequences of an event are put, one behind the other. */
struct ct_sequence_room {
    uint64_t words[CT_FIELDS_MAX * CT_SEQUENCE_LENGTH_MAX];
    size_t used; /* words */
};

/* Goes past `size` bytes, which are copied to `into`. FALSE: there are not so many. Inline even
 * where a compiler counts its many callers: of a known size it is a comparison and a move. */
G_ALWAYS_INLINE static inline gboolean ct_wire_take(struct ct_wire *wire, void *into, size_t size)
{
    if ((size_t)(wire->end - wire->at) < size)
        return FALSE;
    memcpy(into, wire->at, size);
    wire->at += size;
    return TRUE;
}

/*
 * What follows the event's header. `time_ns` is the header's; sequences are put into `room`,
 * strings stay where they are. A kernel's event has no CPU yet. FALSE: the packet ends before the
 * event does.
 */
gboolean ct_direct_event_read(struct ct_wire *wire, const struct ct_event_layout *layout,
                              uint64_t time_ns, struct ct_sequence_room *room,
                              struct ct_record *record);

#endif
