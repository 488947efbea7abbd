/*
 * The provider as a library that the recorder loads once the session exists: loading it is what
 * registers the recorder with the session daemon, and it should not have to do so earlier.
 */
#ifndef CTRACE_PROVIDER_WRITER_H
#define CTRACE_PROVIDER_WRITER_H

#include "schema/events.h"

#include <stdbool.h>

struct ct_writer {
    /* The session has enabled our events: what is written now is kept. */
    bool (*is_enabled)(void);
#define CT_WRITER_FUNCTION(symbol, name, channel) void (*name)(const struct ct_event_##name *event);
    CT_EVENTS(CT_WRITER_FUNCTION)
#undef CT_WRITER_FUNCTION
};

/* The one symbol that the library exports. */
#define CT_WRITER_SYMBOL  "ct_writer"
#define CT_WRITER_LIBRARY "libctrace-writer.so"

#endif
