/* The spool files of a recording, read together in the order of time. */
#ifndef CTRACE_CONVERT_SOURCES_H
#define CTRACE_CONVERT_SOURCES_H

#include "off_cpu.h"
#include "spool/spool.h"

/* One file, or what it tells of one CPU, with the record that is its next. */
struct ct_source {
    struct ct_spool *spool;           /* owned; the reader's, if there is one */
    struct ct_off_cpu_reader *reader; /* shared; of a file of kind CT_RINGS_BPF, or NULL */
    uint32_t cpu;                     /* or CT_SPOOL_NO_CPU */
    struct ct_raw_record record;
    gboolean has_record;
    gboolean is_told; /* see arrivals.h */
    uint64_t last_ns; /* of the record that was taken last */
};

/*
 * Those of the spool below a recording's `path` that hold samples, or all others if not; what was
 * present is among both. struct ct_source *, by CPU, what was present last; none has a record yet.
 */
GPtrArray *ct_sources_open(const char *path, gboolean of_samples);

/* Reads the first record of each. */
void ct_sources_begin(const GPtrArray *sources);

/* The one whose record is the earliest, and where it stands; NULL: there are no more records. */
struct ct_source *ct_sources_first(const GPtrArray *sources, guint *index);

/* Takes its record, and reads the next one. */
void ct_source_advance(struct ct_source *source);

/* It holds what was present, and is no CPU's. */
static inline gboolean ct_source_is_present(const struct ct_source *source)
{
    return source->cpu == CT_SPOOL_NO_CPU;
}

#endif
