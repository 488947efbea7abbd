/* Does a thread do two things at once? A pass over the store. */
#ifndef CTRACE_VERIFY_OVERLAPS_H
#define CTRACE_VERIFY_OVERLAPS_H

#include "store/store.h"

/* Adds a line to `faults`, of char *, for each thread whose waits and times in the run queue lie
 * over one another. FALSE with an error if the store cannot be read. */
gboolean ct_verify_overlaps(struct ct_store *store, const struct ct_model *model, GPtrArray *faults,
                            GError **error);

#endif
