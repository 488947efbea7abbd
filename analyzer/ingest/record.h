/* One event of the trace, as one struct of the schema. */
#ifndef CTRACE_INGEST_RECORD_H
#define CTRACE_INGEST_RECORD_H

#include "schema/events.h"

/* Strings and sequences are borrowed: valid until the next record is read. */
struct ct_record {
    enum ct_event event;
    uint64_t time_ns; /* the event's own timestamp, CLOCK_MONOTONIC */
    int32_t pid;      /* who wrote it */
    int32_t tid;
    union {
#define CT_RECORD_MEMBER(symbol, name, channel) struct ct_event_##name name;
        CT_EVENTS(CT_RECORD_MEMBER)
#undef CT_RECORD_MEMBER
    } as;
};

#endif
