/* What SQL has no function for: times as people write them. */
#ifndef CTRACE_QUERY_FUNCTIONS_H
#define CTRACE_QUERY_FUNCTIONS_H

#include "query/table.h"

/* at(), clock() and duration(). The recording is borrowed. FALSE: there is no memory. */
gboolean ct_query_functions_register(sqlite3 *database, struct ct_query_recording *recording);

#endif
