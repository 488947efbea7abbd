/* Samples as a pprof profile: the bytes that `go tool pprof` reads. */
#ifndef CTRACE_PPROF_H
#define CTRACE_PPROF_H

#include "summary/profile.h"
#include "symbols/symbols.h"

struct ct_pprof_input {
    const GArray *samples; /* struct ct_profile_sample */
    const struct ct_model *model;
    struct ct_symbolizer *symbolizer;
    enum ct_profile_kind kind;
    uint64_t begin_ns; /* what the samples cover, in the trace's time */
    uint64_t end_ns;
    const char *only; /* borrowed; what alone they are of; NULL: of everything */
};

/*
 * The profile, not compressed yet. The leaf of every stack is the operation, as a location without
 * an address; frames of ctrace's own are left out.
 */
GBytes *ct_pprof_encode(const struct ct_pprof_input *input);

#endif
