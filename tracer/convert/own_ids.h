/*
 * Tracepoints tell the ids of the machine, everything else those of our pid namespace. Where they
 * differ, whatever a task does on its CPU next tells its own: up to when it leaves that CPU.
 */
#ifndef CTRACE_CONVERT_OWN_IDS_H
#define CTRACE_CONVERT_OWN_IDS_H

#include "sources.h"

/* `own_ids` has ours by a tracepoint's, as far as they are known; NULL: they are the same. */

/* Gives the record's tasks their own ids. `source` has gone past it. */
void ct_own_ids_translate(GHashTable *own_ids, const struct ct_source *source,
                          struct ct_raw_record *record);

/* A sample says itself whose it is, as long as that task is not on its last way out. */
int32_t ct_own_ids_sampled(GHashTable *own_ids, const struct ct_raw_record *record);

#endif
