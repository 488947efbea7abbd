/* Several profiles as one: what is at the same place with the same labels is added up, or taken
 * away. */
#ifndef CTRACE_PPROF_MERGE_H
#define CTRACE_PPROF_MERGE_H

#include "export/pprof_file.h"

/*
 * The profile, not compressed yet, of at least one struct ct_pprof_file *. Its time is the earliest
 * one, its duration the sum. What `base`, which may be NULL, has is taken away, and of a time that
 * both are of what came later is left. NULL: they are not of one kind.
 */
GBytes *ct_pprof_merge(const GPtrArray *files, const struct ct_pprof_file *base, GError **error);

#endif
