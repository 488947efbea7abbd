/*
 * The tables of a recording, for SQL: each is a list of columns, and a source of rows that is asked
 * for no more of them than a query can need. What a source has no use for is left to SQLite, which
 * checks every row once more.
 *
 * Times are nanoseconds since the recording's begin. A column's value is made when it is read:
 * symbols are looked up where somebody asks for them.
 */
#ifndef CTRACE_QUERY_TABLE_H
#define CTRACE_QUERY_TABLE_H

#include "export/event_text.h"
#include "store/store.h"

#include <sqlite3.h>

#define CT_QUERY_ERROR ct_query_error_quark()
GQuark ct_query_error_quark(void);

enum ct_query_error {
    CT_QUERY_ERROR_SQL,     /* the query is wrong, or forbidden */
    CT_QUERY_ERROR_TOO_MUCH /* it takes more than it may */
};

/* What rows come from. */
struct ct_query_recording {
    struct ct_store *store; /* borrowed, as are the next; NULL: queries are only looked at */
    struct ct_model *model;
    struct ct_symbolizer *symbolizer;
    struct ct_event_texts *texts; /* owned, as are the next */
    GHashTable *process_ids;      /* process -> its id, plus one */
    GHashTable *listed;           /* processes and threads that were there when it was recorded */
    GHashTable *object_ids;       /* struct ct_store_object * -> its id; NULL: nobody asked */
    GPtrArray *stacks;            /* struct ct_query_stack *, by id; NULL: nobody asked */
    GPtrArray *calls;             /* struct ct_query_call *; NULL: nobody asked */
    GPtrArray *notes;             /* strings; NULL: nobody asked */
    GError *error;                /* the recording cannot be read; NULL: it can */
    uint64_t visited;             /* rows that were looked at, by queries or for them */
};

/* ---- What a query asks of a table ---- */

/* What a source can choose its rows by. */
enum ct_query_role {
    CT_QUERY_ANY, /* it cannot */
    CT_QUERY_ID,
    CT_QUERY_PROCESS,
    CT_QUERY_THREAD,
    CT_QUERY_BEGIN,
    CT_QUERY_END,
    CT_QUERY_CLASS,
    CT_QUERY_OP,
    CT_QUERY_OBJECT,
    CT_QUERY_STACK,
    CT_QUERY_ROLE_COUNT
};

/* All rows for which this is so, and maybe more: of each role, its least and greatest value. */
struct ct_query_asked {
    int64_t least[CT_QUERY_ROLE_COUNT];
    int64_t most[CT_QUERY_ROLE_COUNT];
    gboolean is_nothing;  /* no row can be */
    gboolean is_by_begin; /* and in the order in which they begin */
};

/* The one value that a role may have. FALSE: there may be several. */
static inline gboolean ct_query_asked_one(const struct ct_query_asked *asked,
                                          enum ct_query_role role, int64_t *value)
{
    *value = asked->least[role];
    return asked->least[role] == asked->most[role];
}

static inline gboolean ct_query_asks(const struct ct_query_asked *asked, enum ct_query_role role,
                                     int64_t value)
{
    return value >= asked->least[role] && value <= asked->most[role];
}

/* ---- Rows ---- */

struct ct_query_row {
    struct ct_query_recording *recording; /* borrowed, as are the next three */
    const struct ct_process *process;
    const struct ct_thread *thread;
    const void *item;            /* what the table is of */
    struct ct_store_event event; /* of what happened */
    int64_t id; /* no two rows of a table have the same; of lists, what they are gone through by */
};

struct ct_query_column {
    const char *name;
    const char *type; /* of SQL */
    const char *meaning;
    /* Where it puts nothing, the value is NULL. */
    void (*put)(const struct ct_query_row *row, sqlite3_context *out);
    enum ct_query_role role;
};

struct ct_query_table;

/* Where rows come from, one after the other. */
struct ct_query_source {
    void *(*open)(const struct ct_query_table *table, struct ct_query_recording *recording,
                  const struct ct_query_asked *asked);
    /* FALSE: there is no more, or with an error. */
    gboolean (*next)(void *cursor, struct ct_query_row *row, GError **error);
    void (*close)(void *cursor);
};

struct ct_query_table {
    const char *name;
    const char *meaning;
    const struct ct_query_source *source;
    const struct ct_query_column *columns;
    size_t column_count;
    double usual_rows; /* for SQLite to choose in which order to ask tables */
    /* Of lists: how many places there are, and what is at one: FALSE: nothing. */
    int64_t (*count)(struct ct_query_recording *recording);
    gboolean (*at)(struct ct_query_recording *recording, int64_t place, struct ct_query_row *row);
    /* Where what has that value of `key` begins, and where it is over; NULL: at the value. */
    void (*locate)(struct ct_query_recording *recording, int64_t value, int64_t *begin,
                   int64_t *end);
    enum ct_query_role key;
    enum ct_store_kind kind; /* of what happened */
};

#define CT_QUERY_COLUMNS(list) .columns = (list), .column_count = G_N_ELEMENTS(list)

/* Makes tables known to the database. The recording is borrowed. FALSE: there is no memory. */
gboolean ct_query_table_register(sqlite3 *database, const struct ct_query_table *table,
                                 struct ct_query_recording *recording);

#endif
