#include "query/functions.h"

#include "cli/window.h"
#include "model/format.h"
#include "query/values.h"

typedef void sql_function(sqlite3_context *out, int count, sqlite3_value **values);

static const struct ct_query_recording *recording_of(sqlite3_context *out)
{
    return sqlite3_user_data(out);
}

static gboolean is_null(sqlite3_value *value)
{
    return sqlite3_value_type(value) == SQLITE_NULL;
}

/* at('14:03:22'), at('25%'), at('1.5s'): as --from has it. */
static void at(sqlite3_context *out, int count, sqlite3_value **values)
{
    const struct ct_query_recording *recording = recording_of(out);
    g_autoptr(GError) error = NULL;
    struct ct_moment moment;
    struct ct_window window;

    (void)count;
    if (is_null(values[0]) || !recording->store)
        return;
    const struct ct_model *model = recording->model;
    const struct ct_recorded_time recorded = {
        {model->begin_ns, MAX(model->begin_ns, model->end_ns)}, model->epoch_offset_ns};
    const struct ct_query_row row = {.recording = (struct ct_query_recording *)recording};

    if (ct_moment_parse((const char *)sqlite3_value_text(values[0]), &moment, &error) &&
        ct_window_resolve(&moment, NULL, &recorded, &window, &error))
        ct_query_put_time(out, &row, window.begin_ns);
    else
        sqlite3_result_error(out, error->message, -1);
}

static void clock_of(sqlite3_context *out, int count, sqlite3_value **values)
{
    const struct ct_query_recording *recording = recording_of(out);

    (void)count;
    if (is_null(values[0]) || !recording->store)
        return;
    const struct ct_query_row row = {.recording = (struct ct_query_recording *)recording};

    ct_query_put_clock(out, &row,
                       recording->model->begin_ns + (uint64_t)sqlite3_value_int64(values[0]));
}

static void duration(sqlite3_context *out, int count, sqlite3_value **values)
{
    (void)count;
    if (is_null(values[0]))
        return;
    double ns = sqlite3_value_double(values[0]);
    g_autofree char *text = ct_format_duration(ct_rounded(ns < 0 ? -ns : ns));

    ct_query_take_text(out, g_strconcat(ns < 0 ? "-" : "", text, NULL));
}

static const struct {
    const char *name;
    sql_function *function;
} functions[] = {{"at", at}, {"clock", clock_of}, {"duration", duration}};

gboolean ct_query_functions_register(sqlite3 *database, struct ct_query_recording *recording)
{
    gboolean is_registered = TRUE;

    for (size_t i = 0; i < G_N_ELEMENTS(functions); i++)
        is_registered &= sqlite3_create_function(database, functions[i].name, 1,
                                                 SQLITE_UTF8 | SQLITE_DETERMINISTIC, recording,
                                                 functions[i].function, NULL, NULL) == SQLITE_OK;
    return is_registered;
}
