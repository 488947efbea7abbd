/*
 * Locks that are taken in different orders: possible deadlocks, which did not happen, or not this
 * time. By what threads held while they waited for another lock, so far as that was recorded.
 */
#ifndef CTRACE_PASSES_INVERSIONS_H
#define CTRACE_PASSES_INVERSIONS_H

#include "model/model.h"

struct ct_inversion {
    const struct ct_process *process; /* borrowed */
    /* Owned; const struct ct_lock_order *, borrowed: what each waits for, the next one holds, and
     * the first one what the last one waits for. */
    GPtrArray *steps;
};

/* struct ct_inversion *, those of the fewest locks first. `hangs`: struct ct_hang *, which are told
 * already, or NULL. The caller owns it; it borrows from the model. */
GPtrArray *ct_inversions_find(const struct ct_model *model, const GPtrArray *hangs);

#endif
