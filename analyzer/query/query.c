#include "query/query.h"

#include "options/nearest.h"
#include "query/functions.h"
#include "query/tables.h"

#include <string.h>

#define HEAP_MAX (INT64_C(256) << 20)
/* Of rows that are sorted: what is more goes to temporary files, in pieces of this size. */
#define SORT_IN_KIB "32768"
#define VALUE_MAX   (16 << 20)
#define STEP_EVERY  100000 /* of SQLite's instructions */
/* Rows from one look at how much was written to the next. */
#define SIZE_EVERY 256

struct ct_query {
    sqlite3 *database;     /* owned */
    GPtrArray *statements; /* owned; sqlite3_stmt *, finalized with it */
    struct ct_query_recording recording;
    const char *forbidden; /* what the statement would have done; NULL: nothing */
};

/* ---- What a query may ---- */

static const struct {
    int action;
    const char *name;
} forbidden[] = {
    {SQLITE_ATTACH, "ATTACH"},           {SQLITE_DETACH, "DETACH"},
    {SQLITE_PRAGMA, "PRAGMA"},           {SQLITE_TRANSACTION, "a transaction"},
    {SQLITE_SAVEPOINT, "a transaction"}, {SQLITE_INSERT, "writing"},
    {SQLITE_UPDATE, "writing"},          {SQLITE_DELETE, "writing"},
    {SQLITE_FUNCTION, "load_extension"},
};

static int authorize(void *user, int action, const char *first, const char *second,
                     const char *database, const char *trigger)
{
    struct ct_query *query = user;

    (void)first;
    (void)database;
    (void)trigger;
    if (action == SQLITE_SELECT || action == SQLITE_READ || action == SQLITE_RECURSIVE ||
        (action == SQLITE_FUNCTION && sqlite3_stricmp(second, "load_extension") != 0))
        return SQLITE_OK;
    for (size_t i = 0; i < G_N_ELEMENTS(forbidden) && !query->forbidden; i++)
        if (forbidden[i].action == action)
            query->forbidden = forbidden[i].name;
    if (!query->forbidden)
        query->forbidden = "this";
    return SQLITE_DENY;
}

static int on_progress(void *user)
{
    struct ct_query *query = user;

    if (query->recording.model)
        ct_activity_step(query->recording.model->activity);
    return 0;
}

static void confine(struct ct_query *query)
{
    sqlite3_hard_heap_limit64(HEAP_MAX);
    sqlite3_limit(query->database, SQLITE_LIMIT_LENGTH, VALUE_MAX);
    sqlite3_limit(query->database, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_db_config(query->database, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
    sqlite3_db_config(query->database, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(query->database, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_set_authorizer(query->database, authorize, query);
    sqlite3_progress_handler(query->database, STEP_EVERY, on_progress, query);
}

/* ---- What is wrong with it ---- */

/* The line in which it is, and a mark below. */
static char *show_position(const char *sql, int offset)
{
    if (offset < 0 || (size_t)offset > strlen(sql))
        return g_strdup("");
    const char *at = sql + offset, *begin = at;

    while (begin > sql && begin[-1] != '\n')
        begin--;
    g_autofree char *line = g_strndup(begin, strcspn(begin, "\n"));
    g_autofree char *before = g_strndup(begin, (gsize)(at - begin));
    g_autofree char *valid = g_utf8_make_valid(before, -1);

    return g_strdup_printf("\n  %s\n  %*s^", line, (int)g_utf8_strlen(valid, -1), "");
}

static const char *nearest_table(const char *message)
{
    static const char said[] = "no such table: ";
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    const struct ct_query_table *table;

    if (!g_str_has_prefix(message, said))
        return NULL;
    for (guint i = 0; (table = ct_query_table_at(i)) != NULL; i++)
        g_ptr_array_add(names, (void *)table->name);
    return ct_nearest(message + strlen(said), (const char *const *)names->pdata, names->len);
}

static gboolean set_sql_error(const struct ct_query *query, const char *sql, GError **error)
{
    int offset = sqlite3_error_offset(query->database);
    const char *message = sqlite3_errmsg(query->database);
    const char *table = nearest_table(message);
    g_autofree char *position = show_position(sql, offset);

    if (query->forbidden)
        g_set_error(error, CT_QUERY_ERROR, CT_QUERY_ERROR_SQL,
                    "%s is not allowed: a query reads the recording, and does nothing else",
                    query->forbidden);
    else if (table)
        g_set_error(error, CT_QUERY_ERROR, CT_QUERY_ERROR_SQL, "%s: did you mean %s?%s", message,
                    table, position);
    else if (sqlite3_errcode(query->database) == SQLITE_NOMEM)
        g_set_error(error, CT_QUERY_ERROR, CT_QUERY_ERROR_TOO_MUCH,
                    "the query takes more than %d MB of memory", (int)(HEAP_MAX >> 20));
    else
        g_set_error(error, CT_QUERY_ERROR, CT_QUERY_ERROR_SQL, "%s%s", message, position);
    return FALSE;
}

/* ---- Statements ---- */

static gboolean add_statement(struct ct_query *query, const char *sql, const char **rest,
                              GError **error)
{
    sqlite3_stmt *statement = NULL;

    if (sqlite3_prepare_v2(query->database, sql, -1, &statement, rest) != SQLITE_OK)
        return set_sql_error(query, sql, error);
    if (!statement)
        return TRUE;
    g_ptr_array_add(query->statements, statement);
    if (sqlite3_column_count(statement) == 0) {
        g_set_error(error, CT_QUERY_ERROR, CT_QUERY_ERROR_SQL,
                    "that is not allowed: a query begins with SELECT, VALUES, WITH or EXPLAIN");
        return FALSE;
    }
    if (sqlite3_bind_parameter_count(statement) == 0)
        return TRUE;
    const char *parameter = sqlite3_bind_parameter_name(statement, 1);

    g_set_error(error, CT_QUERY_ERROR, CT_QUERY_ERROR_SQL,
                "'%s' is a parameter, and has no value here: write one in its place",
                parameter ? parameter : "?");
    return FALSE;
}

static gboolean prepare(struct ct_query *query, const char *sql, GError **error)
{
    while (*sql)
        if (!add_statement(query, sql, &sql, error))
            return FALSE;
    if (query->statements->len > 0)
        return TRUE;
    g_set_error(error, CT_QUERY_ERROR, CT_QUERY_ERROR_SQL,
                "there is no query; as an example: SELECT * FROM threads");
    return FALSE;
}

static gboolean register_all(struct ct_query *query)
{
    gboolean is_registered = ct_query_functions_register(query->database, &query->recording);
    const struct ct_query_table *table;

    for (guint i = 0; (table = ct_query_table_at(i)) != NULL; i++)
        is_registered &= ct_query_table_register(query->database, table, &query->recording);
    return is_registered;
}

static void finalize(void *statement)
{
    sqlite3_finalize(statement);
}

struct ct_query *ct_query_new(const char *sql, GError **error)
{
    g_autoptr(ct_query) query = g_new0(struct ct_query, 1);

    query->statements = g_ptr_array_new_with_free_func(finalize);
    if (sqlite3_open_v2(":memory:", &query->database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY,
                        NULL) != SQLITE_OK ||
        !register_all(query)) {
        g_set_error(error, CT_QUERY_ERROR, CT_QUERY_ERROR_TOO_MUCH, "cannot start SQLite: %s",
                    sqlite3_errmsg(query->database));
        return NULL;
    }
    sqlite3_exec(query->database, "PRAGMA cache_size = -" SORT_IN_KIB, NULL, NULL, NULL);
    confine(query);
    return prepare(query, sql, error) ? g_steal_pointer(&query) : NULL;
}

static void clear_recording(struct ct_query_recording *recording)
{
    g_clear_pointer(&recording->texts, ct_event_texts_free);
    g_clear_pointer(&recording->process_ids, g_hash_table_unref);
    g_clear_pointer(&recording->listed, g_hash_table_unref);
    g_clear_pointer(&recording->object_ids, g_hash_table_unref);
    g_clear_pointer(&recording->stacks, g_ptr_array_unref);
    g_clear_pointer(&recording->calls, g_ptr_array_unref);
    g_clear_pointer(&recording->notes, g_ptr_array_unref);
    g_clear_error(&recording->error);
    recording->store = NULL;
}

void ct_query_free(struct ct_query *query)
{
    if (!query)
        return;
    g_ptr_array_unref(query->statements);
    sqlite3_close(query->database);
    clear_recording(&query->recording);
    g_free(query);
}

guint ct_query_statement_count(const struct ct_query *query)
{
    return query->statements->len;
}

uint64_t ct_query_visited(const struct ct_query *query)
{
    return query->recording.visited;
}

/* ---- Answers ---- */

static void set_recording(struct ct_query *query, const struct ct_query_run *run)
{
    struct ct_query_recording *recording = &query->recording;
    const struct ct_model *model = run->model;

    recording->store = run->store;
    recording->model = run->model;
    recording->symbolizer = run->symbolizer;
    recording->texts = ct_event_texts_new(run->symbolizer);
    recording->process_ids = g_hash_table_new(NULL, NULL);
    recording->listed = g_hash_table_new(NULL, NULL);
    for (guint i = 0; i < model->all_processes->len; i++)
        g_hash_table_insert(recording->process_ids, model->all_processes->pdata[i],
                            GUINT_TO_POINTER(i + 1));
    for (guint i = 0; i < model->processes->len; i++)
        g_hash_table_add(recording->listed, model->processes->pdata[i]);
    for (guint i = 0; i < model->threads->len; i++)
        g_hash_table_add(recording->listed, model->threads->pdata[i]);
}

static gboolean is_taken(char *const *names, int count, const char *name)
{
    for (int i = 0; i < count; i++)
        if (g_str_equal(names[i], name))
            return TRUE;
    return FALSE;
}

/* Of columns that have one name, the second is called name:2, and so on. */
static char **name_columns(sqlite3_stmt *statement)
{
    int count = sqlite3_column_count(statement);
    char **names = g_new0(char *, (gsize)count + 1);

    for (int i = 0; i < count; i++) {
        const char *given = sqlite3_column_name(statement, i);
        g_autofree char *valid = g_utf8_make_valid(given ? given : "", -1);
        char *name = g_strdup(valid);

        for (int number = 2; is_taken(names, i, name); number++) {
            g_free(name);
            name = g_strdup_printf("%s:%d", valid, number);
        }
        names[i] = name;
    }
    return names;
}

/* What was written so far: rows that wait count, too. */
static gboolean is_too_much(const struct ct_result *result, uint64_t bytes_max)
{
    off_t written = ftello(result->aside ? result->aside : result->out);

    return written > 0 && (uint64_t)written > bytes_max;
}

static gboolean write_rows(const struct ct_query *query, struct ct_result *result,
                           const struct ct_query_run *run, GError **error)
{
    int status;

    while ((status = sqlite3_step(result->statement)) == SQLITE_ROW) {
        run->format->row(result);
        result->rows++;
        if (result->rows % SIZE_EVERY == 0 && is_too_much(result, run->bytes_max)) {
            g_autofree char *size = g_format_size_full(run->bytes_max, G_FORMAT_SIZE_IEC_UNITS);

            g_set_error(error, CT_QUERY_ERROR, CT_QUERY_ERROR_TOO_MUCH,
                        "the answer has more than %s: ask for less of it, with WHERE, LIMIT or "
                        "sums",
                        size);
            return FALSE;
        }
    }
    if (status == SQLITE_DONE)
        return TRUE;
    if (!query->recording.error)
        return set_sql_error(query, "", error);
    g_propagate_error(error, g_error_copy(query->recording.error));
    return FALSE;
}

/* Rows that wait must all be there when they are told. */
static gboolean finish(struct ct_result *result, const struct ct_query_run *run)
{
    if (result->aside && (fflush(result->aside) != 0 || ferror(result->aside)))
        return FALSE;
    run->format->end(result);
    return TRUE;
}

static gboolean answer_statement(const struct ct_query *query, sqlite3_stmt *statement,
                                 const struct ct_query_run *run, GError **error)
{
    struct ct_result result = {.statement = statement, .out = run->out};
    g_autoptr(GError) failure = NULL;

    result.names = name_columns(statement);
    gboolean is_answered = run->format->begin(&result) &&
                           write_rows(query, &result, run, &failure) && finish(&result, run);

    if (failure)
        g_propagate_error(error, g_steal_pointer(&failure));
    else if (!is_answered)
        g_set_error(error, CT_QUERY_ERROR, CT_QUERY_ERROR_TOO_MUCH, "there is no room for rows");
    ct_result_clear(&result);
    return is_answered;
}

gboolean ct_query_answer(struct ct_query *query, const struct ct_query_run *run, GError **error)
{
    set_recording(query, run);
    for (guint i = 0; i < query->statements->len; i++) {
        if (i > 0)
            fputc('\n', run->out);
        if (!answer_statement(query, query->statements->pdata[i], run, error))
            return FALSE;
    }
    return TRUE;
}
