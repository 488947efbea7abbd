/* A profile of pprof's as OpenTelemetry's protocol has profiles, which is alpha. */
#ifndef CTRACE_OTLP_PROFILE_H
#define CTRACE_OTLP_PROFILE_H

#include "export/pprof_file.h"

struct ct_otlp_profile_origin {
    const char *service; /* borrowed; whose profile it is */
    char *const *labels; /* borrowed; each "key=value", at the end NULL; may be NULL */
    int64_t begin_ns;    /* since 1970 */
    uint64_t duration_ns;
};

/* A request that exports it: a profile for each kind of value in it. */
GBytes *ct_otlp_profile(const struct ct_pprof_file *file,
                        const struct ct_otlp_profile_origin *origin);

#endif
