/*
 * What the end of a thread would have been, had a function, a lock or a thread taken another time:
 * what of a recording's running and waiting is theirs, and a replay with that changed.
 */
#ifndef CTRACE_PASSES_WHATIF_H
#define CTRACE_PASSES_WHATIF_H

#include "passes/replay.h"
#include "passes/whatif_target.h"

struct ct_whatif_result {
    uint64_t before_ns;
    uint64_t kept_ns;    /* where each still goes on after the one after whom it did */
    uint64_t free_ns;    /* where nobody waits for a lock any longer than before */
    uint64_t changed_ns; /* of what all threads did, this is what is changed: an estimate, of
                            functions */
    uint64_t samples;    /* by which: of functions, those in them */
};

gboolean ct_whatif_run(const struct ct_path_question *question, struct ct_symbolizer *symbolizer,
                       const struct ct_whatif *what, struct ct_whatif_result *result,
                       GError **error);

#endif
