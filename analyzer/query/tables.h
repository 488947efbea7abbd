/* All tables, by name. */
#ifndef CTRACE_QUERY_TABLES_H
#define CTRACE_QUERY_TABLES_H

#include "query/table.h"

extern const struct ct_query_table ct_query_calls, ct_query_frames, ct_query_intervals,
    ct_query_notes, ct_query_objects, ct_query_processes, ct_query_record, ct_query_runs,
    ct_query_samples, ct_query_stacks, ct_query_threads, ct_query_turns, ct_query_wakes;

/* NULL: there is no more. */
const struct ct_query_table *ct_query_table_at(guint index);

/* The tables with their columns and what these mean, as SQL. The caller frees it with g_free(). */
char *ct_query_schema(void);

#endif
