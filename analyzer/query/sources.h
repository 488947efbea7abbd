/* Where the rows of tables come from. */
#ifndef CTRACE_QUERY_SOURCES_H
#define CTRACE_QUERY_SOURCES_H

#include "query/table.h"

/* What happened, of the table's kind: by thread and time at the cost of what is told. */
extern const struct ct_query_source ct_query_events;

/* Lists are gone through by id, or have one found: their tables tell how. */
extern const struct ct_query_source ct_query_list;

#endif
