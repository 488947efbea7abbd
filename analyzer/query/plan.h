/*
 * What SQLite asks of a table, and what a source is asked for: constraints are passed from the one
 * to the other as a text that `EXPLAIN QUERY PLAN` shows: "thread_id= begin_ns>".
 */
#ifndef CTRACE_QUERY_PLAN_H
#define CTRACE_QUERY_PLAN_H

#include "query/table.h"

/* For xBestIndex. Returns SQLite's status. */
int ct_query_plan_choose(const struct ct_query_table *table, sqlite3_index_info *info);

/* For xFilter: the text, whether the order is asked for, and the values. */
void ct_query_plan_read(const struct ct_query_table *table, const char *text, int is_by_begin,
                        sqlite3_value **values, int value_count, struct ct_query_asked *asked);

#endif
