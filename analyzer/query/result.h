/*
 * What a query found, as text: a format is told the columns, each row, and that there is no more.
 * All of it is made harmless for who reads that format.
 */
#ifndef CTRACE_QUERY_RESULT_H
#define CTRACE_QUERY_RESULT_H

#include <glib.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>

struct ct_result {
    sqlite3_stmt *statement; /* borrowed, as is the next */
    FILE *out;
    FILE *aside;    /* owned; rows that wait for the last one; or NULL */
    GArray *widths; /* owned; guint; or NULL */
    char **names;   /* owned; of the columns */
    uint64_t rows;
};

struct ct_result_format {
    const char *name;
    const char *purpose;
    gboolean is_document; /* of one result alone */
    gboolean (*begin)(struct ct_result *result);
    void (*row)(struct ct_result *result);
    void (*end)(struct ct_result *result);
};

/* NULL: there is none of that name. */
const struct ct_result_format *ct_result_format_find(const char *name);
/* Each with what it is, after a tab. Free with g_strfreev(). */
char **ct_result_format_rows(void);

extern const struct ct_result_format ct_result_table;

/* A value as text, whatever bytes are in it; NULL: it is none. The caller frees it with g_free().
 */
char *ct_result_text(sqlite3_stmt *statement, int column);

void ct_result_clear(struct ct_result *result);

#endif
