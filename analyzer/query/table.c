/* Tables as SQLite's virtual tables: one module for all of them, whose data is the table. */
#include "query/table.h"

#include "query/plan.h"

G_DEFINE_QUARK(ct - query - error - quark, ct_query_error)

struct binding {
    const struct ct_query_table *table;
    struct ct_query_recording *recording; /* borrowed */
};

struct virtual_table {
    sqlite3_vtab base;
    const struct binding *binding; /* borrowed from the module */
};

struct virtual_cursor {
    sqlite3_vtab_cursor base;
    const struct binding *binding;
    void *rows; /* owned; NULL: there are none */
    struct ct_query_row row;
    gboolean is_at_end;
};

static int on_connect(sqlite3 *database, void *user, int argc, const char *const *argv,
                      sqlite3_vtab **made, char **message)
{
    const struct binding *binding = user;
    GString *text = g_string_new("CREATE TABLE x(");

    (void)argc;
    (void)argv;
    (void)message;
    for (size_t i = 0; i < binding->table->column_count; i++)
        g_string_append_printf(text, "%s\"%s\" %s", i > 0 ? ", " : "",
                               binding->table->columns[i].name, binding->table->columns[i].type);
    g_string_append_c(text, ')');
    int status = sqlite3_declare_vtab(database, text->str);

    g_string_free(text, TRUE);
    if (status != SQLITE_OK)
        return status;
    struct virtual_table *table = g_new0(struct virtual_table, 1);

    table->binding = binding;
    *made = &table->base;
    return SQLITE_OK;
}

static int on_disconnect(sqlite3_vtab *table)
{
    g_free(table);
    return SQLITE_OK;
}

static int on_best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
    return ct_query_plan_choose(((struct virtual_table *)base)->binding->table, info);
}

static int on_open(sqlite3_vtab *base, sqlite3_vtab_cursor **made)
{
    struct virtual_cursor *cursor = g_new0(struct virtual_cursor, 1);

    cursor->binding = ((struct virtual_table *)base)->binding;
    cursor->is_at_end = TRUE;
    *made = &cursor->base;
    return SQLITE_OK;
}

static void close_rows(struct virtual_cursor *cursor)
{
    if (cursor->rows)
        cursor->binding->table->source->close(cursor->rows);
    cursor->rows = NULL;
}

static int on_close(sqlite3_vtab_cursor *base)
{
    close_rows((struct virtual_cursor *)base);
    g_free(base);
    return SQLITE_OK;
}

/* The first error stays: the recording cannot be read, whatever becomes of the query. */
static int on_next(sqlite3_vtab_cursor *base)
{
    struct virtual_cursor *cursor = (struct virtual_cursor *)base;
    struct ct_query_recording *recording = cursor->binding->recording;
    g_autoptr(GError) error = NULL;

    cursor->is_at_end = !cursor->binding->table->source->next(cursor->rows, &cursor->row, &error);
    if (!error)
        return SQLITE_OK;
    if (!recording->error)
        recording->error = g_steal_pointer(&error);
    return SQLITE_CORRUPT_VTAB;
}

static int on_filter(sqlite3_vtab_cursor *base, int is_by_begin, const char *text, int value_count,
                     sqlite3_value **values)
{
    struct virtual_cursor *cursor = (struct virtual_cursor *)base;
    const struct binding *binding = cursor->binding;
    struct ct_query_asked asked;

    ct_query_plan_read(binding->table, text, is_by_begin, values, value_count, &asked);
    close_rows(cursor);
    cursor->is_at_end = TRUE;
    if (asked.is_nothing || !binding->recording->store)
        return SQLITE_OK;
    cursor->row = (struct ct_query_row){.recording = binding->recording};
    cursor->rows = binding->table->source->open(binding->table, binding->recording, &asked);
    return on_next(base);
}

static int on_eof(sqlite3_vtab_cursor *base)
{
    return ((struct virtual_cursor *)base)->is_at_end;
}

static int on_column(sqlite3_vtab_cursor *base, sqlite3_context *out, int column)
{
    struct virtual_cursor *cursor = (struct virtual_cursor *)base;

    cursor->binding->table->columns[column].put(&cursor->row, out);
    return SQLITE_OK;
}

static int on_row_id(sqlite3_vtab_cursor *base, sqlite3_int64 *id)
{
    *id = ((struct virtual_cursor *)base)->row.id;
    return SQLITE_OK;
}

/* Without xCreate, a table is there by its name, and nobody can make another one. */
static const sqlite3_module module = {
    .xConnect = on_connect,
    .xBestIndex = on_best_index,
    .xDisconnect = on_disconnect,
    .xOpen = on_open,
    .xClose = on_close,
    .xFilter = on_filter,
    .xNext = on_next,
    .xEof = on_eof,
    .xColumn = on_column,
    .xRowid = on_row_id,
};

/* SQLite connects it now, and asks nobody whether it may. */
static gboolean connect(sqlite3 *database, const char *name)
{
    g_autofree char *sql = g_strdup_printf("SELECT 1 FROM %s", name);
    sqlite3_stmt *statement = NULL;
    gboolean is_connected = sqlite3_prepare_v2(database, sql, -1, &statement, NULL) == SQLITE_OK;

    sqlite3_finalize(statement);
    return is_connected;
}

gboolean ct_query_table_register(sqlite3 *database, const struct ct_query_table *table,
                                 struct ct_query_recording *recording)
{
    struct binding *binding = g_new0(struct binding, 1);

    binding->table = table;
    binding->recording = recording;
    return sqlite3_create_module_v2(database, table->name, &module, binding, g_free) == SQLITE_OK &&
           connect(database, table->name);
}
