/* Several profiles as one: what is at the same place with the same labels is added up. */
#ifndef CTRACE_PPROF_MERGE_H
#define CTRACE_PPROF_MERGE_H

#include "export/pprof_file.h"

/*
 * The profile, not compressed yet, of at least one struct ct_pprof_file *. Its time is the earliest
 * one, its duration the sum. NULL: they are not of one kind.
 */
GBytes *ct_pprof_merge(const GPtrArray *files, GError **error);

#endif
