/*
 * SQL over a recording, by SQLite: it only reads, has no file but those it sorts in, and ends where
 * it takes more than it may. Errors of the query are of CT_QUERY_ERROR, and say in further lines
 * where they are.
 */
#ifndef CTRACE_QUERY_H
#define CTRACE_QUERY_H

#include "query/result.h"
#include "query/table.h"

struct ct_query;

/* Checks the statements, which takes no recording. */
struct ct_query *ct_query_new(const char *sql, GError **error);
void ct_query_free(struct ct_query *query);
typedef struct ct_query ct_query; /* for g_autoptr(ct_query) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ct_query, ct_query_free)

guint ct_query_statement_count(const struct ct_query *query);

/* What is asked, and where the answer goes: borrowed, all of it. */
struct ct_query_run {
    struct ct_store *store;
    struct ct_model *model;
    struct ct_symbolizer *symbolizer;
    const struct ct_result_format *format;
    FILE *out;
    uint64_t bytes_max; /* of the answer */
};

/* Once. Errors are of the query, or of the store. */
gboolean ct_query_answer(struct ct_query *query, const struct ct_query_run *run, GError **error);

/* Rows of the recording that were looked at for it. */
uint64_t ct_query_visited(const struct ct_query *query);

#endif
