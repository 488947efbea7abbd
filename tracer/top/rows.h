/*
 * The lines of the table: what each thread spent the time since the last refresh on, threads of one
 * kind folded into one line, and those that have not run into another one.
 */
#ifndef CTRACE_TOP_ROWS_H
#define CTRACE_TOP_ROWS_H

#include "accounts/accounts.h"

enum ct_row_kind {
    CT_ROW_THREAD,
    CT_ROW_KIND, /* several threads, of one kind */
    CT_ROW_IDLE  /* all that have not run */
};

struct ct_row {
    enum ct_row_kind row_kind;
    const struct ct_kind *kind;    /* borrowed; NULL of CT_ROW_IDLE */
    struct ct_seen_thread *thread; /* owned; NULL unless of CT_ROW_THREAD */
    GPtrArray *members;            /* owned; struct ct_row *; NULL of a thread */
    guint threads;
    guint processes;
    double spent[CT_CLASS_COUNT]; /* threads that were in that state, on average */
    uint64_t for_ns;              /* it is in its present wait for so long at least; the longest */
    guint depth;                  /* in how many lines it is folded */
};

struct ct_rows;

struct ct_rows *ct_rows_new(void);
void ct_rows_free(struct ct_rows *rows);

/* What has happened since the last time. */
void ct_rows_refresh(struct ct_rows *rows, const struct ct_accounts *accounts);

/* Since when that is; 0: since nothing. */
uint64_t ct_rows_interval_ns(const struct ct_rows *rows);

/* The sums of all threads. */
const struct ct_row *ct_rows_total(const struct ct_rows *rows);

typedef int (*ct_row_compare)(const struct ct_row *first, const struct ct_row *second);

struct ct_rows_view {
    ct_row_compare compare;
    gboolean is_reversed;
    const char *filter;   /* borrowed; words that a line has; NULL or empty: all */
    gboolean is_unfolded; /* each thread has a line of its own */
    gboolean folds_idle;  /* those that have not run are one line */
    GHashTable *open;     /* borrowed; what ct_row_key() says of lines that are unfolded; or NULL */
};

/* What stays of a line from refresh to refresh. */
gpointer ct_row_key(const struct ct_row *row);

/* The lines of a table, from above. struct ct_row *, borrowed until the next refresh. Caller
 * unrefs. */
GPtrArray *ct_rows_list(struct ct_rows *rows, const struct ct_rows_view *view);

#endif
