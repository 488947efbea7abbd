/* A column's value, as SQLite takes it. */
#ifndef CTRACE_QUERY_VALUES_H
#define CTRACE_QUERY_VALUES_H

#include "query/table.h"

/* Copied; what is no UTF-8 becomes U+FFFD. NULL: no value. */
void ct_query_put_text(sqlite3_context *out, const char *text);
/* The same, and takes it. */
void ct_query_take_text(sqlite3_context *out, char *text);
/* SQL has no more than 63 bits: what goes beyond is the greatest that there is. */
void ct_query_put_count(sqlite3_context *out, uint64_t count);
/* As since the recording's begin. */
void ct_query_put_time(sqlite3_context *out, const struct ct_query_row *row, uint64_t time_ns);
/* "2026-11-29 14:03:22.500", here. */
void ct_query_put_clock(sqlite3_context *out, const struct ct_query_row *row, uint64_t time_ns);
/* A stack's id among all processes'; no value where there is none. */
void ct_query_put_stack(sqlite3_context *out, const struct ct_query_row *row,
                        const struct ct_process *process, uint32_t stack_id);

/* Ids are places in the model's lists; -1: it is not there. */
int64_t ct_query_process_id(const struct ct_query_recording *recording,
                            const struct ct_process *process);
static inline int64_t ct_query_thread_id(const struct ct_thread *thread)
{
    return thread->number;
}
int64_t ct_query_stack_id(const struct ct_query_recording *recording,
                          const struct ct_process *process, uint32_t stack_id);
int64_t ct_query_object_id(struct ct_query_recording *recording, const struct ct_process *process,
                           enum ct_object kind, uint64_t object);

/* Columns of many tables: of the row's process and thread, and of what happened. */
void ct_query_row_id(const struct ct_query_row *row, sqlite3_context *out);
void ct_query_row_pid(const struct ct_query_row *row, sqlite3_context *out);
void ct_query_row_process(const struct ct_query_row *row, sqlite3_context *out);
void ct_query_row_process_id(const struct ct_query_row *row, sqlite3_context *out);
void ct_query_row_tid(const struct ct_query_row *row, sqlite3_context *out);
void ct_query_row_thread(const struct ct_query_row *row, sqlite3_context *out);
void ct_query_row_thread_id(const struct ct_query_row *row, sqlite3_context *out);
void ct_query_row_begin(const struct ct_query_row *row, sqlite3_context *out);
void ct_query_row_end(const struct ct_query_row *row, sqlite3_context *out);
void ct_query_row_duration(const struct ct_query_row *row, sqlite3_context *out);
void ct_query_row_clock(const struct ct_query_row *row, sqlite3_context *out);

#endif
