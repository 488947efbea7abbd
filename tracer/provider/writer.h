/*
 * The provider as a library that the recorder loads once the session exists: loading it is what
 * registers the recorder with the session daemon, and it should not have to do so earlier. One
 * thread at a time may write.
 */
#ifndef CTRACE_PROVIDER_WRITER_H
#define CTRACE_PROVIDER_WRITER_H

#include "schema/events.h"

#include <stdbool.h>

/* Whose event a traced program's event is, and when it was written; times are CLOCK_MONOTONIC. */
struct ct_source {
    int32_t vpid;
    int32_t vtid;
    uint64_t time_ns; /* that time_of gave */
    uint64_t lag_ns;  /* of a prompt event: what it is later than the event */
};

struct ct_writer {
    /* To be called first, once; `now_ns` reads the recording's. False if LTTng has one already. */
    bool (*set_clock)(uint64_t (*now_ns)(void));
    /* The session has enabled our events: what is written now is kept. */
    bool (*is_enabled)(void);
    /* The time that LTTng can be given for an event of `time_ns`: later than any before. */
    uint64_t (*time_of)(uint64_t time_ns);
    /* LTTng has looked at the clock itself, as it does when a session begins. */
    void (*go_on_from_now)(void);
    /* A traced program's events. */
#define CT_WRITER_FUNCTION(symbol, name, channel) \
    void (*name)(const struct ct_source *source, const struct ct_event_##name *event);
    CT_PROGRAM_EVENTS(CT_WRITER_FUNCTION)
#undef CT_WRITER_FUNCTION
    /* What comes next of the recorder's own has this time, which time_of gave; 0: that of now. */
    void (*set_time)(uint64_t time_ns);
    /* The recorder's own. */
#define CT_WRITER_FUNCTION(symbol, name, channel) void (*name)(const struct ct_event_##name *event);
    CT_RECORDER_EVENTS(CT_WRITER_FUNCTION)
#undef CT_WRITER_FUNCTION
};

/* About so much LTTng puts before an event, and around it. */
#define CT_EVENT_HEAD_SIZE 24

/* The one symbol that the library exports. */
#define CT_WRITER_SYMBOL  "ct_writer"
#define CT_WRITER_LIBRARY "libctrace-writer.so"

#endif
