/* An archive of profiles is thinned out as time goes on, a step after the other; by ctrace-pprof,
 * while the agent goes on. For one thread, which has a main loop. */
#ifndef CTRACE_SERVE_THINNING_H
#define CTRACE_SERVE_THINNING_H

#include "collect/index.h"

struct ct_thinning;

struct ct_thinning_request {
    struct ct_archive *archive; /* borrowed, as is all of it */
    struct ct_index *index;
    const char *programs;
    struct ct_rotation_limits limits;
    void (*say)(const char *what); /* what went wrong */
};

struct ct_thinning *ct_thinning_new(const struct ct_thinning_request *request);
/* Waits for what runs, which is ended. */
void ct_thinning_free(struct ct_thinning *thinning);

/* All that is due now, if it is not at it already. */
void ct_thinning_run(struct ct_thinning *thinning);

#endif
