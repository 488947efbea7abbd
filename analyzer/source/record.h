/* One event of the trace, as one struct of the schema. */
#ifndef CTRACE_SOURCE_RECORD_H
#define CTRACE_SOURCE_RECORD_H

#include "schema/kernel_events.h"

#include <glib.h>

/* Strings and sequences are borrowed: valid until the next record is read. */
struct ct_record {
    enum ct_event event; /* CT_EVENT_COUNT: it is the kernel's */
    uint64_t time_ns;    /* the event's own timestamp, CLOCK_MONOTONIC */
    int32_t pid;         /* who wrote it */
    int32_t tid;
    union {
#define CT_RECORD_MEMBER(symbol, name, channel) struct ct_event_##name name;
        CT_EVENTS(CT_RECORD_MEMBER)
#undef CT_RECORD_MEMBER
        struct ct_kernel_record kernel;
    } as;
    uint64_t
        lost_since_ns; /* not 0: the kernel's events of this CPU from then to this one are lost */
};

/* Events of the kernel layer on one CPU are lost. */
struct ct_kernel_loss {
    uint64_t begin_ns; /* when the last one before them was told */
    uint64_t end_ns;
    uint32_t cpu;
    gboolean has_calls;    /* system calls may be among them */
    gboolean has_switches; /* what the scheduler did may be */
};

#endif
