/* The clock of LTTng's traces, as their metadata describes it: the kernel's trace has the same. */
#ifndef CTRACE_CONVERT_CLOCK_H
#define CTRACE_CONVERT_CLOCK_H

#include <glib.h>
#include <stdint.h>

struct ct_trace_clock {
    uint64_t offset_ns; /* from the Unix epoch to the clock's zero */
    uint8_t uuid[16];
    gboolean has_uuid;
};

/* From a metadata file below `path`; where none tells, from the system. */
void ct_trace_clock_read(const char *path, struct ct_trace_clock *clock);

#endif
